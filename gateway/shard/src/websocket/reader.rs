//! What is read: the frames of a client, as a stream.
//!
//! tungstenite parses the headers and knows the codes. Its `WebSocketContext` is not used: it collects a whole message
//! in memory of its own and only then hands it out, whereas here the payload flows from the shard's scratch buffer into
//! the connection as it comes, so that the hub's size limit and read-ahead hold from the first byte, and a declared
//! length costs nothing.

use std::borrow::Cow;
use std::io::Cursor;

use tungstenite::protocol::frame::FrameHeader;
use tungstenite::protocol::frame::coding::{CloseCode as Code, Control, Data, OpCode};

use super::frame::CloseCode;
use super::utf8::{NotUtf8, Utf8};

/// The longest header that a client may send, in bytes.
const HEADER_BYTES_MAX: usize = 14;
const CONTROL_BYTES_MAX: u64 = 125;

/// What a client broke, with the code to close with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub(crate) struct Violation {
    pub(crate) code: CloseCode,
    text: &'static str,
}

impl Violation {
    const fn protocol(text: &'static str) -> Self {
        Self {
            code: CloseCode::Protocol,
            text,
        }
    }
    const INVALID_UTF8: Self = Self {
        code: CloseCode::InvalidData,
        text: "text that is not UTF-8",
    };
}

/// The next thing that a client sent.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Received<'a> {
    /// Payload of text or binary messages, unmasked.
    Data(&'a [u8]),
    /// A ping, to be answered with this payload.
    Ping(Cow<'a, [u8]>),
    /// A close frame. Nothing behind it counts.
    Close,
}

/// The frame whose payload is being read.
#[derive(Debug, Clone, Copy)]
struct Frame {
    kind: Kind,
    is_final: bool,
    mask: [u8; 4],
    remaining: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Data,
    Ping,
    Pong,
    Close,
}

/// The message whose frames are being read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Message {
    None,
    Text,
    Binary,
}

/// Reads the frames of one client. Between two frames it holds some fifty bytes and no memory besides.
#[derive(Debug)]
pub(crate) struct Reader {
    header: [u8; HEADER_BYTES_MAX],
    header_len: u8,
    frame: Option<Frame>,
    message: Message,
    utf8: Utf8,
    /// The payload of a control frame that came in pieces. Rare, short and gone when the frame is whole.
    control: Vec<u8>,
}

impl Reader {
    pub(crate) const fn new() -> Self {
        Self {
            header: [0; HEADER_BYTES_MAX],
            header_len: 0,
            frame: None,
            message: Message::None,
            utf8: Utf8::new(),
            control: Vec::new(),
        }
    }

