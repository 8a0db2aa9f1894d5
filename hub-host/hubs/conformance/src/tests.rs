//! The recordings of the real server, against this hub (oracle transcripts `invocations` and `sending`).

mod kinds;
mod questions;
mod streams;

use hubplane_hub::host::Options;
use hubplane_hub::testing::{TestClient, TestHub};
use hubplane_hub::{AnyValue, Bytes, Encoding, Timestamp};

use crate::{ComplexObject, Conformance, CustomObject};

const ENCODINGS: [Encoding; 2] = [Encoding::Json, Encoding::MessagePack];

fn client(encoding: Encoding, detailed_errors: bool) -> TestClient {
    let hub = TestHub::with_options(Conformance::default(), Options { detailed_errors });
    hub.connection().protocol(encoding).open().unwrap()
}

#[test]
fn results_are_those_of_the_reference() {
    for encoding in ENCODINGS {
        let client = client(encoding, false);
        for (target, value) in [
            ("TaskValueMethod", 42),
            ("ValueMethod", 43),
            ("ValueTaskValueMethod", 43),
            ("RenamedMethod", 43),
            ("SimpleMethod", 21),
        ] {
            assert_eq!(client.invoke(target, ()), Ok(value), "{target}");
        }
        for target in ["ValueTaskMethod", "VoidMethod", "TaskMethod"] {
            assert_eq!(client.invoke(target, ()), Ok(()), "{target}");
        }
        let text = client.invoke("ConcatString", (32, 42, 'm', "string"));
        assert_eq!(text, Ok("32, 42, m, string".to_owned()));
        assert_eq!(client.invoke("echo", (None::<String>,)), Ok(None::<String>));
        assert_eq!(
            client.invoke("ECHO", ("any case",)),
            Ok("any case".to_owned())
        );
        assert_eq!(
            client.invoke("SendComplexObject", ()),
            Ok(ComplexObject::sample())
        );
        let echo = client.invoke("EchoComplexObject", (ComplexObject::default(),));
        assert_eq!(echo, Ok(ComplexObject::default()));
    }
}

#[test]
fn errors_are_those_of_the_reference() {
    let unexpected =
        |target: &str| format!("An unexpected error occurred invoking '{target}' on the server.");
    let unbound =
        |target: &str| format!("Failed to invoke '{target}' due to an error on the server.");
    let plain = client(Encoding::Json, false);
    let detailed = client(Encoding::Json, true);
    let error =
        |client: &TestClient, target: &str| client.invoke::<AnyValue>(target, ()).unwrap_err();
    for target in ["MethodThatThrows", "MethodThatYieldsFailedTask"] {
        assert_eq!(error(&plain, target), unexpected(target));
        let detail = " InvalidOperationException: BOOM!";
        assert_eq!(error(&detailed, target), unexpected(target) + detail);
    }
    let shown = unexpected("ThrowHubException") + " HubException: This is a hub exception";
    for client in [&plain, &detailed] {
        assert_eq!(error(client, "throwHUBexception"), shown);
        for target in [
            "ATestMethodThatIsRenamedByTheAttribute",
            "StaticMethod",
            "Dispose",
            "ToString",
            "OnConnectedAsync",
            "!@#$%",
            "",
        ] {
            assert_eq!(
                error(client, target),
                unbound(target) + " HubException: Method does not exist."
            );
        }
    }
    assert_eq!(error(&plain, "echo"), unbound("Echo"));
    let count = " InvalidDataException: Invocation provides 0 argument(s) but target expects 1.";
    assert_eq!(error(&detailed, "echo"), unbound("Echo") + count);
    let thrown = detailed
        .invoke::<()>("ThrowException", ("An error occurred.",))
        .unwrap_err();
    assert_eq!(
        thrown,
        unexpected("ThrowException") + " InvalidOperationException: An error occurred."
    );
    assert_eq!(
        detailed.invoke::<()>("Panic", ("here",)).unwrap_err(),
        unexpected("Panic") + " Panic: here"
    );
    for target in ["ProtocolErrorSelf", "ProtocolErrorAll", "ProtocolError"] {
        assert_eq!(
            error(&plain, target),
            unexpected(target),
            "only this invocation fails"
        );
    }
    assert_eq!(plain.invoke("ValueMethod", ()), Ok(43));
}

