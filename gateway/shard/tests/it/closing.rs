use std::time::Duration;

use hubplane_gateway_connection::Options;
use hubplane_gateway_shard::{Command, UserSource};
use hubplane_node::tasks::Unfinished;
use hubplane_proto_link::{Audience, CloseReason, Stage, ToHubHost};

use crate::client::{JSON, MESSAGEPACK, Seen, call};
use crate::node::Node;
use crate::with_1_and_4_shards;

with_1_and_4_shards!(
    any_close_frame_is_answered_with_1000,
    a_close_message_is_answered_before_the_close_frame,
    an_abort_closes_with_1000_after_on_disconnected,
    a_failed_on_disconnected_closes_with_1011,
    a_failed_on_connected_closes_without_on_disconnected,
    a_client_that_does_not_close_is_dropped,
    a_lost_socket_ends_its_connection,
    a_drain_says_close_to_as_many_as_it_is_told,
    a_drain_leaves_invocations_their_time,
    the_end_of_the_node_ends_the_threads,
    the_guard_is_dropped_at_the_end,
);

async fn any_close_frame_is_answered_with_1000(shards: u8) {
    let mut node = Node::start(shards).await;
    for (n, body) in [
        &b""[..],
        b"\x03\xe8",
        b"\x03\xe9going away",
        b"\x0f\xa0mine",
    ]
    .into_iter()
    .enumerate()
    {
        let id = format!("c{n}");
        let mut client = node.connect(&id, JSON).await;
        client.close(body).await;
        assert_eq!(client.next().await, Seen::Close(1000));
        assert_eq!(client.next().await, Seen::End);
        assert_eq!(node.expect_closed(&id).await, CloseReason::ClientClosed);
        // What the hub says then comes too late for a 1011.
        node.done(&id, Stage::Closing, Some("failed")).await;
    }
    node.until("all are gone", |metrics| {
        metrics.connections == 0 && metrics.closed("client_closed") == 4
    })
    .await;
}

async fn a_close_message_is_answered_before_the_close_frame(shards: u8) {
    let mut node = Node::start(shards).await;
    let mut client = node.connect("c", JSON).await;
    client
        .text("{\"type\":7,\"error\":\"client failed\"}\x1e".to_owned() + &call("1"))
        .await;
    client.expect_text("{\"type\":7}<RS>").await;
    assert_eq!(
        node.expect_closed("c").await.error().unwrap(),
        "HubException: client failed"
    );
    node.send(Audience::All, &[], "Late", b"\x90").await;
    node.done("c", Stage::Closing, None).await;
    client.expect_close(1000).await;
}

async fn an_abort_closes_with_1000_after_on_disconnected(shards: u8) {
    let mut node = Node::start(shards).await;
    let mut client = node.connect("c", MESSAGEPACK).await;
    let connection = "c".parse().unwrap();
    node.command(
        "c",
        Command::Close {
            connection,
            reason: CloseReason::Aborted,
            allow_reconnect: false,
        },
    )
    .await;
    assert_eq!(
        client.next().await,
        Seen::Binary(vec![4, 0x93, 7, 0xc0, 0xc2])
    );
    assert_eq!(node.expect_closed("c").await, CloseReason::Aborted);
    node.done("c", Stage::Closing, None).await;
    client.expect_close(1000).await;
}

async fn a_failed_on_disconnected_closes_with_1011(shards: u8) {
    let mut node = Node::start(shards).await;
    let mut client = node.connect("c", JSON).await;
    client.text("{\"type\":7}\x1e").await;
    client.expect_text("{\"type\":7}<RS>").await;
    node.expect_closed("c").await;
    node.done("c", Stage::Closing, Some("failed")).await;
    client.expect_close(1011).await;
}

async fn a_failed_on_connected_closes_without_on_disconnected(shards: u8) {
    let mut node = Node::start(shards).await;
    let mut client = node
        .attach("c", "chat", UserSource::Known(None), &Options::default())
        .await;
    client.text(JSON).await;
    node.expect_opened("c").await;
    node.done(
        "c",
        Stage::Opening,
        Some("Connection closed with an error."),
    )
    .await;
    client.expect_text("{}<RS>").await;
    client
        .expect_text("{\"type\":7,\"error\":\"Connection closed with an error.\"}<RS>")
        .await;
    client.expect_close(1000).await;
    node.until("it is gone", |metrics| {
        metrics.closed("opening_failed") == 1
    })
    .await;
    assert!(node.frames.try_recv().is_err());
}

async fn a_client_that_does_not_close_is_dropped(shards: u8) {
    let options = Options {
        transport_close_timeout: Duration::from_millis(200),
        ..Options::default()
    };
    let mut node = Node::start(shards).await;
    let mut client = node
        .connect_with("c", JSON, UserSource::Known(None), &options)
        .await;
    client.text("{\"type\":7}\x1e").await;
    node.expect_closed("c").await;
    node.done("c", Stage::Closing, None).await;
    client.expect_text("{\"type\":7}<RS>").await;
    assert_eq!(client.next().await, Seen::Close(1000));
    assert_eq!(client.next().await, Seen::End);
}

