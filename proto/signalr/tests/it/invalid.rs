//! Invalid, reordered and unusual input beyond what was recorded.

use bytes::Bytes;
use hubplane_proto_signalr::{Arguments, CompletionResult, DecodeError, Encoding, Message};

use crate::{bytes, unmarked};

pub(crate) fn json(text: &str) -> Result<Option<Message>, DecodeError> {
    Encoding::Json.decode(&mut Bytes::from(unmarked(&format!("{text}<RS>"))), None)
}

pub(crate) fn messagepack(hex: &str) -> Result<Option<Message>, DecodeError> {
    let body = bytes(hex);
    assert!(body.len() < 0x80);
    Encoding::MessagePack.decode(
        &mut Bytes::from([&[body.len() as u8], body.as_slice()].concat()),
        None,
    )
}

pub(crate) fn detail(decoded: Result<Option<Message>, DecodeError>) -> String {
    match decoded {
        Err(error) => error.detail().to_string(),
        Ok(message) => panic!("not refused: {message:?}"),
    }
}

#[test]
fn json_is_refused_with_the_words_of_the_reference() {
    let table = [
        (
            r#"{"type":1,"target":"a","arguments":[],"headers":5}"#,
            "InvalidDataException: Expected 'headers' to be of type Object.",
        ),
        (
            r#"{"type":6,"target":5}"#,
            "InvalidDataException: Expected 'target' to be of type String.",
        ),
        (
            r#"{"type":6,"arguments":{}}"#,
            "InvalidDataException: Expected 'arguments' to be of type Array.",
        ),
        (
            r#"{"type":7,"allowReconnect":1}"#,
            "InvalidDataException: Expected 'allowReconnect' to be true or false.",
        ),
        (
            r#"{"type":1.0}"#,
            "FormatException: Either the JSON value is not in a supported format, or is out of bounds for an Int32.",
        ),
        (
            r#"{"type":2147483648}"#,
            "FormatException: Either the JSON value is not in a supported format, or is out of bounds for an Int32.",
        ),
        (
            r#"{"type":8,"sequenceId":1e2}"#,
            "FormatException: Either the JSON value is not in a supported format, or is out of bounds for an Int64.",
        ),
        (
            r#"{"type":8,"sequenceId":null}"#,
            "InvalidDataException: Expected 'sequenceId' to be of type Number.",
        ),
        (
            r#"{"type":1,"target":"\ud800","arguments":[]}"#,
            "InvalidOperationException: Cannot read incomplete UTF-16 JSON text as string with missing low surrogate.",
        ),
        (
            r#"{"type":4,"invocationId":"1","arguments":[]}"#,
            "InvalidDataException: Missing required property 'target'.",
        ),
        (
            r#"{"type":2,"invocationId":"","item":1}"#,
            "InvalidDataException: Missing required property 'invocationId'.",
        ),
        (
            r#""x""#,
            "InvalidDataException: Unexpected JSON Token Type 'String'. Expected a JSON Object.",
        ),
        (
            r#"true"#,
            "InvalidDataException: Unexpected JSON Token Type 'True'. Expected a JSON Object.",
        ),
        (
            r#"{"type":1,"target":"a","arguments":[[1,]]}"#,
            "InvalidDataException: Error reading JSON.",
        ),
        (
            r#"{"type":1,"target":"a","arguments":[,]}"#,
            "InvalidDataException: Error reading JSON.",
        ),
        (
            r#"{"type":1,"target":"a","arguments":["\u12G4"]}"#,
            "InvalidDataException: Error reading JSON.",
        ),
        (
            r#"{"type":1,"target":"a","arguments":[01]}"#,
            "InvalidDataException: Error reading JSON.",
        ),
        (
            r#"{"type":1,"target":"a","arguments":[1]"#,
            "InvalidDataException: Error reading JSON.",
        ),
        (
            r#"{"type":6,"x":[}"#,
            "InvalidDataException: Error reading JSON.",
        ),
        (
            r#"{"type":6,"x":nul}"#,
            "InvalidDataException: Error reading JSON.",
        ),
        (
            r#"{"type":6 "x":1}"#,
            "InvalidDataException: Error reading JSON.",
        ),
    ];
    for (text, expected) in table {
        assert_eq!(detail(json(text)), expected, "{text}");
    }
}

