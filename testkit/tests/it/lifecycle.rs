//! Lifecycle: `on_connected` and `on_disconnected` run once per connection.

use std::sync::Arc;
use std::time::Duration;

use hubplane::Encoding;
use hubplane::cluster::ClusterOptions;
use hubplane_client::message::{Arguments, Invocation, Message, StreamIds};
use hubplane_client::{Connection, Options, TransportEnd};
use hubplane_gateway_connection as connection;
use hubplane_gateway_server::{GatewayOptions, HubOptions};
use hubplane_testkit::{Lifecycle, TestCluster, TestHub, within};

use crate::{shapes, watched};

/// Waits until the hub has seen as much, and says what.
async fn seen(lifecycle: &Lifecycle, count: usize) -> Vec<String> {
    within("the hub sees it", async {
        while lifecycle.seen().len() < count {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })
    .await;
    lifecycle.seen()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_end_of_a_connection_is_seen_once_with_its_reason() {
    for shape in shapes() {
        let (options, lifecycle) = watched(shape);
        let cluster = TestCluster::start(options).await.unwrap();
        let stops = cluster.connect(0, "ana", Encoding::Json).await;
        let stops_id = stops.id().unwrap().to_owned();
        stops.stop().await;
        let expected = vec![
            format!("connected {stops_id}"),
            format!("disconnected {stops_id} None"),
        ];
        assert_eq!(seen(&lifecycle, 2).await, expected);

        let mut aborted = cluster.connect(1, "ana", Encoding::MessagePack).await;
        let id = aborted.id().unwrap().to_owned();
        aborted.send("Abort", ()).await.unwrap();
        let end = within("the end", aborted.ended()).await;
        assert!(!end.close.as_ref().unwrap().allow_reconnect);
        assert_eq!(end.transport, TransportEnd::CloseFrame(Some(1000)));
        assert_eq!(
            seen(&lifecycle, 4).await[2..],
            [format!("connected {id}"), format!("disconnected {id} None")]
        );

        let killed = cluster.connect(0, "ana", Encoding::Json).await;
        let id = killed.id().unwrap().to_owned();
        killed.kill().await;
        assert_eq!(
            seen(&lifecycle, 6).await[4..],
            [format!("connected {id}"), format!("disconnected {id} None")]
        );
        cluster.stop().await.unwrap();
        assert_eq!(lifecycle.seen().len(), 6);
    }
}

/// A client that is there but silent: its host was unplugged.
#[tokio::test(flavor = "multi_thread")]
async fn a_silent_client_ends_within_the_client_timeout() {
    for shape in shapes() {
        let (mut options, lifecycle) = watched(shape);
        let hub = connection::Options {
            keep_alive_interval: Duration::from_millis(100),
            client_timeout: Duration::from_millis(300),
            ..connection::Options::default()
        };
        let default_hub = HubOptions {
            connection: Arc::new(hub),
            ..HubOptions::default()
        };
        options = ClusterOptions {
            gateway: GatewayOptions {
                default_hub,
                ..options.gateway
            },
            ..options
        };
        let cluster = TestCluster::start(options).await.unwrap();
        // It pings once, which arms the timeout, and not again for an hour.
        let once = Options {
            keep_alive: Some(Duration::from_secs(3600)),
            ..Options::default()
        };
        let mut silent = Connection::connect(&cluster.url(0, "test"), &once)
            .await
            .unwrap();
        let id = silent.id().unwrap().to_owned();
        let began = std::time::Instant::now();
        let end = within("the end", silent.ended()).await;
        assert!(
            began.elapsed() < Duration::from_secs(5),
            "300 ms, a tick, and a busy machine"
        );
        let close = end.close.unwrap();
        assert_eq!(
            close.error.as_deref(),
            Some("Connection closed with an error.")
        );
        assert!(close.allow_reconnect);
        let timeout = "OperationCanceledException: Client hasn't sent a message/ping within the configured ClientTimeoutInterval.";
        assert_eq!(
            seen(&lifecycle, 2).await,
            [
                format!("connected {id}"),
                format!("disconnected {id} {:?}", Some(timeout))
            ]
        );
        cluster.stop().await.unwrap();
        assert_eq!(lifecycle.seen().len(), 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_sends_everyone_away_and_ends_every_task() {
    for shape in shapes() {
        let (options, lifecycle) = watched(shape);
        let cluster = TestCluster::start(options).await.unwrap();
        let mut clients = Vec::new();
        for index in 0..20 {
            clients.push(cluster.connect(index % 2, "ana", Encoding::Json).await);
        }
        let (stopped, ends) = tokio::join!(
            cluster.stop(),
            futures_util::future::join_all(clients.iter_mut().map(Connection::ended))
        );
        stopped.unwrap();
        for end in ends {
            assert!(end.close.unwrap().allow_reconnect);
            assert_eq!(end.transport, TransportEnd::CloseFrame(Some(1000)));
        }
        assert_eq!(lifecycle.seen().len(), 40);
    }
}

/// Whoever waits for an answer gets it, and is sent away then.
#[tokio::test(flavor = "multi_thread")]
async fn a_drain_leaves_invocations_their_time() {
    for mut shape in shapes() {
        let hub = TestHub::default();
        let passes = Arc::clone(&hub.passes);
        shape.hubs = vec![TestCluster::service(hub)];
        let cluster = TestCluster::start(shape).await.unwrap();
        let mut idle = cluster.connect(0, "ana", Encoding::Json).await;
        let mut busy = cluster.connect(0, "ben", Encoding::Json).await;
        // By hand, so that the answer comes out in its place before the Close.
        let pass = Message::Invocation(Invocation {
            invocation_id: Some("the-one".into()),
            target: "Pass".into(),
            arguments: Arguments::Raw(b"[]"[..].into()),
            stream_ids: StreamIds::new(),
        });
        busy.send_message(&pass).await.unwrap();
        let (user,): (String,) = within("the method runs", busy.receive("Waiting"))
            .await
            .unwrap();
        assert_eq!(user, "ben");
        let draining = async {
            tokio::join!(
                cluster.cluster().drain(Duration::from_secs(20)),
                async {
                    assert!(idle.ended().await.close.unwrap().allow_reconnect);
                    passes.add_permits(1);
                },
                async {
                    let answer = busy.next().await;
                    assert!(matches!(answer, Some(Message::Completion(_))), "{answer:?}");
                    assert!(busy.ended().await.close.unwrap().allow_reconnect);
                }
            )
        };
        within("the drain", draining).await;
        cluster.stop().await.unwrap();
    }
}
