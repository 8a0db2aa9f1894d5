//! Sizes and depths, to the byte and to the level.

use bytes::{Bytes, BytesMut};
use hubplane_proto_signalr::{DecodeError, Encoding, Message};

use crate::bytes;
use crate::invalid::{detail, json, messagepack};

#[test]
fn a_message_of_exactly_the_limit_passes_and_one_more_byte_does_not() {
    let item = |encoding: Encoding, len: usize| {
        let mut out = Vec::new();
        let mut payload = match encoding {
            Encoding::Json => format!("\"{}\"", "x".repeat(len)).into_bytes(),
            Encoding::MessagePack => [
                &[0xda, (len >> 8) as u8, len as u8],
                "x".repeat(len).as_bytes(),
            ]
            .concat(),
        };
        encoding.encode_stream_item("1", &payload, &mut out);
        payload.clear();
        out
    };
    for encoding in Encoding::ALL {
        let fits = (900..1000)
            .map(|len| item(encoding, len))
            .find(|frame| frame.len() == 1000)
            .expect("one fits");
        let too_long = item(encoding, 1000);
        let exceeded = Err(DecodeError::TooLarge { max_bytes: 1000 });
        assert!(matches!(
            encoding.decode(&mut Bytes::from(fits.clone()), Some(1000)),
            Ok(Some(_))
        ));
        assert_eq!(
            encoding.decode(&mut Bytes::from(fits.clone()), Some(999)),
            Err(DecodeError::TooLarge { max_bytes: 999 })
        );
        assert_eq!(
            encoding.decode(&mut Bytes::from(too_long.clone()), Some(1000)),
            exceeded
        );
        // As long as not more than the limit is there, the rest is waited for.
        let mut input = BytesMut::from(&too_long[..1000]);
        assert_eq!(encoding.decode(&mut input, Some(1000)), Ok(None));
        input.extend_from_slice(&too_long[1000..1001]);
        assert_eq!(encoding.decode(&mut input, Some(1000)), exceeded);
    }
    let detail = DecodeError::TooLarge { max_bytes: 1000 }
        .detail()
        .to_string();
    assert_eq!(
        detail,
        "InvalidDataException: The maximum message size of 1000B was exceeded. The message size can be configured in AddHubOptions."
    );
}

#[test]
fn length_prefixes_take_up_to_five_bytes_and_two_gigabytes() {
    let decode = |hex: &str| Encoding::MessagePack.decode(&mut Bytes::from(bytes(hex)), None);
    for incomplete in ["", "80", "ff ff ff ff", "ff ff ff ff 07", "0e 96"] {
        assert_eq!(decode(incomplete), Ok(None), "{incomplete}");
    }
    let too_long = "FormatException: Messages over 2GB in size are not supported.";
    for fatal in [
        "ff ff ff ff 08",
        "ff ff ff ff 7f",
        "80 80 80 80 80 01",
        "80 80 80 80 80",
    ] {
        assert_eq!(detail(decode(fatal)), too_long, "{fatal}");
    }
    for ping in ["02 91 06", "82 00 91 06", "82 80 80 80 00 91 06"] {
        assert_eq!(decode(ping), Ok(Some(Message::Ping)), "{ping}");
    }
}

#[test]
fn nesting_is_limited_as_recorded_in_both_protocols() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let argument = |depth| {
        json(&format!(
            r#"{{"type":1,"target":"a","arguments":[{}]}}"#,
            nested(depth)
        ))
    };
    let item = |depth| {
        json(&format!(
            r#"{{"type":2,"invocationId":"1","item":{}}}"#,
            nested(depth)
        ))
    };
    let unknown = |depth| json(&format!(r#"{{"type":6,"x":{}}}"#, nested(depth)));
    assert!(argument(62).is_ok() && item(63).is_ok() && unknown(63).is_ok());
    for too_deep in [argument(63), item(64), unknown(64)] {
        assert_eq!(
            detail(too_deep),
            "InvalidDataException: Error reading JSON."
        );
    }
    let pack =
        |head: &str, depth: usize| messagepack(&format!("{head} {} c0", "91 ".repeat(depth)));
    let is_malformed = |decoded: Result<Option<Message>, DecodeError>| match decoded {
        Ok(Some(Message::Invocation(invocation))) => invocation.arguments.raw().is_none(),
        other => panic!("{other:?}"),
    };
    assert!(!is_malformed(pack("95 01 80 c0 a1 61 91", 62)));
    assert!(
        is_malformed(pack("95 01 80 c0 a1 61 91", 63)),
        "one invocation fails, as recorded"
    );
    let is_empty = |decoded: Result<Option<Message>, DecodeError>| match decoded {
        Ok(Some(Message::StreamItem(item))) => item.item.is_empty(),
        other => panic!("{other:?}"),
    };
    assert!(!is_empty(pack("94 02 80 a1 39", 63)));
    assert!(is_empty(pack("94 02 80 a1 39", 64)));
}
