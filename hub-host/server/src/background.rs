//! What hubs run beside their methods.

use std::time::Duration;

use futures_util::future::BoxFuture;
use hubplane_node::tasks::{Pool, Tasks};

/// Runs it. Everything ends when the node has drained.
#[derive(Debug, Clone)]
pub(crate) struct Background {
    tasks: Tasks,
    pool: Pool,
}

impl Background {
    pub(crate) fn new(tasks: &Tasks) -> Self {
        Self {
            pool: tasks.pool("hub_background"),
            tasks: tasks.clone(),
        }
    }

    pub(crate) fn spawn(&self, work: BoxFuture<'static, ()>) {
        let cancelled = self.tasks.cancelled().clone();
        self.pool.spawn(async move {
            tokio::select! {
                () = work => {}
                () = cancelled.cancelled() => {}
            }
        });
    }

    /// Resolves after this time. Cancel safe.
    pub(crate) fn sleep(&self, time: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(time))
    }
}
