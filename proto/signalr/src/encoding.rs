//! The two hub protocols behind one enum.

use std::fmt;

use bytes::{Bytes, BytesMut};
use smallvec::SmallVec;

use crate::message::{CompletionResult, Message, StreamIds};
use crate::{ArgumentsError, DecodeError, json, messagepack};

/// A hub protocol: how messages are written (`signalr-core` 10.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Encoding {
    /// `json`: a UTF-8 object, then the record separator.
    Json,
    /// `messagepack`: a length prefix, then one array.
    MessagePack,
}

/// What a transport carries, and what a hub protocol needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TransferFormat {
    /// UTF-8 text.
    Text,
    /// Any bytes.
    Binary,
}

/// The transfer formats that a transport offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TransferFormats {
    /// Whether it carries text. Every transport does.
    pub text: bool,
    /// Whether it carries binary data.
    pub binary: bool,
}

/// The raw elements of an array of arguments. Most methods have few parameters.
pub type Elements = SmallVec<[Bytes; 4]>;

impl Encoding {
    /// All hub protocols.
    pub const ALL: [Self; 2] = [Self::Json, Self::MessagePack];

    /// The name that the handshake uses.
    pub fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::MessagePack => "messagepack",
        }
    }

    /// The hub protocol of that name, in any letter case.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|encoding| encoding.name().eq_ignore_ascii_case(name))
    }

    /// What a transport must carry for this hub protocol.
    pub fn transfer_format(self) -> TransferFormat {
        match self {
            Self::Json => TransferFormat::Text,
            Self::MessagePack => TransferFormat::Binary,
        }
    }

    /// Takes the next complete message off the front of `input`. `Ok(None)`: it is not complete yet.
    ///
    /// Messages of unknown types are taken off and skipped. With a limit *L* the parser sees at most *L* bytes: a
    /// message of exactly *L* bytes, framing included, passes, and more than *L* bytes without a complete message fail
    /// (`signalr-core` 12.1). Payloads of the message share the memory of `input`.
    ///
    /// # Errors
    /// The connection has to be closed. `input` is then in no defined state.
    pub fn decode(
        self,
        input: &mut impl Source,
        max_message_bytes: Option<usize>,
    ) -> Result<Option<Message>, DecodeError> {
        loop {
            let framed = match self {
                Self::Json => json::next_frame(input, max_message_bytes)?,
                Self::MessagePack => messagepack::next_frame(input, max_message_bytes)?,
            };
            let Some(frame) = framed else { return Ok(None) };
            let message = match self {
                Self::Json => json::decode(&frame)?,
                Self::MessagePack => messagepack::decode(&frame)?,
            };
            if message.is_some() {
                return Ok(message);
            }
        }
    }

    /// How long the first message of `received` is in bytes, framing included; `None` if it is not complete, or cannot be.
    pub fn message_len_bytes(self, received: &[u8]) -> Option<usize> {
        match self {
            Self::Json => json::frame_len_bytes(received),
            Self::MessagePack => messagepack::frame_len_bytes(received),
        }
    }

    /// Appends the message with its framing: exactly the bytes that the reference server writes.
    ///
    /// [`Arguments::Malformed`](crate::Arguments::Malformed) is written as an empty array, and an empty payload as null.
    pub fn encode(self, message: &Message, out: &mut Vec<u8>) {
        match self {
            Self::Json => json::encode(message, out),
            Self::MessagePack => messagepack::encode(message, out),
        }
    }

    /// Appends an Invocation without building one. `arguments` is a raw array in this encoding; empty bytes are written
    /// as an empty array.
    pub fn encode_invocation(
        self,
        invocation_id: Option<&str>,
        target: &str,
        arguments: &[u8],
        stream_ids: &StreamIds,
        out: &mut Vec<u8>,
    ) {
        match self {
            Self::Json => {
                json::encode_invocation(1, invocation_id, target, arguments, stream_ids, out)
            }
            Self::MessagePack => {
                messagepack::encode_invocation(1, invocation_id, target, arguments, stream_ids, out)
            }
        }
    }

    /// Appends a StreamItem without building one. `item` is a raw value in this encoding; empty bytes are written as null.
    pub fn encode_stream_item(self, invocation_id: &str, item: &[u8], out: &mut Vec<u8>) {
        match self {
            Self::Json => json::encode_stream_item(invocation_id, item, out),
            Self::MessagePack => messagepack::encode_stream_item(invocation_id, item, out),
        }
    }

    /// Appends a Completion without building one.
    pub fn encode_completion(
        self,
        invocation_id: &str,
        result: &CompletionResult,
        out: &mut Vec<u8>,
    ) {
        match self {
            Self::Json => json::encode_completion(invocation_id, result, out),
            Self::MessagePack => messagepack::encode_completion(invocation_id, result, out),
        }
    }

    /// The Ping, with its framing.
    pub fn ping(self) -> &'static [u8] {
        match self {
            Self::Json => b"{\"type\":6}\x1e",
            Self::MessagePack => &[0x02, 0x91, 0x06],
        }
    }

    /// The value that stands for nothing: what a method without a result completes with.
    pub fn null(self) -> Bytes {
        match self {
            Self::Json => Bytes::from_static(b"null"),
            Self::MessagePack => Bytes::from_static(&[0xc0]),
        }
    }

    /// The raw elements of an array of arguments, as slices of it.
    ///
    /// # Errors
    /// `raw` is not one array. What [`decode`](Self::decode) returned as [`Arguments::Raw`](crate::Arguments::Raw) is.
    pub fn arguments(self, raw: &Bytes) -> Result<Elements, ArgumentsError> {
        match self {
            Self::Json => json::elements(raw),
            Self::MessagePack => messagepack::elements(raw),
        }
    }

    /// Appends the array header and elements of an array of arguments: the reverse of [`arguments`](Self::arguments).
    pub fn write_arguments<'a>(
        self,
        elements: impl ExactSizeIterator<Item = &'a [u8]>,
        out: &mut Vec<u8>,
    ) {
        match self {
            Self::Json => json::write_array(elements, out),
            Self::MessagePack => messagepack::write_array(elements, out),
        }
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl TransferFormat {
    /// The format's name in negotiate responses and handshake errors.
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "Text",
            Self::Binary => "Binary",
        }
    }
}

