use bytes::Bytes;
use hubplane_proto_ids::{ConnectionId, GroupName, HubName, InvocationId, UserId};
use serde::{Deserialize, Serialize};

use crate::{AckId, Arguments, Caller, CloseReason, Delivery, Payload, Query, RequestId};

/// A send to one connection of this gateway, in the window of that connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionSend {
    /// Whose order it keeps.
    pub caller: Caller,
    /// Who receives it.
    pub connection: ConnectionId,
    /// The client's method, as the hub wrote it.
    pub target: String,
    /// The arguments.
    pub arguments: Arguments,
}

/// A request for a client result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientResultRequest {
    /// Answered by [`ToHubHost::ClientResult`](crate::ToHubHost::ClientResult) with this id.
    pub request: RequestId,
    /// Whose order it keeps.
    pub caller: Caller,
    /// The hub of the connection.
    pub hub: HubName,
    /// Which connection is asked; it may be one of another gateway.
    pub connection: ConnectionId,
    /// The client's method, as the hub wrote it.
    pub target: String,
    /// The arguments.
    pub arguments: Arguments,
}

/// What a hub-host tells a gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToGateway {
    /// An item of a stream that answers an invocation, in the window of its connection.
    StreamItem {
        /// Who invoked.
        connection: ConnectionId,
        /// The client's id of the invocation.
        invocation_id: InvocationId,
        /// One value, in the caller's encoding.
        item: Payload,
    },
    /// Send to one connection of this gateway.
    ToConnection(ConnectionSend),
    /// The hub has taken so many items of an upload stream: as many more may be sent.
    UploadCredit {
        /// Whose stream.
        connection: ConnectionId,
        /// Which stream.
        stream_id: InvocationId,
        /// How many items.
        items: u32,
    },
    /// Nobody reads an upload stream any more; what comes of it is ignored.
    UploadClosed {
        /// Whose stream.
        connection: ConnectionId,
        /// Which stream.
        stream_id: InvocationId,
    },
    /// Ask a client for a result.
    ClientResult(ClientResultRequest),
    /// Nobody waits for a client result any more; a late answer is ignored.
    CancelClientResult {
        /// The request's id.
        request: RequestId,
        /// Whose order it keeps.
        caller: Caller,
        /// The hub of the connection.
        hub: HubName,
        /// Which connection was asked.
        connection: ConnectionId,
    },
    /// Keep a value with a connection, or drop it. The item bag moves along when another hub-host adopts the connection.
    Item {
        /// Whose item bag.
        connection: ConnectionId,
        /// Under which key; the last writer wins.
        key: String,
        /// The value as the hub encoded it; `None` drops it.
        value: Option<Bytes>,
    },
    /// Ask about the connections of an audience.
    Query(Query),
    /// The answer to [`ToHubHost::Identify`](crate::ToHubHost::Identify).
    Identified(Identified),
    /// A lifecycle method has run.
    Done(Done),
    /// An invocation has ended.
    Completion(Completion),
    /// An invocation without an answer has ended, or one that waits for a client result gives its slot back.
    SlotReleased {
        /// Whose slot.
        connection: ConnectionId,
    },
    /// Send to an audience.
    Send(Send),
    /// Change the groups of a connection.
    Group(GroupChange),
    /// End a connection.
    Close(CloseRequest),
}

impl ToGateway {
    /// Whose order this frame keeps.
    pub fn caller(&self) -> Caller {
        match self {
            Self::Send(send) => send.caller.clone(),
            Self::Group(change) => change.caller.clone(),
            Self::Close(request) => request.caller.clone(),
            Self::ToConnection(send) => send.caller.clone(),
            Self::ClientResult(request) => request.caller.clone(),
            Self::CancelClientResult { caller, .. } => caller.clone(),
            Self::Query(query) => query.caller.clone(),
            Self::Identified(Identified { connection, .. })
            | Self::Done(Done { connection, .. })
            | Self::Completion(Completion { connection, .. })
            | Self::StreamItem { connection, .. }
            | Self::UploadCredit { connection, .. }
            | Self::UploadClosed { connection, .. }
            | Self::Item { connection, .. }
            | Self::SlotReleased { connection } => Caller::Connection(connection.clone()),
        }
    }

