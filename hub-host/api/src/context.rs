use std::fmt;
use std::future::{Future, IntoFuture as _};
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use hubplane_proto_ids::{ConnectionId, UserId};
use hubplane_proto_link::{CloseReason, GroupOperation};

use crate::audience::Origin;
use crate::host::Connection;
use crate::running::Running;
use crate::{
    Audience, Changing, Client, Closing, HubContext, ItemBag, Request, Sending, Timestamp,
};

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
#[doc(alias = "HubCallerContext")]
pub struct Context(Arc<Parts>);

struct Parts {
    connection: Arc<Connection>,
    running: Arc<Running>,
    origin: Origin,
}

impl Context {
    pub(crate) fn new(connection: &Arc<Connection>, running: &Arc<Running>) -> Self {
        let origin = Origin {
            running: Some(Arc::clone(running)),
            ..connection.origin.clone()
        };
        Self(Arc::new(Parts {
            connection: Arc::clone(connection),
            running: Arc::clone(running),
            origin,
        }))
    }

    /// The user of this connection, if it has one.
    #[doc(alias = "UserIdentifier")]
    pub fn user_id(&self) -> Option<&UserId> {
        self.0.connection.user.as_ref()
    }

    /// What this connection brought when it came.
    #[doc(alias = "GetHttpContext")]
    pub fn request(&self) -> &Request {
        &self.0.connection.request
    }

    /// Every connection of the hub, this one too.
    pub fn all(&self) -> Audience {
        self.0.origin.all()
    }

    /// This connection.
    pub fn caller(&self) -> Client {
        self.client(self.connection_id())
    }

    /// Every connection of the hub but this one.
    pub fn others(&self) -> Audience {
        self.all().except_id(self.connection_id().clone())
    }

    /// One connection by its id. An unknown one is nobody.
    pub fn client(&self, connection: impl AsRef<str>) -> Client {
        Client::new(self.clients([connection]))
    }

    /// Connections by their ids. Unknown ones are nobody, and one that is named twice receives once.
    pub fn clients<N: AsRef<str>>(&self, connections: impl IntoIterator<Item = N>) -> Audience {
        self.0.origin.connections(connections)
    }

    /// The members of a group. Without members it is nobody.
    pub fn group(&self, group: impl AsRef<str>) -> Audience {
        self.groups([group])
    }

    /// The members of these groups. Who is in two of them receives twice.
    pub fn groups<N: AsRef<str>>(&self, groups: impl IntoIterator<Item = N>) -> Audience {
        self.0.origin.groups(groups)
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
        self.0.origin.users(users)
    }

    /// Makes this connection a member of a group. When it returns, every send that starts from now on reaches it.
    ///
    /// # Errors
    /// [`SendError`](crate::SendError) if the text names no group, or if it could not be found out what became of it.
    #[doc(alias = "AddToGroupAsync")]
    pub fn join(&self, group: impl AsRef<str>) -> Changing {
        self.add_to_group(self.connection_id(), group)
    }

    /// Makes this connection no member of a group any more.
    ///
    /// # Errors
    /// As [`join`](Self::join).
    #[doc(alias = "RemoveFromGroupAsync")]
    pub fn leave(&self, group: impl AsRef<str>) -> Changing {
        self.remove_from_group(self.connection_id(), group)
    }

    /// Makes any connection a member of a group, on whichever gateway it is.
    ///
    /// # Errors
    /// As [`join`](Self::join); an unknown connection is no error but in what it returns.
    pub fn add_to_group(&self, connection: impl AsRef<str>, group: impl AsRef<str>) -> Changing {
        self.0
            .origin
            .change(GroupOperation::Add, connection.as_ref(), group.as_ref())
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
        self.0
            .origin
            .change(GroupOperation::Remove, connection.as_ref(), group.as_ref())
    }

