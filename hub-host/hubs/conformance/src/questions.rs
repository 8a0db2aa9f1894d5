//! What the reference has no like of: questions, every connection of a user, the item bag, ends of other connections.

use hubplane_hub::{
    Audience, Closing, ConnectionId, Context, GroupName, HubContext, HubError, Listed, Presence,
    Timestamp, TypeScript, UserId, client, hub,
};
use serde::{Deserialize, Serialize};

use crate::Conformance;

/// A connection in the answer to `Connections`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TypeScript)]
#[serde(rename_all = "PascalCase")]
pub struct Found {
    /// Its id.
    pub connection: String,
    /// Its user, if it has one.
    pub user: Option<String>,
}

impl From<Listed> for Found {
    fn from(listed: Listed) -> Self {
        Self {
            connection: listed.connection.to_string(),
            user: listed.user.map(|user| user.to_string()),
        }
    }
}

/// The group of those who observe presence.
const OBSERVERS: &str = "presence observers";

/// What clients are told by a trait, and not by names as texts.
#[client]
pub trait ConformanceClient {
    /// From `SendTyped`.
    fn typed(&self, message: &str, number: i32);
    /// A change of who is there, for those who observe it.
    fn presence(
        &self,
        kind: &str,
        group: Option<&GroupName>,
        connection: Option<&ConnectionId>,
        user: Option<&UserId>,
    );
}

/// An audience as clients name it: `all`, `connections`, `groups` or `users`, and which.
fn audience(ctx: &Context, kind: &str, names: &[String]) -> Result<Audience, HubError> {
    let hub = ctx.hub();
    Ok(match kind {
        "all" => hub.all(),
        "connections" => hub.clients(names),
        "groups" => hub.groups(names),
        "users" => hub.users(names),
        _ => {
            return Err(HubError::new(
                "an audience is all, connections, groups or users",
            ));
        }
    })
}

fn reconnecting(closing: Closing, allow_reconnect: bool) -> Closing {
    if allow_reconnect {
        closing.allow_reconnect()
    } else {
        closing
    }
}

#[hub(part = questions, clients(ConformanceClient))]
impl Conformance {
    /// Whether anybody is in an audience.
    async fn exists(
        &self,
        ctx: &Context,
        kind: String,
        names: Vec<String>,
    ) -> Result<bool, HubError> {
        Ok(audience(ctx, &kind, &names)?.exists().await?)
    }

    /// How many connections are in an audience.
    async fn count(
        &self,
        ctx: &Context,
        kind: String,
        names: Vec<String>,
    ) -> Result<u64, HubError> {
        Ok(audience(ctx, &kind, &names)?.count().await?)
    }

    /// A page of the connections of an audience.
    async fn connections(
        &self,
        ctx: &Context,
        kind: String,
        names: Vec<String>,
        after: Option<ConnectionId>,
        limit: u32,
    ) -> Result<Vec<Found>, HubError> {
        let audience = audience(ctx, &kind, &names)?;
        let page = audience.connections(after.as_ref(), limit).await?;
        Ok(page.into_iter().map(Found::from).collect())
    }

    /// A page of the users of an audience.
    async fn users(
        &self,
        ctx: &Context,
        kind: String,
        names: Vec<String>,
        after: Option<UserId>,
        limit: u32,
    ) -> Result<Vec<UserId>, HubError> {
        let audience = audience(ctx, &kind, &names)?;
        Ok(audience.users(after.as_ref(), limit).await?)
    }

    /// Adds every connection of a user to a group; how many those are.
    async fn group_add_user(
        &self,
        ctx: &Context,
        user: String,
        group: String,
    ) -> Result<usize, HubError> {
        Ok(ctx.hub().add_user_to_group(&user, &group).await?)
    }

    /// Takes every connection of a user out of a group; how many those are.
    async fn group_remove_user(
        &self,
        ctx: &Context,
        user: String,
        group: String,
    ) -> Result<usize, HubError> {
        Ok(ctx.hub().remove_user_from_group(&user, &group).await?)
    }

    /// Sends `Send`(message) to an audience but some connections.
    async fn send_except(
        &self,
        ctx: &Context,
        kind: String,
        names: Vec<String>,
        message: String,
        excluded: Vec<String>,
    ) -> Result<(), HubError> {
        let audience = audience(ctx, &kind, &names)?.except(excluded);
        Ok(audience.send("Send", (message,)).await?)
    }

    /// Sends `Typed`(message, number) to an audience by a trait of its clients.
    async fn send_typed(
        &self,
        ctx: &Context,
        kind: String,
        names: Vec<String>,
        message: String,
        number: i32,
    ) -> Result<(), HubError> {
        let audience = audience(ctx, &kind, &names)?;
        Ok(audience.typed(&message, number).await?)
    }

    async fn remove_item(&self, ctx: &Context, key: String) -> Result<(), HubError> {
        Ok(ctx.items().remove(&key).await?)
    }

    /// Sends `Presence`(kind, group, connection, user) to who has invoked `ObservePresence`.
    async fn on_presence(&self, hub: &HubContext, change: &Presence) -> Result<(), HubError> {
        let observers = hub.group(OBSERVERS);
        match change {
            // Of the observers nobody is told.
            Presence::Joined { group, .. } | Presence::Left { group, .. }
                if group.as_str() == OBSERVERS => {}
            Presence::Joined {
                group,
                connection,
                user,
            } => {
                observers
                    .presence("joined", Some(group), Some(connection), user.as_ref())
                    .await?
            }
            Presence::Left {
                group,
                connection,
                user,
            } => {
                observers
                    .presence("left", Some(group), Some(connection), user.as_ref())
                    .await?
            }
            Presence::Online { user } => {
                observers.presence("online", None, None, Some(user)).await?
            }
            Presence::Offline { user } => {
                observers
                    .presence("offline", None, None, Some(user))
                    .await?
            }
            _ => observers.presence("missed", None, None, None).await?,
        }
        Ok(())
    }

    /// From now on this connection is told of presence.
    async fn observe_presence(&self, ctx: &Context) -> Result<(), HubError> {
        ctx.join(OBSERVERS).await?;
        Ok(())
    }

    /// Ends a connection without a reason.
    async fn close_connection(
        &self,
        ctx: &Context,
        connection: String,
        allow_reconnect: bool,
    ) -> Result<(), HubError> {
        let closing = ctx.close(connection);
        Ok(reconnecting(closing, allow_reconnect).await?)
    }

    /// Ends a connection with a reason.
    async fn close_with_reason(
        &self,
        ctx: &Context,
        connection: String,
        reason: String,
        allow_reconnect: bool,
    ) -> Result<(), HubError> {
        let closing = ctx.close(connection).reason(reason);
        Ok(reconnecting(closing, allow_reconnect).await?)
    }

    /// How many milliseconds this invocation has left, if that is limited.
    fn time_left(&self, ctx: &Context) -> Option<u64> {
        let left = ctx.time_left()?;
        Some(u64::try_from(left.as_millis()).unwrap_or(u64::MAX))
    }

    /// The moment at which this invocation is over, if there is one.
    fn deadline(&self, ctx: &Context) -> Option<Timestamp> {
        ctx.deadline()
    }
}
