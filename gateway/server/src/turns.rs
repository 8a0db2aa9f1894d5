//! Who waits for a connection: for its turn to post, or for a transport to be there.

use std::pin::Pin;
use std::sync::Arc;

use hubplane_proto_ids::ConnectionToken;
use tokio::sync::futures::Notified;
use tokio::sync::{Mutex, MutexGuard, Notify};

use crate::registry::Registry;

/// What requests of one connection wait on. It is there while some do.
#[derive(Debug, Default)]
pub(crate) struct Waiters {
    /// One post at a time, in the order in which they came (reference signalr-core 8.3).
    posts: Mutex<()>,
    change: Notify,
}

impl Waiters {
    /// A transport has attached, or the connection is gone.
    pub(crate) fn tell(&self) {
        self.change.notify_waiters();
    }
}

/// A place among those who wait.
#[derive(Debug)]
pub(crate) struct Turn {
    registry: Arc<Registry>,
    token: ConnectionToken,
    waiters: Arc<Waiters>,
}

impl Turn {
    pub(crate) const fn new(
        registry: Arc<Registry>,
        token: ConnectionToken,
        waiters: Arc<Waiters>,
    ) -> Self {
        Self {
            registry,
            token,
            waiters,
        }
    }

    /// Waits until all who came before have posted. Cancel safe; who gives up loses the place.
    pub(crate) async fn post(&self) -> MutexGuard<'_, ()> {
        self.waiters.posts.lock().await
    }

    /// The next change from now on, whenever it is waited for.
    pub(crate) fn change(&self) -> Pin<Box<Notified<'_>>> {
        let mut change = Box::pin(self.waiters.change.notified());
        change.as_mut().enable();
        change
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.registry.turn_over(&self.token);
    }
}
