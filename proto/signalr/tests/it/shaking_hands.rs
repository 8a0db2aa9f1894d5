//! The handshake, from both ends.

use hubplane_proto_signalr::handshake::{
    self, parse_request, parse_request_within, parse_response,
};
use hubplane_proto_signalr::{
    Encoding, HandshakeError, HandshakeRequest, HandshakeResponse, TransferFormats,
};

use crate::{field, rows, unmarked};

fn answer(sent: &[u8], detailed: bool) -> Vec<u8> {
    let decided = parse_request(sent).and_then(|parsed| {
        let (request, len) = parsed.expect("complete");
        assert_eq!(len, sent.len());
        handshake::accept(&request, &Encoding::ALL, TransferFormats::BOTH)
    });
    match decided {
        Ok(_) => handshake::response_ok().to_vec(),
        Err(error) => error.response(detailed).expect("an answer"),
    }
}

#[test]
fn requests_are_answered_as_recorded() {
    let rows = rows(include_str!("../vectors/handshake.txt"));
    assert!(rows.len() > 60, "the vectors are there");
    for row in rows {
        let sent = unmarked(field(&row, 'C'));
        let answered = answer(&sent, row[0] == "detailed");
        let answered = String::from_utf8(answered).expect("text");
        assert_eq!(
            answered,
            String::from_utf8(unmarked(field(&row, 'S'))).expect("text"),
            "{row:?}"
        );
    }
}

#[test]
fn a_request_may_come_in_pieces_and_with_messages_behind_it() {
    let record = b"{\"protocol\":\"json\",\"version\":1}\x1e";
    let behind = [record.as_slice(), b"{\"type\":6}\x1e"].concat();
    for end in 0..record.len() {
        assert_eq!(parse_request(&behind[..end]), Ok(None));
    }
    let request = HandshakeRequest {
        protocol: "json".into(),
        version: 1,
    };
    for end in record.len()..=behind.len() {
        assert_eq!(
            parse_request(&behind[..end]),
            Ok(Some((request.clone(), record.len())))
        );
    }
}

#[test]
fn a_request_of_exactly_the_size_limit_passes_and_one_more_byte_cancels() {
    let mut record = b"{\"protocol\":\"json\",\"version\":1,\"pad\":\"".to_vec();
    record.resize(1000 - 3, b'x');
    record.extend_from_slice(b"\"}\x1e");
    assert_eq!(record.len(), 1000);
    assert!(matches!(
        parse_request_within(&record, Some(1000)),
        Ok(Some((_, 1000)))
    ));
    record.insert(40, b'x');
    assert_eq!(
        parse_request_within(&record, Some(1000)),
        Err(HandshakeError::Canceled)
    );
    assert_eq!(
        parse_request_within(&record[..1000], Some(1000)),
        Ok(None),
        "the separator may still come"
    );
    assert_eq!(
        parse_request_within(&record[..1001], Some(1000)),
        Err(HandshakeError::Canceled)
    );
    assert!(matches!(parse_request_within(&record, None), Ok(Some(_))));
}

#[test]
fn requests_are_decided_by_protocol_then_version_then_transfer_format() {
    let request = |protocol: &str, version| HandshakeRequest {
        protocol: protocol.into(),
        version,
    };
    let text_of = |request: &HandshakeRequest, available: &[Encoding], possible| {
        handshake::accept(request, available, possible).map_err(|error| error.client_text(false))
    };
    let both = TransferFormats::BOTH;
    assert_eq!(
        text_of(&request("MessagePack", 2), &Encoding::ALL, both),
        Ok((Encoding::MessagePack, 2))
    );
    assert_eq!(
        text_of(&request("json", -5), &Encoding::ALL, both),
        Ok((Encoding::Json, -5))
    );
    assert_eq!(
        text_of(
            &request("messagepack", 3),
            &[Encoding::Json],
            TransferFormats::TEXT
        ),
        Err("The protocol 'messagepack' is not supported.".into())
    );
    assert_eq!(
        text_of(
            &request("messagepack", 3),
            &Encoding::ALL,
            TransferFormats::TEXT
        ),
        Err("The server does not support version 3 of the 'messagepack' protocol.".into())
    );
    assert_eq!(
        text_of(&request("messagepack", 1), &Encoding::ALL, TransferFormats::TEXT),
        Err("Cannot use the 'messagepack' protocol on the current transport. The transport does not support 'Binary' \
             transfer format."
            .into())
    );
    let none = handshake::accept(&request("json", 1), &[], both).expect_err("no protocol at all");
    assert_eq!(
        (none.response(true), none),
        (None, HandshakeError::NoProtocols)
    );
    let canceled = HandshakeError::Canceled.response(false).expect("an answer");
    assert_eq!(canceled, b"{\"error\":\"Handshake was canceled.\"}\x1e");
}

