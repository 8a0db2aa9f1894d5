use hubplane_proto_link::{AckOutcome, Audience, Caller, GroupOperation};

use super::*;

#[tokio::test]
async fn what_a_method_sends_keeps_its_order_and_the_completion_is_last() {
    let fixture = Fixture::new();
    let mut gateway = fixture.connected().await;
    // More than the link's queue holds: the method has to wait for the gateway.
    gateway.invoke("c-1", "1", "Alternates", "[3000]").await;
    for number in 0..3000_u32 {
        let frame = gateway.next().await;
        assert_eq!(frame.caller(), Caller::Connection("c-1".parse().unwrap()));
        let send = match frame {
            ToGateway::Send(send) => send,
            // To a connection of this link.
            ToGateway::ToConnection(send) => {
                assert_eq!(number % 3, 0);
                assert_eq!(send.connection.as_str(), "c-1");
                assert_eq!(send.arguments.bytes, messagepack(number));
                continue;
            }
            other => panic!("no send but {other:?}"),
        };
        assert_eq!(send.delivery.arguments.encoding, Encoding::MessagePack);
        let expected: Audience = match number % 3 {
            1 => Audience::Groups(smallvec::smallvec!["g".parse().unwrap()]),
            _ => Audience::Users(smallvec::smallvec!["u".parse().unwrap()]),
        };
        assert_eq!(send.delivery.audience, expected);
        assert_eq!(send.delivery.arguments.bytes, messagepack(number));
    }
    assert_eq!(gateway.answer().await, ("1".into(), Ok("3000".into())));
}

/// An array of one number.
fn messagepack(number: u32) -> Vec<u8> {
    let mut bytes = vec![0x91];
    match (u8::try_from(number), u16::try_from(number)) {
        (Ok(number @ ..0x80), _) => bytes.push(number),
        (Ok(number), _) => bytes.extend([0xcc, number]),
        (_, Ok(number)) => {
            bytes.push(0xcd);
            bytes.extend(number.to_be_bytes());
        }
        _ => panic!("too large"),
    }
    bytes
}

#[tokio::test]
async fn a_full_link_holds_up_senders_and_never_the_reader() {
    let fixture = Fixture::new();
    let mut gateway = fixture.connected().await;
    gateway.invoke("c-1", "1", "Alternates", "[3000]").await;
    // Nothing is taken from the link; all this is read nevertheless.
    for number in 0..5000 {
        gateway
            .invoke("c-1", &format!("e{number}"), "Echo", "[\"x\"]")
            .await;
    }
    let mut answered = 0;
    while answered < 5001 {
        if let ToGateway::Completion(_) = gateway.next().await {
            answered += 1;
        }
    }
}

#[tokio::test]
async fn a_method_that_waits_or_panics_holds_up_nobody() {
    let fixture = Fixture::new();
    let mut gateway = fixture.connected().await;
    gateway.invoke("c-1", "1", "Waits", "[]").await;
    gateway.invoke("c-1", "2", "Panics", "[]").await;
    let (id, outcome) = gateway.answer().await;
    assert_eq!(id, "2");
    assert_eq!(
        outcome.unwrap_err(),
        "An unexpected error occurred invoking 'Panics' on the server. Panic: on purpose"
    );
    gateway
        .invoke("c-1", "3", "Echo", "[\"still there\"]")
        .await;
    assert_eq!(
        gateway.answer().await,
        ("3".into(), Ok("\"still there\"".into()))
    );
    fixture.hub.0.go.notify_one();
    assert_eq!(gateway.answer().await, ("1".into(), Ok("\"went\"".into())));
}

#[tokio::test]
async fn a_group_change_waits_for_its_own_acknowledgement() {
    let fixture = Fixture::new();
    let mut gateway = fixture.connected().await;
    let mut acks = Vec::new();
    for (invocation, group) in [("1", "g"), ("2", "h"), ("3", "i")] {
        gateway
            .invoke("c-1", invocation, "Joins", &format!("[\"{group}\"]"))
            .await;
        let ToGateway::Group(change) = gateway.next().await else {
            panic!("a change")
        };
        assert_eq!(change.operation, GroupOperation::Add);
        assert_eq!(
            (change.group.as_str(), change.connection.as_str()),
            (group, "c-1")
        );
        acks.push(change.ack);
    }
    let outcomes = [
        AckOutcome::UnknownConnection,
        AckOutcome::Unavailable,
        AckOutcome::Done,
    ];
    let unavailable = "An unexpected error occurred invoking 'Joins' on the server. SendError: the gateway of this connection does not answer";
    let expected = [
        ("2", Ok("false".to_owned())),
        ("3", Err(unavailable.to_owned())),
        ("1", Ok("true".to_owned())),
    ];
    for ((at, outcome), (id, answer)) in [1, 2, 0].into_iter().zip(outcomes).zip(expected) {
        gateway
            .tell(ToHubHost::Ack {
                id: acks[at],
                outcome,
            })
            .await;
        // A second one is of no use.
        gateway
            .tell(ToHubHost::Ack {
                id: acks[at],
                outcome: AckOutcome::Done,
            })
            .await;
        assert_eq!(gateway.answer().await, (id.to_owned(), answer));
    }
}

