use std::sync::Arc;

use hubplane_proto_ids::{ConnectionId, InvocationId, UserId};
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::{
    AckId, AckOutcome, Answer, Arguments, Caller, CloseReason, ConnectionInfo, Payload,
    PresenceChanges, RequestId,
};

/// What a gateway tells a hub-host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToHubHost {
    /// Name the user of this connection. Answered by [`ToGateway::Identified`](crate::ToGateway::Identified).
    Identify(Arc<ConnectionInfo>),
    /// A connection is there. Answered by [`ToGateway::Done`](crate::ToGateway::Done) when `on_connected` has run.
    Opened {
        /// What is known of it.
        info: Arc<ConnectionInfo>,
        /// Its user, if it has one.
        user: Option<UserId>,
    },
    /// A connection has ended. Answered by [`ToGateway::Done`](crate::ToGateway::Done) when `on_disconnected` has run.
    Closed {
        /// Which one.
        connection: ConnectionId,
        /// Why.
        reason: CloseReason,
    },
    /// Run a method.
    Invocation(Invocation),
    /// An item of an upload stream. At most as many are under way as there is credit: 10 at first, more by
    /// [`ToGateway::UploadCredit`](crate::ToGateway::UploadCredit).
    UploadItem {
        /// Whose stream.
        connection: ConnectionId,
        /// Which stream, as the client calls it.
        stream_id: InvocationId,
        /// The item as it came; empty bytes if it could not be read, which fails to bind.
        item: Payload,
    },
    /// An upload stream is complete; nothing of it follows.
    UploadEnd {
        /// Whose stream.
        connection: ConnectionId,
        /// Which stream.
        stream_id: InvocationId,
        /// The client's error, if it failed.
        error: Option<String>,
    },
    /// The client no longer wants the stream that answers this invocation.
    Cancel {
        /// Who invoked.
        connection: ConnectionId,
        /// The client's id of the invocation.
        invocation_id: InvocationId,
    },
    /// The answer to [`ToGateway::ClientResult`](crate::ToGateway::ClientResult).
    ClientResult {
        /// The request's id.
        request: RequestId,
        /// What became of it.
        outcome: ClientOutcome,
    },
    /// The client has taken this much of what was sent to it alone: as much more may be sent (DESIGN 3.1).
    Window {
        /// Whose window.
        connection: ConnectionId,
        /// How much, in bytes as [`ToGateway::window_bytes`](crate::ToGateway::window_bytes) counts them.
        bytes: u32,
    },
    /// This much of what a caller sent to audiences is numbered and put to the shards: as much more may be sent.
    Credit {
        /// Whose sends.
        caller: Caller,
        /// How much, in bytes as [`ToGateway::credit_bytes`](crate::ToGateway::credit_bytes) counts them.
        bytes: u32,
    },
    /// The answer to a [`ToGateway::Query`](crate::ToGateway::Query).
    Answer {
        /// The query's id.
        id: AckId,
        /// The answer.
        answer: Answer,
    },
    /// The answer to a request that carried this id.
    Ack {
        /// The request's id.
        id: AckId,
        /// What became of it.
        outcome: AckOutcome,
    },
    /// Who is there has changed. Only for hubs that hear of it, and on any link of a hub-host that serves them.
    Presence(PresenceChanges),
}

/// How a client expects to be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum InvocationKind {
    /// An ordinary invocation (hub message type 1).
    Call,
    /// A streaming invocation (hub message type 4).
    Stream,
}

/// A client's invocation of a hub method, its arguments as they came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invocation {
    /// Who invokes.
    pub connection: ConnectionId,
    /// The client's id of it; `None` wants no answer of any sort.
    pub invocation_id: Option<InvocationId>,
    /// Whether results are streamed.
    pub kind: InvocationKind,
    /// The method as the client wrote it.
    pub target: String,
    /// The arguments as they came.
    pub arguments: Arguments,
    /// One id per upload stream, in parameter order.
    pub stream_ids: SmallVec<[InvocationId; 1]>,
    /// Whether it takes one of the connection's slots, to be given back by [`Completion::releases_slot`](crate::Completion::releases_slot) or
    /// [`ToGateway::SlotReleased`](crate::ToGateway::SlotReleased).
    pub takes_slot: bool,
}

/// What became of a request for a client result (reference signalr-core 12.3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ClientOutcome {
    /// The client answered with a value, in its encoding.
    Value(Payload),
    /// The client answered without a value and without an error.
    Void,
    /// The client answered with this error.
    Error(String),
    /// No such connection.
    UnknownConnection,
    /// The connection ended while it was waited for.
    Disconnected,
    /// Its gateway could not be asked.
    Unavailable,
}
