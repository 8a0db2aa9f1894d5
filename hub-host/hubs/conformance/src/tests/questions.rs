//! What the reference has no like of.

use std::time::Duration;

use hubplane_hub::host::Service;

use super::*;
use crate::Found;

const NONE: [&str; 0] = [];

fn found(client: &TestClient, user: Option<&str>) -> Found {
    Found {
        connection: client.id().to_string(),
        user: user.map(str::to_owned),
    }
}

#[test]
fn questions_are_answered_about_every_audience() {
    for encoding in ENCODINGS {
        let hub = TestHub::new(Conformance::default());
        let asker = hub.connection().protocol(encoding).open().unwrap();
        let (ana, phone, ben) = (hub.connect("ana"), hub.connect("ana"), hub.connect("ben"));
        ana.invoke::<()>("GroupAddMethod", ("g",)).unwrap();
        for (kind, names, count) in [
            ("all", vec![], 4),
            ("users", vec!["ana", "ben", "nobody"], 3),
            ("groups", vec!["g", "empty"], 1),
            ("connections", vec![ben.id().as_str()], 1),
            ("groups", vec!["empty"], 0),
        ] {
            assert_eq!(
                asker.invoke("Count", (kind, &names)),
                Ok(count),
                "{names:?}"
            );
            assert_eq!(asker.invoke("Exists", (kind, &names)), Ok(count > 0));
        }
        let page = |after: Option<&str>, limit: u32| -> Vec<Found> {
            let arguments = ("all", NONE, after, limit);
            asker.invoke("Connections", arguments).unwrap()
        };
        let first = page(None, 3);
        let all = [
            found(&asker, None),
            found(&ana, Some("ana")),
            found(&phone, Some("ana")),
            found(&ben, Some("ben")),
        ];
        assert_eq!(first, all[..3]);
        assert_eq!(page(Some(&first[2].connection), 3), all[3..]);
        let users = |after: Option<&str>, limit: u32| -> Vec<String> {
            asker.invoke("Users", ("all", NONE, after, limit)).unwrap()
        };
        assert_eq!(users(None, 1), ["ana"]);
        assert_eq!(users(Some("ana"), 10), ["ben"]);
        let wrong = asker.invoke::<bool>("Exists", ("nobody", NONE));
        let text = "an audience is all, connections, groups or users";
        assert!(wrong.unwrap_err().ends_with(text));
    }
}

#[test]
fn every_connection_of_a_user_goes_into_a_group_and_out_of_it() {
    let four = Four::new();
    let [a, ..] = &four.0;
    assert_eq!(a.invoke("GroupAddUser", ("ana", "g")), Ok(2));
    assert_eq!(four.call("GroupSendMethod", ("g", "x")), "BC");
    assert_eq!(a.invoke("GroupRemoveUser", ("ana", "g")), Ok(2));
    assert_eq!(a.invoke("GroupRemoveUser", ("nobody", "g")), Ok(0));
    assert_eq!(four.call("GroupSendMethod", ("g", "x")), "");
}

#[test]
fn every_audience_has_an_except_form_and_a_typed_one() {
    let four = Four::new();
    let [_, b, c, d] = &four.0;
    for client in [b, d] {
        client.invoke::<()>("GroupAddMethod", ("g",)).unwrap();
    }
    let (c, d) = (c.id().as_str(), d.id().as_str());
    let except = |kind, names: &[&str], excluded| {
        four.call("SendExcept", (kind, names, "x", [excluded, "unknown"]))
    };
    assert_eq!(except("all", &[], c), "ABD");
    assert_eq!(except("groups", &["g"], d), "B");
    assert_eq!(except("users", &["ana", "ben"], c), "BD");
    assert_eq!(except("connections", &[c, d], d), "C");
    assert_eq!(four.call("SendTyped", ("users", ["ana"], "x", 1)), "BC");
}

#[test]
fn an_item_is_gone_once_it_is_removed() {
    let client = client(Encoding::MessagePack, false);
    client.invoke::<()>("SetItem", ("key", "value")).unwrap();
    client.invoke::<()>("RemoveItem", ("key",)).unwrap();
    assert_eq!(client.invoke("GetItem", ("key",)), Ok(None::<String>));
}

