//! WebSocket frames as bytes, to say things that a well-behaved client does not.

use bytes::Bytes;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::Utf8Bytes;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

/// One frame to send as it is, whatever it contains.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// A whole text message.
    Text(String),
    /// A whole binary message.
    Binary(Bytes),
    /// A piece of a fragmented message.
    Fragment {
        /// Whether it continues what an earlier fragment began.
        continues: bool,
        /// Whether it is the last one.
        last: bool,
        /// Its part of a binary message.
        data: Bytes,
    },
    /// A WebSocket ping, at most 125 bytes.
    Ping(Bytes),
    /// A close frame, with its status if it has one.
    Close(Option<u16>),
}

impl From<Frame> for Message {
    fn from(frame: Frame) -> Self {
        use tokio_tungstenite::tungstenite::protocol::frame::Frame as Raw;
        match frame {
            Frame::Text(text) => Self::Text(text.into()),
            Frame::Binary(data) => Self::Binary(data),
            Frame::Fragment {
                continues,
                last,
                data,
            } => {
                let kind = if continues {
                    Data::Continue
                } else {
                    Data::Binary
                };
                Self::Frame(Raw::message(data, OpCode::Data(kind), last))
            }
            Frame::Ping(data) => Self::Ping(data),
            Frame::Close(code) => Self::Close(code.map(|code| CloseFrame {
                code: code.into(),
                reason: Utf8Bytes::default(),
            })),
        }
    }
}

/// The bytes of one frame as a client sends it, masked (with zeroes), for [`upgrade`](crate::upgrade)d sockets.
///
/// `first_byte` has the FIN bit, the reserved bits and the opcode: `0x81` is a whole text message.
pub fn masked(first_byte: u8, payload: &[u8]) -> Vec<u8> {
    const MASKED: u8 = 0x80;
    let mut out = vec![first_byte];
    match (u8::try_from(payload.len()), u16::try_from(payload.len())) {
        (Ok(len @ ..=125), _) => out.push(MASKED | len),
        (_, Ok(len)) => {
            out.push(MASKED | 126);
            out.extend(len.to_be_bytes());
        }
        _ => {
            out.push(MASKED | 127);
            out.extend((payload.len() as u64).to_be_bytes());
        }
    }
    out.extend([0; 4]);
    out.extend(payload);
    out
}
