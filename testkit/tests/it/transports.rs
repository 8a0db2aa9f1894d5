//! What is promised holds on every transport.

use std::sync::Arc;
use std::time::Duration;

use hubplane::cluster::ClusterOptions;
use hubplane_client::message::{
    Arguments, CompletionResult, Invocation, Message, StreamIds, StreamItem,
};
use hubplane_client::{Connection, Encoding, Options, Transport, TransportEnd, write_arguments};
use hubplane_testkit::{Lifecycle, TestCluster, within};

use crate::{shapes, watched};

/// Every transport with every hub protocol that it carries.
const WAYS: [(Transport, Encoding); 5] = [
    (Transport::WebSockets, Encoding::Json),
    (Transport::WebSockets, Encoding::MessagePack),
    (Transport::ServerSentEvents, Encoding::Json),
    (Transport::LongPolling, Encoding::Json),
    (Transport::LongPolling, Encoding::MessagePack),
];

fn options((transport, encoding): (Transport, Encoding)) -> Options {
    Options {
        transport,
        inbox_max: 1 << 16,
        ..Options::with_encoding(encoding)
    }
}

async fn connect(cluster: &TestCluster, gateway: usize, options: &Options) -> Connection {
    let url = cluster.url(gateway, "test");
    let connecting = Connection::connect(&url, options);
    within("a connection", connecting)
        .await
        .unwrap_or_else(|error| panic!("{:?}: {error}", options.transport))
}

fn one_shape() -> ClusterOptions {
    let [shape, _] = shapes();
    shape
}

/// Invokes a method that answers with nothing.
async fn done(client: &Connection, target: &str, arguments: impl serde::Serialize) {
    let arguments = write_arguments(client.encoding(), &arguments).unwrap();
    let invoking = client.invoke_raw(target, &arguments);
    let result = within(target, invoking).await.unwrap();
    let failed = matches!(result, CompletionResult::Error(_));
    assert!(!failed, "{target}: {result:?}");
}

async fn echoes(client: &Connection) {
    let text = "héllo\nwörld".to_owned();
    let echo: String = within("an echo", client.invoke("Echo", (&text,)))
        .await
        .unwrap();
    assert_eq!(echo, text);
}

fn stream(client: &Connection, id: &str, items: u32) -> Message {
    Message::StreamInvocation(Invocation {
        invocation_id: Some(id.into()),
        target: "Numbers".into(),
        arguments: Arguments::Raw(write_arguments(client.encoding(), &(items,)).unwrap()),
        stream_ids: StreamIds::new(),
    })
}

