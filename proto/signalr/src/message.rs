//! The nine hub messages (`signalr-core` 11.1), the same for both hub protocols.

use bytes::Bytes;
use smallvec::SmallVec;

use crate::Detail;

/// The ids of an invocation's upload streams. Almost always none or one.
pub type StreamIds = SmallVec<[String; 1]>;

/// One hub message.
///
/// The payloads ([`Arguments::Raw`], [`StreamItem::item`], [`CompletionResult::Value`]) are in the hub protocol that the
/// message was read from, and have to be in the one that it is written to: [`transcode`](crate::transcode) converts them.
#[derive(Debug, Clone, PartialEq)]
pub enum Message {
    /// Type 1: run a method; with an invocation id, and say how it went.
    Invocation(Invocation),
    /// Type 2: the next item of a stream, in either direction.
    StreamItem(StreamItem),
    /// Type 3: an invocation or a stream has ended.
    Completion(Completion),
    /// Type 4, from clients only: run a method that answers with a stream. Its `invocation_id` is never `None`.
    StreamInvocation(Invocation),
    /// Type 5, from clients only: stop the stream of this invocation.
    CancelInvocation {
        /// The invocation's id; never empty.
        invocation_id: String,
    },
    /// Type 6: the sender is alive.
    Ping,
    /// Type 7: the sender sends nothing more.
    Close {
        /// Why, if it was no ordinary end. An empty text is an error too.
        error: Option<String>,
        /// Whether the client may reconnect by itself.
        allow_reconnect: bool,
    },
    /// Type 8, with stateful reconnect only: trackable messages up to this number have arrived.
    Ack {
        /// The number. The reference accepts any integer, negative ones too.
        sequence_id: i64,
    },
    /// Type 9, with stateful reconnect only: the number of the first message that will be replayed.
    Sequence {
        /// The number. The reference accepts any integer, negative ones too.
        sequence_id: i64,
    },
}

/// The content of an Invocation (type 1) or a StreamInvocation (type 4).
#[derive(Debug, Clone, PartialEq)]
pub struct Invocation {
    /// Chosen by the sender; `None` if it wants no completion. Never empty: an empty id on the wire is none.
    pub invocation_id: Option<String>,
    /// The method's name as the sender spelled it. May be empty in JSON.
    pub target: String,
    /// What the method is given.
    pub arguments: Arguments,
    /// The upload streams that belong to the invocation, in parameter order.
    pub stream_ids: StreamIds,
}

/// The arguments of an invocation.
#[derive(Debug, Clone, PartialEq)]
pub enum Arguments {
    /// One array in the message's hub protocol: `[` to `]` in JSON, header and elements in MessagePack. In JSON it is
    /// valid UTF-8 without lone surrogates.
    Raw(Bytes),
    /// No arguments can be read from what was sent, but the message around them is whole. The invocation fails with the
    /// text for a binding failure (`signalr-core` 12.4) and this detail; the connection lives on.
    Malformed(Detail),
}

/// The content of a StreamItem (type 2).
#[derive(Debug, Clone, PartialEq)]
pub struct StreamItem {
    /// The stream's id; never empty.
    pub invocation_id: String,
    /// One value. Empty if none could be read from what was sent, which no type accepts: the item fails to bind, and
    /// the connection lives on.
    pub item: Bytes,
}

/// The content of a Completion (type 3).
#[derive(Debug, Clone, PartialEq)]
pub struct Completion {
    /// The id of the invocation or stream that has ended; never empty.
    pub invocation_id: String,
    /// How it ended.
    pub result: CompletionResult,
}

/// How an invocation or a stream ended.
#[derive(Debug, Clone, PartialEq)]
pub enum CompletionResult {
    /// Without a value: the end of a stream. A method without a result completes with a null value instead, as the
    /// reference's do (`signalr-core` 11.3).
    Void,
    /// With a value. Empty bytes stand for one that was sent and cannot be read, as in [`StreamItem::item`].
    Value(Bytes),
    /// With an error text for whoever waits.
    Error(String),
}

impl Message {
    /// The message's type number on the wire.
    pub fn kind(&self) -> u8 {
        match self {
            Self::Invocation(_) => 1,
            Self::StreamItem(_) => 2,
            Self::Completion(_) => 3,
            Self::StreamInvocation(_) => 4,
            Self::CancelInvocation { .. } => 5,
            Self::Ping => 6,
            Self::Close { .. } => 7,
            Self::Ack { .. } => 8,
            Self::Sequence { .. } => 9,
        }
    }

    /// Whether stateful reconnect numbers this message (`signalr-core` 17.2): types 1 to 5.
    pub fn is_trackable(&self) -> bool {
        self.kind() <= 5
    }
}

impl Invocation {
    /// An invocation that wants no completion and has no upload streams: what a server sends.
    pub fn send(target: impl Into<String>, arguments: Bytes) -> Self {
        Self {
            invocation_id: None,
            target: target.into(),
            arguments: Arguments::Raw(arguments),
            stream_ids: StreamIds::new(),
        }
    }
}

impl Arguments {
    /// The raw array, if it is one.
    pub fn raw(&self) -> Option<&Bytes> {
        match self {
            Self::Raw(raw) => Some(raw),
            Self::Malformed(_) => None,
        }
    }
}
