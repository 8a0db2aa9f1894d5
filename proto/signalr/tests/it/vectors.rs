//! One table, used both ways: every kind of message, what it is in JSON and what it is in MessagePack. The bytes are the
//! reference server's (`signalr-core` 11.2, 11.3).

use bytes::{Bytes, BytesMut};
use hubplane_proto_signalr::{
    Arguments, Completion, CompletionResult, Detail, Encoding, Invocation, Message, StreamIds,
    StreamItem,
};

use crate::{bytes, hex, unmarked};

struct Vector {
    name: &'static str,
    message: fn(&Payload) -> Message,
    /// The payload, in both hub protocols.
    payload: (&'static str, &'static str),
    json: &'static str,
    messagepack: &'static str,
}

type Payload = Bytes;

const NONE: (&str, &str) = ("", "");

fn invocation(
    id: Option<&str>,
    target: &str,
    arguments: &Payload,
    stream_ids: &[&str],
) -> Invocation {
    Invocation {
        invocation_id: id.map(Into::into),
        target: target.into(),
        arguments: Arguments::Raw(arguments.clone()),
        stream_ids: stream_ids.iter().map(|id| (*id).into()).collect(),
    }
}

fn completion(id: &str, result: CompletionResult) -> Message {
    Message::Completion(Completion {
        invocation_id: id.into(),
        result,
    })
}

