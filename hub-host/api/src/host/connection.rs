use std::fmt;
use std::sync::Arc;

use hubplane_proto_ids::{ConnectionId, UserId};
use hubplane_proto_link::{Caller, ConnectionInfo};

use crate::audience::Origin;
use crate::host::Port;
use crate::signal::Signal;
use crate::{Context, HubContext, Request};

/// What a host keeps of a connection while it is there.
pub struct Connection {
    pub(crate) request: Request,
    pub(crate) user: Option<UserId>,
    pub(crate) origin: Origin,
    pub(crate) outside: HubContext,
    pub(crate) ended: Signal,
}

impl Connection {
    /// A connection whose methods send by `port`, and whose work outside of them sends by `outside`.
    pub fn new(
        info: Arc<ConnectionInfo>,
        user: Option<UserId>,
        port: Arc<dyn Port>,
        outside: Arc<dyn Port>,
    ) -> Arc<Self> {
        let hub = info.hub.clone();
        Arc::new(Self {
            user,
            origin: Origin {
                port,
                caller: Caller::Connection(info.connection.clone()),
                hub: hub.clone(),
            },
            outside: HubContext::new(hub, outside),
            ended: Signal::default(),
            request: Request::new(info),
        })
    }

    /// Its public name.
    pub fn id(&self) -> &ConnectionId {
        self.request.connection_id()
    }

    /// Its user, if it has one.
    pub fn user(&self) -> Option<&UserId> {
        self.user.as_ref()
    }

    /// Tells its running methods that it has ended.
    pub fn end(&self) {
        self.ended.fire();
    }

    /// A context for one call.
    pub fn context(self: &Arc<Self>) -> Context {
        Context::new(Arc::clone(self))
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("id", self.id())
            .field("user", &self.user)
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}
