use std::num::NonZeroU32;
use std::time::Duration;

use hubplane_gateway_connection::{Options, QueueLimits};
use hubplane_gateway_shard::UserSource;
use hubplane_proto_link::{Audience, CloseReason, Stage, ToHubHost};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;

use crate::client::{DEADLINE, JSON, Seen, call, frame};
use crate::node::Node;
use crate::with_1_and_4_shards;

with_1_and_4_shards!(
    a_slow_reader_is_closed_by_name_and_delays_nobody,
    a_socket_that_takes_nothing_is_closed_by_age,
    a_full_link_stops_the_reading_of_those_who_fill_it,
    a_client_that_does_not_read_its_answers_is_not_read,
);

/// One text of this many bytes as arguments in MessagePack.
fn text(len: u32) -> Vec<u8> {
    let mut arguments = vec![0x91, 0xdb];
    arguments.extend_from_slice(&len.to_be_bytes());
    arguments.resize(arguments.len() + len as usize, b'x');
    arguments
}

async fn a_slow_reader_is_closed_by_name_and_delays_nobody(shards: u8) {
    let options = Options {
        transport_close_timeout: Duration::from_millis(300),
        ..Options::default()
    };
    let mut node = Node::start(shards).await;
    let slow = node
        .connect_with("slow", JSON, UserSource::Known(None), &options)
        .await;
    let mut fast = Vec::new();
    for n in 0..4 {
        fast.push(node.connect(&format!("c{n}"), JSON).await);
    }
    let arguments = text(100_000);
    let mut sent = 0;
    while node.shards.metrics().closed("slow_consumer") == 0 {
        node.send(Audience::All, &[], "Much", &arguments).await;
        sent += 1;
        for client in &mut fast {
            assert!(matches!(client.next().await, Seen::Text(text) if text.len() > 100_000));
        }
        if let Ok(frame) = node.frames.try_recv() {
            assert!(
                matches!(
                    &frame,
                    ToHubHost::Closed {
                        reason: CloseReason::SlowConsumer,
                        ..
                    }
                ),
                "{frame:?}"
            );
            node.done("slow", Stage::Closing, None).await;
        }
        assert!(sent < 1000, "it was never closed");
    }
    drop(slow);
    node.until("the others stay", |metrics| metrics.connections == 4)
        .await;
}

async fn a_socket_that_takes_nothing_is_closed_by_age(shards: u8) {
    let queue = QueueLimits {
        bytes_max: usize::MAX,
        age_max: Duration::from_millis(300),
        ..QueueLimits::default()
    };
    let options = Options {
        queue,
        transport_close_timeout: Duration::from_millis(100),
        ..Options::default()
    };
    let mut node = Node::start(shards).await;
    let mut slow = node
        .connect_with("slow", JSON, UserSource::Known(None), &options)
        .await;
    for _ in 0..200 {
        node.send(Audience::All, &[], "Much", &text(100_000)).await;
    }
    assert_eq!(node.expect_closed("slow").await, CloseReason::SlowConsumer);
    node.done("slow", Stage::Closing, None).await;
    node.until("it is counted", |metrics| {
        metrics.closed("slow_consumer") == 1
    })
    .await;
    // It is told if it reads on before its socket is dropped; otherwise the stream just ends.
    let mut buffer = vec![0; 1 << 20];
    loop {
        let read = timeout(DEADLINE, slow.stream.read(&mut buffer))
            .await
            .expect("the stream ends");
        if read.unwrap_or(0) == 0 {
            break;
        }
    }
}

async fn a_full_link_stops_the_reading_of_those_who_fill_it(shards: u8) {
    const CALLS: usize = 100_000;
    let options = Options {
        parallel_invocations_max: NonZeroU32::MAX,
        ..Options::default()
    };
    let mut node = Node::with_link(shards, 1).await;
    let mut client = node
        .connect_with("c", JSON, UserSource::Known(None), &options)
        .await;
    let all = (0..CALLS)
        .flat_map(|n| frame(0x81, call(n).as_bytes()))
        .collect::<Vec<_>>();
    let (mut reading, mut writing) = client.stream.split();
    let mut written = 0;
    // What the system's buffers take; then it stands still because nobody reads the link.
    while let Ok(len) = timeout(Duration::from_millis(300), writing.write(&all[written..])).await {
        written += len.unwrap();
        assert!(written < all.len());
    }
    let metrics = node.shards.metrics();
    assert!(metrics.bytes_in < 256 * 1024, "{metrics:?}");
    let rest = async { writing.write_all(&all[written..]).await.unwrap() };
    let calls = async {
        for n in 0..CALLS {
            node.expect_call(&n.to_string()).await;
        }
    };
    tokio::join!(rest, calls);
    assert!(
        timeout(Duration::from_millis(1), reading.read_u8())
            .await
            .is_err(),
        "it is as alive as before"
    );
}

async fn a_client_that_does_not_read_its_answers_is_not_read(shards: u8) {
    const CALLS: usize = 300;
    let value = format!("\"{}\"", "x".repeat(100_000));
    let mut node = Node::start(shards).await;
    let mut client = node.connect("c", JSON).await;
    client.text((0..CALLS).map(call).collect::<String>()).await;
    let mut completed = 0;
    while let Ok(frame) = timeout(Duration::from_millis(500), node.next_but_windows()).await {
        assert!(matches!(frame, ToHubHost::Invocation(_)), "{frame:?}");
        node.complete("c", &completed.to_string(), &value).await;
        completed += 1;
    }
    assert!(completed < CALLS, "its answers are nowhere to be kept");
    for n in 0..CALLS {
        while completed < CALLS
            && let Ok(frame) = node.frames.try_recv()
        {
            if matches!(frame, ToHubHost::Window { .. }) {
                continue;
            }
            node.complete("c", &completed.to_string(), &value).await;
            completed += 1;
        }
        if n == completed {
            node.expect_call(&n.to_string()).await;
            node.complete("c", &n.to_string(), &value).await;
            completed += 1;
        }
        let Seen::Text(text) = client.next().await else {
            panic!("closed")
        };
        assert!(text.starts_with(&format!("{{\"type\":3,\"invocationId\":\"{n}\"")));
    }
}
