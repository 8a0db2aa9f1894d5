//! Stateful reconnect (reference signalr-core 17): a lost WebSocket costs no message, and the rest of the connection
//! neither.

mod proxy;
mod raw;

use std::sync::Arc;
use std::time::Duration;

use hubplane::Encoding;
use hubplane::cluster::ClusterOptions;
use hubplane_client::message::Message;
use hubplane_client::{Connection, Options, TransportEnd, http::request, read_arguments};
use hubplane_gateway_server::{ConnectionOptions, HubOptions, QueueLimits, StatefulOptions};
use hubplane_testkit::{TestCluster, within};

use self::proxy::Proxy;
use self::raw::Raw;
use crate::{options, shapes, watched};

/// What each side sends while sockets are lost.
const COUNT: u32 = 10_000;

fn stateful(mut options: ClusterOptions, stateful: StatefulOptions) -> ClusterOptions {
    options.gateway.default_hub = HubOptions {
        connection: Arc::new(ConnectionOptions {
            stateful_reconnect: Some(stateful),
            // What is sent faster than it is acknowledged waits here.
            queue: QueueLimits {
                bytes_max: 16 << 20,
                ..QueueLimits::default()
            },
            detailed_errors: true,
            ..ConnectionOptions::default()
        }),
        ..HubOptions::default()
    };
    options
}

/// A client that may come back.
async fn connect(url: &str, encoding: hubplane_client::Encoding) -> Connection {
    let options = Options {
        stateful_reconnect: Some(100_000),
        inbox_max: 1 << 16,
        ..Options::with_encoding(encoding)
    };
    within("a connection", Connection::connect(url, &options))
        .await
        .unwrap()
}

/// The texts of the next sends, which are numbers.
async fn numbers(client: &mut Connection, count: u32) -> Vec<u32> {
    let mut numbers = Vec::new();
    while (numbers.len() as u32) < count {
        let next = tokio::time::timeout(Duration::from_secs(60), client.next());
        let Ok(Some(Message::Invocation(said))) = next.await else {
            panic!("nothing comes behind {:?}", numbers.last());
        };
        let (text,): (String,) = read_arguments(client.encoding(), &said.arguments).unwrap();
        numbers.push(text.parse().unwrap());
    }
    numbers
}