const VECTORS: &[Vector] = &[
    Vector {
        name: "invocation without an id",
        message: |payload| Message::Invocation(Invocation::send("Send", payload.clone())),
        payload: (r#"["hi",7]"#, "92 a2 68 69 07"),
        json: r#"{"type":1,"target":"Send","arguments":["hi",7]}<RS>"#,
        messagepack: "0f 96 01 80 c0 a4 53 65 6e 64 92 a2 68 69 07 90",
    },
    Vector {
        name: "invocation with an id",
        message: |payload| Message::Invocation(invocation(Some("1"), "Add", payload, &[])),
        payload: ("[40,2]", "92 28 02"),
        json: r#"{"type":1,"invocationId":"1","target":"Add","arguments":[40,2]}<RS>"#,
        messagepack: "0d 96 01 80 a1 31 a3 41 64 64 92 28 02 90",
    },
    Vector {
        name: "invocation with an upload stream",
        message: |payload| Message::Invocation(invocation(Some("1"), "Concat", payload, &["0"])),
        payload: ("[]", "90"),
        json: r#"{"type":1,"invocationId":"1","target":"Concat","arguments":[],"streamIds":["0"]}<RS>"#,
        messagepack: "10 96 01 80 a1 31 a6 43 6f 6e 63 61 74 90 91 a1 30",
    },
    Vector {
        name: "invocation with two upload streams and no id",
        message: |payload| Message::Invocation(invocation(None, "Up", payload, &["a", "b\n"])),
        payload: ("[null]", "91 c0"),
        json: r#"{"type":1,"target":"Up","arguments":[null],"streamIds":["a","b\n"]}<RS>"#,
        messagepack: "0f 96 01 80 c0 a2 55 70 91 c0 92 a1 61 a2 62 0a",
    },
    Vector {
        name: "stream invocation",
        message: |payload| {
            Message::StreamInvocation(invocation(Some("2"), "Counter", payload, &[]))
        },
        payload: ("[3]", "91 03"),
        json: r#"{"type":4,"invocationId":"2","target":"Counter","arguments":[3]}<RS>"#,
        messagepack: "10 96 04 80 a1 32 a7 43 6f 75 6e 74 65 72 91 03 90",
    },
    Vector {
        name: "stream item",
        message: |payload| {
            Message::StreamItem(StreamItem {
                invocation_id: "2".into(),
                item: payload.clone(),
            })
        },
        payload: (r#""a""#, "a1 61"),
        json: r#"{"type":2,"invocationId":"2","item":"a"}<RS>"#,
        messagepack: "07 94 02 80 a1 32 a1 61",
    },
    Vector {
        name: "stream item that is null",
        message: |payload| {
            Message::StreamItem(StreamItem {
                invocation_id: "2".into(),
                item: payload.clone(),
            })
        },
        payload: ("null", "c0"),
        json: r#"{"type":2,"invocationId":"2","item":null}<RS>"#,
        messagepack: "06 94 02 80 a1 32 c0",
    },
    Vector {
        name: "completion with a value",
        message: |payload| completion("1", CompletionResult::Value(payload.clone())),
        payload: ("42", "2a"),
        json: r#"{"type":3,"invocationId":"1","result":42}<RS>"#,
        messagepack: "07 95 03 80 a1 31 03 2a",
    },
    Vector {
        name: "completion of a method without a result",
        message: |payload| completion("1", CompletionResult::Value(payload.clone())),
        payload: ("null", "c0"),
        json: r#"{"type":3,"invocationId":"1","result":null}<RS>"#,
        messagepack: "07 95 03 80 a1 31 03 c0",
    },
    Vector {
        name: "end of a stream",
        message: |_| completion("2", CompletionResult::Void),
        payload: NONE,
        json: r#"{"type":3,"invocationId":"2"}<RS>"#,
        messagepack: "06 94 03 80 a1 32 02",
    },
    Vector {
        name: "completion with an error",
        message: |_| completion("1", CompletionResult::Error("bad".into())),
        payload: NONE,
        json: r#"{"type":3,"invocationId":"1","error":"bad"}<RS>"#,
        messagepack: "0a 95 03 80 a1 31 01 a3 62 61 64",
    },
    Vector {
        name: "completion with an empty error",
        message: |_| completion("1", CompletionResult::Error(String::new())),
        payload: NONE,
        json: r#"{"type":3,"invocationId":"1","error":""}<RS>"#,
        messagepack: "07 95 03 80 a1 31 01 a0",
    },
    Vector {
        name: "error with characters that the reference escapes",
        message: |_| {
            completion(
                "1",
                CompletionResult::Error(
                    "'<a> \"b\" \\ é 漢 \u{1f389} \u{7f}\u{a0}\u{2028}\u{1}\t+&/".into(),
                ),
            )
        },
        payload: NONE,
        json: r#"{"type":3,"invocationId":"1","error":"'<a> \"b\" \\ é 漢 \uD83C\uDF89 \u007F\u00A0\u2028\u0001\t+&/"}<RS>"#,
        messagepack: "2a 95 03 80 a1 31 01 d9 22 27 3c 61 3e 20 22 62 22 20 5c 20 c3 a9 20 e6 bc a2 20 f0 9f 8e 89 20 7f c2 a0 \
                      e2 80 a8 01 09 2b 26 2f",
    },
    Vector {
        name: "cancel",
        message: |_| Message::CancelInvocation {
            invocation_id: "2".into(),
        },
        payload: NONE,
        json: r#"{"type":5,"invocationId":"2"}<RS>"#,
        messagepack: "05 93 05 80 a1 32",
    },
    Vector {
        name: "ping",
        message: |_| Message::Ping,
        payload: NONE,
        json: r#"{"type":6}<RS>"#,
        messagepack: "02 91 06",
    },
    Vector {
        name: "close",
        message: |_| Message::Close {
            error: None,
            allow_reconnect: false,
        },
        payload: NONE,
        json: r#"{"type":7}<RS>"#,
        messagepack: "04 93 07 c0 c2",
    },
    Vector {
        name: "close that allows to reconnect",
        message: |_| Message::Close {
            error: None,
            allow_reconnect: true,
        },
        payload: NONE,
        json: r#"{"type":7,"allowReconnect":true}<RS>"#,
        messagepack: "04 93 07 c0 c3",
    },
    Vector {
        name: "close with an error",
        message: |_| Message::Close {
            error: Some("bye".into()),
            allow_reconnect: false,
        },
        payload: NONE,
        json: r#"{"type":7,"error":"bye"}<RS>"#,
        messagepack: "07 93 07 a3 62 79 65 c2",
    },
    Vector {
        name: "close with an empty error",
        message: |_| Message::Close {
            error: Some(String::new()),
            allow_reconnect: false,
        },
        payload: NONE,
        json: r#"{"type":7,"error":""}<RS>"#,
        messagepack: "04 93 07 a0 c2",
    },
    Vector {
        name: "close after a fatal message",
        message: |_| Message::Close {
            error: Some("Connection closed with an error.".into()),
            allow_reconnect: true,
        },
        payload: NONE,
        json: r#"{"type":7,"error":"Connection closed with an error.","allowReconnect":true}<RS>"#,
        messagepack: "25 93 07 d9 20 43 6f 6e 6e 65 63 74 69 6f 6e 20 63 6c 6f 73 65 64 20 77 69 74 68 20 61 6e 20 65 72 72 6f \
                      72 2e c3",
    },
    Vector {
        name: "ack",
        message: |_| Message::Ack { sequence_id: 5 },
        payload: NONE,
        json: r#"{"type":8,"sequenceId":5}<RS>"#,
        messagepack: "03 92 08 05",
    },
    Vector {
        name: "sequence",
        message: |_| Message::Sequence { sequence_id: 300 },
        payload: NONE,
        json: r#"{"type":9,"sequenceId":300}<RS>"#,
        messagepack: "05 92 09 cd 01 2c",
    },
    Vector {
        name: "ack below zero",
        message: |_| Message::Ack {
            sequence_id: i64::MIN,
        },
        payload: NONE,
        json: r#"{"type":8,"sequenceId":-9223372036854775808}<RS>"#,
        messagepack: "0b 92 08 d3 80 00 00 00 00 00 00 00",
    },
];

impl Vector {
    fn in_encoding(&self, encoding: Encoding) -> (Message, Vec<u8>) {
        match encoding {
            Encoding::Json => ((self.message)(&self.payload.0.into()), unmarked(self.json)),
            Encoding::MessagePack => (
                (self.message)(&bytes(self.payload.1).into()),
                bytes(self.messagepack),
            ),
        }
    }
}

#[test]
fn messages_are_written_as_the_reference_writes_them() {
    for vector in VECTORS {
        for encoding in Encoding::ALL {
            let (message, expected) = vector.in_encoding(encoding);
            let mut written = b"in front".to_vec();
            encoding.encode(&message, &mut written);
            let written = &written["in front".len()..];
            assert_eq!(
                written,
                expected,
                "{} in {encoding}: {}",
                vector.name,
                hex(written)
            );
        }
    }
}

#[test]
fn what_the_reference_writes_is_read() {
    for vector in VECTORS {
        for encoding in Encoding::ALL {
            let (message, sent) = vector.in_encoding(encoding);
            let mut input = Bytes::from(sent.clone());
            let read = encoding.decode(&mut input, Some(sent.len()));
            assert_eq!(read, Ok(Some(message)), "{} in {encoding}", vector.name);
            assert!(input.is_empty());
        }
    }
}

#[test]
fn all_messages_in_one_piece_are_read_one_by_one() {
    for encoding in Encoding::ALL {
        let (messages, pieces): (Vec<_>, Vec<_>) = VECTORS
            .iter()
            .map(|vector| vector.in_encoding(encoding))
            .unzip();
        let mut input = BytesMut::from(pieces.concat().as_slice());
        // Together they are far longer than the limit, which is for each.
        for message in messages {
            assert_eq!(encoding.decode(&mut input, Some(120)), Ok(Some(message)));
        }
        assert_eq!(encoding.decode(&mut input, Some(120)), Ok(None));
    }
}

#[test]
fn the_shared_ping_and_null_are_what_would_be_written() {
    for encoding in Encoding::ALL {
        let mut written = Vec::new();
        encoding.encode(&Message::Ping, &mut written);
        assert_eq!(encoding.ping(), written);
        encoding.encode_stream_item("1", &encoding.null(), &mut written);
        let mut input = Bytes::from(written);
        assert_eq!(encoding.decode(&mut input, None), Ok(Some(Message::Ping)));
        let item = StreamItem {
            invocation_id: "1".into(),
            item: encoding.null(),
        };
        assert_eq!(
            encoding.decode(&mut input, None),
            Ok(Some(Message::StreamItem(item)))
        );
    }
}

#[test]
fn what_cannot_be_written_is_written_as_nothing() {
    let nothing = |encoding: Encoding| {
        let (mut none, mut empty) = (Vec::new(), Vec::new());
        let arguments = Arguments::Malformed(Detail::ARGUMENTS);
        let invocation = Invocation {
            arguments,
            ..Invocation::send("a", Bytes::new())
        };
        encoding.encode(&Message::Invocation(invocation), &mut none);
        let mut array = Vec::new();
        encoding.write_arguments([].into_iter(), &mut array);
        encoding.encode_invocation(None, "a", &array, &StreamIds::new(), &mut empty);
        assert_eq!(none, empty);
        let (mut none, mut null) = (Vec::new(), Vec::new());
        encoding.encode_stream_item("1", &[], &mut none);
        encoding.encode_stream_item("1", &encoding.null(), &mut null);
        assert_eq!(none, null);
    };
    Encoding::ALL.into_iter().for_each(nothing);
}

#[test]
fn the_short_ways_write_the_same_as_messages_do() {
    for encoding in Encoding::ALL {
        for vector in VECTORS {
            let (message, expected) = vector.in_encoding(encoding);
            let mut written = Vec::new();
            match &message {
                Message::Invocation(invocation) => {
                    let arguments = invocation.arguments.raw().expect("raw");
                    let id = invocation.invocation_id.as_deref();
                    encoding.encode_invocation(
                        id,
                        &invocation.target,
                        arguments,
                        &invocation.stream_ids,
                        &mut written,
                    );
                }
                Message::StreamItem(item) => {
                    encoding.encode_stream_item(&item.invocation_id, &item.item, &mut written);
                }
                Message::Completion(completion) => {
                    encoding.encode_completion(
                        &completion.invocation_id,
                        &completion.result,
                        &mut written,
                    );
                }
                _ => continue,
            }
            assert_eq!(written, expected, "{} in {encoding}", vector.name);
        }
    }
}

#[test]
fn names_transfer_formats_and_trackable_types_are_the_references() {
    assert_eq!(Encoding::by_name("JSON"), Some(Encoding::Json));
    assert_eq!(
        Encoding::by_name("MessagePack"),
        Some(Encoding::MessagePack)
    );
    assert_eq!(Encoding::by_name("blazorpack"), None);
    assert_eq!(Encoding::Json.transfer_format().name(), "Text");
    assert_eq!(Encoding::MessagePack.transfer_format().name(), "Binary");
    for vector in VECTORS {
        let (message, _) = vector.in_encoding(Encoding::Json);
        assert_eq!(
            message.is_trackable(),
            message.kind() < 6,
            "{}",
            vector.name
        );
        let json = String::from_utf8(unmarked(vector.json)).expect("text");
        assert!(
            json.starts_with(&format!("{{\"type\":{}", message.kind())),
            "{}",
            vector.name
        );
    }
}
