use hubplane_proto_link::{AccessRule, HubDeclaration, Identified, UserIdSource};

use super::*;

#[tokio::test]
async fn the_hello_names_the_hubs() {
    let fixture = Fixture::new();
    let gateway = fixture.link();
    assert_eq!(gateway.hello.node, node("hub-host-0"));
    let waiting = HubDeclaration {
        name: "waiting".parse().unwrap(),
        user_id: UserIdSource::Hub,
        access: AccessRule::default(),
        presence: false,
    };
    assert_eq!(gateway.hello.hubs, [waiting]);
}

#[tokio::test]
async fn of_two_hubs_with_one_name_one_is_served() {
    let tasks = Tasks::current();
    let telemetry = Telemetry::new(&Phases::new(), &tasks).unwrap();
    let meter = telemetry.meter("test");
    let hubs = vec![service(Waiting::default()), service(Waiting::default())];
    let host = HubHost::start(node("hub-host-0"), hubs, &tasks, &meter);
    let (hello, _to_host, _frames) = host.accept(GatewayHello {
        node: node("gateway-0"),
    });
    assert_eq!(hello.hubs.len(), 1);
}

#[tokio::test]
async fn the_hub_names_the_user() {
    let fixture = Fixture::new();
    let mut gateway = fixture.link();
    for (query, user) in [("user=ana", Some("ana")), ("", None)] {
        gateway.tell(ToHubHost::Identify(info("c-1", query))).await;
        let expected = Identified {
            connection: "c-1".parse().unwrap(),
            user: user.map(|user| user.parse().unwrap()),
            error: None,
        };
        assert_eq!(gateway.next().await, ToGateway::Identified(expected));
    }
}

#[tokio::test]
async fn both_ends_of_a_connection_run_once_and_are_answered() {
    let fixture = Fixture::new();
    let mut gateway = fixture.connected().await;
    gateway.close("c-1", CloseReason::ClientTimeout).await;
    assert!(
        matches!(gateway.next().await, ToGateway::Send(_)),
        "what on_disconnected sends comes first"
    );
    assert_eq!(gateway.next().await, done("c-1", Stage::Closing, None));
    assert_eq!(
        fixture.hub.events(),
        ["connected", "disconnected client_timeout"]
    );
    // It is forgotten: another end is answered and nothing runs.
    gateway.close("c-1", CloseReason::ClientClosed).await;
    assert_eq!(gateway.next().await, done("c-1", Stage::Closing, None));
    assert_eq!(fixture.hub.events().len(), 2);
}

#[tokio::test]
async fn a_refused_connection_is_told_why_and_has_no_end() {
    let fixture = Fixture::new();
    let mut gateway = fixture.link();
    gateway.open("c-1", "refuse=no").await;
    let text = "Connection closed with an error. HubException: no";
    assert_eq!(
        gateway.next().await,
        done("c-1", Stage::Opening, Some(text))
    );
    gateway.close("c-1", CloseReason::OpeningFailed).await;
    assert_eq!(gateway.next().await, done("c-1", Stage::Closing, None));
    assert_eq!(fixture.hub.events(), ["connected"]);
}

