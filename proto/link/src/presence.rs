use hubplane_proto_ids::{ConnectionId, GroupName, HubName, UserId};
use serde::{Deserialize, Serialize};

/// Changes of who is there, for a hub that wants to hear of them
/// ([`HubDeclaration::presence`](crate::HubDeclaration::presence)).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PresenceChanges {
    /// Within which hub.
    pub hub: HubName,
    /// In their order.
    pub changes: Vec<PresenceChange>,
}

/// How many changes one frame has at most.
pub const PRESENCE_CHANGES_MAX: usize = 1024;

/// One change of who is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum PresenceChange {
    /// A connection of this gateway became a member of a group.
    Joined {
        /// Which group.
        group: GroupName,
        /// Which connection.
        connection: ConnectionId,
        /// Its user, if it has one.
        user: Option<UserId>,
    },
    /// A connection of this gateway is no member of a group any more; its end takes it out of all of them.
    Left {
        /// Which group.
        group: GroupName,
        /// Which connection.
        connection: ConnectionId,
        /// Its user, if it has one.
        user: Option<UserId>,
    },
    /// A user has got a first connection, as far as the gateways know.
    Online(UserId),
    /// A user has lost the last connection and did not come back, as far as the gateways know.
    Offline(UserId),
}