#[test]
fn malformed_requests_are_described_in_the_words_of_the_reference_json_reader() {
    // Listed by .NET 10's Utf8JsonReader.
    let table = [
        (
            "   ",
            "The input does not contain any JSON tokens. Expected the input to start with a valid JSON token, when isFinalBlock is true. LineNumber: 0 | BytePositionInLine: 3.",
        ),
        (
            "txue",
            "'txue' is an invalid JSON literal. Expected the literal 'true'. LineNumber: 0 | BytePositionInLine: 1.",
        ),
        (
            "{",
            "Expected depth to be zero at the end of the JSON payload. There is an open JSON object or array that should be closed. LineNumber: 0 | BytePositionInLine: 1.",
        ),
        (
            "{\"a\"",
            "Expected a value, but instead reached end of data. LineNumber: 0 | BytePositionInLine: 4.",
        ),
        (
            "{\"a\":1,",
            "Expected start of a property name or value, but instead reached end of data. LineNumber: 0 | BytePositionInLine: 6.",
        ),
        (
            "{\"a\":1,}",
            "The JSON object contains a trailing comma at the end which is not supported in this mode. Change the reader options. LineNumber: 0 | BytePositionInLine: 7.",
        ),
        (
            "{\"a\":1 x",
            "'x' is invalid after a value. Expected either ',', '}', or ']'. LineNumber: 0 | BytePositionInLine: 7.",
        ),
        (
            "{a:1}",
            "'a' is an invalid start of a property name. Expected a '\"'. LineNumber: 0 | BytePositionInLine: 1.",
        ),
        (
            "{\"a\" 1}",
            "'1' is invalid after a property name. Expected a ':'. LineNumber: 0 | BytePositionInLine: 5.",
        ),
        (
            "{\"a\":}",
            "'}' is an invalid start of a value. LineNumber: 0 | BytePositionInLine: 5.",
        ),
        (
            "{\"a\":[1,]}",
            "The JSON array contains a trailing comma at the end which is not supported in this mode. Change the reader options. LineNumber: 0 | BytePositionInLine: 8.",
        ),
        (
            "{\"a\":01}",
            "Invalid leading zero before '1'. LineNumber: 0 | BytePositionInLine: 6.",
        ),
        (
            "{\"a\":-x}",
            "'x' is invalid within a number, immediately after a sign character ('+' or '-'). Expected a digit ('0'-'9'). LineNumber: 0 | BytePositionInLine: 6.",
        ),
        (
            "{\"a\":1.x}",
            "'x' is invalid within a number, immediately after a decimal point ('.'). Expected a digit ('0'-'9'). LineNumber: 0 | BytePositionInLine: 7.",
        ),
        (
            "{\"a\":1e+}",
            "'}' is invalid within a number, immediately after a sign character ('+' or '-'). Expected a digit ('0'-'9'). LineNumber: 0 | BytePositionInLine: 8.",
        ),
        (
            "{\"a\":\"x",
            "Expected end of string, but instead reached end of data. LineNumber: 0 | BytePositionInLine: 7.",
        ),
        (
            "{\"a\":\"x\ty\"}",
            "'0x09' is invalid within a JSON string. The string should be correctly escaped. LineNumber: 0 | BytePositionInLine: 7.",
        ),
        (
            "{\"a\":\"\\x\"}",
            "'x' is an invalid escapable character within a JSON string. The string should be correctly escaped. LineNumber: 0 | BytePositionInLine: 7.",
        ),
        (
            "{\"a\":\"\\u12g4\"}",
            "'g' is not a hex digit following '\\u' within a JSON string. The string should be correctly escaped. LineNumber: 0 | BytePositionInLine: 10.",
        ),
        (
            "{\"a\":1x}",
            "'x' is an invalid end of a number. Expected a delimiter. LineNumber: 0 | BytePositionInLine: 6.",
        ),
        (
            "{\"a\":1.5.2}",
            "'.' is an invalid end of a number. Expected 'E' or 'e'. LineNumber: 0 | BytePositionInLine: 8.",
        ),
        (
            "{\n\"a\":x}",
            "'x' is an invalid start of a value. LineNumber: 1 | BytePositionInLine: 4.",
        ),
        (
            "\u{feff}{}",
            "'0xEF' is an invalid start of a value. LineNumber: 0 | BytePositionInLine: 0.",
        ),
    ];
    for (record, message) in table {
        let error = parse_request(format!("{record}\u{1e}").as_bytes()).expect_err(record);
        let HandshakeError::Malformed(detail) = error else {
            panic!("{record}: {error:?}")
        };
        assert_eq!(
            (detail.exception, &*detail.message),
            ("JsonReaderException", message),
            "{record}"
        );
    }
}

#[test]
fn the_two_ends_understand_each_other() {
    for encoding in Encoding::ALL {
        let written = handshake::write_request(encoding, 1);
        let (request, len) = parse_request(&written).expect("a request").expect("whole");
        assert_eq!(
            (request.protocol.as_str(), request.version, len),
            (encoding.name(), 1, written.len())
        );
    }
    assert_eq!(
        parse_response(b"{}\x1e{\"type\":6}\x1e"),
        Ok(Some((HandshakeResponse::Accepted, 3)))
    );
    assert_eq!(
        parse_response(b"{\"error\":\"\"}\x1e"),
        Ok(Some((HandshakeResponse::Accepted, 13)))
    );
    assert_eq!(
        parse_response(b"{\"minorVersion\":0}\x1e").map(|parsed| parsed.is_some()),
        Ok(true)
    );
    assert_eq!(parse_response(b"{}"), Ok(None));
    assert!(
        parse_response(b"{\"type\":6}\x1e").is_err(),
        "a hub message is no response"
    );
    let refusal = handshake::response_error("no \"x\"\u{2028}<é>");
    assert_eq!(
        refusal,
        "{\"error\":\"no \\\"x\\\"\\u2028<é>\"}\x1e".as_bytes()
    );
    let refused = HandshakeResponse::Refused {
        error: "no \"x\"\u{2028}<é>".into(),
    };
    assert_eq!(parse_response(&refusal), Ok(Some((refused, refusal.len()))));
}