/// The items of a stream, in order, and its end.
async fn streamed(client: &mut Connection, items: u32) {
    for number in 0..items {
        match within("an item", client.next()).await {
            Some(Message::StreamItem(StreamItem { item, .. })) => {
                let got: u32 = hubplane_client::read_value(client.encoding(), &item).unwrap();
                assert_eq!(got, number);
            }
            other => panic!("item {number}: {other:?}"),
        }
    }
    match within("the end", client.next()).await {
        Some(Message::Completion(end)) => assert_eq!(end.result, CompletionResult::Void),
        other => panic!("{other:?}"),
    }
}

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
async fn each_transport_carries_invocations_and_streams() {
    for shape in shapes() {
        let cluster = TestCluster::start(shape).await.unwrap();
        for way in WAYS {
            let mut client = connect(&cluster, 0, &options(way)).await;
            let id: String = within("an id", client.invoke("Id", ())).await.unwrap();
            assert_eq!(client.id(), Some(id.as_str()));
            echoes(&client).await;
            client
                .send_message(&stream(&client, "s", 1000))
                .await
                .unwrap();
            streamed(&mut client, 1000).await;
            let failed = client.invoke::<()>("Fail", ()).await.unwrap_err();
            assert!(failed.to_string().contains("on purpose"), "{failed}");
        }
        cluster.stop().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_of_all_transports_on_all_gateways_hears_everything_in_order() {
    for shape in shapes() {
        let cluster = TestCluster::start(shape).await.unwrap();
        let mut members = Vec::new();
        for gateway in 0..2 {
            for way in WAYS {
                let member = connect(&cluster, gateway, &options(way)).await;
                done(&member, "Join", ("room",)).await;
                members.push(member);
            }
        }
        let sender = connect(&cluster, 0, &options(WAYS[2])).await;
        for number in 0..200 {
            let text = format!("{number}\n{}", "x".repeat(number));
            done(&sender, "ToGroup", ("room", text)).await;
        }
        for member in &mut members {
            for number in 0..200 {
                let said = within("what is said", member.receive("said")).await;
                let (text,): (String,) = said.unwrap();
                assert_eq!(text, format!("{number}\n{}", "x".repeat(number)));
            }
        }
        cluster.stop().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_end_is_seen_once_on_each_transport() {
    for shape in shapes() {
        let (shape, lifecycle) = watched(shape);
        let cluster = TestCluster::start(shape).await.unwrap();
        let mut count = 0;
        for way in WAYS {
            let stops = connect(&cluster, 0, &options(way)).await;
            let end = within("a stop", stops.stop()).await;
            let expected = match way.0 {
                Transport::WebSockets => vec![TransportEnd::CloseFrame(Some(1000))],
                Transport::ServerSentEvents => vec![TransportEnd::Finished],
                // The poll that tells of the end is the last one that finds the connection.
                Transport::LongPolling => vec![TransportEnd::Finished, TransportEnd::Status(404)],
            };
            assert!(expected.contains(&end.transport), "{way:?}: {end:?}");

            let mut aborted = connect(&cluster, 0, &options(way)).await;
            aborted.send("Abort", ()).await.unwrap();
            let end = within("the end", aborted.ended()).await;
            assert_eq!(end.close.map(|close| close.allow_reconnect), Some(false));
            assert_eq!(end.transport, expected[0], "{way:?}");

            count += 4;
            let events = seen(&lifecycle, count).await;
            assert!(events[count - 1].ends_with("None"), "{way:?}: {events:?}");
        }
        cluster.stop().await.unwrap();
        assert_eq!(lifecycle.seen().len(), count);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_vanishes_is_noticed_on_each_transport() {
    for mut shape in shapes() {
        let connection = hubplane_gateway_connection::Options {
            disconnect_timeout: Duration::from_millis(200),
            ..hubplane_gateway_connection::Options::default()
        };
        shape.gateway.default_hub.connection = Arc::new(connection);
        let (shape, lifecycle) = watched(shape);
        let cluster = TestCluster::start(shape).await.unwrap();
        for (round, way) in WAYS.into_iter().enumerate() {
            let client = connect(&cluster, 0, &options(way)).await;
            echoes(&client).await;
            client.kill().await;
            let events = seen(&lifecycle, 2 * round + 2).await;
            assert!(events[2 * round + 1].starts_with("disconnected"), "{way:?}");
        }
        cluster.stop().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_sends_away_who_is_on_any_transport() {
    for shape in shapes() {
        let (shape, lifecycle) = watched(shape);
        let cluster = TestCluster::start(shape).await.unwrap();
        let mut clients = Vec::new();
        for gateway in 0..2 {
            for way in WAYS {
                clients.push(connect(&cluster, gateway, &options(way)).await);
            }
        }
        let (stopped, ends) = tokio::join!(
            cluster.stop(),
            futures_util::future::join_all(clients.iter_mut().map(Connection::ended))
        );
        stopped.unwrap();
        for end in ends {
            assert!(end.close.as_ref().unwrap().allow_reconnect, "{end:?}");
            let is_whole = matches!(
                end.transport,
                TransportEnd::CloseFrame(Some(1000)) | TransportEnd::Finished
            );
            assert!(is_whole, "{end:?}");
        }
        assert_eq!(lifecycle.seen().len(), 20);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_reads_late_gets_a_whole_stream_on_each_transport() {
    for shape in shapes() {
        let cluster = TestCluster::start(shape).await.unwrap();
        for way in WAYS {
            let slow = Options {
                inbox_max: 4,
                ..options(way)
            };
            let mut client = connect(&cluster, 0, &slow).await;
            client
                .send_message(&stream(&client, "s", 20_000))
                .await
                .unwrap();
            let other = connect(&cluster, 0, &options(way)).await;
            for _ in 0..50 {
                echoes(&other).await;
            }
            streamed(&mut client, 20_000).await;
        }
        cluster.stop().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_never_reads_what_is_said_to_all_is_told_to_come_back_on_each_transport() {
    for way in WAYS {
        let (shape, lifecycle) = watched(one_shape());
        let cluster = TestCluster::start(shape).await.unwrap();
        let deaf = Options {
            inbox_max: 1,
            ..options(way)
        };
        let mut deaf = connect(&cluster, 0, &deaf).await;
        let mut sender = connect(&cluster, 0, &options(WAYS[0])).await;
        let text = "x".repeat(30_000);
        within("the queue overflows", async {
            while lifecycle.seen().len() < 3 {
                done(&sender, "ToAll", (&text,)).await;
                while sender.try_next().is_some() {}
            }
        })
        .await;
        assert!(
            lifecycle.seen()[2].contains("SlowConsumer"),
            "{way:?}: {:?}",
            lifecycle.seen()
        );
        within("what was sent", async {
            while deaf.next().await.is_some() {}
        })
        .await;
        let end = within("the end", deaf.ended()).await;
        if let Some(close) = end.close {
            assert!(close.allow_reconnect);
        }
        echoes(&sender).await;
        cluster.stop().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_sees_which_transport_it_has() {
    let cluster = TestCluster::start(one_shape()).await.unwrap();
    for (way, name) in [
        (WAYS[0], "WebSockets"),
        (WAYS[2], "ServerSentEvents"),
        (WAYS[3], "LongPolling"),
    ] {
        let client = connect(&cluster, 0, &options(way)).await;
        let transport: String = within("a name", client.invoke("Transport", ()))
            .await
            .unwrap();
        assert_eq!(transport, name);
    }
    cluster.stop().await.unwrap();
}
