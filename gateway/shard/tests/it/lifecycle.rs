use std::time::Duration;

use hubplane_gateway_connection::Options;
use hubplane_gateway_shard::{Command, UserSource};
use hubplane_proto_link::{Encoding, Identified, Stage, ToGateway, ToHubHost};

use crate::client::{JSON, MESSAGEPACK, PING, Seen, call, frame};
use crate::node::Node;
use crate::with_1_and_4_shards;

with_1_and_4_shards!(
    an_invocation_is_answered_in_both_protocols,
    the_handshake_is_answered_when_the_connection_is_visible,
    a_hub_may_name_the_user,
    messages_wait_until_the_connection_is_open,
    bytes_may_come_split_and_packed_anyhow,
    pings_of_the_websocket_are_answered_with_their_payload,
    the_server_pings_and_a_silent_client_is_timed_out,
    an_unfinished_handshake_is_canceled,
    what_was_read_ahead_is_not_lost,
);

async fn an_invocation_is_answered_in_both_protocols(shards: u8) {
    let mut node = Node::start(shards).await;
    let mut json = node.connect("json", JSON).await;
    let mut binary = node.connect("binary", MESSAGEPACK).await;

    json.text(call("1")).await;
    assert_eq!(&*node.expect_call("1").await.arguments.bytes, b"[\"x\"]");
    node.complete("json", "1", "\"x\"").await;
    json.expect_text("{\"type\":3,\"invocationId\":\"1\",\"result\":\"x\"}<RS>")
        .await;

    binary
        .binary(b"\x0e\x96\x01\x80\xa1\x31\xa4Echo\x91\xa1x\x90")
        .await;
    let invocation = node.expect_call("1").await;
    assert_eq!(
        (invocation.arguments.encoding, &*invocation.arguments.bytes),
        (Encoding::MessagePack, &b"\x91\xa1x"[..])
    );
    node.complete("binary", "1", "\"x\"").await;
    assert_eq!(
        binary.next().await,
        Seen::Binary(b"\x08\x95\x03\x80\xa1\x31\x03\xa1x".to_vec())
    );
}

async fn the_handshake_is_answered_when_the_connection_is_visible(shards: u8) {
    let mut node = Node::start(shards).await;
    node.gate.send(false).unwrap();
    let mut client = node
        .attach("c", "chat", UserSource::Known(None), &Options::default())
        .await;
    client.text(JSON).await;
    node.until("the request is read", |metrics| metrics.bytes_in > 0)
        .await;
    node.send(hubplane_proto_link::Audience::All, &[], "Early", b"\x90")
        .await;
    // A second turn of every shard, after the one that could have answered.
    for shard in 0..node.shards.count() {
        node.shards.send(shard, Command::Visible(Vec::new())).await;
    }
    assert!(node.frames.try_recv().is_err());
    node.gate.send(true).unwrap();
    client.expect_text("{}<RS>").await;
    assert_eq!(node.expect_opened("c").await.protocol, Encoding::Json);
    node.send(hubplane_proto_link::Audience::All, &[], "Late", b"\x90")
        .await;
    client
        .expect_text("{\"type\":1,\"target\":\"Late\",\"arguments\":[]}<RS>")
        .await;
}

async fn a_hub_may_name_the_user(shards: u8) {
    let mut node = Node::start(shards).await;
    let mut client = node
        .attach("c", "chat", UserSource::AskHub, &Options::default())
        .await;
    client.text(MESSAGEPACK).await;
    assert!(
        matches!(node.next().await, ToHubHost::Identify(info) if info.protocol == Encoding::MessagePack)
    );
    let user: hubplane_proto_ids::UserId = "ana".parse().unwrap();
    let answer = Identified {
        connection: "c".parse().unwrap(),
        user: Some(user.clone()),
        error: None,
    };
    node.command("c", Command::FromHub(ToGateway::Identified(answer)))
        .await;
    assert_eq!(client.next().await, Seen::Binary(b"{}\x1e".to_vec()));
    assert!(
        matches!(node.next().await, ToHubHost::Opened { user: Some(named), .. } if named == user)
    );
}

async fn messages_wait_until_the_connection_is_open(shards: u8) {
    let mut node = Node::start(shards).await;
    let mut client = node
        .attach("c", "chat", UserSource::Known(None), &Options::default())
        .await;
    client
        .text(JSON.to_owned() + &call("1") + &call("2")[..20])
        .await;
    node.expect_opened("c").await;
    client.expect_text("{}<RS>").await;
    client.text(&call("2")[20..]).await;
    assert!(node.frames.try_recv().is_err());
    node.done("c", Stage::Opening, None).await;
    node.expect_call("1").await;
    node.complete("c", "1", "1").await;
    client
        .expect_text("{\"type\":3,\"invocationId\":\"1\",\"result\":1}<RS>")
        .await;
    node.expect_call("2").await;
}

