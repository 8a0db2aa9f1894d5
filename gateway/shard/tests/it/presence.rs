//! What a hub that hears of presence is told, and what it costs those that do not.

use hubplane_gateway_shard::{HubUser, Told, UserSource};
use hubplane_proto_link::{PresenceChange, Stage, ToHubHost};

use crate::client::JSON;
use crate::node::{Node, groups};
use crate::with_1_and_4_shards;

with_1_and_4_shards!(
    joins_leaves_and_the_end_of_a_connection_are_told_once,
    a_hub_that_does_not_hear_of_presence_is_told_nothing,
    a_full_link_keeps_changes_and_delays_nobody,
);

/// In words, the group first.
fn words(change: &PresenceChange) -> String {
    match change {
        PresenceChange::Joined {
            group, connection, ..
        } => format!("{group} has {connection}"),
        PresenceChange::Left {
            group, connection, ..
        } => format!("{group} lost {connection}"),
        other => format!("{other:?}"),
    }
}

/// The changes among the next frames, until so many came; sorted.
async fn changes(node: &mut Node, count: usize) -> Vec<String> {
    let mut seen = Vec::new();
    while seen.len() < count {
        if let ToHubHost::Presence(told) = node.next().await {
            assert_eq!(told.hub.as_str(), "chat");
            seen.extend(told.changes.iter().map(words));
        }
    }
    seen.sort();
    seen
}

async fn joins_leaves_and_the_end_of_a_connection_are_told_once(shards: u8) {
    let mut node = Node::start(shards).await;
    node.presence.declare(&"chat".parse().unwrap(), true);
    let ana = UserSource::Known(Some("ana".parse().unwrap()));
    let client = node.connect_with("a", JSON, ana, &Default::default()).await;
    let ask = node.presence.lock().poll_ask().unwrap();
    let of = HubUser {
        hub: "chat".parse().unwrap(),
        user: "ana".parse().unwrap(),
    };
    assert_eq!((&ask.of, ask.leaving), (&of, false));
    let now = std::time::Instant::now();
    let told = node.presence.lock().answered(ask, &[], now);
    assert_eq!(told, Some(Told::Online));

    for (ack, group) in ["g", "g", "h", "i"].into_iter().enumerate() {
        node.join("a", group, ack as u64).await;
    }
    assert_eq!(
        changes(&mut node, 3).await,
        ["g has a", "h has a", "i has a"]
    );
    node.leave("a", "g", 10).await;
    node.leave("a", "g", 11).await;
    assert_eq!(changes(&mut node, 1).await, ["g lost a"]);
    drop(client);
    node.expect_closed_behind("a").await;
    node.done("a", Stage::Closing, None).await;
    assert_eq!(changes(&mut node, 2).await, ["h lost a", "i lost a"]);
    node.until("it is gone", |metrics| metrics.connections == 0)
        .await;
    assert!(node.presence.lock().poll_timeout().is_some(), "it lingers");
    // An acknowledgement may come late: it waits for the directory.
    while let Ok(frame) = node.frames.try_recv() {
        assert!(
            !matches!(frame, ToHubHost::Presence(_)),
            "nothing is told twice: {frame:?}"
        );
    }
}

async fn a_hub_that_does_not_hear_of_presence_is_told_nothing(shards: u8) {
    let mut node = Node::start(shards).await;
    node.presence.declare(&"other".parse().unwrap(), true);
    let ana = UserSource::Known(Some("ana".parse().unwrap()));
    let client = node.connect_with("a", JSON, ana, &Default::default()).await;
    node.join("a", "g", 1).await;
    assert!(matches!(node.next().await, ToHubHost::Ack { .. }));
    drop(client);
    node.expect_closed("a").await;
    node.done("a", Stage::Closing, None).await;
    node.until("it is gone", |metrics| metrics.connections == 0)
        .await;
    assert!(node.presence.lock().poll_ask().is_none());
    assert!(node.frames.try_recv().is_err());
}

async fn a_full_link_keeps_changes_and_delays_nobody(shards: u8) {
    const JOINS: u64 = 2_000;
    let mut node = Node::with_link(shards, 1).await;
    node.presence.declare(&"chat".parse().unwrap(), true);
    let mut clients = Vec::new();
    for n in 0..4 {
        clients.push(node.connect(&format!("c{n}"), JSON).await);
    }
    for n in 0..JOINS {
        node.join("c0", &format!("g{n}"), n).await;
    }
    // Nobody reads the link, and every shard does its work.
    for (n, client) in clients.iter_mut().enumerate() {
        node.join(&format!("c{n}"), "all", JOINS).await;
        node.send(groups(&["all"]), &[], "Told", b"\x90").await;
        client
            .expect_text("{\"type\":1,\"target\":\"Told\",\"arguments\":[]}<RS>")
            .await;
        node.leave(&format!("c{n}"), "all", JOINS).await;
    }
    let told = changes(&mut node, usize::try_from(JOINS).unwrap() + 8).await;
    let joined = told.iter().filter(|text| text.starts_with('g'));
    assert_eq!(joined.count() as u64, JOINS);
}