/// A is anonymous; B and C are user ana; D is user ben; A calls.
struct Four([TestClient; 4]);

impl Four {
    fn new() -> Self {
        let hub = TestHub::new(Conformance::default());
        Self([
            hub.connect_anonymously(),
            hub.connect("ana"),
            hub.connect("ana"),
            hub.connect("ben"),
        ])
    }

    fn id(&self, client: usize) -> String {
        self.0[client].id().to_string()
    }

    fn received(&self) -> String {
        let letters = self.0.iter().zip(["A", "B", "C", "D"]);
        letters
            .map(|(client, letter)| letter.repeat(client.messages().len()))
            .collect()
    }

    #[track_caller]
    fn call(&self, target: &str, arguments: impl hubplane_hub::ClientArguments) -> String {
        match self.0[0].invoke::<()>(target, arguments) {
            Ok(()) => self.received(),
            Err(text) => {
                assert_eq!(
                    text,
                    format!("An unexpected error occurred invoking '{target}' on the server.")
                );
                "error".to_owned()
            }
        }
    }
}

#[test]
fn sends_reach_exactly_who_the_reference_reaches() {
    let four = Four::new();
    let (b, c, d) = (&*four.id(1), &*four.id(2), &*four.id(3));
    let nobody = None::<String>;
    assert_eq!(four.call("BroadcastMethod", ("x",)), "ABCD");
    assert_eq!(four.call("BroadcastItem", (1,)), "ABCD");
    assert_eq!(four.call("SendArray", ()), "ABCD");
    assert_eq!(four.call("SendToOthers", ("x",)), "BCD");
    assert_eq!(four.call("SendToCaller", ("x",)), "A");
    assert_eq!(four.call("SendAnonymousObject", ()), "A");
    assert_eq!(four.call("SendToAllExcept", ("x", [b, "unknown"])), "ACD");
    assert_eq!(four.call("ConnectionSendMethod", (c, "x")), "C");
    assert_eq!(four.call("ConnectionSendMethod", ("unknown", "x")), "");
    assert_eq!(
        four.call("SendToMultipleClients", ("x", [b, d, b, "unknown"])),
        "BD"
    );
    assert_eq!(four.call("ClientSendMethod", ("ana", "x")), "BC");
    assert_eq!(four.call("ClientSendMethod", ("ANA", "x")), "");
    assert_eq!(
        four.call("SendToMultipleUsers", (["ana", "ben", "ana"], "x")),
        "BCD"
    );
    assert_eq!(four.call("SendFromOutside", ("x",)), "ABCD");
    assert_eq!(four.call("ConnectionSendMethod", (&nobody, "x")), "error");
    assert_eq!(four.call("ClientSendMethod", (&nobody, "x")), "error");
    assert_eq!(four.call("GroupSendMethod", (&nobody, "x")), "error");
    assert_eq!(four.call("SendToMultipleClients", ("x", &nobody)), "error");
    assert_eq!(four.call("SendToAllExcept", ("x", &nobody)), "error");
}