async fn a_lost_socket_ends_its_connection(shards: u8) {
    let mut node = Node::start(shards).await;
    let client = node.connect("reset", JSON).await;
    client.reset();
    assert_eq!(
        node.expect_closed("reset").await,
        CloseReason::TransportLost
    );
    node.done("reset", Stage::Closing, None).await;

    let client = node.connect("dropped", JSON).await;
    drop(client);
    assert_eq!(
        node.expect_closed("dropped").await,
        CloseReason::TransportLost
    );
    node.done("dropped", Stage::Closing, None).await;

    let mut client = node.connect("cut off", JSON).await;
    client.text("{\"type\":1,\"inv").await;
    drop(client);
    let reason = node.expect_closed("cut off").await;
    assert_eq!(
        reason.error().unwrap(),
        "InvalidDataException: Connection terminated while reading a message."
    );
    node.done("cut off", Stage::Closing, None).await;
    node.until("all are gone", |metrics| metrics.connections == 0)
        .await;
}

async fn a_drain_says_close_to_as_many_as_it_is_told(shards: u8) {
    let mut node = Node::start(shards).await;
    let mut clients = Vec::new();
    for n in 0..8 {
        clients.push(node.connect(&format!("c{n}"), JSON).await);
    }
    for shard in 0..shards {
        node.shards
            .send(
                shard,
                Command::Drain {
                    connections_max: 1,
                    busy: false,
                },
            )
            .await;
    }
    for _ in 0..shards {
        assert!(matches!(
            node.next().await,
            ToHubHost::Closed {
                reason: CloseReason::Draining,
                ..
            }
        ));
    }
    for shard in 0..shards {
        node.shards
            .send(
                shard,
                Command::Drain {
                    connections_max: 100,
                    busy: false,
                },
            )
            .await;
    }
    for _ in shards..8 {
        assert!(matches!(
            node.next().await,
            ToHubHost::Closed {
                reason: CloseReason::Draining,
                ..
            }
        ));
    }
    for (n, mut client) in clients.into_iter().enumerate() {
        client
            .expect_text("{\"type\":7,\"allowReconnect\":true}<RS>")
            .await;
        node.done(&format!("c{n}"), Stage::Closing, None).await;
        client.expect_close(1000).await;
    }
}

async fn a_drain_leaves_invocations_their_time(shards: u8) {
    const CLOSE: &str = "{\"type\":7,\"allowReconnect\":true}<RS>";
    let mut node = Node::start(shards).await;
    let (mut finishes, mut outlasts) = (
        node.connect("finishes", JSON).await,
        node.connect("outlasts", JSON).await,
    );
    for (client, invocation) in [(&mut finishes, "1"), (&mut outlasts, "2")] {
        client.text(call(invocation)).await;
        node.expect_call(invocation).await;
    }
    let drain = |busy| Command::Drain {
        connections_max: 100,
        busy,
    };
    for id in ["finishes", "outlasts"] {
        node.command(id, drain(false)).await;
    }
    node.complete("finishes", "1", "1").await;
    node.command("finishes", drain(false)).await;
    assert_eq!(node.expect_closed("finishes").await, CloseReason::Draining);
    finishes
        .expect_text("{\"type\":3,\"invocationId\":\"1\",\"result\":1}<RS>")
        .await;
    finishes.expect_text(CLOSE).await;

    node.command("outlasts", drain(true)).await;
    assert_eq!(node.expect_closed("outlasts").await, CloseReason::Draining);
    outlasts.expect_text(CLOSE).await;
}

async fn the_end_of_the_node_ends_the_threads(shards: u8) {
    let mut node = Node::start(shards).await;
    let mut client = node.connect("c", JSON).await;
    let ended: Result<(), Unfinished> = node.tasks.shutdown(Duration::from_secs(10)).await;
    assert_eq!(ended, Ok(()));
    client
        .expect_text("{\"type\":7,\"allowReconnect\":true}<RS>")
        .await;
    assert_eq!(client.next().await, Seen::End);
}

async fn the_guard_is_dropped_at_the_end(shards: u8) {
    let mut node = Node::start(shards).await;
    let (guard, mut dropped) = tokio::sync::mpsc::channel::<()>(1);
    let mut client = node.attach_with("c", b"", Box::new(guard)).await;
    client.text(JSON).await;
    node.expect_opened("c").await;
    node.done("c", Stage::Opening, None).await;
    client.expect_text("{}<RS>").await;
    assert!(
        dropped
            .try_recv()
            .is_err_and(|error| error == tokio::sync::mpsc::error::TryRecvError::Empty)
    );
    client.close(b"").await;
    node.expect_closed("c").await;
    node.done("c", Stage::Closing, None).await;
    assert_eq!(dropped.recv().await, None);
}
