//! Polls and posts, without the front.

use bytes::Bytes;
use hubplane_gateway_connection::Options;
use hubplane_gateway_shard::{AttachTransport, Command, PollAnswer, UserSource};
use hubplane_proto_link::Stage;
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::client::{DEADLINE, JSON, call};
use crate::node::Node;
use crate::with_1_and_4_shards;

with_1_and_4_shards!(
    an_answer_finds_the_next_poll_if_the_last_one_has_gone,
    what_does_not_fit_into_one_answer_comes_with_the_next_in_order,
    a_post_of_who_has_given_up_is_not_read_behind_what_waits,
);

async fn poll(node: &Node) -> oneshot::Receiver<PollAnswer> {
    let (reply, answer) = oneshot::channel();
    let connection = "c".parse().unwrap();
    let command = Command::Poll { connection, reply };
    node.command("c", command).await;
    answer
}

async fn polled(node: &Node) -> String {
    let answer = timeout(DEADLINE, poll(node).await).await;
    match answer.expect("an answer").unwrap() {
        PollAnswer::Messages(bytes) => String::from_utf8(bytes.to_vec()).unwrap(),
        other => panic!("{other:?}"),
    }
}

async fn post(node: &Node, text: impl Into<Bytes>) -> oneshot::Receiver<()> {
    let (reply, read) = oneshot::channel();
    let (connection, bytes) = ("c".parse().unwrap(), text.into());
    let command = Command::Post {
        connection,
        bytes,
        reply,
    };
    node.command("c", command).await;
    read
}

/// An open connection by polls.
async fn open(shards: u8) -> Node {
    let mut node = Node::start(shards).await;
    let user = UserSource::Known(None);
    let options = Options::default();
    node.attach_by(AttachTransport::Polls, "c", "chat", user, &options)
        .await;
    post(&node, JSON).await.await.unwrap();
    node.expect_opened("c").await;
    node.done("c", Stage::Opening, None).await;
    assert_eq!(polled(&node).await, "{}\x1e");
    node
}

async fn an_answer_finds_the_next_poll_if_the_last_one_has_gone(shards: u8) {
    let mut node = open(shards).await;
    drop(poll(&node).await);
    post(&node, call("1")).await.await.unwrap();
    node.expect_call("1").await;
    node.complete("c", "1", "\"x\"").await;
    let answer = "{\"type\":3,\"invocationId\":\"1\",\"result\":\"x\"}\x1e";
    assert_eq!(polled(&node).await, answer);
}

async fn what_does_not_fit_into_one_answer_comes_with_the_next_in_order(shards: u8) {
    const CALLS: usize = 12;
    let mut node = open(shards).await;
    let long = format!("\"{}\"", "x".repeat(20_000));
    for id in 0..CALLS {
        post(&node, call(id)).await.await.unwrap();
        let id = id.to_string();
        node.expect_call(&id).await;
        node.complete("c", &id, &long).await;
    }
    let mut all = String::new();
    let mut answers = 0;
    while all.matches('\x1e').count() < CALLS {
        let answer = polled(&node).await;
        assert!(answer.len() < 64 * 1024 + 20_100 && answer.ends_with('\x1e'));
        all.push_str(&answer);
        answers += 1;
    }
    assert!(answers > 1);
    let ids: Vec<_> = all
        .split("\"invocationId\":\"")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap().parse::<usize>().unwrap())
        .collect();
    assert_eq!(ids, (0..CALLS).collect::<Vec<_>>());
}

/// However often a client gives its posts up, no more of it is kept than one post beyond the buffer.
async fn a_post_of_who_has_given_up_is_not_read_behind_what_waits(shards: u8) {
    let mut node = open(shards).await;
    post(&node, call("running")).await.await.unwrap();
    node.expect_call("running").await;
    // It waits for the slot, and everything behind it for it.
    post(&node, call("waiting")).await.await.unwrap();
    let mut full = Vec::new();
    while full.len() < 64 * 1024 {
        full.extend_from_slice(call("behind").as_bytes());
    }
    let unread = post(&node, full).await;
    drop(unread);
    drop(post(&node, call("given-up")).await);
    let mut last = post(&node, call("last")).await;
    // A turn behind it.
    drop(poll(&node).await);
    assert!(last.try_recv().is_err(), "nothing is read on yet");
    node.complete("c", "running", "\"x\"").await;
    node.expect_call("waiting").await;
    node.complete("c", "waiting", "\"x\"").await;
    loop {
        let invocation = timeout(DEADLINE, node.next_but_windows()).await.unwrap();
        let hubplane_proto_link::ToHubHost::Invocation(invocation) = invocation else {
            panic!("{invocation:?}");
        };
        let id = invocation.invocation_id.unwrap();
        assert_ne!(id.as_str(), "given-up");
        if id.as_str() == "last" {
            return;
        }
        node.complete("c", id.as_str(), "\"x\"").await;
        drop(polled(&node).await);
    }
}
