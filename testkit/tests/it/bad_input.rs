//! Bad input closes at most that connection, with the protocol's own error.

use hubplane::Encoding;
use hubplane_client::{Connection, Frame, InvokeError, TransportEnd};
use hubplane_testkit::{TestCluster, within};

use crate::shapes;

fn json(text: String) -> Frame {
    Frame::Text(text + "\u{1e}")
}

/// What ends the connection, and the detail of its Close message.
fn fatal() -> Vec<(&'static str, Frame, &'static str)> {
    let deep = format!(
        r#"{{"type":1,"target":"Echo","arguments":[{}{}]}}"#,
        "[".repeat(70),
        "]".repeat(70)
    );
    let long = format!(
        r#"{{"type":1,"target":"Echo","arguments":["{}"]}}"#,
        "x".repeat(40_000)
    );
    vec![
        (
            "garbage",
            json("garbage".into()),
            "InvalidDataException: Error reading JSON.",
        ),
        (
            "deeply nested",
            json(deep),
            "InvalidDataException: Error reading JSON.",
        ),
        (
            "truncated",
            json(r#"{"type":1,"target":"Echo","arguments":["x""#.into()),
            "InvalidDataException: Error reading JSON.",
        ),
        (
            "no target",
            json(r#"{"type":1,"arguments":[]}"#.into()),
            "InvalidDataException: Missing required property 'target'.",
        ),
        (
            "oversized",
            json(long),
            "InvalidDataException: The maximum message size of 32768B was exceeded. The message size can be configured in AddHubOptions.",
        ),
    ]
}

async fn echoes(client: &Connection) {
    let echo: String = within("an echo", client.invoke("Echo", ("x",)))
        .await
        .unwrap();
    assert_eq!(echo, "x");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_cannot_be_read_closes_only_its_connection() {
    for mut shape in shapes() {
        shape.gateway.default_hub.connection =
            std::sync::Arc::new(hubplane_gateway_connection::Options {
                detailed_errors: true,
                ..hubplane_gateway_connection::Options::default()
            });
        let cluster = TestCluster::start(shape).await.unwrap();
        let other = cluster.connect(0, "ana", Encoding::Json).await;
        for (name, frame, detail) in fatal() {
            let mut bad = cluster.connect(0, "ben", Encoding::Json).await;
            bad.send_frame(frame).await.unwrap();
            let end = within(name, bad.ended()).await;
            let close = end
                .close
                .unwrap_or_else(|| panic!("{name}: no Close message, {:?}", end.transport));
            assert_eq!(
                close.error.unwrap(),
                format!("Connection closed with an error. {detail}"),
                "{name}"
            );
            assert!(close.allow_reconnect, "{name}");
            assert_eq!(
                end.transport,
                TransportEnd::CloseFrame(Some(1000)),
                "{name}"
            );
            echoes(&other).await;
        }
        cluster.stop().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_method_hurts_only_its_invocation() {
    for shape in shapes() {
        let cluster = TestCluster::start(shape).await.unwrap();
        for encoding in [Encoding::Json, Encoding::MessagePack] {
            let client = cluster.connect(0, "ana", encoding).await;
            let expected = [
                (
                    "Fail",
                    "An unexpected error occurred invoking 'Fail' on the server. HubException: on purpose",
                ),
                (
                    "Panic",
                    "An unexpected error occurred invoking 'Panic' on the server. ",
                ),
                (
                    "nO_such",
                    "Failed to invoke 'nO_such' due to an error on the server. HubException: Method does not exist.",
                ),
                (
                    "eCHO",
                    "Failed to invoke 'Echo' due to an error on the server. \
                     InvalidDataException: Invocation provides 0 argument(s) but target expects 1.",
                ),
            ];
            for (target, text) in expected {
                let failed: Result<String, _> = within(target, client.invoke(target, ())).await;
                match failed {
                    Err(InvokeError::Hub(error)) => {
                        assert!(error.starts_with(text), "{target}: {error}")
                    }
                    other => panic!("{target}: {other:?}"),
                }
                echoes(&client).await;
            }
        }
        cluster.stop().await.unwrap();
    }
}