impl TransferFormats {
    /// Text only: Server-Sent Events.
    pub const TEXT: Self = Self {
        text: true,
        binary: false,
    };
    /// Text and binary: WebSockets and long polling.
    pub const BOTH: Self = Self {
        text: true,
        binary: true,
    };

    /// Whether the format is one of them.
    pub fn contains(self, format: TransferFormat) -> bool {
        match format {
            TransferFormat::Text => self.text,
            TransferFormat::Binary => self.binary,
        }
    }

    /// The formats in the order in which the reference lists them.
    pub fn iter(self) -> impl Iterator<Item = TransferFormat> {
        [TransferFormat::Text, TransferFormat::Binary]
            .into_iter()
            .filter(move |format| self.contains(*format))
    }
}

/// Received bytes that messages are taken from: [`Bytes`] or [`BytesMut`]. What is taken shares their memory.
pub trait Source: sealed::Sealed {
    /// What is there, in one piece.
    fn received(&self) -> &[u8];
    /// Takes the first `len_bytes` off. They are there.
    fn take(&mut self, len_bytes: usize) -> Bytes;
}

impl Source for Bytes {
    fn received(&self) -> &[u8] {
        self
    }

    fn take(&mut self, len_bytes: usize) -> Bytes {
        self.split_to(len_bytes)
    }
}

impl Source for BytesMut {
    fn received(&self) -> &[u8] {
        self
    }

    fn take(&mut self, len_bytes: usize) -> Bytes {
        self.split_to(len_bytes).freeze()
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for bytes::Bytes {}
    impl Sealed for bytes::BytesMut {}
}
