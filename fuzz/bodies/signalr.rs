//! The bodies of the targets that attack `hubplane-proto-signalr`: they panic where a promise is broken.

use bytes::{Bytes, BytesMut};
use hubplane_proto_signalr::{
    Arguments, DecodeError, Encoding, Message, NegotiateResponse, handshake, transcode,
};

/// Hub messages in JSON. The first byte says where the input is split.
pub(crate) fn json_decode(data: &[u8]) {
    decode(Encoding::Json, data);
}

/// Hub messages in MessagePack. The first byte says where the input is split.
pub(crate) fn messagepack_decode(data: &[u8]) {
    decode(Encoding::MessagePack, data);
}

/// Handshake requests, handshake responses, negotiate responses.
pub(crate) fn handshake(data: &[u8]) {
    let request = handshake::parse_request(data);
    if let Ok(Some((_, len))) = &request {
        assert!(*len <= data.len());
        let alone = handshake::parse_request(&data[..*len]);
        assert_eq!(alone, request, "bytes behind the request count");
        let exactly = handshake::parse_request_within(data, Some(*len));
        assert_eq!(exactly, request, "a request of exactly the limit passes");
        assert!(handshake::parse_request_within(data, Some(*len - 1)).is_err());
    }
    if let Err(error) = &request {
        let response = error
            .response(true)
            .expect("malformed requests are answered");
        let parsed = handshake::parse_response(&response)
            .expect("our response is one")
            .expect("and whole");
        assert_eq!(parsed.1, response.len());
    }
    let _ = handshake::parse_response(data);
    if let Some(response) = NegotiateResponse::from_json(data) {
        let again = NegotiateResponse::from_json(&response.to_json()).expect("our response is one");
        assert_eq!(again, response);
    }
}

/// A value that crosses: `data` as JSON, then as MessagePack.
pub(crate) fn transcode(data: &[u8]) {
    let mut packed = Vec::new();
    if transcode::json_to_messagepack(data, &mut packed).is_ok() {
        json_is_stable(&packed);
    }
    let mut json = Vec::new();
    if transcode::messagepack_to_json(data, &mut json).is_ok() {
        let mut packed = Vec::new();
        transcode::json_to_messagepack(&json, &mut packed).expect("our json is json");
        json_is_stable(&packed);
    }
}

/// `packed` came from JSON: from here on, crossing changes nothing any more.
fn json_is_stable(packed: &[u8]) {
    let (mut json, mut packed_again, mut json_again) = (Vec::new(), Vec::new(), Vec::new());
    transcode::messagepack_to_json(packed, &mut json).expect("what json had, json can have");
    transcode::json_to_messagepack(&json, &mut packed_again).expect("our json is json");
    transcode::messagepack_to_json(&packed_again, &mut json_again)
        .expect("what json had, json can have");
    assert_eq!(json, json_again);
}

fn decode(encoding: Encoding, data: &[u8]) {
    let Some((&split, data)) = data.split_first() else {
        return;
    };
    let whole = messages(encoding, &[data], None);
    let at = usize::from(split) % (data.len() + 1);
    let halves = messages(encoding, &[&data[..at], &data[at..]], None);
    assert_eq!(whole, halves, "the split changes the messages");
    for limit in [usize::from(split), data.len()] {
        let limited = messages(encoding, &[data], Some(limit));
        assert!(
            whole.0.starts_with(&limited.0),
            "the limit changes messages"
        );
    }
    for message in whole.0.iter().filter(|message| is_whole(message)) {
        reads_the_same_again(encoding, message);
    }
}

/// All messages, and the error behind them.
fn messages(
    encoding: Encoding,
    pieces: &[&[u8]],
    limit: Option<usize>,
) -> (Vec<Message>, Option<DecodeError>) {
    let mut input = BytesMut::new();
    let mut messages = Vec::new();
    for piece in pieces {
        input.extend_from_slice(piece);
        loop {
            match encoding.decode(&mut input, limit) {
                Ok(Some(message)) => messages.push(message),
                Ok(None) => break,
                Err(error) => return (messages, Some(error)),
            }
        }
    }
    (messages, None)
}

/// Whether writing the message loses nothing: what could not be read cannot be written.
fn is_whole(message: &Message) -> bool {
    match message {
        Message::Invocation(invocation) | Message::StreamInvocation(invocation) => {
            matches!(invocation.arguments, Arguments::Raw(_))
        }
        Message::StreamItem(item) => !item.item.is_empty(),
        Message::Completion(completion) => {
            completion.result != hubplane_proto_signalr::CompletionResult::Value(Bytes::new())
        }
        _ => true,
    }
}

fn reads_the_same_again(encoding: Encoding, message: &Message) {
    if let Message::Invocation(invocation) | Message::StreamInvocation(invocation) = message
        && let Arguments::Raw(raw) = &invocation.arguments
    {
        let elements = encoding.arguments(raw).expect("raw arguments are an array");
        let mut again = Vec::new();
        encoding.write_arguments(elements.iter().map(|element| element.as_ref()), &mut again);
        assert_eq!(
            encoding.arguments(&again.into()).expect("as they were"),
            elements
        );
    }
    let mut written = Vec::new();
    encoding.encode(message, &mut written);
    let (again, error) = messages(encoding, &[&written], None);
    assert_eq!(again, std::slice::from_ref(message));
    assert_eq!(error, None);
}
