//! The recorded messages: what the reference server accepts, ignores and refuses, and its words for it.

use bytes::Bytes;
use hubplane_proto_signalr::{Arguments, DecodeError, Encoding, Message};

use crate::{bytes, field, rows, unmarked};

/// What the decoder makes of the bytes of a row, in the words of the vector files.
fn verdict(decoded: &Result<Option<Message>, DecodeError>, left: &Bytes) -> &'static str {
    match decoded {
        Err(_) => "fatal",
        Ok(None) if left.is_empty() => "skipped",
        Ok(None) => "incomplete",
        Ok(Some(Message::Invocation(invocation)))
            if matches!(invocation.arguments, Arguments::Malformed(_)) =>
        {
            "arguments"
        }
        Ok(Some(_)) => "message",
    }
}

#[test]
fn json_is_accepted_ignored_and_refused_as_recorded() {
    let rows = rows(include_str!("../vectors/json-messages.txt"));
    assert!(rows.len() > 130, "the vectors are there");
    for row in rows {
        let (sent, answer) = (field(&row, 'C'), field(&row, 'S'));
        let mut input = Bytes::from(unmarked(sent));
        let decoded = Encoding::Json.decode(&mut input, Some(32_768));
        assert_eq!(verdict(&decoded, &input), row[0], "{sent}\n{decoded:?}");
        assert_detail(&decoded, answer, sent);
        if let (Ok(Some(Message::Invocation(invocation))), Some(result)) =
            (&decoded, echoed(answer))
        {
            let Arguments::Raw(raw) = &invocation.arguments else {
                continue;
            };
            let arguments = Encoding::Json.arguments(raw).expect("an array");
            assert_eq!(
                canonical(&arguments[0]),
                canonical(result.as_bytes()),
                "{sent}"
            );
            let id = invocation
                .invocation_id
                .as_deref()
                .expect("answered, so it has an id");
            assert!(
                answer.contains(&format!("\"invocationId\":\"{id}\"")),
                "{sent}"
            );
        }
    }
}

#[test]
fn messagepack_is_accepted_ignored_and_refused_as_recorded() {
    let rows = rows(include_str!("../vectors/messagepack-messages.txt"));
    assert!(rows.len() > 80, "the vectors are there");
    for row in rows {
        let (sent, answer) = (field(&row, 'C'), field(&row, 'S'));
        let mut input = Bytes::from(bytes(sent));
        let decoded = Encoding::MessagePack.decode(&mut input, Some(32_768));
        assert_eq!(
            verdict(&decoded, &input),
            row[0],
            "{sent} {answer}\n{decoded:?}"
        );
        assert_detail(&decoded, answer, sent);
        if let (Ok(Some(Message::Invocation(invocation))), true) =
            (&decoded, answer == r#"[3, {}, "1", 3, "x"]"#)
        {
            assert_eq!(invocation.invocation_id.as_deref(), Some("1"), "{sent}");
            assert_eq!(invocation.target, "Echo", "{sent}");
            let Arguments::Raw(raw) = &invocation.arguments else {
                panic!("{sent}: {invocation:?}")
            };
            let arguments = Encoding::MessagePack.arguments(raw).expect("an array");
            assert_eq!(arguments.as_slice(), [&[0xa1, b'x'][..]], "{sent}");
        }
    }
}

/// Behind `on the server.` or `closed with an error.`, if details were on.
fn assert_detail(decoded: &Result<Option<Message>, DecodeError>, answer: &str, sent: &str) {
    const ENDS: [&str; 2] = [
        "Connection closed with an error. ",
        "due to an error on the server. ",
    ];
    let Some((_, detail)) = ENDS.iter().find_map(|end| answer.split_once(end)) else {
        return;
    };
    let detail = detail.split('"').next().expect("the text ends");
    match decoded {
        Err(error) => assert_eq!(error.detail().to_string(), detail, "{sent}"),
        Ok(Some(Message::Invocation(invocation))) => {
            if let Arguments::Malformed(why) = &invocation.arguments {
                assert_eq!(why.to_string(), detail, "{sent}");
            }
        }
        other => panic!("{sent}: {other:?}"),
    }
}

/// What the recorded Echo returned.
fn echoed(answer: &str) -> Option<&str> {
    answer.split_once("\"result\":")?.1.strip_suffix("}<RS>")
}

fn canonical(json: &[u8]) -> serde_json::Value {
    serde_json::from_slice(json).expect("json")
}
