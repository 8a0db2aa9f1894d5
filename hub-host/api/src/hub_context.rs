use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use hubplane_proto_ids::HubName;
use hubplane_proto_link::{Caller, GroupOperation};

use crate::audience::Origin;
use crate::host::Port;
use crate::{Audience, Changing, Client, Closing, QuestionError, Timestamp};

/// A hub seen from outside any invocation: for background work, timers and HTTP handlers.
///
/// It has the senders of [`Context`](crate::Context) that need no caller. Cloning one is cheap.
#[derive(Clone)]
#[doc(alias = "IHubContext")]
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
    #[doc(alias = "AddToGroupAsync")]
    pub fn add_to_group(&self, connection: impl AsRef<str>, group: impl AsRef<str>) -> Changing {
        self.origin
            .change(GroupOperation::Add, connection.as_ref(), group.as_ref())
    }

    /// Makes a connection no member of a group any more.
    ///
    /// # Errors
    /// As [`add_to_group`](Self::add_to_group).
    #[doc(alias = "RemoveFromGroupAsync")]
    pub fn remove_from_group(
        &self,
        connection: impl AsRef<str>,
        group: impl AsRef<str>,
    ) -> Changing {
        self.origin
            .change(GroupOperation::Remove, connection.as_ref(), group.as_ref())
    }

    /// What time it is, by the host's clock.
    pub fn now(&self) -> Timestamp {
        self.origin.port.now()
    }

    /// Waits for this long, by the host's clock. Cancel safe.
    pub fn sleep(&self, time: Duration) -> impl Future<Output = ()> + Send + use<> {
        self.origin.port.sleep(time)
    }

    /// Runs something beside the methods of the hub. It ends with the host: when that has drained, it is dropped where
    /// it stands.
    pub fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.origin.port.spawn(Box::pin(work));
    }

    /// Makes every connection that a user has now a member of a group; how many those are. One that comes later is none.
    ///
    /// ```
    /// # use hubplane_hub::*;
    /// # struct Rooms;
    /// # #[hub]
    /// # impl Rooms {}
    /// let hub = testing::TestHub::new(Rooms);
    /// let (phone, laptop) = (hub.connect("ana"), hub.connect("ana"));
    /// let outside = hub.context();
    /// assert_eq!(hub.wait(outside.add_user_to_group("ana", "kitchen")).unwrap(), 2);
    /// assert_eq!(hub.members("kitchen"), [phone.id().clone(), laptop.id().clone()]);
    /// ```
    ///
    /// # Errors
    /// [`QuestionError`](crate::QuestionError) if it could not be found out which they are, or what became of one.
    pub fn add_user_to_group(
        &self,
        user: &str,
        group: &str,
    ) -> impl Future<Output = Result<usize, QuestionError>> + Send + use<> {
        let (user, group) = (self.user(user), group.to_owned());
        user.change_group(GroupOperation::Add, group)
    }

    /// Makes every connection that a user has now no member of a group any more; how many those are.
    ///
    /// # Errors
    /// As [`add_user_to_group`](Self::add_user_to_group).
    pub fn remove_user_from_group(
        &self,
        user: &str,
        group: &str,
    ) -> impl Future<Output = Result<usize, QuestionError>> + Send + use<> {
        let (user, group) = (self.user(user), group.to_owned());
        user.change_group(GroupOperation::Remove, group)
    }

    /// Ends a connection, with a reason if one is added: see [`Closing`].
    ///
    /// # Errors
    /// [`SendError`](crate::SendError) if the text names no connection, if the reason is too long, or if the link to the
    /// gateway is lost.
    pub fn close(&self, connection: impl AsRef<str>) -> Closing {
        Closing::new(&self.origin, connection.as_ref())
    }
}

impl fmt::Debug for HubContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("HubContext").field(&self.origin.hub).finish()
    }
}
