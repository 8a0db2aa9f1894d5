use hubplane_proto_link::{AckId, AckOutcome, Stage, ToHubHost};

use crate::client::{JSON, MESSAGEPACK, Seen};
use crate::node::{Node, groups};
use crate::with_1_and_4_shards;

with_1_and_4_shards!(
    members_are_reached_once_per_group_and_others_are_not,
    an_add_is_answered_when_it_is_visible,
    a_connection_that_ends_leaves_its_groups,
    an_unknown_connection_is_reported,
);

async fn expect_ack(node: &mut Node, ack: u64, outcome: AckOutcome) {
    assert_eq!(
        node.next().await,
        ToHubHost::Ack {
            id: AckId(ack),
            outcome
        }
    );
}

fn message(target: &str) -> String {
    format!("{{\"type\":1,\"target\":\"{target}\",\"arguments\":[]}}<RS>")
}

async fn members_are_reached_once_per_group_and_others_are_not(shards: u8) {
    let mut node = Node::start(shards).await;
    let mut a = node.connect("a", JSON).await;
    let mut b = node.connect("b", JSON).await;
    for (n, (id, group)) in [("a", "g"), ("a", "g"), ("a", "h"), ("b", "h"), ("b", "")]
        .into_iter()
        .enumerate()
    {
        node.join(id, group, n as u64).await;
        expect_ack(&mut node, n as u64, AckOutcome::Done).await;
    }
    node.send(groups(&["g"]), &[], "G", b"\x90").await;
    node.send(groups(&["g", "h"]), &[], "GH", b"\x90").await;
    node.send(groups(&["h"]), &["a"], "H", b"\x90").await;
    node.send(groups(&[""]), &[], "Empty", b"\x90").await;
    node.leave("a", "h", 10).await;
    expect_ack(&mut node, 10, AckOutcome::Done).await;
    node.leave("a", "h", 11).await;
    expect_ack(&mut node, 11, AckOutcome::Done).await;
    node.send(groups(&["h"]), &[], "Left", b"\x90").await;
    node.send(groups(&["g", "H", ""]), &[], "Last", b"\x90")
        .await;
    for target in ["G", "GH", "GH", "Last"] {
        a.expect_text(&message(target)).await;
    }
    for target in ["GH", "H", "Empty", "Left", "Last"] {
        b.expect_text(&message(target)).await;
    }
}

async fn an_add_is_answered_when_it_is_visible(shards: u8) {
    let mut node = Node::start(shards).await;
    let mut a = node.connect("a", JSON).await;
    let _b = node.connect("b", JSON).await;
    node.gate.send(false).unwrap();
    node.join("a", "g", 1).await;
    node.until("it is a member", |metrics| metrics.memberships == 3)
        .await;
    node.join("b", "g", 2).await;
    node.until("so is the other", |metrics| metrics.memberships == 4)
        .await;
    assert!(node.frames.try_recv().is_err());
    // Here it is a member already.
    node.send(groups(&["g"]), &[], "G", b"\x90").await;
    a.expect_text(&message("G")).await;
    node.gate.send(true).unwrap();
    let mut acks = [node.next().await, node.next().await].map(|frame| match frame {
        ToHubHost::Ack {
            id,
            outcome: AckOutcome::Done,
        } => id.0,
        other => panic!("{other:?}"),
    });
    acks.sort_unstable();
    assert_eq!(acks, [1, 2]);
    // What is visible here already costs nothing, whatever the router does.
    node.gate.send(false).unwrap();
    node.join("a", "g", 3).await;
    expect_ack(&mut node, 3, AckOutcome::Done).await;
}

async fn a_connection_that_ends_leaves_its_groups(shards: u8) {
    let mut node = Node::start(shards).await;
    let mut stays = node.connect("stays", MESSAGEPACK).await;
    let mut goes = node.connect("goes", JSON).await;
    for id in ["stays", "goes"] {
        node.join(id, "g", 1).await;
        expect_ack(&mut node, 1, AckOutcome::Done).await;
    }
    goes.close(b"").await;
    assert_eq!(goes.next().await, Seen::Close(1000));
    node.expect_closed("goes").await;
    node.join("goes", "h", 2).await;
    expect_ack(&mut node, 2, AckOutcome::Done).await;
    node.done("goes", Stage::Closing, None).await;
    node.until("hub and group of the one that stays", |metrics| {
        metrics.memberships == 2
    })
    .await;
    node.leave("goes", "g", 3).await;
    expect_ack(&mut node, 3, AckOutcome::UnknownConnection).await;
    node.send(groups(&["g"]), &[], "G", b"\x90").await;
    assert_eq!(
        stays.next().await,
        Seen::Binary(b"\x08\x96\x01\x80\xc0\xa1G\x90\x90".to_vec())
    );
}

async fn an_unknown_connection_is_reported(shards: u8) {
    let mut node = Node::start(shards).await;
    node.join("nobody", "g", 1).await;
    expect_ack(&mut node, 1, AckOutcome::UnknownConnection).await;
}