    /// What is kept with this connection.
    pub fn items(&self) -> ItemBag<'_> {
        ItemBag::new(&self.0.connection)
    }

    /// Ends any connection, on whichever gateway it is, with a reason if one is added: see [`Closing`]. What was sent to
    /// it before still arrives; an unknown connection is nobody.
    ///
    /// # Errors
    /// [`SendError`](crate::SendError) if the text names no connection, if the reason is too long, or if the link to the
    /// gateway is lost.
    pub fn close(&self, connection: impl AsRef<str>) -> Closing {
        Closing::new(&self.0.origin, connection.as_ref())
    }

    /// Ends this connection without a reason; its client is told not to reconnect by itself. What was sent to it before
    /// still arrives.
    ///
    /// # Errors
    /// [`SendError::LinkLost`](crate::SendError::LinkLost).
    pub fn abort(&self) -> Sending {
        self.close(self.connection_id()).into_future()
    }

    /// Whether this connection has ended, or the link to its gateway is lost.
    pub fn is_disconnected(&self) -> bool {
        self.0.connection.ended.is_fired()
    }

    /// Waits until this connection has ended, or the link to its gateway is lost.
    ///
    /// A method is not ended by that: it goes on and may still send to others. Cancel safe.
    #[doc(alias = "ConnectionAborted")]
    pub fn disconnected(&self) -> impl Future<Output = ()> + Send + use<> {
        self.0.connection.ended.fired()
    }

    /// Whether nobody waits for this invocation any more: see [`cancelled`](Self::cancelled).
    pub fn is_cancelled(&self) -> bool {
        self.0.running.cancelled.is_fired() || self.is_disconnected()
    }

    /// Waits until nobody waits for this invocation any more: its client cancelled the stream that answers it, or its
    /// connection has ended, or the link to its gateway is lost. Cancel safe.
    ///
    /// A method that answers by a stream is dropped where it stands when that happens, its stream too; this is for the
    /// work that it started elsewhere. An end by itself is no cancellation.
    ///
    /// An ordinary invocation cannot be cancelled by its client (reference signalr-core 12.3): for it, this is
    /// [`disconnected`](Self::disconnected).
    ///
    /// ```
    /// # use hubplane_hub::*;
    /// # struct Watches;
    /// #[hub]
    /// impl Watches {
    ///     fn watch(&self, ctx: &Context) -> Items<u32> {
    ///         let watcher = ctx.clone();
    ///         ctx.spawn(async move {
    ///             watcher.cancelled().await;
    ///             let _ = watcher.others().send("Gone", ()).await;
    ///         });
    ///         Items::generate(async |_| std::future::pending().await)
    ///     }
    /// }
    ///
    /// let hub = testing::TestHub::new(Watches);
    /// let (ana, ben) = (hub.connect("ana"), hub.connect("ben"));
    /// ana.stream::<u32>("watch", ()).cancel();
    /// ben.next::<()>("Gone");
    /// ```
    #[doc(alias = "CancellationToken")]
    pub fn cancelled(&self) -> impl Future<Output = ()> + Send + use<> {
        let (cancelled, ended) = (self.0.running.cancelled.fired(), self.disconnected());
        async move {
            let ended = std::pin::pin!(ended);
            futures_util::future::select(cancelled, ended).await;
        }
    }

    /// How much longer this invocation may run before it is dropped where it waits and its client reads that it failed:
    /// what the option `invocation_timeout` leaves of it, by a clock that nobody sets. Zero once it is over. `None` where
    /// there is no limit: without that option, in `on_connected` and `on_disconnected`, and for what goes on when the
    /// method has returned, its stream too.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use hubplane_hub::{host::*, testing::TestHub, *};
    /// # struct Shop;
    /// #[hub]
    /// impl Shop {
    ///     async fn order(&self, ctx: &Context) -> Result<bool, HubError> {
    ///         // Whoever invoked shall hear of it, whatever the answer.
    ///         let left = ctx.time_left().unwrap_or(Duration::MAX).saturating_sub(Duration::from_secs(1));
    ///         let sure = ctx.caller().invoke::<bool>("Sure", ()).timeout(left).await;
    ///         Ok(sure.unwrap_or(false))
    ///     }
    /// }
    ///
    /// let service = Service::new(Shop, Options::default()).unwrap();
    /// let hub = TestHub::of(service.invocation_timeout(Duration::from_secs(30)));
    /// let order = hub.connect("ana").start::<bool>("order", ());
    /// hub.advance(Duration::from_secs(29));
    /// assert_eq!(order.result(), Ok(false));
    /// ```
    pub fn time_left(&self) -> Option<Duration> {
        let (until, _) = self.0.running.deadline()?;
        Some(until.saturating_sub(self.0.origin.port.elapsed()))
    }

    /// The moment at which [`time_left`](Self::time_left) is zero, for others who are told of it. Who waits here uses
    /// that, as this clock may be set.
    pub fn deadline(&self) -> Option<Timestamp> {
        self.0.running.deadline().map(|(_, moment)| moment)
    }

    /// What time it is, by the host's clock.
    pub fn now(&self) -> Timestamp {
        self.0.origin.port.now()
    }

    /// Waits for this long, by the host's clock. Cancel safe.
    pub fn sleep(&self, time: Duration) -> impl Future<Output = ()> + Send + use<> {
        self.0.origin.port.sleep(time)
    }

    /// Runs something that goes on when the method has returned. It ends with the host: when that has drained, it is
    /// dropped where it stands. It is not ended with the connection; [`disconnected`](Self::disconnected) tells it.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use hubplane_hub::*;
    /// # struct Clock;
    /// #[hub]
    /// impl Clock {
    ///     fn remind(&self, ctx: &Context, text: String) {
    ///         let later = ctx.clone();
    ///         ctx.spawn(async move {
    ///             later.sleep(Duration::from_secs(60)).await;
    ///             let _ = later.caller().send("Reminder", (text,)).await;
    ///         });
    ///     }
    /// }
    ///
    /// let hub = testing::TestHub::new(Clock);
    /// let ana = hub.connect("ana");
    /// ana.invoke::<()>("remind", ("tea",)).unwrap();
    /// assert!(ana.messages().is_empty());
    /// hub.advance(Duration::from_secs(60));
    /// assert_eq!(ana.next::<(String,)>("Reminder"), ("tea".into(),));
    /// ```
    pub fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.0.origin.port.spawn(Box::pin(work));
    }

    /// The hub without this connection: for work that outlives the invocation.
    pub fn hub(&self) -> &HubContext {
        &self.0.connection.outside
    }

    /// The public name of this connection.
    pub fn connection_id(&self) -> &ConnectionId {
        self.0.connection.request.connection_id()
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
            .field("hub", &self.0.origin.hub)
            .field("connection_id", self.connection_id())
            .field("user_id", &self.0.connection.user)
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

    /// What went wrong; `None` where the end is ordinary: the client closed or lost its transport, or the hub aborted or
    /// closed it (reference signalr-core 13.3).
    pub fn error(&self) -> Option<String> {
        self.0.error()
    }

    /// What the hub itself gave as the reason, by [`Closing::reason`].
    pub fn reason(&self) -> Option<&str> {
        match &self.0 {
            CloseReason::ByHub(reason) => Some(reason),
            _ => None,
        }
    }

    /// A short constant name of the reason, `client_closed` or `closed_by_hub` for instance.
    pub fn name(&self) -> &'static str {
        self.0.name()
    }
}

impl fmt::Display for Disconnect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
