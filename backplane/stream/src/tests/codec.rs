//! The wire forms, by vectors and by properties.

use bytes::Bytes;
use proptest::prelude::*;

use super::{envelope, generation, node, number};
use crate::{Body, DecodeError, Envelope, Heartbeat, MessageId, Told};

/// version, kind, "a" of generation 1, "bc" of generation 0x0203, number 300, message id 7.
const HEAD: &[u8] = &[
    1, 1, 1, b'a', 1, 0, 0, 0, 0, 0, 0, 0, 2, b'b', b'c', 3, 2, 0, 0, 0, 0, 0, 0, 0xac, 2, 7,
];

fn head_with(kind: u8, rest: &[u8]) -> Bytes {
    let mut bytes = HEAD.to_vec();
    bytes[1] = kind;
    bytes.extend_from_slice(rest);
    bytes.into()
}

fn example(body: Body) -> Envelope {
    Envelope {
        origin: node("a"),
        receiver: generation("bc", 0x0203),
        number: number(300),
        message_id: MessageId::from_raw(7),
        body,
    }
}

#[test]
fn an_envelope_has_this_form() {
    let here = example(Body::Here("hi".into()));
    assert_eq!(here.encode(), head_with(1, b"hi"));
    assert_eq!(Envelope::decode(head_with(1, b"hi")), Ok(here));
    let empty = example(Body::Here(Bytes::new()));
    assert_eq!(Envelope::decode(head_with(1, b"")), Ok(empty));
    let at_origin = example(Body::AtOrigin { len_bytes: 1 << 20 });
    assert_eq!(at_origin.encode(), head_with(2, &[0x80, 0x80, 0x40]));
    let decoded = Envelope::decode(head_with(2, &[0x80, 0x80, 0x40]));
    assert_eq!(decoded, Ok(at_origin));
}

#[test]
fn a_heartbeat_has_this_form() {
    let heartbeat = Heartbeat {
        origin: node("a"),
        peers: vec![Told {
            node: node("b"),
            last_sent: Some(number(5)),
            next_expected: None,
        }],
    };
    let bytes: &'static [u8] = &[
        1, 3, 1, b'a', 1, 0, 0, 0, 0, 0, 0, 0, 1, b'b', 1, 0, 0, 0, 0, 0, 0, 0, 5, 0,
    ];
    assert_eq!(heartbeat.encode(), bytes);
    assert_eq!(Heartbeat::decode(bytes.into()), Ok(heartbeat));
}

#[test]
fn a_body_is_not_copied_out_of_what_was_received() {
    let bytes = head_with(1, b"shared");
    let Body::Here(body) = Envelope::decode(bytes.clone()).unwrap().body else {
        panic!("the body is not here");
    };
    assert_eq!(body.as_ptr(), bytes[HEAD.len()..].as_ptr());
}

#[test]
fn what_is_not_an_envelope_is_refused() {
    let with = |at: usize, byte: u8| {
        let mut bytes = HEAD.to_vec();
        bytes[at] = byte;
        Envelope::decode(bytes.into()).unwrap_err()
    };
    assert_eq!(with(0, 2), DecodeError::Version(2));
    assert_eq!(with(1, 3), DecodeError::Kind(3), "a heartbeat");
    assert_eq!(with(2, 0), DecodeError::Node, "a name of no bytes");
    assert_eq!(with(2, 65), DecodeError::Node, "declared too long");
    assert_eq!(with(3, 0xff), DecodeError::Node, "not UTF-8");
    assert_eq!(with(24, 0), DecodeError::Integer, "300 in too many bytes");
    assert_eq!(with(25, 0), DecodeError::Zero);
    for end in 0..HEAD.len() {
        let cut = Envelope::decode(HEAD[..end].into());
        assert_eq!(cut, Err(DecodeError::Truncated), "cut at {end}");
    }
    let long = head_with(2, &[1, 0]);
    assert_eq!(Envelope::decode(long), Err(DecodeError::Trailing));
    let wide = head_with(
        2,
        &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2],
    );
    assert_eq!(Envelope::decode(wide), Err(DecodeError::Integer));
    let heartbeat = Heartbeat::decode(envelope(&node("a"), &node("b"), 1, "").encode());
    assert_eq!(heartbeat, Err(DecodeError::Kind(1)));
}

fn nodes() -> impl Strategy<Value = hubplane_proto_ids::NodeId> {
    ("[a-zé.*> ]{1,20}", any::<u64>()).prop_map(|(name, raw)| generation(&name, raw))
}

proptest! {
    #[test]
    fn an_envelope_survives_its_encoding(
        origin in nodes(),
        receiver in nodes(),
        raw in 1..=u64::MAX,
        id in 1..=u64::MAX,
        body in prop_oneof![
            any::<Vec<u8>>().prop_map(|body| Body::Here(body.into())),
            any::<u64>().prop_map(|len_bytes| Body::AtOrigin { len_bytes }),
        ],
    ) {
        let message_id = MessageId::from_raw(id);
        let envelope = Envelope { origin, receiver, number: number(raw), message_id, body };
        prop_assert_eq!(Envelope::decode(envelope.encode()), Ok(envelope));
    }

    #[test]
    fn a_heartbeat_survives_its_encoding(
        origin in nodes(),
        peers in prop::collection::vec((nodes(), 0..=u64::MAX, 0..=u64::MAX), 0..5),
    ) {
        let said = |raw| (raw > 0).then(|| number(raw));
        let peers = peers.into_iter();
        let peers = peers.map(|(node, sent, next)| Told { node, last_sent: said(sent), next_expected: said(next) });
        let heartbeat = Heartbeat { origin, peers: peers.collect() };
        prop_assert_eq!(Heartbeat::decode(heartbeat.encode()), Ok(heartbeat));
    }

    #[test]
    fn any_bytes_are_refused_or_encode_to_themselves(
        head in 0..3usize,
        bytes in prop::collection::vec(any::<u8>(), 0..80),
    ) {
        // Random bytes seldom get past the head: two thirds of the cases begin with one.
        let prefix: &[u8] = [&[][..], &[1, 1, 1, b'a'], &[1, 3, 1, b'a']][head];
        let bytes = Bytes::from([prefix, &bytes[..]].concat());
        if let Ok(envelope) = Envelope::decode(bytes.clone()) {
            prop_assert_eq!(envelope.encode(), bytes.clone());
        }
        if let Ok(heartbeat) = Heartbeat::decode(bytes.clone()) {
            prop_assert_eq!(heartbeat.encode(), bytes);
        }
    }
}
