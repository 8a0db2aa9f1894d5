use hubplane_proto_ids::{ConnectionId, GroupName, UserId};
use hubplane_proto_link::PresenceChange;

/// A change of who is there, as a hub is told that has a function `on_presence`.
///
/// A hub without that function costs nobody anything. One that has it is told of all of its groups and users, over all
/// gateways, one change after the other; what takes long in there belongs into [`spawn`](crate::HubContext::spawn).
///
/// # What is promised
/// - A change of membership is told once, as soon as it has happened, while the gateway of the connection and the link
///   to it live. What one gateway tells comes in its order.
/// - [`Online`](Self::Online) and [`Offline`](Self::Offline) are what the gateways have found out among themselves. A user
///   who comes back within a second, to whichever gateway, has not been away. If a gateway is lost, or cannot be asked,
///   one of them may be told once more than it happened, or not at all.
/// - Between gateways there is no order: when a connection of another gateway does the opposite at the same time, the
///   older change may come last. [`exists`](crate::Audience::exists) and [`users`](crate::Audience::users) say what is so.
///
/// ```
/// # use hubplane_hub::*;
/// # use std::time::Duration;
/// # struct Rooms;
/// #[hub]
/// impl Rooms {
///     async fn on_presence(&self, hub: &HubContext, change: &Presence) -> Result<(), HubError> {
///         match change {
///             Presence::Joined { group, user, .. } => hub.group(group).send("Joined", (user,)).await?,
///             Presence::Offline { user } => hub.all().send("Offline", (user,)).await?,
///             _ => {}
///         }
///         Ok(())
///     }
///
///     async fn enter(&self, ctx: &Context, room: String) -> Result<(), HubError> {
///         ctx.join(room).await?;
///         Ok(())
///     }
/// }
///
/// let hub = testing::TestHub::new(Rooms);
/// let (ana, ben) = (hub.connect("ana"), hub.connect("ben"));
/// ana.invoke::<()>("enter", ("kitchen",)).unwrap();
/// ben.invoke::<()>("enter", ("kitchen",)).unwrap();
/// assert_eq!(ana.next::<(String,)>("Joined"), ("ana".into(),));
/// assert_eq!(ana.next::<(String,)>("Joined"), ("ben".into(),));
///
/// ben.disconnect();
/// assert!(ana.messages().is_empty());
/// hub.advance(Duration::from_secs(1));
/// assert_eq!(ana.next::<(String,)>("Offline"), ("ben".into(),));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Presence {
    /// A connection became a member of a group.
    Joined {
        /// Which group.
        group: GroupName,
        /// Which connection.
        connection: ConnectionId,
        /// Its user, if it has one.
        user: Option<UserId>,
    },
    /// A connection is no member of a group any more: it left, or was taken out, or it has ended and `on_disconnected`
    /// has run.
    Left {
        /// Which group.
        group: GroupName,
        /// Which connection.
        connection: ConnectionId,
        /// Its user, if it has one.
        user: Option<UserId>,
    },
    /// A user has got a first connection. It may be told before `on_connected` of that connection runs.
    Online {
        /// Who.
        user: UserId,
    },
    /// A user has had no connection for a second.
    Offline {
        /// Who.
        user: UserId,
    },
    /// So many changes were left out here, because `on_presence` did not keep up. Who counts along asks anew.
    Missed {
        /// How many.
        changes: u64,
    },
}

impl From<PresenceChange> for Presence {
    fn from(change: PresenceChange) -> Self {
        match change {
            PresenceChange::Joined {
                group,
                connection,
                user,
            } => Self::Joined {
                group,
                connection,
                user,
            },
            PresenceChange::Left {
                group,
                connection,
                user,
            } => Self::Left {
                group,
                connection,
                user,
            },
            PresenceChange::Online(user) => Self::Online { user },
            PresenceChange::Offline(user) => Self::Offline { user },
        }
    }
}
