use std::io::{self, Read, Write};

use hubplane_gateway_connection::Head;
use hubplane_proto_signalr::{Encoding, TransferFormat};
use proptest::prelude::*;
use tungstenite::error::ProtocolError;
use tungstenite::protocol::{Role, WebSocketConfig, WebSocketContext};
use tungstenite::{Error, Message};

use super::frame::{self, CloseCode};
use super::{Reader, Received};
use crate::transport::{Format, Pings};

/// What a client's bytes come to, however they are read.
#[derive(Debug, Default, PartialEq, Eq)]
struct Seen {
    data: Vec<u8>,
    pings: Vec<Vec<u8>>,
    end: Option<Result<(), CloseCode>>,
}

fn read_in_pieces(bytes: &[u8], pieces: &[usize]) -> Seen {
    let (mut reader, mut seen, mut rest) = (Reader::new(), Seen::default(), bytes.to_vec());
    let mut pieces = pieces.iter().cycle();
    while !rest.is_empty() && seen.end.is_none() {
        let len = pieces
            .next()
            .map_or(rest.len(), |len| (*len).clamp(1, rest.len()));
        let mut piece: Vec<u8> = rest.drain(..len).collect();
        let mut piece = piece.as_mut_slice();
        loop {
            match reader.next(&mut piece) {
                Ok(Some(Received::Data(data))) => seen.data.extend_from_slice(data),
                Ok(Some(Received::Ping(payload))) => seen.pings.push(payload.into_owned()),
                Ok(Some(Received::Close)) => seen.end = Some(Ok(())),
                Err(violation) => seen.end = Some(Err(violation.code)),
                Ok(None) => break,
            }
            if seen.end.is_some() {
                break;
            }
        }
    }
    seen
}

/// A frame as a client sends it.
fn client_frame(first: u8, payload: &[u8], mask: [u8; 4]) -> Vec<u8> {
    let head = frame::head(TransferFormat::Text, payload.len());
    let mut bytes = vec![first, head.as_slice()[1] | 0x80];
    bytes.extend_from_slice(&head.as_slice()[2..]);
    bytes.extend_from_slice(&mask);
    bytes.extend(
        payload
            .iter()
            .zip(mask.into_iter().cycle())
            .map(|(byte, key)| byte ^ key),
    );
    bytes
}

const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

#[test]
fn text_binary_and_fragments_are_one_stream_of_bytes() {
    let mut bytes = client_frame(0x01, b"ab", MASK);
    bytes.extend(client_frame(0x89, b"ping", MASK));
    bytes.extend(client_frame(0x80, b"cd", MASK));
    bytes.extend(client_frame(0x82, b"\xff", MASK));
    bytes.extend(client_frame(0x8a, b"an unasked pong", MASK));
    bytes.extend(client_frame(0x81, b"", MASK));
    bytes.extend(client_frame(0x81, &[b'x'; 70_000], MASK));
    for pieces in [vec![1], vec![3, 7], vec![usize::MAX]] {
        let seen = read_in_pieces(&bytes, &pieces);
        assert_eq!(seen.data.len(), 5 + 70_000);
        assert_eq!(&seen.data[..6], b"abcd\xffx");
        assert_eq!((seen.pings, seen.end), (vec![b"ping".to_vec()], None));
    }
}

#[test]
fn violations_have_the_recorded_codes() {
    // Recorded in websockets.txt.
    let cases: [(&str, Vec<u8>, CloseCode); 11] = [
        (
            "invalid UTF-8",
            client_frame(0x81, b"\xff\xfe\xfd", MASK),
            CloseCode::InvalidData,
        ),
        (
            "unfinished UTF-8",
            client_frame(0x81, b"\xc3", MASK),
            CloseCode::InvalidData,
        ),
        ("no mask", vec![0x81, 1, b'x'], CloseCode::Protocol),
        (
            "reserved bit",
            client_frame(0xc1, b"x", MASK),
            CloseCode::Protocol,
        ),
        (
            "unknown opcode",
            client_frame(0x83, b"x", MASK),
            CloseCode::Protocol,
        ),
        (
            "unknown control opcode",
            client_frame(0x8b, b"x", MASK),
            CloseCode::Protocol,
        ),
        (
            "stray continuation",
            client_frame(0x80, b"x", MASK),
            CloseCode::Protocol,
        ),
        (
            "long control frame",
            client_frame(0x89, &[0; 126], MASK),
            CloseCode::Protocol,
        ),
        (
            "fragmented control frame",
            client_frame(0x09, b"x", MASK),
            CloseCode::Protocol,
        ),
        (
            "close body of one byte",
            client_frame(0x88, b"\x03", MASK),
            CloseCode::Protocol,
        ),
        (
            "close with status 1005",
            client_frame(0x88, &1005_u16.to_be_bytes(), MASK),
            CloseCode::Protocol,
        ),
    ];
    for (name, bytes, code) in cases {
        for pieces in [vec![1], vec![usize::MAX]] {
            assert_eq!(
                read_in_pieces(&bytes, &pieces).end,
                Some(Err(code)),
                "{name}"
            );
        }
    }
}

#[test]
fn a_close_is_a_close_whatever_its_status() {
    for body in [
        &b""[..],
        b"\x03\xe8",
        b"\x03\xe9going away",
        b"\x0f\xa0mine",
    ] {
        let mut bytes = client_frame(0x88, body, MASK);
        bytes.extend(client_frame(0x81, b"not read", MASK));
        let seen = read_in_pieces(&bytes, &[1]);
        assert_eq!(
            (seen.data, seen.end),
            (Vec::new(), Some(Ok(()))),
            "{body:?}"
        );
    }
}