#[test]
fn groups_are_those_of_the_reference() {
    let four = Four::new();
    for (client, group) in [(1, "g"), (1, "g"), (2, "g"), (2, "h")] {
        four.0[client]
            .invoke::<()>("GroupAddMethod", (group,))
            .unwrap();
    }
    assert_eq!(four.call("GroupSendMethod", ("g", "x")), "BC");
    assert_eq!(four.call("GroupSendMethod", ("G", "x")), "");
    assert_eq!(four.call("GroupSendMethod", ("empty", "x")), "");
    assert_eq!(
        four.call("GroupExceptSendMethod", ("g", "x", [four.id(1)])),
        "C"
    );
    assert_eq!(four.call("SendToMultipleGroups", ("x", ["g", "h"])), "BCC");
    assert_eq!(four.call("SendToMultipleGroups", ("x", [""; 0])), "");
    assert_eq!(four.call("GroupSendMethod", ("", "x")), "");
    assert_eq!(four.call("GroupAddMethod", (None::<String>,)), "error");
    assert_eq!(four.call("GroupAddConnection", (four.id(3), "g")), "");
    assert_eq!(four.call("GroupAddConnection", ("unknown", "g")), "");
    assert_eq!(four.call("GroupSendMethod", ("g", "x")), "BCD");
    assert_eq!(four.call("GroupRemoveConnection", (four.id(3), "g")), "");
    assert_eq!(four.call("GroupRemoveMethod", ("never joined",)), "");
    four.0[1]
        .invoke::<()>("SendToOthersInGroup", ("g", "x"))
        .unwrap();
    assert_eq!(four.received(), "C");
    four.0[1].disconnect();
    assert_eq!(four.call("GroupSendMethod", ("g", "x")), "C");
    // The empty group is an ordinary one.
    assert_eq!(four.call("GroupAddMethod", ("",)), "");
    assert_eq!(four.call("GroupSendMethod", ("", "x")), "A");
}

#[test]
fn messages_carry_what_the_suites_expect() {
    let client = client(Encoding::MessagePack, false);
    let id = client.id().to_string();
    assert_eq!(client.invoke("GetCallerConnectionId", ()), Ok(id));
    client.send("InvokeWithString", ("hello",));
    assert_eq!(client.next::<(String,)>("Message").0, "hello");
    let object = CustomObject {
        name: Some("n".into()),
        value: 1,
    };
    client.send("SendCustomObject", (&object,));
    assert_eq!(client.next::<(CustomObject,)>("CustomObject").0, object);
    client.send("SendNumbers", (3,));
    let numbers: Vec<i32> = (0..3).map(|_| client.next::<(i32,)>("Number").0).collect();
    assert_eq!(numbers, [0, 1, 2]);
    client.send("SendArguments", ("Many", (1, "two", None::<u8>)));
    assert_eq!(
        client.next::<(i32, String, Option<u8>)>("Many"),
        (1, "two".into(), None)
    );
    client.send("SendArguments", ("None", [0; 0]));
    client.next::<()>("None");
}

#[test]
fn ordered_sends_in_turn() {
    let four = Four::new();
    let [a, b, c, _] = &four.0;
    c.invoke::<()>("GroupAddMethod", ("g",)).unwrap();
    assert_eq!(a.invoke("Ordered", (9, "g", "ana")), Ok(9));
    let of = |client: &TestClient| -> Vec<(String, u32)> {
        client
            .messages()
            .iter()
            .map(|message| message.arguments().unwrap())
            .collect()
    };
    let expected = |places: &[&str]| -> Vec<(String, u32)> {
        let all = (0..9).zip(["caller", "group", "user"].into_iter().cycle());
        all.filter(|(_, place)| places.contains(place))
            .map(|(number, place)| (place.to_owned(), number))
            .collect()
    };
    assert_eq!(of(a), expected(&["caller"]));
    assert_eq!(of(b), expected(&["user"]));
    assert_eq!(of(c), expected(&["group", "user"]));
}

#[test]
fn a_life_is_noted() {
    let hub = TestHub::new(Conformance::default());
    let watcher = hub.connect("ben");
    let ana = hub.connect("ana");
    let id = ana.id().to_string();
    let _blocked = ana.start::<()>("BlockingMethod", ());
    ana.disconnect();
    let mut events: Vec<String> = watcher.invoke("GetEvents", (&id,)).unwrap();
    events.sort();
    assert_eq!(
        events,
        [
            "BlockingMethod saw ConnectionAborted",
            "connected user=ana",
            "disconnected none"
        ]
    );
    assert_eq!(
        watcher.invoke("GetEvents", ("unknown",)),
        Ok(Vec::<String>::new())
    );
    watcher.send("Kill", ());
    assert!(!watcher.is_connected());
}

