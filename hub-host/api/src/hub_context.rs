use std::fmt;
use std::sync::Arc;

use hubplane_proto_ids::HubName;
use hubplane_proto_link::{Caller, GroupOperation};

use crate::audience::Origin;
use crate::host::Port;
use crate::{Audience, Changing, Client, Sending};

/// A hub seen from outside any invocation: for background work, timers and HTTP handlers.
///
/// It has the senders of [`Context`](crate::Context) that need no caller. Cloning one is cheap.
#[derive(Clone)]
pub struct HubContext {
    origin: Origin,
}

impl HubContext {
    /// A hub whose frames leave by this port.
    pub(crate) fn new(hub: HubName, port: Arc<dyn Port>) -> Self {
        let caller = Caller::HubHost;
        Self {
            origin: Origin {
                port,
                caller,
                hub,
                running: None,
            },
        }
    }

    /// The name of the hub.
    pub fn name(&self) -> &HubName {
        &self.origin.hub
    }

    /// Every connection of the hub.
    pub fn all(&self) -> Audience {
        self.origin.all()
    }

    /// One connection by its id. An unknown one is nobody.
    pub fn client(&self, connection: impl AsRef<str>) -> Client {
        Client::new(self.clients([connection]))
    }

    /// Connections by their ids. Unknown ones are nobody, and one that is named twice receives once.
    pub fn clients<N: AsRef<str>>(&self, connections: impl IntoIterator<Item = N>) -> Audience {
        self.origin.connections(connections)
    }

    /// The members of a group. Without members it is nobody.
    pub fn group(&self, group: impl AsRef<str>) -> Audience {
        self.groups([group])
    }

    /// The members of these groups. Who is in two of them receives twice.
    pub fn groups<N: AsRef<str>>(&self, groups: impl IntoIterator<Item = N>) -> Audience {
        self.origin.groups(groups)
    }

    /// Every connection of a user, whose id is compared as it is.
    pub fn user(&self, user: impl AsRef<str>) -> Audience {
        self.users([user])
    }

    /// Every connection of these users.
    pub fn users<N: AsRef<str>>(&self, users: impl IntoIterator<Item = N>) -> Audience {
        self.origin.users(users)
    }

    /// Makes a connection a member of a group. When it returns, every send that starts from now on reaches it.
    ///
    /// # Errors
    /// [`SendError`](crate::SendError) if a text names no group or connection, or if it could not be found out what
    /// became of it; an unknown connection is no error but in what it returns.
    pub fn add_to_group(&self, connection: impl AsRef<str>, group: impl AsRef<str>) -> Changing {
        self.origin
            .change(GroupOperation::Add, connection.as_ref(), group.as_ref())
    }

    /// Makes a connection no member of a group any more.
    ///
    /// # Errors
    /// As [`add_to_group`](Self::add_to_group).
    pub fn remove_from_group(
        &self,
        connection: impl AsRef<str>,
        group: impl AsRef<str>,
    ) -> Changing {
        self.origin
            .change(GroupOperation::Remove, connection.as_ref(), group.as_ref())
    }

    /// Ends a connection. Its client may reconnect by itself where `allow_reconnect` says so.
    ///
    /// # Errors
    /// [`SendError`](crate::SendError) if the text names no connection, or the link to the gateway is lost.
    pub fn close(&self, connection: impl AsRef<str>, allow_reconnect: bool) -> Sending {
        self.origin.close(connection.as_ref(), allow_reconnect)
    }
}

impl fmt::Debug for HubContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("HubContext").field(&self.origin.hub).finish()
    }
}