async fn nothing_lost(options: ClusterOptions, encoding: hubplane_client::Encoding) {
    let (options, lifecycle) = watched(options);
    let cluster = TestCluster::start(stateful(options, StatefulOptions::default()))
        .await
        .unwrap();
    let proxy = Proxy::start(cluster.address(0)).await;
    let mut client = connect(&proxy.url("test"), encoding).await;
    let mut other = cluster.connect(1, "ben", Encoding::Json).await;
    client.invoke::<()>("Join", ("down",)).await.unwrap();
    other.invoke::<()>("Join", ("up",)).await.unwrap();

    let (up, down) = (client.invoker(), other.invoker());
    let everything = async {
        let up = async {
            for number in 0..COUNT {
                let sent = up.send("ToGroup", ("up", number.to_string())).await;
                sent.unwrap();
            }
        };
        let down = async {
            for number in 0..COUNT {
                let sent = down.invoke::<()>("ToGroup", ("down", number.to_string()));
                sent.await.unwrap();
            }
        };
        let heard = numbers(&mut client, COUNT);
        let (_, _, heard, other_heard) = tokio::join!(up, down, heard, numbers(&mut other, COUNT));
        (heard, other_heard)
    };
    let mut everything = Box::pin(everything);
    let mut breaks = tokio::time::interval(Duration::from_millis(150));
    let mut broken = 0_u64;
    let (heard, other_heard) = loop {
        tokio::select! {
            all = &mut everything => break all,
            // A client tries to come back once, as the official ones do: not while it does.
            _ = breaks.tick() => {
                if up.resumes() == broken {
                    proxy.breaks();
                    broken += 1;
                }
            }
        }
    };
    drop(everything);
    let all: Vec<u32> = (0..COUNT).collect();
    assert!(heard == all, "down: {} of {COUNT}", heard.len());
    assert!(other_heard == all, "up: {} of {COUNT}", other_heard.len());
    assert!(
        broken > 10 && client.resumes() > 10,
        "{broken}, {}",
        client.resumes()
    );
    let echo: String = within("an echo", client.invoke("Echo", ("still here",)))
        .await
        .unwrap();
    assert_eq!(echo, "still here");
    let seen = lifecycle.seen();
    assert_eq!(seen.len(), 2, "nobody connected again or left: {seen:?}");
    cluster.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_messages_each_way_survive_sockets_that_are_lost_all_the_time() {
    for (shape, encoding) in shapes().into_iter().zip(hubplane_client::Encoding::ALL) {
        nothing_lost(shape, encoding).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_behind_a_connection_that_is_only_half_dead_comes_back() {
    let options = stateful(options(1, false), StatefulOptions::default());
    let cluster = TestCluster::start(options).await.unwrap();
    let proxy = Proxy::start(cluster.address(0)).await;
    let mut client = connect(&proxy.url("test"), hubplane_client::Encoding::Json).await;
    let other = cluster.connect(1, "ben", Encoding::Json).await;
    client.invoke::<()>("Join", ("g",)).await.unwrap();
    for round in 0..5_u32 {
        proxy.stalls();
        for number in 0..10 {
            let text = (round * 10 + number).to_string();
            other.invoke::<()>("ToGroup", ("g", text)).await.unwrap();
        }
        // The server believes that the socket is alive.
        client.lose_socket();
        let expected: Vec<u32> = (round * 10..round * 10 + 10).collect();
        assert_eq!(numbers(&mut client, 10).await, expected);
    }
    assert_eq!(client.resumes(), 5);
    cluster.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_client_results_and_groups_survive() {
    let options = stateful(options(1, true), StatefulOptions::default());
    let cluster = TestCluster::start(options).await.unwrap();
    let address = cluster.address(0);
    let token = token(&cluster).await;
    let mut raw = Raw::shaken(address, &token, 2).await;
    raw.say(r#"{"type":1,"invocationId":"1","target":"Join","arguments":["g"]}"#)
        .await;
    assert!(raw.hear().await.contains("\"type\":3"));
    raw.say(r#"{"type":1,"invocationId":"2","target":"Ask","arguments":[5]}"#)
        .await;
    let asked = raw.hear().await;
    assert!(asked.contains("\"target\":\"Answer\""), "{asked}");
    raw.lose();

    let mut raw = Raw::open(address, &token).await.unwrap();
    assert_eq!(raw.hear().await, r#"{"type":9,"sequenceId":1}"#);
    assert!(raw.hear().await.contains("\"invocationId\":\"1\""));
    assert_eq!(raw.hear().await, asked);
    raw.say(r#"{"type":9,"sequenceId":3}"#).await;
    let id = asked.split("\"invocationId\":\"").nth(1).unwrap();
    let id = id.split('"').next().unwrap();
    raw.say(&format!(r#"{{"type":3,"invocationId":"{id}","result":9}}"#))
        .await;
    assert_eq!(
        raw.hear().await,
        r#"{"type":3,"invocationId":"2","result":9}"#
    );
    raw.say(r#"{"type":4,"invocationId":"3","target":"Numbers","arguments":[2]}"#)
        .await;
    for expected in [
        r#"{"type":2,"invocationId":"3","item":0}"#,
        r#"{"type":2,"invocationId":"3","item":1}"#,
        r#"{"type":3,"invocationId":"3"}"#,
    ] {
        assert_eq!(raw.hear().await, expected);
    }
    let other = cluster.connect(1, "ben", Encoding::Json).await;
    other.invoke::<()>("ToGroup", ("g", "x")).await.unwrap();
    assert_eq!(
        raw.hear().await,
        r#"{"type":1,"target":"said","arguments":["x"]}"#
    );
    cluster.stop().await.unwrap();
}

/// Negotiates a connection that may come back.
async fn token(cluster: &TestCluster) -> String {
    let url = format!(
        "{}/negotiate?negotiateVersion=1&useStatefulReconnect=true",
        cluster.url(0, "test")
    );
    let response = request(http::Method::POST, &url, &[]).await.unwrap();
    let answer: serde_json::Value = serde_json::from_slice(response.body()).unwrap();
    assert_eq!(answer["useStatefulReconnect"], true);
    answer["connectionToken"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn another_socket_replaces_one_that_is_alive_and_is_refused_where_nothing_can_be_resumed() {
    let options = stateful(options(1, false), StatefulOptions::default());
    let cluster = TestCluster::start(options).await.unwrap();
    let address = cluster.address(0);
    let refused = async |token: &str| Raw::open(address, token).await.err();

    let granted = token(&cluster).await;
    let mut first = Raw::open(address, &granted).await.unwrap();
    assert_eq!(refused(&granted).await, Some(409), "before the handshake");
    first.say(r#"{"protocol":"json","version":2}"#).await;
    assert_eq!(first.hear().await, "{}");
    first
        .say(r#"{"type":1,"invocationId":"1","target":"Echo","arguments":["x"]}"#)
        .await;
    let answer = r#"{"type":3,"invocationId":"1","result":"x"}"#;
    assert_eq!(first.hear().await, answer);
    let mut second = Raw::open(address, &granted).await.unwrap();
    assert_eq!(second.hear().await, r#"{"type":9,"sequenceId":1}"#);
    assert_eq!(second.hear().await, answer);
    assert_eq!(first.hear().await, "close 1000");
    assert_eq!(first.hear().await, "end");
    second.say(r#"{"type":9,"sequenceId":2}"#).await;
    second
        .say(r#"{"type":1,"invocationId":"2","target":"Echo","arguments":["y"]}"#)
        .await;
    assert_eq!(
        second.hear().await,
        r#"{"type":3,"invocationId":"2","result":"y"}"#
    );
    // A close in order is the end.
    second.close().await;
    while second.hear().await != "end" {}
    within("the end", async {
        while refused(&granted).await != Some(404) {}
    })
    .await;

    let old = token(&cluster).await;
    let raw = Raw::shaken(address, &old, 1).await;
    assert_eq!(refused(&old).await, Some(409), "version 1 cannot come back");
    raw.lose();
    within("the end", async {
        while refused(&old).await != Some(404) {}
    })
    .await;
    cluster.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_comes_back_too_late_is_told_so_and_its_hub_once() {
    let (options, lifecycle) = watched(options(1, false));
    let options = stateful(
        options,
        StatefulOptions {
            detached_timeout: Duration::from_millis(300),
            ..StatefulOptions::default()
        },
    );
    let cluster = TestCluster::start(options).await.unwrap();
    let granted = token(&cluster).await;
    let raw = Raw::shaken(cluster.address(0), &granted, 2).await;
    raw.lose();
    within("the end", async {
        while lifecycle.seen().len() < 2 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    within("the refusal", async {
        while Raw::open(cluster.address(0), &granted).await.err() != Some(404) {}
    })
    .await;
    assert!(
        lifecycle.seen()[1].ends_with("None"),
        "{:?}",
        lifecycle.seen()
    );

    let client = connect(&cluster.url(0, "test"), hubplane_client::Encoding::Json).await;
    assert_eq!(client.invoke::<String>("Echo", ("x",)).await.unwrap(), "x");
    cluster.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_that_does_not_allow_it_grants_nothing() {
    let cluster = TestCluster::start(options(1, false)).await.unwrap();
    let mut client = connect(&cluster.url(0, "test"), hubplane_client::Encoding::Json).await;
    client.lose_socket();
    let end = within("the end", client.ended()).await;
    assert!(matches!(end.transport, TransportEnd::Lost(_)), "{end:?}");
    assert_eq!(client.resumes(), 0);
    cluster.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_method_that_sends_more_than_is_kept_ends_although_its_clients_next_invocation_waits() {
    const SENDS: u32 = 10_000;
    for shape in shapes() {
        let cluster = TestCluster::start(stateful(shape, StatefulOptions::default()))
            .await
            .unwrap();
        let mut client = connect(&cluster.url(0, "test"), hubplane_client::Encoding::Json).await;
        let invoker = client.invoker();
        // The acknowledgements that the first one needs come behind the others, which wait for it.
        let calls = async {
            tokio::join!(
                invoker.invoke::<u32>("Ordered", (SENDS, "g", "u")),
                invoker.invoke::<String>("Echo", ("a",)),
                invoker.invoke::<String>("Echo", ("b",)),
            )
        };
        let hears = async {
            let mut next = 0;
            while next < SENDS {
                let number: (u32,) = client.receive("caller").await.unwrap();
                assert_eq!(number.0, next);
                next += 1;
            }
        };
        let (called, ()) = within("the end", async { tokio::join!(calls, hears) }).await;
        assert_eq!(called.0.unwrap(), SENDS);
        assert_eq!(called.2.unwrap(), "b");
        cluster.stop().await.unwrap();
    }
}
