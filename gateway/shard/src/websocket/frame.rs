//! What is written: whole, final, unmasked frames.

use bytes::Bytes;
use hubplane_gateway_connection::Head;
use hubplane_proto_signalr::TransferFormat;

const TEXT: u8 = 0x81;
const BINARY: u8 = 0x82;
const CLOSE: u8 = 0x88;
const PONG: u8 = 0x8a;

/// The longest header of an unmasked frame, in bytes.
const HEADER_BYTES_MAX: usize = 10;

/// Why this side closes (reference signalr-core 6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CloseCode {
    /// 1000: as planned, and the answer to any close of the client.
    Normal,
    /// 1002: the client broke the protocol.
    Protocol,
    /// 1007: a text message that is not UTF-8.
    InvalidData,
    /// 1011: the application failed.
    Failed,
}

/// The header of a frame with a payload of this length.
pub(crate) fn head(format: TransferFormat, len_bytes: usize) -> Head {
    let opcode = match format {
        TransferFormat::Text => TEXT,
        TransferFormat::Binary => BINARY,
    };
    let head = Head::empty().with(&[opcode]);
    match (u8::try_from(len_bytes), u16::try_from(len_bytes)) {
        (Ok(short @ ..=125), _) => head.with(&[short]),
        (_, Ok(medium)) => head.with(&[126]).with(&medium.to_be_bytes()),
        _ => head.with(&[127]).with(&(len_bytes as u64).to_be_bytes()),
    }
}

/// One frame in one piece of memory, its payload written by `write`.
pub(crate) fn message(format: TransferFormat, write: impl FnOnce(&mut Vec<u8>)) -> Bytes {
    let mut frame = vec![0; HEADER_BYTES_MAX];
    write(&mut frame);
    let head = head(format, frame.len() - HEADER_BYTES_MAX);
    let start = HEADER_BYTES_MAX - head.as_slice().len();
    frame[start..HEADER_BYTES_MAX].copy_from_slice(head.as_slice());
    Bytes::from(frame).slice(start..)
}

/// What a whole unmasked frame carries.
pub(crate) fn payload(frame: &Bytes) -> Bytes {
    let header = match frame.get(1) {
        Some(127) => HEADER_BYTES_MAX,
        Some(126) => 4,
        _ => 2,
    };
    frame.slice(header.min(frame.len())..)
}

/// A close frame with an empty reason.
pub(crate) fn close(code: CloseCode) -> Bytes {
    Bytes::from_static(match code {
        CloseCode::Normal => &[CLOSE, 2, 0x03, 0xe8],
        CloseCode::Protocol => &[CLOSE, 2, 0x03, 0xea],
        CloseCode::InvalidData => &[CLOSE, 2, 0x03, 0xef],
        CloseCode::Failed => &[CLOSE, 2, 0x03, 0xf3],
    })
}

/// The answer to a ping, which repeats its payload of at most 125 bytes.
pub(crate) fn pong(payload: &[u8]) -> Bytes {
    let mut frame = Vec::with_capacity(2 + payload.len());
    frame.extend_from_slice(&[PONG, payload.len() as u8]);
    frame.extend_from_slice(payload);
    Bytes::from(frame)
}
