use hubplane_proto_ids::{ConnectionId, HubName, NodeId};
use serde::{Deserialize, Serialize};

use crate::AccessRule;

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
    /// Who may connect to it.
    pub access: AccessRule,
    /// Whether it hears of presence: [`ToHubHost::Presence`](crate::ToHubHost::Presence).
    pub presence: bool,
}

/// Who finds the user of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum UserIdSource {
    /// The gateway: the name identifier claim, else `sub`.
    Claim,
    /// The hub's own function: the gateway asks with [`ToHubHost::Identify`](crate::ToHubHost::Identify).
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

/// Which request for a client result; chosen by the hub-host, unique on its link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RequestId(pub u64);

/// How much may be sent to one connection of a gateway before its client has taken any of it, in bytes. A frame may be
/// sent while anything is left, and overdraw it once (DESIGN 3.1). It is given back in halves or more, which never keeps
/// a sender waiting for the rest. The same holds for the credits below.
pub const WINDOW_BYTES: u32 = 64 * 1024;
/// How much one caller may send to audiences before any of it is numbered and put to the shards, in bytes.
pub const CALLER_CREDIT_BYTES: u32 = 64 * 1024;
/// The same for a whole link.
pub const LINK_CREDIT_BYTES: u32 = 1024 * 1024;
/// How many items of an upload stream may be under way (reference signalr-core 12.1).
pub const UPLOAD_CREDIT_ITEMS: u32 = 10;