#[tokio::test]
async fn an_end_during_on_connected_waits_for_it() {
    for (query, events) in [
        ("wait", &["connected", "disconnected aborted"][..]),
        ("wait&refuse=no", &["connected"]),
    ] {
        let fixture = Fixture::new();
        let mut gateway = fixture.link();
        gateway.open("c-1", query).await;
        gateway.close("c-1", CloseReason::Aborted).await;
        // Behind both frames on the same link: they were read.
        gateway.tell(ToHubHost::Identify(info("c-2", ""))).await;
        assert!(matches!(gateway.next().await, ToGateway::Identified(_)));
        fixture.hub.0.connect.notify_one();
        assert!(matches!(
            gateway.next().await,
            ToGateway::Done(Done {
                stage: Stage::Opening,
                ..
            })
        ));
        loop {
            match gateway.next().await {
                ToGateway::Done(end) => {
                    assert_eq!(end.stage, Stage::Closing);
                    break;
                }
                ToGateway::Send(_) => {}
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(fixture.hub.events(), events);
    }
}

#[tokio::test]
async fn a_running_method_sees_the_end_and_is_not_killed() {
    let fixture = Fixture::new();
    let mut gateway = fixture.connected().await;
    gateway.invoke("c-1", "1", "UntilDisconnected", "[]").await;
    gateway.close("c-1", CloseReason::ClientClosed).await;
    let (mut closed, mut completed) = (false, false);
    while !(closed && completed) {
        match gateway.next().await {
            ToGateway::Done(end) => closed = end.stage == Stage::Closing,
            ToGateway::Completion(_) => completed = true,
            _ => {}
        }
    }
    assert!(fixture.hub.events().contains(&"saw the end".to_owned()));
}

#[tokio::test]
async fn a_lost_link_is_seen_by_its_methods_and_runs_no_end() {
    let fixture = Fixture::new();
    let gateway = fixture.connected().await;
    gateway.invoke("c-1", "1", "UntilDisconnected", "[]").await;
    gateway.invoke("c-1", "2", "Joins", "[\"g\"]").await;
    drop(gateway);
    until("both methods end", || {
        fixture.hub.events().contains(&"saw the end".to_owned())
    })
    .await;
    until("nothing runs", || {
        let live = fixture.tasks.live();
        live.iter()
            .all(|(name, count)| !["link", "invocation"].contains(name) || *count == 0)
    })
    .await;
    assert_eq!(
        fixture.hub.events(),
        ["connected", "saw the end"],
        "its connections may live on elsewhere"
    );
}

#[tokio::test]
async fn shutting_down_ends_links() {
    let fixture = Fixture::new();
    let gateway = fixture.connected().await;
    gateway.invoke("c-1", "1", "UntilDisconnected", "[]").await;
    until("the method runs", || {
        fixture.tasks.live().contains(&("invocation", 1))
    })
    .await;
    fixture.tasks.shutdown(DEADLINE).await.unwrap();
    assert_eq!(fixture.hub.events(), ["connected", "saw the end"]);
}

#[tokio::test]
async fn the_metrics_count_by_hub_and_outcome() {
    let fixture = Fixture::new();
    let value = |name: &str, labels: &[(&str, &str)]| {
        let labels = [&[("hub", "waiting")], labels].concat();
        fixture
            .telemetry
            .value(&format!("hubplane_hub_host_{name}"), &labels)
            .unwrap_or_default()
    };
    let mut gateway = fixture.connected().await;
    assert_eq!(value("connections", &[]), 1.0);
    for (target, arguments) in [
        ("Echo", "[\"x\"]"),
        ("Echo", "[]"),
        ("Nope", "[]"),
        ("Panics", "[]"),
    ] {
        gateway.invoke("c-1", "1", target, arguments).await;
        let _ = gateway.answer().await;
    }
    gateway.invoke("c-1", "2", "Waits", "[]").await;
    until("it runs", || value("running_invocations", &[]) == 1.0).await;
    for (outcome, count) in [
        ("returned", 1.0),
        ("unbound", 2.0),
        ("panicked", 1.0),
        ("failed", 0.0),
    ] {
        assert_eq!(
            value("invocations_total", &[("outcome", outcome)]),
            count,
            "{outcome}"
        );
    }
    let text = fixture.telemetry.to_text().unwrap();
    let mut lines = text
        .lines()
        .filter(|line| line.contains("duration_seconds_count{"));
    assert!(
        lines.any(|line| line.contains("hub=\"waiting\"") && line.ends_with(" 4")),
        "{text}"
    );
    gateway.close("c-1", CloseReason::ClientClosed).await;
    fixture.hub.0.go.notify_one();
    until("all has ended", || {
        value("connections", &[]) + value("running_invocations", &[]) == 0.0
    })
    .await;
}

#[test]
fn every_metric_is_documented() {
    let docs = include_str!("../../../../docs/metrics.md");
    hubplane_node::metrics::compare_with_docs(
        docs,
        "hubplane-hub-host-server",
        crate::metrics::ALL,
    )
    .unwrap();
}
