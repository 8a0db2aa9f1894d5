use bytes::Bytes;
use hubplane_proto_ids::{ConnectionId, GroupName, HubName, UserId};
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

/// In which encoding a payload is written. The tag that travels with the raw bytes (DESIGN 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Encoding {
    /// UTF-8 JSON text.
    Json,
    /// MessagePack.
    MessagePack,
}

/// One value, encoded and not parsed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payload {
    /// How `bytes` are written.
    pub encoding: Encoding,
    /// Exactly one value.
    pub bytes: Bytes,
}

/// The arguments of an invocation: one array, encoded and not parsed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arguments {
    /// How `bytes` are written.
    pub encoding: Encoding,
    /// One whole array: `[…]` in JSON, array header and items in MessagePack. Empty if the client's arguments could not
    /// be read at all, which is a binding failure of that invocation (reference signalr-core 11.3).
    pub bytes: Bytes,
}

/// To whom a send goes, within one hub.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Audience {
    /// Every connection of the hub.
    All,
    /// These connections; an unknown one is nobody.
    Connections(SmallVec<[ConnectionId; 1]>),
    /// The members of these groups. Who is in two of them receives twice (reference signalr-core 14.1).
    Groups(SmallVec<[GroupName; 1]>),
    /// Every connection of these users.
    Users(SmallVec<[UserId; 1]>),
}

/// What a send brings to its audience: an invocation of a client method, without an answer.
///
/// It travels from hub-host to gateway inside a [`Send`](crate::Send) and between gateways as the body of an envelope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// The hub to whose connections it goes.
    pub hub: HubName,
    /// Who receives it.
    pub audience: Audience,
    /// Connections that do not receive it although the audience has them.
    pub except: SmallVec<[ConnectionId; 1]>,
    /// The client's method, as the hub wrote it.
    pub target: String,
    /// The arguments; what a hub sends to an audience is MessagePack (DESIGN 4).
    pub arguments: Arguments,
}
