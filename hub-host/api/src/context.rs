use std::fmt;
use std::future::Future;
use std::ops::Deref;
use std::sync::Arc;

use hubplane_proto_ids::{ConnectionId, UserId};
use hubplane_proto_link::{CloseReason, GroupOperation};

use crate::host::Connection;
use crate::{Audience, Changing, HubContext, Request, Sending};

/// What a method knows of the connection that invoked it, and its way to all others.
///
/// It gives what the connection brought by [`Request`], to which it dereferences: `ctx.claim("role")`,
/// `ctx.header("user-agent")`, `ctx.transport()`. Cloning one is cheap, and it can be kept: what is sent by it after the
/// method has returned, or after the connection has ended, goes out like anything else.
///
/// # Order
/// What one invocation, or one lifecycle method, sends arrives at any one connection in program order, its completion
/// last (DESIGN 5).
#[derive(Clone)]
pub struct Context {
    connection: Arc<Connection>,
}

impl Context {
    pub(crate) fn new(connection: Arc<Connection>) -> Self {
        Self { connection }
    }

    /// The user of this connection, if it has one.
    pub fn user_id(&self) -> Option<&UserId> {
        self.connection.user.as_ref()
    }

    /// What this connection brought when it came.
    pub fn request(&self) -> &Request {
        &self.connection.request
    }

    /// Every connection of the hub, this one too.
    pub fn all(&self) -> Audience {
        self.connection.origin.all()
    }

    /// This connection.
    pub fn caller(&self) -> Audience {
        self.client(self.connection_id())
    }

    /// Every connection of the hub but this one.
    pub fn others(&self) -> Audience {
        self.all().except_id(self.connection_id().clone())
    }

    /// One connection by its id. An unknown one is nobody.
    pub fn client(&self, connection: impl AsRef<str>) -> Audience {
        self.clients([connection])
    }

    /// Connections by their ids. Unknown ones are nobody, and one that is named twice receives once.
    pub fn clients<N: AsRef<str>>(&self, connections: impl IntoIterator<Item = N>) -> Audience {
        self.connection.origin.connections(connections)
    }

    /// The members of a group. Without members it is nobody.
    pub fn group(&self, group: impl AsRef<str>) -> Audience {
        self.groups([group])
    }

    /// The members of these groups. Who is in two of them receives twice.
    pub fn groups<N: AsRef<str>>(&self, groups: impl IntoIterator<Item = N>) -> Audience {
        self.connection.origin.groups(groups)
    }

    /// The members of a group but this connection.
    pub fn others_in_group(&self, group: impl AsRef<str>) -> Audience {
        self.group(group).except_id(self.connection_id().clone())
    }

    /// Every connection of a user, whose id is compared as it is.
    pub fn user(&self, user: impl AsRef<str>) -> Audience {
        self.users([user])
    }

    /// Every connection of these users.
    pub fn users<N: AsRef<str>>(&self, users: impl IntoIterator<Item = N>) -> Audience {
        self.connection.origin.users(users)
    }

    /// Makes this connection a member of a group. When it returns, every send that starts from now on reaches it.
    ///
    /// # Errors
    /// [`SendError`](crate::SendError) if the text names no group, or if it could not be found out what became of it.
    pub fn join(&self, group: impl AsRef<str>) -> Changing {
        self.add_to_group(self.connection_id(), group)
    }

    /// Makes this connection no member of a group any more.
    ///
    /// # Errors
    /// As [`join`](Self::join).
    pub fn leave(&self, group: impl AsRef<str>) -> Changing {
        self.remove_from_group(self.connection_id(), group)
    }

    /// Makes any connection a member of a group, on whichever gateway it is.
    ///
    /// # Errors
    /// As [`join`](Self::join); an unknown connection is no error but in what it returns.
    pub fn add_to_group(&self, connection: impl AsRef<str>, group: impl AsRef<str>) -> Changing {
        let origin = &self.connection.origin;
        origin.change(GroupOperation::Add, connection.as_ref(), group.as_ref())
    }

    /// Makes any connection no member of a group any more.
    ///
    /// # Errors
    /// As [`add_to_group`](Self::add_to_group).
    pub fn remove_from_group(
        &self,
        connection: impl AsRef<str>,
        group: impl AsRef<str>,
    ) -> Changing {
        let origin = &self.connection.origin;
        origin.change(GroupOperation::Remove, connection.as_ref(), group.as_ref())
    }

    /// Ends this connection; its client is told not to reconnect by itself. What was sent to it before still arrives.
    ///
    /// # Errors
    /// [`SendError::LinkLost`](crate::SendError::LinkLost).
    pub fn abort(&self) -> Sending {
        self.connection
            .origin
            .close(self.connection_id().as_str(), false)
    }

    /// Whether this connection has ended, or the link to its gateway is lost.
    pub fn is_disconnected(&self) -> bool {
        self.connection.ended.is_fired()
    }

    /// Waits until this connection has ended, or the link to its gateway is lost.
    ///
    /// A method is not ended by that: it goes on and may still send to others. Cancel safe.
    pub fn disconnected(&self) -> impl Future<Output = ()> + Send + use<> {
        self.connection.ended.fired()
    }

    /// The hub without this connection: for work that outlives the invocation.
    pub fn hub(&self) -> &HubContext {
        &self.connection.outside
    }

    /// The public name of this connection.
    pub fn connection_id(&self) -> &ConnectionId {
        self.connection.request.connection_id()
    }
}

impl Deref for Context {
    type Target = Request;

    fn deref(&self) -> &Request {
        self.request()
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("hub", &self.connection.origin.hub)
            .field("connection_id", self.connection_id())
            .field("user_id", &self.connection.user)
            .finish_non_exhaustive()
    }
}

/// Why a connection ended, as `on_disconnected` is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disconnect(CloseReason);

impl Disconnect {
    pub(crate) fn new(reason: CloseReason) -> Self {
        Self(reason)
    }

    /// What went wrong; `None` where the end is ordinary: the client closed or lost its transport, or the hub aborted
    /// it (reference signalr-core 13.3).
    pub fn error(&self) -> Option<String> {
        self.0.error()
    }

    /// A short constant name of the reason, `client_closed` or `client_timeout` for instance.
    pub fn name(&self) -> &'static str {
        self.0.name()
    }
}

impl fmt::Display for Disconnect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