#[test]
fn what_is_kept_is_kept_per_connection() {
    let hub = TestHub::new(Conformance::default());
    let (ana, ben) = (hub.connect("ana"), hub.connect("ben"));
    for number in [3, 1, 2] {
        assert_eq!(ana.invoke("Record", (number,)), Ok(number));
    }
    assert_eq!(ana.invoke("RecordedNumbers", ()), Ok(vec![3, 1, 2]));
    assert_eq!(ben.invoke("RecordedNumbers", ()), Ok(Vec::<i32>::new()));
    ana.invoke::<()>("SetItem", ("key", "value")).unwrap();
    assert_eq!(
        ana.invoke("GetItem", ("key",)),
        Ok(Some("value".to_owned()))
    );
    assert_eq!(ben.invoke("GetItem", ("key",)), Ok(None::<String>));
}

#[test]
fn the_request_can_be_asked_for() {
    let hub = TestHub::new(Conformance::default());
    let client = hub
        .connection()
        .user("ana")
        .header("Content-Type", "")
        .header("Cookie", "testCookie=testValue");
    let client = client
        .header("X-Test", "1")
        .query("numRedirects=7")
        .path("/testHub")
        .open()
        .unwrap();
    assert_eq!(
        client.invoke("GetUserIdentifier", ()),
        Ok(Some("ana".to_owned()))
    );
    assert_eq!(
        client.invoke("GetContentTypeHeader", ()),
        Ok(None::<String>)
    );
    assert_eq!(
        client.invoke("GetHeader", ("x-test",)),
        Ok(Some("1".to_owned()))
    );
    assert_eq!(
        client.invoke("GetCookie", ("testCookie",)),
        Ok(Some("testValue".to_owned()))
    );
    assert_eq!(client.invoke("GetNumRedirects", ()), Ok(7));
    assert_eq!(client.invoke("GetQuery", ("none",)), Ok(String::new()));
    assert_eq!(
        client.invoke("GetActiveTransportName", ()),
        Ok("WebSockets".to_owned())
    );
    assert_eq!(
        client.invoke("GetRequestLine", ()),
        Ok("GET /testHub".to_owned())
    );
}

#[test]
fn every_type_comes_back() {
    macro_rules! echoed {
        ($($target:literal: $value:expr;)*) => {
            for encoding in ENCODINGS {
                let client = client(encoding, true);
                $(assert_eq!(client.invoke($target, ($value,)), Ok($value), $target);)*
            }
        };
    }
    let moment: Timestamp = "2002-04-01T10:20:15.1234567Z".parse().unwrap();
    let map = || std::collections::BTreeMap::from([("A".to_owned(), 1), ("b".to_owned(), -2)]);
    echoed! {
        "EchoBool": true;
        "EchoSByte": i8::MIN;
        "EchoByte": u8::MAX;
        "EchoShort": i16::MIN;
        "EchoUShort": u16::MAX;
        "EchoInt": i32::MIN;
        "EchoUInt": u32::MAX;
        "EchoLong": i64::MIN;
        "EchoULong": u64::MAX;
        "EchoFloat": 0.1_f32;
        "EchoDouble": 1e-300;
        "EchoChar": 'é';
        "EchoString": "é 🎉 \u{2028}".to_owned();
        "EchoBytes": Some(Bytes::from_static(&[0, 255]));
        "EchoDate": moment;
        "EchoEnum": crate::Colour::Green;
        "EchoNullableInt": None::<i32>;
        "EchoInts": Some(vec![1, -1]);
        "EchoMap": Some(map());
        "EchoIntMap": std::collections::BTreeMap::from([(-1, "x".to_owned())]);
        "EchoTuple": (1, "a".to_owned());
        "EchoCustomObject": Some(CustomObject { name: None, value: 5 });
    }
}