    /// What this frame takes of the window of the connection that it names: stream items, completions, and sends to
    /// one connection of this gateway (DESIGN 3.1). Requests for client results take nothing of it: whoever makes one
    /// waits for its answer. Both ends count with this function.
    pub fn window_bytes(&self) -> u32 {
        let len_bytes = match self {
            Self::StreamItem {
                invocation_id,
                item,
                ..
            } => invocation_id.as_str().len() + item.bytes.len(),
            Self::ToConnection(send) => send.target.len() + send.arguments.bytes.len(),
            Self::Completion(Completion {
                invocation_id,
                outcome,
                ..
            }) => {
                let result_bytes = match outcome {
                    Outcome::Value(value) => value.bytes.len(),
                    Outcome::Void => 0,
                    Outcome::Error(text) => text.len(),
                };
                invocation_id.as_str().len() + result_bytes
            }
            _ => return 0,
        };
        charged(len_bytes)
    }

    /// What this frame takes of the credit for sends to audiences. Both ends count with this function.
    pub fn credit_bytes(&self) -> u32 {
        match self {
            Self::Send(send) => send.credit_bytes(),
            _ => 0,
        }
    }
}

impl Send {
    /// What this send takes of the credit of its caller. See [`ToGateway::credit_bytes`].
    pub fn credit_bytes(&self) -> u32 {
        charged(self.delivery.target.len() + self.delivery.arguments.bytes.len())
    }
}

/// What a frame costs besides its content, in bytes: that of an entry of an outbound queue (DESIGN 9).
const FRAME_BYTES: usize = 64;

fn charged(len_bytes: usize) -> u32 {
    u32::try_from(len_bytes.saturating_add(FRAME_BYTES)).unwrap_or(u32::MAX)
}

/// Who the hub says that a connection's user is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identified {
    /// Which connection.
    pub connection: ConnectionId,
    /// Its user, if it has one.
    pub user: Option<UserId>,
    /// The text for the handshake response if the hub's function failed: the connection does not come to be
    /// (reference signalr-core 10.2).
    pub error: Option<String>,
}

/// Which lifecycle method has run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Stage {
    /// `on_connected`.
    Opening,
    /// `on_disconnected`.
    Closing,
}

/// A lifecycle method has run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// Of which connection.
    pub connection: ConnectionId,
    /// Which one.
    pub stage: Stage,
    /// The text for the client's Close message if the method failed (reference signalr-core 12.4).
    pub error: Option<String>,
}

/// How an invocation ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// With a value, in the caller's encoding. A method without a result answers with null.
    Value(Payload),
    /// As a stream that has ended.
    Void,
    /// With this text.
    Error(String),
}

/// An invocation has ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Completion {
    /// Who invoked.
    pub connection: ConnectionId,
    /// The client's id of the invocation.
    pub invocation_id: InvocationId,
    /// How it ended.
    pub outcome: Outcome,
    /// Whether it also gives back the invocation's slot.
    pub releases_slot: bool,
}

/// A send.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Send {
    /// Whose order it keeps.
    pub caller: Caller,
    /// What goes to whom.
    pub delivery: Delivery,
}

/// What is done to a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum GroupOperation {
    /// The connection becomes a member; adding twice is one membership.
    Add,
    /// The connection is no member any more; removing what is not there succeeds.
    Remove,
}

/// Add a connection to a group, or remove it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupChange {
    /// Answered by [`ToHubHost::Ack`](crate::ToHubHost::Ack) with this id, for an add when it is visible (DESIGN 3.2).
    pub ack: AckId,
    /// Whose order it keeps.
    pub caller: Caller,
    /// What is done.
    pub operation: GroupOperation,
    /// The hub of both.
    pub hub: HubName,
    /// Which group.
    pub group: GroupName,
    /// Which connection; it may be one of another gateway.
    pub connection: ConnectionId,
}

/// End a connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CloseRequest {
    /// Whose order it keeps.
    pub caller: Caller,
    /// The hub of the connection.
    pub hub: HubName,
    /// Which connection; it may be one of another gateway.
    pub connection: ConnectionId,
    /// What its client is told as the error of its Close message, if anything.
    pub reason: Option<String>,
    /// Whether its client may reconnect by itself.
    pub allow_reconnect: bool,
}

impl CloseRequest {
    /// Why the connection ends then.
    pub fn close_reason(&self) -> CloseReason {
        match &self.reason {
            Some(text) => CloseReason::ByHub(text.clone()),
            None => CloseReason::Aborted,
        }
    }
}
