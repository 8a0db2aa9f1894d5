//! What hubs run beside their methods.

use std::time::Duration;

use futures_util::future::BoxFuture;
use hubplane_node::tasks::{Pool, Tasks};
use tokio::time::Instant;

/// Runs it. Everything ends when the node has drained.
#[derive(Debug, Clone)]
pub(crate) struct Background {
    tasks: Tasks,
    pool: Pool,
    started: Instant,
}

impl Background {
    pub(crate) fn new(tasks: &Tasks) -> Self {
        Self {
            pool: tasks.pool("hub_background"),
            tasks: tasks.clone(),
            started: Instant::now(),
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

    /// How long there has been work beside methods: it grows as time passes, and never jumps.
    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Resolves after this time. Cancel safe.
    pub(crate) fn sleep(&self, time: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(time))
    }
}