    /// Takes the next thing off the front of `bytes`, which are unmasked in place. `None` once all of them are used up.
    ///
    /// After a violation, or a close, the reader is in no defined state.
    pub(crate) fn next<'a>(
        &mut self,
        bytes: &mut &'a mut [u8],
    ) -> Result<Option<Received<'a>>, Violation> {
        loop {
            let frame = match self.frame.take() {
                Some(frame) => frame,
                None => match self.read_header(bytes)? {
                    Some(frame) => frame,
                    None => return Ok(None),
                },
            };
            if bytes.is_empty() && frame.remaining > 0 {
                self.frame = Some(frame);
                return Ok(None);
            }
            let input = std::mem::take(bytes);
            let taken = usize::try_from(frame.remaining)
                .map_or(input.len(), |remaining| remaining.min(input.len()));
            let (payload, rest) = input.split_at_mut(taken);
            *bytes = rest;
            unmask(payload, frame.mask);
            let mut left = Frame {
                remaining: frame.remaining - payload.len() as u64,
                ..frame
            };
            left.mask.rotate_left(payload.len() % 4);
            let received = match frame.kind {
                Kind::Data => self.data(left, payload)?,
                Kind::Ping | Kind::Pong | Kind::Close => self.control(left, payload)?,
            };
            if received.is_some() {
                return Ok(received);
            }
        }
    }

    fn read_header(&mut self, bytes: &mut &mut [u8]) -> Result<Option<Frame>, Violation> {
        let old = usize::from(self.header_len);
        let new = bytes.len().min(HEADER_BYTES_MAX - old);
        self.header[old..old + new].copy_from_slice(&bytes[..new]);
        let mut cursor = Cursor::new(&self.header[..old + new]);
        let parsed =
            FrameHeader::parse(&mut cursor).map_err(|_| Violation::protocol("unknown opcode"))?;
        let used = match &parsed {
            // A header is complete only with bytes that came now.
            Some(_) => usize::try_from(cursor.position())
                .map_or(new, |position| position.saturating_sub(old)),
            None => new,
        };
        *bytes = &mut std::mem::take(bytes)[used..];
        let Some((header, len_bytes)) = parsed else {
            self.header_len = (old + new) as u8;
            return Ok(None);
        };
        self.header_len = 0;
        self.begin(&header, len_bytes).map(Some)
    }

    fn begin(&mut self, header: &FrameHeader, len_bytes: u64) -> Result<Frame, Violation> {
        if header.rsv1 || header.rsv2 || header.rsv3 {
            return Err(Violation::protocol("reserved bit set"));
        }
        let Some(mask) = header.mask else {
            return Err(Violation::protocol("frame without a mask"));
        };
        let kind = match header.opcode {
            OpCode::Data(data) => {
                self.begin_data(data)?;
                Kind::Data
            }
            OpCode::Control(_) if !header.is_final => {
                return Err(Violation::protocol("control frame in fragments"));
            }
            OpCode::Control(_) if len_bytes > CONTROL_BYTES_MAX => {
                return Err(Violation::protocol("control frame longer than 125 bytes"));
            }
            OpCode::Control(Control::Ping) => Kind::Ping,
            OpCode::Control(Control::Pong) => Kind::Pong,
            OpCode::Control(Control::Close) => Kind::Close,
            OpCode::Control(Control::Reserved(_)) => {
                return Err(Violation::protocol("unknown opcode"));
            }
        };
        Ok(Frame {
            kind,
            is_final: header.is_final,
            mask,
            remaining: len_bytes,
        })
    }

    fn begin_data(&mut self, data: Data) -> Result<(), Violation> {
        self.message = match (data, self.message) {
            (Data::Continue, Message::None) => {
                return Err(Violation::protocol("continuation of nothing"));
            }
            (Data::Continue, message) => message,
            (Data::Text, Message::None) => Message::Text,
            (Data::Binary, Message::None) => Message::Binary,
            (Data::Text | Data::Binary, Message::Text | Message::Binary) => {
                return Err(Violation::protocol("message inside another one"));
            }
            (Data::Reserved(_), _) => return Err(Violation::protocol("unknown opcode")),
        };
        Ok(())
    }

    fn data<'a>(
        &mut self,
        left: Frame,
        payload: &'a [u8],
    ) -> Result<Option<Received<'a>>, Violation> {
        let is_text = self.message == Message::Text;
        if is_text {
            self.utf8
                .push(payload)
                .map_err(|NotUtf8| Violation::INVALID_UTF8)?;
        }
        if left.remaining > 0 {
            self.frame = Some(left);
        } else if left.is_final {
            if is_text {
                self.utf8
                    .finish()
                    .map_err(|NotUtf8| Violation::INVALID_UTF8)?;
            }
            self.message = Message::None;
        }
        Ok((!payload.is_empty()).then_some(Received::Data(payload)))
    }

    fn control<'a>(
        &mut self,
        left: Frame,
        payload: &'a [u8],
    ) -> Result<Option<Received<'a>>, Violation> {
        if left.remaining > 0 {
            self.control.extend_from_slice(payload);
            self.frame = Some(left);
            return Ok(None);
        }
        let payload = if self.control.is_empty() {
            Cow::Borrowed(payload)
        } else {
            let mut whole = std::mem::take(&mut self.control);
            whole.extend_from_slice(payload);
            Cow::Owned(whole)
        };
        match left.kind {
            Kind::Ping => Ok(Some(Received::Ping(payload))),
            Kind::Close => check_close(&payload).map(|()| Some(Received::Close)),
            Kind::Pong | Kind::Data => Ok(None),
        }
    }
}

/// The body of a close frame is nothing, or a status that may be sent and a text.
fn check_close(body: &[u8]) -> Result<(), Violation> {
    match body {
        [] => Ok(()),
        [_] => Err(Violation::protocol("close body of one byte")),
        [high, low, reason @ ..] => {
            if !Code::from(u16::from_be_bytes([*high, *low])).is_allowed() {
                return Err(Violation::protocol("status that must not be sent"));
            }
            std::str::from_utf8(reason)
                .map(|_| ())
                .map_err(|_| Violation::INVALID_UTF8)
        }
    }
}

fn unmask(payload: &mut [u8], mask: [u8; 4]) {
    let [a, b, c, d] = mask;
    let wide = [a, b, c, d, a, b, c, d];
    let mut chunks = payload.chunks_exact_mut(wide.len());
    for chunk in &mut chunks {
        for (byte, key) in chunk.iter_mut().zip(wide) {
            *byte ^= key;
        }
    }
    for (byte, key) in chunks.into_remainder().iter_mut().zip(wide) {
        *byte ^= key;
    }
}
