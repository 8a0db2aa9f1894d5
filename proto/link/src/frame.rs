use std::sync::Arc;

use hubplane_proto_ids::{ConnectionId, GroupName, HubName, InvocationId, NodeId, UserId};
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::{Arguments, CloseReason, ConnectionInfo, Delivery, Payload};

/// The first frame of a gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GatewayHello {
    /// Who dials.
    pub node: NodeId,
}

/// The first frame of a hub-host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HubHostHello {
    /// Who answers.
    pub node: NodeId,
    /// The hubs that it serves.
    pub hubs: Vec<HubDeclaration>,
}

/// What a gateway must know of a hub.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HubDeclaration {
    /// Its name.
    pub name: HubName,
    /// Who names its users.
    pub user_id: UserIdSource,
}

/// Who finds the user of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum UserIdSource {
    /// The gateway: the name identifier claim, else `sub`.
    Claim,
    /// The hub's own function: the gateway asks with [`ToHubHost::Identify`].
    Hub,
}

/// Whose frames these are. What one caller sends keeps its order, and waits for what it sent before (DESIGN 4).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Caller {
    /// The invocations and lifecycle methods of this connection.
    Connection(ConnectionId),
    /// Code of this hub-host outside any invocation.
    HubHost,
}

/// Which acknowledgement answers which request; chosen by the hub-host, unique on its link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AckId(pub u64);

/// What a gateway tells a hub-host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToHubHost {
    /// Name the user of this connection. Answered by [`ToGateway::Identified`].
    Identify(Arc<ConnectionInfo>),
    /// A connection is there. Answered by [`ToGateway::Done`] when `on_connected` has run.
    Opened {
        /// What is known of it.
        info: Arc<ConnectionInfo>,
        /// Its user, if it has one.
        user: Option<UserId>,
    },
    /// A connection has ended. Answered by [`ToGateway::Done`] when `on_disconnected` has run.
    Closed {
        /// Which one.
        connection: ConnectionId,
        /// Why.
        reason: CloseReason,
    },
    /// Run a method.
    Invocation(Invocation),
    /// The answer to a request that carried this id.
    Ack {
        /// The request's id.
        id: AckId,
        /// What became of it.
        outcome: AckOutcome,
    },
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
    /// Whether it takes one of the connection's slots, to be given back by [`Completion::releases_slot`] or
    /// [`ToGateway::SlotReleased`].
    pub takes_slot: bool,
}

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum AckOutcome {
    /// It is done, and visible everywhere (DESIGN 3.2).
    Done,
    /// No such connection.
    UnknownConnection,
    /// It could not be found out in time.
    Unavailable,
}

/// What a hub-host tells a gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToGateway {
    /// The answer to [`ToHubHost::Identify`].
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
            Self::Identified(Identified { connection, .. })
            | Self::Done(Done { connection, .. })
            | Self::Completion(Completion { connection, .. })
            | Self::SlotReleased { connection } => Caller::Connection(connection.clone()),
        }
    }
}

/// Who the hub says that a connection's user is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identified {
    /// Which connection.
    pub connection: ConnectionId,
    /// Its user, if it has one.
    pub user: Option<UserId>,
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
    /// Answered by [`ToHubHost::Ack`] with this id, for an add when it is visible (DESIGN 3.2).
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
    /// Whether its client may reconnect by itself.
    pub allow_reconnect: bool,
}