#[tokio::test]
async fn background_work_sends_by_any_link_there_is() {
    let fixture = Fixture::new();
    let hub = fixture.host.context(&"waiting".parse().unwrap()).unwrap();
    assert!(fixture.host.context(&"other".parse().unwrap()).is_none());
    assert!(
        matches!(hub.all().send("x", ()).await, Err(SendError::LinkLost)),
        "nobody is there yet"
    );

    let (mut one, mut two) = (fixture.link(), fixture.link());
    for number in 0..50 {
        hub.group(format!("g{number}")).send("x", ()).await.unwrap();
        hub.group(format!("g{number}")).send("y", ()).await.unwrap();
    }
    let mut counts = [0, 0];
    for (gateway, count) in [&mut one, &mut two].into_iter().zip(&mut counts) {
        let mut last = None;
        while let Ok(ToGateway::Send(send)) = gateway.frames.try_recv() {
            assert_eq!(send.caller, Caller::HubHost);
            // One audience, one link, in order.
            if send.delivery.target == "x" {
                last = Some(send.delivery.audience.clone());
            } else {
                assert_eq!(last.take(), Some(send.delivery.audience.clone()));
            }
            *count += 1;
        }
    }
    assert_eq!(counts[0] + counts[1], 100);
    assert!(counts.iter().all(|count| *count > 0), "both links are used");

    // What is left carries everything.
    drop(one);
    until("the link is gone", || {
        fixture.tasks.live().contains(&("link", 1))
    })
    .await;
    for number in 0..50 {
        hub.group(format!("g{number}")).send("x", ()).await.unwrap();
        assert!(matches!(two.next().await, ToGateway::Send(_)));
    }
    two.open("c-1", "").await;
    assert!(matches!(two.next().await, ToGateway::Done(_)));
    two.invoke("c-1", "1", "SendsFromOutside", "[]").await;
    assert!(matches!(two.next().await, ToGateway::Send(send) if send.caller == Caller::HubHost));
    assert_eq!(two.answer().await, ("1".into(), Ok("null".into())));
}

#[tokio::test]
async fn what_an_invocation_sends_for_the_hub_leaves_by_its_link_while_that_lasts() {
    let fixture = Fixture::new();
    let mut one = fixture.connected().await;
    let mut two = fixture.link();
    for _ in 0..10 {
        one.invoke("c-1", "1", "SendsFromOutside", "[]").await;
        assert!(matches!(one.next().await, ToGateway::Send(_)));
        one.answer().await.1.unwrap();
    }
    one.invoke("c-1", "2", "SendsLater", "[]").await;
    drop(one);
    assert!(matches!(two.next().await, ToGateway::Send(send) if send.delivery.target == "x"));
    until("it was sent", || {
        fixture.hub.events().contains(&"sent".to_owned())
    })
    .await;
}

#[tokio::test]
async fn who_is_named_twice_is_told_once_but_for_groups() {
    let fixture = Fixture::new();
    let mut gateway = fixture.link();
    let hub = fixture.host.context(&"waiting".parse().unwrap()).unwrap();
    hub.users(["ana", "ben", "ana"])
        .send("x", ())
        .await
        .unwrap();
    hub.clients(["c", "c"]).send("x", ()).await.unwrap();
    hub.groups(["g", "g"]).send("x", ()).await.unwrap();
    let mut counts = Vec::new();
    for _ in 0..3 {
        let ToGateway::Send(send) = gateway.next().await else {
            panic!("a send")
        };
        counts.push(match send.delivery.audience {
            Audience::Users(users) => users.len(),
            Audience::Connections(ids) => ids.len(),
            Audience::Groups(groups) => groups.len(),
            Audience::All => 0,
        });
    }
    assert_eq!(counts, [2, 1, 2]);
}

#[tokio::test]
async fn an_invocation_of_nobody_is_dropped() {
    let fixture = Fixture::new();
    let mut gateway = fixture.link();
    gateway.invoke("nobody", "1", "Echo", "[\"x\"]").await;
    gateway.open("c-1", "").await;
    assert_eq!(gateway.next().await, done("c-1", Stage::Opening, None));
}