#[test]
fn a_declared_length_costs_nothing() {
    let mut bytes = vec![0x82, 0xff];
    bytes.extend_from_slice(&(u64::MAX >> 1).to_be_bytes());
    bytes.extend_from_slice(&[0; 4]);
    bytes.extend_from_slice(b"abc");
    assert_eq!(read_in_pieces(&bytes, &[2]).data, b"abc");
}

#[test]
fn headers_have_the_shortest_form() {
    let head = |len| frame::head(TransferFormat::Binary, len);
    assert_eq!(head(125), Head::empty().with(&[0x82, 125]));
    assert_eq!(head(126), Head::empty().with(&[0x82, 126, 0, 126]));
    assert_eq!(
        head(65_536),
        Head::empty().with(&[0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0])
    );
    let ping = Pings::new().of(Format::WebSocket(Encoding::MessagePack));
    assert_eq!(ping.as_deref(), Some(&[0x82, 3, 2, 0x91, 6][..]));
    let long = frame::message(TransferFormat::Text, |out| {
        out.extend_from_slice(&[b'x'; 300])
    });
    assert_eq!(&long[..5], [0x81, 126, 1, 44, b'x']);
    assert_eq!(long.len(), 304);
}

/// Bytes that have come, and nowhere to write.
struct Came<'a>(&'a [u8]);

impl Read for Came<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.0.read(buffer)? {
            0 => Err(io::ErrorKind::WouldBlock.into()),
            read => Ok(read),
        }
    }
}

impl Write for Came<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The same bytes as a known implementation reads them. Of an unfinished message it says nothing.
fn read_by_tungstenite(bytes: &[u8]) -> Seen {
    let config = WebSocketConfig::default().read_buffer_size(4096);
    let (mut context, mut seen) = (
        WebSocketContext::new(Role::Server, Some(config)),
        Seen::default(),
    );
    let mut came = Came(bytes);
    while seen.end.is_none() {
        match context.read(&mut came) {
            Ok(Message::Text(text)) => seen.data.extend_from_slice(text.as_bytes()),
            Ok(Message::Binary(data)) => seen.data.extend_from_slice(&data),
            Ok(Message::Ping(payload)) => seen.pings.push(payload.to_vec()),
            // It repeats the status, and says 1002 for one that must not be sent.
            Ok(Message::Close(Some(close))) if close.reason == "Protocol violation" => {
                seen.end = Some(Err(CloseCode::Protocol));
            }
            Ok(Message::Close(_)) => seen.end = Some(Ok(())),
            Ok(Message::Pong(_) | Message::Frame(_)) => {}
            Err(Error::Io(_)) => break,
            Err(Error::Utf8(_)) => seen.end = Some(Err(CloseCode::InvalidData)),
            Err(Error::Protocol(ProtocolError::ResetWithoutClosingHandshake)) => break,
            Err(Error::Protocol(_)) => seen.end = Some(Err(CloseCode::Protocol)),
            Err(other) => panic!("{other}"),
        }
    }
    seen
}

fn frames() -> impl Strategy<Value = Vec<u8>> {
    let first = prop_oneof![
        4 => Just(0x81_u8), 4 => Just(0x82), 2 => Just(0x01), 2 => Just(0x02), 3 => Just(0x00), 4 => Just(0x80),
        3 => Just(0x89), 1 => Just(0x8a), 1 => Just(0x88), 1 => any::<u8>(),
    ];
    let payload = prop_oneof![
        4 => "\\PC{0,12}".prop_map(String::into_bytes),
        1 => proptest::collection::vec(any::<u8>(), 0..140),
        1 => Just(vec![0x03, 0xe8]),
    ];
    let frame = (first, payload, any::<[u8; 4]>())
        .prop_map(|(first, payload, mask)| client_frame(first, &payload, mask));
    proptest::collection::vec(frame, 0..8).prop_map(|frames| frames.concat())
}

proptest! {
    #[test]
    fn any_split_of_any_bytes_reads_the_same(bytes in frames(), pieces in proptest::collection::vec(1_usize..20, 1..6)) {
        let whole = read_in_pieces(&bytes, &[usize::MAX]);
        let split = read_in_pieces(&bytes, &pieces);
        prop_assert_eq!((&whole.pings, whole.end), (&split.pings, split.end));
        // Text that is refused is not handed on from where the piece with the fault begins.
        if whole.end == Some(Err(CloseCode::InvalidData)) {
            prop_assert!(split.data.starts_with(&whole.data));
        } else {
            prop_assert_eq!(&whole.data, &split.data);
        }
    }

    #[test]
    fn bytes_that_are_no_frames_end_in_a_violation_or_wait_for_more(
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        read_in_pieces(&bytes, &[1]);
    }

    /// What a known implementation makes of the same bytes. It hands out whole messages only, so that what it has read
    /// of the last one is missing.
    #[test]
    fn a_known_implementation_reads_the_same(bytes in frames()) {
        let (ours, theirs) = (read_in_pieces(&bytes, &[usize::MAX]), read_by_tungstenite(&bytes));
        prop_assert!(ours.data.starts_with(&theirs.data), "{:?} {:?}", ours, theirs);
        match (ours.end, theirs.end) {
            // A text is refused as soon as it cannot be UTF-8 any more, they wait for its end: whatever they find then
            // comes behind it.
            (Some(Err(CloseCode::InvalidData)), _) => {}
            // A close with two faults.
            (Some(Err(CloseCode::Protocol)), Some(Err(CloseCode::InvalidData))) => {}
            (ours_end, theirs_end) => {
                prop_assert_eq!(ours_end, theirs_end);
                prop_assert_eq!(ours.pings, theirs.pings);
            }
        }
    }
}