async fn bytes_may_come_split_and_packed_anyhow(shards: u8) {
    let mut node = Node::start(shards).await;
    let mut client = node.connect("c", JSON).await;
    let completes = async |node: &mut Node, invocation: &str| {
        node.expect_call(invocation).await;
        node.complete("c", invocation, "1").await;
    };
    // One byte at a time.
    for byte in frame(0x81, call("a").as_bytes()) {
        client.bytes(&[byte]).await;
    }
    completes(&mut node, "a").await;
    // Three messages in one frame, with empty frames around.
    client.text("").await;
    client.text(call("b") + &call("c") + &call("d")).await;
    client.binary(b"").await;
    for invocation in ["b", "c", "d"] {
        completes(&mut node, invocation).await;
    }
    // Fragments with a ping between them, and one message over several frames of either kind.
    let message = call("e").into_bytes();
    let mut bytes = frame(0x01, &message[..9]);
    bytes.extend(frame(0x89, b"hello"));
    bytes.extend(frame(0x00, &message[9..20]));
    bytes.extend(frame(0x80, &message[20..]));
    client.bytes(&bytes).await;
    completes(&mut node, "e").await;
    let message = call("f").into_bytes();
    client.binary(&message[..15]).await;
    client
        .text(std::str::from_utf8(&message[15..]).unwrap())
        .await;
    completes(&mut node, "f").await;

    let mut seen = Vec::new();
    while seen.len() < 7 {
        seen.push(client.next().await);
    }
    assert_eq!(seen.remove(4), Seen::Pong(b"hello".to_vec()));
    for (seen, invocation) in seen.iter().zip(["a", "b", "c", "d", "e", "f"]) {
        assert_eq!(
            *seen,
            Seen::Text(format!(
                "{{\"type\":3,\"invocationId\":\"{invocation}\",\"result\":1}}\x1e"
            ))
        );
    }
}

async fn pings_of_the_websocket_are_answered_with_their_payload(shards: u8) {
    let mut node = Node::start(shards).await;
    let mut client = node.connect("c", JSON).await;
    let mut bytes = frame(0x89, b"abc");
    bytes.extend(frame(0x8a, b"an unasked pong"));
    bytes.extend(frame(0x89, b""));
    bytes.extend(frame(0x89, &[7; 125]));
    client.bytes(&bytes).await;
    for payload in [&b"abc"[..], b"", &[7; 125]] {
        assert_eq!(client.next().await, Seen::Pong(payload.to_vec()));
    }
}

async fn the_server_pings_and_a_silent_client_is_timed_out(shards: u8) {
    let options = Options {
        keep_alive_interval: Duration::from_millis(150),
        client_timeout: Duration::from_millis(500),
        ..Options::default()
    };
    let mut node = Node::start(shards).await;
    let mut quiet = node
        .connect_with("quiet", JSON, UserSource::Known(None), &options)
        .await;
    let mut binary = node
        .connect_with("binary", MESSAGEPACK, UserSource::Known(None), &options)
        .await;
    for _ in 0..5 {
        quiet.expect_text("{\"type\":6}<RS>").await;
        assert_eq!(binary.next().await, Seen::Binary(vec![0x02, 0x91, 0x06]));
    }
    // It has never pinged: until now. A message of its own keeps it for a while.
    quiet.text(PING).await;
    quiet.text(call("1")).await;
    node.expect_call("1").await;
    assert_eq!(node.expect_closed("quiet").await.name(), "client_timeout");
    loop {
        match quiet.next().await {
            Seen::Text(ping) if ping == PING => {}
            Seen::Text(close) => {
                let expected = "{\"type\":7,\"error\":\"Connection closed with an error.\",\"allowReconnect\":true}\x1e";
                assert_eq!(close, expected);
                break;
            }
            other => panic!("{other:?}"),
        }
    }
    node.done("quiet", Stage::Closing, None).await;
    quiet.expect_close(1000).await;
}

async fn an_unfinished_handshake_is_canceled(shards: u8) {
    let options = Options {
        handshake_timeout: Duration::from_millis(100),
        ..Options::default()
    };
    let mut node = Node::start(shards).await;
    let mut client = node
        .attach("c", "chat", UserSource::Known(None), &options)
        .await;
    client.text("{\"protocol\":").await;
    client
        .expect_text("{\"error\":\"Handshake was canceled.\"}<RS>")
        .await;
    client.expect_close(1000).await;
    assert!(
        node.frames.try_recv().is_err(),
        "the hub hears nothing of it"
    );
    node.until("it is counted", |metrics| {
        metrics.connections == 0 && metrics.closed("protocol_error") == 1
    })
    .await;
}

async fn what_was_read_ahead_is_not_lost(shards: u8) {
    let mut node = Node::start(shards).await;
    let bytes = frame(0x81, (JSON.to_owned() + &call("1")).as_bytes());
    let (ahead, behind) = bytes.split_at(30);
    let mut client = node.attach_with("c", ahead, Box::new(())).await;
    client.bytes(behind).await;
    client.expect_text("{}<RS>").await;
    node.expect_opened("c").await;
    node.done("c", Stage::Opening, None).await;
    node.expect_call("1").await;
}
