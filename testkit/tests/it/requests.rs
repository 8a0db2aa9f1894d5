//! Event streams, polls, posts and DELETE, request by request (reference signalr-core 7 to 9).

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hubplane_gateway_connection as connection;
use hubplane_gateway_server::{HubOptions, Transports};
use hubplane_testkit::{TestCluster, TestHub, within};

use crate::raw::{Answer, Exchange};
use crate::{options, watched};

const EVENTS: &[(&str, &str)] = &[("Accept", "text/event-stream")];
const UPGRADE: &[(&str, &str)] = &[
    ("Connection", "Upgrade"),
    ("Upgrade", "websocket"),
    ("Sec-WebSocket-Version", "13"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
];
const HANDSHAKE: &str = "{\"protocol\":\"json\",\"version\":1}\u{1e}";
const UNKNOWN: &str = "404 text/plain uncached No Connection with that ID";
const OTHER: &str = "Cannot change transports mid-connection";

fn call(id: &str, target: &str, arguments: &str) -> String {
    format!(
        "{{\"type\":1,\"invocationId\":\"{id}\",\"target\":\"{target}\",\"arguments\":{arguments}}}\u{1e}"
    )
}

/// A negotiated connection, and whose requests are made.
struct Client {
    address: SocketAddr,
    target: String,
}

impl Client {
    async fn negotiate(cluster: &TestCluster) -> Self {
        let address = cluster.address(0);
        let line = "POST /hubs/test/negotiate?negotiateVersion=1";
        let answer = Exchange::send(address, line, &[], "").await.answer().await;
        let answer: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
        let token = answer["connectionToken"].as_str().unwrap();
        let target = format!("/hubs/test?id={token}");
        Self { address, target }
    }

    /// A connection by polls whose handshake is answered.
    async fn polls(cluster: &TestCluster) -> Self {
        let client = Self::negotiate(cluster).await;
        assert_eq!(client.get().await.shown(), POLLED);
        client.post(HANDSHAKE).await;
        assert_eq!(client.get().await.body, "{}\u{1e}");
        client
    }

    /// A connection by events whose handshake is answered, and its stream.
    async fn events(cluster: &TestCluster) -> (Self, Exchange) {
        let client = Self::negotiate(cluster).await;
        let mut stream = client.send("GET", EVENTS, "").await;
        assert_eq!(stream.head().await.status, 200);
        assert_eq!(stream.chunk().await.unwrap(), ":\r\n");
        client.post(HANDSHAKE).await;
        assert_eq!(stream.chunk().await.unwrap(), "data: {}\u{1e}\r\n\r\n");
        (client, stream)
    }

    async fn send(&self, method: &str, headers: &[(&str, &str)], body: &str) -> Exchange {
        let line = format!("{method} {}", self.target);
        Exchange::send(self.address, &line, headers, body).await
    }

    /// The answer to a request.
    async fn ask(&self, method: &str, headers: &[(&str, &str)]) -> String {
        self.send(method, headers, "").await.answer().await.shown()
    }

    /// The answer to a poll.
    async fn get(&self) -> Answer {
        self.send("GET", &[], "").await.answer().await
    }

    /// A poll that the connection knows of: it has ended another one.
    async fn waiting_poll(&self) -> Exchange {
        let mut one = self.send("GET", &[], "").await;
        let mut two = self.send("GET", &[], "").await;
        // Which of them comes first is not promised.
        let (answer, waiting) = tokio::select! {
            answer = one.answer() => (answer, two),
            answer = two.answer() => (answer, one),
        };
        assert_eq!(answer.shown(), OVER);
        waiting
    }

    async fn post(&self, body: &str) {
        let answer = self.send("POST", &[], body).await.answer().await;
        assert_eq!(answer.shown(), POSTED);
    }
}

const POLLED: &str = "200 application/octet-stream uncached ";
const POSTED: &str = "200 text/plain ";
const OVER: &str = "204 text/plain uncached ";

fn connections(cluster: &TestCluster) -> u64 {
    cluster.cluster().gateways()[0].connections()
}

async fn one() -> TestCluster {
    TestCluster::start(options(1, false)).await.unwrap()
}

/// A cluster whose hub has these options.
async fn with(change: impl FnOnce(&mut HubOptions, &mut connection::Options)) -> TestCluster {
    let mut options = options(1, false);
    let hub = &mut options.gateway.default_hub;
    let mut connection = connection::Options::default();
    change(hub, &mut connection);
    hub.connection = Arc::new(connection);
    TestCluster::start(options).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_stream_begins_with_its_headers_and_a_comment() {
    let cluster = one().await;
    let client = Client::negotiate(&cluster).await;
    let mut stream = client.send("GET", EVENTS, "").await;
    let head = stream.head().await;
    for (name, value) in [
        ("content-type", "text/event-stream"),
        ("cache-control", "no-cache,no-store"),
        ("pragma", "no-cache"),
        ("content-encoding", "identity"),
        ("transfer-encoding", "chunked"),
        ("x-accel-buffering", "no"),
    ] {
        assert_eq!(head.header(name), Some(value), "{name}");
    }
    assert_eq!(stream.chunk().await.unwrap(), ":\r\n");
    cluster.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_stream_carries_no_messagepack() {
    let cluster = one().await;
    let client = Client::negotiate(&cluster).await;
    let mut stream = client.send("GET", EVENTS, "").await;
    stream.head().await;
    stream.chunk().await;
    client
        .post("{\"protocol\":\"messagepack\",\"version\":1}\u{1e}")
        .await;
    let refusal = "data: {\"error\":\"Cannot use the 'messagepack' protocol on the current transport. The transport does not support 'Binary' transfer format.\"}\u{1e}\r\n\r\n";
    assert_eq!(stream.chunk().await.unwrap(), refusal);
    assert_eq!(stream.chunk().await, None);
    cluster.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_an_event_stream_is_a_close_message_and_the_end_of_the_response() {
    let cluster = one().await;
    let (client, mut stream) = Client::events(&cluster).await;
    client.post("{\"type\":7}\u{1e}").await;
    assert_eq!(
        stream.chunk().await.unwrap(),
        "data: {\"type\":7}\u{1e}\r\n\r\n"
    );
    assert_eq!(stream.chunk().await, None);
    let unknown = "404 text/plain No Connection with that ID";
    assert_eq!(client.ask("POST", &[]).await, unknown);
    assert_eq!(client.ask("GET", EVENTS).await, unknown);
    cluster.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_drops_an_event_stream_is_gone_at_once() {
    let (options, lifecycle) = watched(options(1, false));
    let cluster = TestCluster::start(options).await.unwrap();
    let (client, stream) = Client::events(&cluster).await;
    drop(stream);
    within("the hub hears of it", async {
        while lifecycle.seen().len() < 2 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
    assert!(lifecycle.seen()[1].starts_with("disconnected"));
    within("the token is gone", async {
        while client.ask("POST", &[]).await != "404 text/plain No Connection with that ID" {}
    })
    .await;
    cluster.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_posted_before_a_transport_attaches_is_read_by_it() {
    let cluster = one().await;
    let client = Client::negotiate(&cluster).await;
    client.post(HANDSHAKE).await;
    assert_eq!(client.get().await.shown(), POLLED);
    assert_eq!(client.get().await.body, "{}\u{1e}");
    let client = Client::negotiate(&cluster).await;
    client.post(HANDSHAKE).await;
    let mut stream = client.send("GET", EVENTS, "").await;
    stream.head().await;
    let mut seen = String::new();
    while seen != ":\r\ndata: {}\u{1e}\r\n\r\n" {
        seen.push_str(&stream.chunk().await.unwrap());
    }
    cluster.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_keeps_its_first_transport() {
    let cluster = one().await;
    let client = Client::polls(&cluster).await;
    let refused = format!("400 text/plain {OTHER}");
    assert_eq!(client.ask("GET", EVENTS).await, refused);
    assert_eq!(client.ask("GET", UPGRADE).await, refused);

    let (client, _stream) = Client::events(&cluster).await;
    assert_eq!(client.ask("GET", UPGRADE).await, refused);
    let uncached = format!("400 text/plain uncached {OTHER}");
    assert_eq!(client.ask("GET", &[]).await, uncached);
    assert_eq!(client.ask("GET", EVENTS).await, "409 text/plain ");
    let text = "Cannot terminate this connection using the DELETE endpoint.";
    let refused = format!("400 text/plain {text}");
    assert_eq!(client.ask("DELETE", &[]).await, refused);

    let client = Client::negotiate(&cluster).await;
    let mut socket = client.send("GET", UPGRADE, "").await;
    assert_eq!(socket.head().await.status, 101);
    assert_eq!(client.ask("GET", &[]).await, uncached);
    assert_eq!(
        client.ask("GET", EVENTS).await,
        format!("400 text/plain {OTHER}")
    );
    assert_eq!(client.ask("GET", UPGRADE).await, "409 text/plain ");
    assert_eq!(client.ask("DELETE", &[]).await, refused);
    let text = "POST requests are not allowed for WebSocket connections.";
    assert_eq!(
        client.ask("POST", &[]).await,
        format!("405 text/plain {text}")
    );
    cluster.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transport_that_is_not_offered_is_refused_behind_its_id() {
    let transports = Transports {
        web_sockets: false,
        server_sent_events: false,
        ..Transports::default()
    };
    let cluster = with(|hub, _| hub.transports = transports).await;
    let client = Client::negotiate(&cluster).await;
    let text = "transport not supported by this end point type";
    let events = format!("404 text/plain ServerSentEvents {text}");
    assert_eq!(client.ask("GET", EVENTS).await, events);
    let sockets = format!("404 text/plain WebSockets {text}");
    assert_eq!(client.ask("GET", UPGRADE).await, sockets);
    assert_eq!(client.get().await.shown(), POLLED);

    let nobody = Client {
        address: cluster.address(0),
        target: "/hubs/test".to_owned(),
    };
    assert_eq!(nobody.ask("GET", UPGRADE).await, sockets);
    let missing = "400 text/plain Connection ID required";
    assert_eq!(nobody.ask("GET", EVENTS).await, missing);
    cluster.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_poll_ends_an_older_one() {
    let cluster = one().await;
    let client = Client::polls(&cluster).await;
    let mut newer = client.waiting_poll().await;
    client.post(&call("1", "Echo", "[\"x\"]")).await;
    let answer = newer.answer().await;
    assert_eq!(
        answer.body,
        "{\"type\":3,\"invocationId\":\"1\",\"result\":\"x\"}\u{1e}"
    );
    cluster.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_connection_tells_the_poll_that_waits_and_is_unknown_from_then_on() {
    let (options, lifecycle) = watched(options(1, false));
    let cluster = TestCluster::start(options).await.unwrap();
    let client = Client::polls(&cluster).await;
    let mut poll = client.waiting_poll().await;
    assert_eq!(client.ask("DELETE", &[]).await, "202 text/plain ");
    let close = "200 application/octet-stream uncached {\"type\":7,\"allowReconnect\":true}\u{1e}";
    assert_eq!(poll.answer().await.shown(), close);
    let unknown = "404 text/plain No Connection with that ID";
    assert_eq!(client.ask("GET", &[]).await, UNKNOWN);
    assert_eq!(client.ask("POST", &[]).await, unknown);
    assert_eq!(client.ask("DELETE", &[]).await, unknown);
    within("the hub hears of it", async {
        while lifecycle.seen().len() < 2 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
    assert!(lifecycle.seen()[1].ends_with("None"));
    cluster.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_deleted_before_its_handshake_answers_204() {
    let cluster = one().await;
    let client = Client::negotiate(&cluster).await;
    client.get().await;
    let mut poll = client.waiting_poll().await;
    assert_eq!(client.ask("DELETE", &[]).await, "202 text/plain ");
    assert_eq!(poll.answer().await.shown(), OVER);
    cluster.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn polls_hear_of_the_end_and_then_that_it_is_over() {
    let cluster = one().await;
    let client = Client::polls(&cluster).await;
    client.post("{\"type\":7}\u{1e}").await;
    assert_eq!(client.get().await.body, "{\"type\":7}\u{1e}");
    assert_eq!(client.get().await.shown(), OVER);
    assert_eq!(client.get().await.shown(), UNKNOWN);
    cluster.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poll_that_nothing_comes_for_is_answered_with_nothing() {
    let cluster = with(|_, options| options.poll_timeout = Duration::from_millis(100)).await;
    let client = Client::polls(&cluster).await;
    assert_eq!(client.get().await.shown(), "200 text/plain uncached ");
    client.post(&call("1", "Echo", "[\"x\"]")).await;
    assert!(client.get().await.body.contains("\"result\":\"x\""));
    cluster.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_poll_for_too_long_is_gone() {
    let cluster = with(|_, options| options.disconnect_timeout = Duration::from_millis(100)).await;
    let client = Client::polls(&cluster).await;
    within("it is gone", async {
        while connections(&cluster) > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
    assert_eq!(client.get().await.shown(), UNKNOWN);
    cluster.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn posts_are_read_in_the_order_in_which_they_came() {
    let cluster = one().await;
    let client = Client::polls(&cluster).await;
    let first = call("1", "Echo", "[\"x\"]");
    let (beginning, rest) = first.as_bytes().split_at(20);
    let line = format!("POST {}", client.target);
    let expect = [("Expect", "100-continue")];
    let mut one = Exchange::send_part(client.address, &line, &expect, first.len(), b"").await;
    // Its body is asked for once it is its turn.
    assert_eq!(one.head().await.status, 100);
    one.more(beginning).await;
    let mut two = client
        .send("POST", &[], &call("2", "Echo", "[\"y\"]"))
        .await;
    assert_eq!(client.ask("PUT", &[]).await, "405 text/plain ");
    assert!(two.is_silent());
    one.more(rest).await;
    assert_eq!(one.answer().await.shown(), POSTED);
    assert_eq!(two.answer().await.shown(), POSTED);
    let mut seen = client.get().await.body;
    while seen.matches('\u{1e}').count() < 2 {
        seen.push_str(&client.get().await.body);
    }
    let one = "{\"type\":3,\"invocationId\":\"1\",\"result\":\"x\"}\u{1e}";
    let two = "{\"type\":3,\"invocationId\":\"2\",\"result\":\"y\"}\u{1e}";
    assert_eq!(seen, format!("{one}{two}"));
    cluster.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_post_that_breaks_off_leaves_nothing_behind() {
    let cluster = one().await;
    let client = Client::polls(&cluster).await;
    let line = format!("POST {}", client.target);
    let broken = Exchange::send_part(client.address, &line, &[], 1000, b"{\"type\":1,").await;
    drop(broken);
    client.post(&call("1", "Echo", "[\"x\"]")).await;
    let answer = client.get().await.body;
    assert!(answer.contains("\"result\":\"x\""), "{answer}");
    cluster.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_may_come_in_pieces_and_several_at_once() {
    let cluster = one().await;
    let client = Client::polls(&cluster).await;
    for piece in [
        "{\"type\":1,\"invocatio",
        "nId\":\"1\",\"target\":\"Echo\",",
        "\"arguments\":[\"x\"]}",
        "\u{1e}",
        "",
    ] {
        client.post(piece).await;
    }
    assert!(client.get().await.body.contains("\"result\":\"x\""));
    client
        .post(&[call("2", "Echo", "[\"x\"]"), call("3", "Echo", "[\"x\"]")].concat())
        .await;
    let mut seen = client.get().await.body;
    while seen.matches('\u{1e}').count() < 2 {
        seen.push_str(&client.get().await.body);
    }
    cluster.stop().await.unwrap();
}

/// As recorded: what is posted beyond the buffer waits for a method that runs.
#[tokio::test(flavor = "multi_thread")]
async fn a_post_waits_until_the_connection_reads_on() {
    let hub = TestHub::default();
    let passes = Arc::clone(&hub.passes);
    let mut options = options(1, false);
    options.hubs = vec![TestCluster::service(hub)];
    let cluster = TestCluster::start(options).await.unwrap();
    let client = Client::polls(&cluster).await;
    client.post(&call("1", "Pass", "[]")).await;
    assert!(client.get().await.body.contains("waiting"));
    // The first one waits for the slot, and what is behind it for that one.
    let echo = call("2", "Echo", &format!("[\"{}\"]", "x".repeat(30_000)));
    let mut post = client.send("POST", &[], &echo.repeat(5)).await;
    others_are_served(&cluster).await;
    assert!(post.is_silent());
    passes.add_permits(1);
    assert_eq!(post.answer().await.shown(), POSTED);
    let mut answers = 0;
    while answers < 6 {
        answers += client.get().await.body.matches('\u{1e}').count();
    }
    cluster.stop().await.unwrap();
}

async fn others_are_served(cluster: &TestCluster) {
    let other = Client::polls(cluster).await;
    other.post(&call("1", "Echo", "[\"x\"]")).await;
    assert!(other.get().await.body.contains("\"result\":\"x\""));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_post_that_is_too_long_is_refused() {
    let cluster = one().await;
    let client = Client::polls(&cluster).await;
    let line = format!("POST {}", client.target);
    let mut post = Exchange::send_part(client.address, &line, &[], 30_000_001, b"").await;
    assert_eq!(post.answer().await.shown(), "413 text/plain ");
    cluster.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_one_gateway_and_hub_is_unknown_elsewhere() {
    let cluster = one().await;
    let client = Client::negotiate(&cluster).await;
    let elsewhere = Client {
        address: cluster.address(1),
        target: client.target.clone(),
    };
    assert_eq!(elsewhere.get().await.shown(), UNKNOWN);
    assert_eq!(client.get().await.shown(), POLLED);
    cluster.stop().await.unwrap();
}