#[test]
fn the_first_thing_wrong_in_a_json_message_is_the_one_that_is_named() {
    assert_eq!(
        detail(json(r#"{"type":"1" and then nonsense"#)),
        "InvalidDataException: Expected 'type' to be of type Number."
    );
    assert_eq!(
        detail(json(r#"{"target":5,"type":"1"}"#)),
        "InvalidDataException: Expected 'target' to be of type String."
    );
}

#[test]
fn messagepack_is_refused_with_the_words_of_the_reference() {
    let table = [
        (
            "95 a1 31 80 c0 a1 61 90",
            "InvalidDataException: Reading 'messageType' as Int32 failed.",
        ),
        (
            "91 cf 00 00 00 01 00 00 00 00",
            "InvalidDataException: Reading 'messageType' as Int32 failed.",
        ),
        (
            "95 01 81 01 a1 76 c0 a1 61 90",
            "InvalidDataException: Reading 'headers[0].Key' as String failed.",
        ),
        (
            "95 01 81 a1 6b 01 c0 a1 61 90",
            "InvalidDataException: Reading 'headers[0].Value' as String failed.",
        ),
        (
            "95 01 80 c0 c0 90",
            "InvalidDataException: Null or empty target for Invocation message.",
        ),
        (
            "95 01 80 c0 a0 90",
            "InvalidDataException: Null or empty target for Invocation message.",
        ),
        (
            "95 01 80 c0 c4 01 61 90",
            "InvalidDataException: Reading 'target' as String failed.",
        ),
        (
            "96 01 80 c0 a1 61 90 c0",
            "InvalidDataException: Reading array length for 'streamIds' failed.",
        ),
        (
            "96 01 80 c0 a1 61 90 91 05",
            "MessagePackSerializationException: Unexpected msgpack code 5 (positive fixint) encountered.",
        ),
        (
            "96 01 80 c0 a1 61 90 91 a0",
            "InvalidDataException: Null or empty value in streamIds received.",
        ),
        (
            "94 02 80 c0 01",
            "InvalidDataException: Null or empty invocation ID for StreamItem message.",
        ),
        (
            "94 03 80 a0 02",
            "InvalidDataException: Null or empty invocation ID for Completion message.",
        ),
        (
            "93 05 80 a0",
            "InvalidDataException: Null or empty invocation ID for CancelInvocation message.",
        ),
        (
            "92 05 80",
            "InvalidDataException: Reading 'invocationId' as String failed.",
        ),
        (
            "95 03 80 a1 31 a1 33 01",
            "InvalidDataException: Reading 'resultKind' as Int32 failed.",
        ),
        (
            "94 03 80 a1 31 03",
            "EndOfStreamException: Attempted to read past the end of the stream.",
        ),
        (
            "95 03 80 a1 31 03 c1",
            "MessagePackSerializationException: Unexpected msgpack code 193 ((never used)) encountered.",
        ),
        (
            "91 07",
            "InvalidDataException: Reading 'error' as String failed.",
        ),
        (
            "93 07 c0 01",
            "InvalidDataException: Reading 'allowReconnect' as Boolean failed.",
        ),
        (
            "92 08 cb 3f f0 00 00 00 00 00 00",
            "InvalidDataException: Reading 'sequenceId' as Int64 failed.",
        ),
        (
            "91 09",
            "InvalidDataException: Reading 'sequenceId' as Int64 failed.",
        ),
        (
            "80",
            "MessagePackSerializationException: Unexpected msgpack code 128 (fixmap) encountered.",
        ),
        (
            "c1",
            "MessagePackSerializationException: Unexpected msgpack code 193 ((never used)) encountered.",
        ),
        (
            "",
            "EndOfStreamException: Attempted to read past the end of the stream.",
        ),
        (
            "dd 7f ff ff ff 06",
            "EndOfStreamException: Attempted to read past the end of the stream.",
        ),
        // Bytes behind the array are none of its elements.
        (
            "92 05 80 a1 39",
            "InvalidDataException: Reading 'invocationId' as String failed.",
        ),
    ];
    for (hex, expected) in table {
        assert_eq!(detail(messagepack(hex)), expected, "{hex}");
    }
}

#[test]
fn arguments_that_cannot_be_read_fail_the_invocation_and_not_the_connection() {
    let malformed = |decoded: Result<Option<Message>, DecodeError>| match decoded {
        Ok(Some(Message::Invocation(invocation) | Message::StreamInvocation(invocation))) => {
            match invocation.arguments {
                Arguments::Malformed(detail) => detail.message.into_owned(),
                Arguments::Raw(raw) => panic!("readable: {raw:?}"),
            }
        }
        other => panic!("{other:?}"),
    };
    let binding = "Error binding arguments. Make sure that the types of the provided values match the types of the hub method being invoked.";
    let length = "Reading array length for 'arguments' failed.";
    assert_eq!(
        malformed(json(r#"{"type":1,"target":"a","arguments":["x",]}"#)),
        binding
    );
    assert_eq!(
        malformed(json(r#"{"arguments":["x" , ],"type":1,"target":"a"}"#)),
        binding
    );
    assert_eq!(
        malformed(json(r#"{"type":1,"target":"a","arguments":["\udc00"]}"#)),
        binding
    );
    assert_eq!(
        malformed(json(
            r#"{"type":4,"invocationId":"1","target":"a","arguments":["\ud83d\u0041"]}"#
        )),
        binding
    );
    let mut invalid_utf8 =
        Bytes::from_static(b"{\"type\":1,\"target\":\"a\",\"arguments\":[\"\xff\"]}\x1e");
    assert_eq!(
        malformed(Encoding::Json.decode(&mut invalid_utf8, None)),
        binding
    );
    assert_eq!(malformed(messagepack("94 01 80 c0 a1 61")), length);
    assert_eq!(malformed(messagepack("95 01 80 c0 a1 61 c0")), length);
    assert_eq!(
        malformed(messagepack("95 01 80 c0 a1 61 81 a1 61 01")),
        length
    );
    assert_eq!(
        malformed(messagepack("95 01 80 c0 a1 61 dd ff ff ff ff 01")),
        length
    );
    assert_eq!(malformed(messagepack("95 01 80 c0 a1 61 92 01")), length);
    assert_eq!(
        malformed(messagepack("95 01 80 c0 a1 61 92 01 a5 61")),
        binding
    );
    assert_eq!(
        malformed(messagepack("95 04 80 a1 31 a1 61 92 01 c1")),
        binding
    );
}

#[test]
fn the_first_arguments_that_can_be_read_count() {
    let raw = |text: &str| match json(text) {
        Ok(Some(Message::Invocation(invocation))) => {
            invocation.arguments.raw().map(|raw| raw.to_vec())
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(
        raw(r#"{"type":1,"target":"a","arguments":[1],"arguments":[2]}"#),
        Some(b"[1]".to_vec())
    );
    assert_eq!(
        raw(r#"{"type":1,"target":"a","arguments":[1,],"arguments":[2]}"#),
        Some(b"[2]".to_vec())
    );
    assert_eq!(
        raw(r#"{"type":1,"target":"a","arguments":[1],"arguments":[2,]}"#),
        Some(b"[1]".to_vec())
    );
}

#[test]
fn what_is_not_unicode_outside_the_arguments_is_an_empty_payload_or_skipped() {
    let item = |decoded: Result<Option<Message>, DecodeError>| match decoded {
        Ok(Some(Message::StreamItem(item))) => item.item,
        Ok(Some(Message::Completion(completion))) => match completion.result {
            CompletionResult::Value(value) => value,
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    };
    assert_eq!(
        item(json(r#"{"type":2,"invocationId":"1","item":"\ud800"}"#)),
        ""
    );
    assert_eq!(
        item(json(r#"{"type":3,"invocationId":"1","result":["\ud800"]}"#)),
        ""
    );
    assert_eq!(
        item(json(
            r#"{"type":2,"invocationId":"1","item":"\ud83d\ude00","x":"\ud800"}"#
        )),
        r#""\ud83d\ude00""#
    );
    assert_eq!(
        item(messagepack("93 02 80 a1 39")),
        "",
        "an item of three elements"
    );
    assert_eq!(
        item(messagepack("94 02 80 a1 39 a5 61")),
        "",
        "a truncated item"
    );
    let mut invalid = Bytes::from_static(b"{\"type\":6,\"x\":\"\xff\",\"\xfe\":1}\xff\x1e");
    assert_eq!(
        Encoding::Json.decode(&mut invalid, None),
        Ok(Some(Message::Ping))
    );
}

#[test]
fn names_and_texts_may_be_escaped() {
    let decoded = json(
        r#"{"\u0074ype":1,"\u0069nvocationId":"\u0031","target":"\"\\\/\b\f\n\r\té\ud83c\udf89","arg\u0075ments":[ ]}"#,
    );
    let Ok(Some(Message::Invocation(invocation))) = decoded else {
        panic!("{decoded:?}")
    };
    assert_eq!(invocation.invocation_id.as_deref(), Some("1"));
    assert_eq!(invocation.target, "\"\\/\u{8}\u{c}\n\r\té\u{1f389}");
    assert_eq!(
        invocation.arguments.raw().map(|raw| raw.as_ref()),
        Some(b"[ ]".as_slice())
    );
}

#[test]
fn white_space_may_stand_between_all_tokens() {
    let decoded = json(
        " \t\r\n{ \"type\" : 1 , \"target\" : \"a\" , \"arguments\" : [ 1 , { \"b\" : [ ] } ] } \n",
    );
    let Ok(Some(Message::Invocation(invocation))) = decoded else {
        panic!("{decoded:?}")
    };
    let raw = invocation.arguments.raw().expect("raw");
    assert_eq!(raw.as_ref(), b"[ 1 , { \"b\" : [ ] } ]");
    let elements = Encoding::Json.arguments(raw).expect("an array");
    assert_eq!(elements.as_slice(), [&b"1"[..], b"{ \"b\" : [ ] }"]);
}

#[test]
fn unknown_types_are_skipped_and_what_follows_is_read() {
    let mut json = Bytes::from(unmarked(
        r#"{"type":77,"x":1}<RS>{"type":0}<RS>{"type":6}<RS>{"type":10}<RS>"#,
    ));
    assert_eq!(
        Encoding::Json.decode(&mut json, Some(32)),
        Ok(Some(Message::Ping))
    );
    assert_eq!(Encoding::Json.decode(&mut json, Some(32)), Ok(None));
    assert!(json.is_empty());
    let mut packed = Bytes::from(bytes("02 91 4d 03 92 00 80 02 91 06 02 91 ff"));
    assert_eq!(
        Encoding::MessagePack.decode(&mut packed, Some(32)),
        Ok(Some(Message::Ping))
    );
    assert_eq!(
        Encoding::MessagePack.decode(&mut packed, Some(32)),
        Ok(None)
    );
    assert!(packed.is_empty());
}

#[test]
fn arguments_that_are_no_array_are_told_apart() {
    for text in ["", "{}", "[1", "[1,]", "[1]]", "[1] 2", "null", "[1 2]"] {
        assert!(Encoding::Json.arguments(&text.into()).is_err(), "{text}");
    }
    for hex in [
        "",
        "c0",
        "80",
        "92 01",
        "91 01 02",
        "dd ff ff ff ff",
        "91 c1",
    ] {
        assert!(
            Encoding::MessagePack.arguments(&bytes(hex).into()).is_err(),
            "{hex}"
        );
    }
    let elements = Encoding::MessagePack
        .arguments(&bytes("93 c4 02 01 02 81 a1 61 90 d6 ff 00 00 00 00").into());
    let elements: Vec<_> = elements
        .expect("an array")
        .iter()
        .map(|element| crate::hex(element))
        .collect();
    assert_eq!(
        elements,
        ["c4 02 01 02", "81 a1 61 90", "d6 ff 00 00 00 00"]
    );
}
