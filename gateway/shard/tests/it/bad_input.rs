use hubplane_gateway_connection::Options;
use hubplane_gateway_shard::UserSource;
use hubplane_proto_link::Stage;

use crate::client::{JSON, MESSAGEPACK, Seen, call, frame};
use crate::node::Node;
use crate::with_1_and_4_shards;

with_1_and_4_shards!(
    a_bad_message_closes_only_its_connection_and_says_why,
    a_violation_of_the_websocket_closes_with_its_code,
    a_bad_handshake_is_refused_in_text,
);

fn detailed() -> Options {
    Options {
        detailed_errors: true,
        message_bytes_max: Some(1000),
        ..Options::default()
    }
}

const TOO_LARGE: &str = "InvalidDataException: The maximum message size of 1000B was exceeded. The message size can be configured in AddHubOptions.";

async fn a_bad_message_closes_only_its_connection_and_says_why(shards: u8) {
    let mut node = Node::start(shards).await;
    let mut healthy = node.connect("healthy", JSON).await;
    let deep = format!(
        "{{\"type\":1,\"target\":\"a\",\"arguments\":[{}{}]}}\x1e",
        "[".repeat(64),
        "]".repeat(64)
    );
    let cases = [
        (
            "garbage",
            "nonsense\x1e".to_owned(),
            "InvalidDataException: Error reading JSON.",
        ),
        (
            "empty",
            "\x1e".to_owned(),
            "InvalidDataException: Error reading JSON.",
        ),
        ("deep", deep, "InvalidDataException: Error reading JSON."),
        (
            "no target",
            "{\"type\":1,\"arguments\":[]}\x1e".to_owned(),
            "InvalidDataException: Missing required property 'target'.",
        ),
        ("oversized", "x".repeat(1001), TOO_LARGE),
        ("oversized by far", "x".repeat(3_000_000), TOO_LARGE),
    ];
    for (id, message, detail) in cases {
        let mut client = node
            .connect_with(id, JSON, UserSource::Known(None), &detailed())
            .await;
        client.text(message).await;
        let close = format!(
            "{{\"type\":7,\"error\":\"Connection closed with an error. {detail}\",\"allowReconnect\":true}}<RS>"
        );
        client.expect_text(&close).await;
        assert_eq!(
            node.expect_closed(id).await.error().unwrap(),
            detail,
            "{id}"
        );
        node.done(id, Stage::Closing, None).await;
        client.expect_close(1000).await;
    }
    let mut client = node
        .connect_with("binary", MESSAGEPACK, UserSource::Known(None), &detailed())
        .await;
    client.binary(&[0xff, 0xff, 0xff, 0xff, 0x7f]).await;
    let reason = node.expect_closed("binary").await.error().unwrap();
    assert_eq!(
        reason,
        "FormatException: Messages over 2GB in size are not supported."
    );
    assert!(matches!(client.next().await, Seen::Binary(_)));
    node.done("binary", Stage::Closing, None).await;

    healthy.text(call("1")).await;
    node.expect_call("1").await;
    node.complete("healthy", "1", "1").await;
    healthy
        .expect_text("{\"type\":3,\"invocationId\":\"1\",\"result\":1}<RS>")
        .await;
}

async fn a_violation_of_the_websocket_closes_with_its_code(shards: u8) {
    let mut node = Node::start(shards).await;
    let mut huge = vec![0xc2, 0xff];
    huge.extend_from_slice(&[0x7f; 12]);
    for (id, bytes, code) in [
        (
            "not UTF-8",
            frame(
                0x81,
                b"{\"type\":1,\"target\":\"\xff\",\"arguments\":[]}\x1e",
            ),
            1007,
        ),
        ("not masked", b"\x81\x02{}".to_vec(), 1002),
        ("reserved bit", frame(0xc1, b"x"), 1002),
        ("unknown opcode", frame(0x83, b"x"), 1002),
        ("stray continuation", frame(0x80, b"x"), 1002),
        ("long ping", frame(0x89, &[0; 126]), 1002),
        ("close of one byte", frame(0x88, b"\x03"), 1002),
        ("close 1005", frame(0x88, &1005_u16.to_be_bytes()), 1002),
        ("huge and reserved", huge, 1002),
    ] {
        let mut client = node.connect(id, JSON).await;
        client.bytes(&bytes).await;
        // More of it is not read as frames, and does not reset the connection before it is told.
        client.bytes(&[0xff; 10_000]).await;
        assert_eq!(client.next().await, Seen::Close(code), "{id}");
        assert_eq!(node.expect_closed(id).await.name(), "protocol_error");
        node.done(id, Stage::Closing, Some("failed")).await;
        assert_eq!(client.next().await, Seen::End);
    }
    node.until("all are gone", |metrics| metrics.connections == 0)
        .await;
}

async fn a_bad_handshake_is_refused_in_text(shards: u8) {
    let mut node = Node::start(shards).await;
    for (id, request, error) in [
        (
            "a",
            "{\"protocol\":\"xyz\",\"version\":1}\x1e",
            "The protocol 'xyz' is not supported.",
        ),
        (
            "b",
            "{\"protocol\":\"messagepack\",\"version\":9}\x1e",
            "The server does not support version 9 of the 'messagepack' protocol.",
        ),
        (
            "c",
            "nonsense\x1e",
            "An unexpected error occurred during connection handshake.",
        ),
    ] {
        let mut client = node
            .attach(id, "chat", UserSource::Known(None), &Options::default())
            .await;
        client.binary(request.as_bytes()).await;
        client
            .expect_text(&format!("{{\"error\":\"{error}\"}}<RS>"))
            .await;
        client.expect_close(1000).await;
    }
    assert!(node.frames.try_recv().is_err());
}