#[test]
fn any_connection_can_be_closed() {
    let hub = TestHub::new(Conformance::default());
    let (ana, ben) = (hub.connect("ana"), hub.connect("ben"));
    ana.invoke::<()>("CloseConnection", (ben.id(), true))
        .unwrap();
    assert!(!ben.is_connected());
    let cid = hub.connect("cid");
    ana.invoke::<()>("CloseWithReason", (cid.id(), "too loud", false))
        .unwrap();
    assert_eq!(cid.closed().unwrap().error.as_deref(), Some("too loud"));
    let events: Vec<String> = ana.invoke("GetEvents", (cid.id(),)).unwrap();
    assert_eq!(events[1], "disconnected too loud");
}

#[test]
fn observers_are_told_of_presence() {
    type Told = (String, Option<String>, Option<String>, Option<String>);
    for encoding in ENCODINGS {
        let hub = TestHub::new(Conformance::default());
        let observer = hub.connection().protocol(encoding).open().unwrap();
        observer.invoke::<()>("ObservePresence", ()).unwrap();
        let next = || observer.next::<Told>("Presence");
        let text = |text: &str| Some(text.to_owned());
        let ana = hub.connect("ana");
        assert_eq!(next(), ("online".to_owned(), None, None, text("ana")));
        ana.invoke::<()>("GroupAddMethod", ("g",)).unwrap();
        let id = text(ana.id().as_str());
        assert_eq!(
            next(),
            ("joined".to_owned(), text("g"), id.clone(), text("ana"))
        );
        ana.disconnect();
        assert_eq!(next(), ("left".to_owned(), text("g"), id, text("ana")));
        hub.advance(Duration::from_secs(1));
        assert_eq!(next(), ("offline".to_owned(), None, None, text("ana")));
        assert!(observer.messages().is_empty());
    }
}

#[test]
fn an_invocation_knows_how_long_it_may_run() {
    let service = || Service::new(Conformance::default(), Options::default()).unwrap();
    let hub = TestHub::of(service().invocation_timeout(Duration::from_secs(30)));
    let ana = hub.connect("ana");
    assert_eq!(ana.invoke("TimeLeft", ()), Ok(Some(30_000)));
    let deadline: Timestamp = ana.invoke("Deadline", ()).unwrap();
    assert_eq!(deadline.to_string(), "2000-01-01T00:00:30Z");
    let ana = TestHub::of(service()).connect("ana");
    assert_eq!(ana.invoke("TimeLeft", ()), Ok(None::<u64>));
}

#[test]
fn filters_write_into_what_goes_in_and_what_comes_out() {
    for encoding in ENCODINGS {
        let client = client(encoding, false);
        let echo = client.invoke("FilteredEcho", ("x",));
        assert_eq!(echo, Ok("x>outer>inner<inner<outer".to_owned()));
        let refused = client.invoke::<()>("FilterRefuses", ()).unwrap_err();
        assert!(refused.ends_with("HubException: a filter refused"));
        assert_eq!(client.invoke("FilterReplaces", ()), Ok(43));
    }
}

#[test]
fn methods_are_for_those_that_their_rules_allow() {
    let hub = TestHub::new(Conformance::default());
    let owner = hub.connection().user("ana").claim("role", "owner").open();
    let tenant = hub.connection().user("ben").claim("tenant", "7").open();
    let other = hub.connection().user("cid").claim("tenant", "70").open();
    let guest = hub.connection().open();
    let clients = [owner, tenant, other, guest].map(Result::unwrap);
    let allowed = |method: &str| -> Vec<bool> {
        let denied = format!("Failed to invoke '{method}' because user is unauthorized");
        let outcome = |client: &TestClient| match client.invoke::<()>(method, ()) {
            Ok(()) => true,
            Err(text) => {
                assert_eq!(text, denied);
                false
            }
        };
        clients.iter().map(outcome).collect()
    };
    assert_eq!(allowed("AuthMethod"), [true, true, true, false]);
    assert_eq!(allowed("AdminMethod"), [true, false, false, false]);
    assert_eq!(allowed("TenantMethod"), [false, true, false, false]);
    assert_eq!(allowed("ClosedMethod"), [false; 4]);
    assert_eq!(allowed("OpenMethod"), [true; 4]);
}
