use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use hubplane_node::tasks::{OnFailure, Tasks};
use tokio::sync::mpsc;

use crate::metrics::{Metrics, Published};
use crate::shard::Shard;
use crate::{Command, ShardOptions, SharedDirectory, SharedPresence};

/// The shards of one node. Cheap to clone; the threads end when the last clone is dropped, or when the node's tasks are
/// cancelled.
#[derive(Debug, Clone)]
pub struct Shards {
    shards: Arc<[Handle]>,
    next: Arc<AtomicUsize>,
}

#[derive(Debug)]
struct Handle {
    inbox: mpsc::Sender<Command>,
    published: Arc<Published>,
}

impl Shards {
    /// Starts `count` threads, 1 to 64.
    ///
    /// # Errors
    /// The operating system refuses a thread. Threads that were started end by themselves.
    pub fn spawn(
        count: u8,
        options: &ShardOptions,
        directory: &SharedDirectory,
        presence: &SharedPresence,
        tasks: &Tasks,
    ) -> io::Result<Self> {
        let mut shards = Vec::with_capacity(usize::from(count));
        for index in 0..count.clamp(1, 64) {
            let (inbox, commands) = mpsc::channel(options.inbox_max.max(1));
            let published = Arc::new(Published::default());
            let (options, shared) = (options.clone(), (directory.clone(), presence.clone()));
            let (cancelled, metrics) = (tasks.cancelled().clone(), Arc::clone(&published));
            tasks.thread("shard", OnFailure::StopNode, move || {
                Shard::start(index, options, shared, metrics, commands, cancelled)
            })?;
            shards.push(Handle { inbox, published });
        }
        Ok(Self {
            shards: shards.into(),
            next: Arc::default(),
        })
    }

    /// How many there are.
    pub fn count(&self) -> u8 {
        // At most 64 were started.
        self.shards.len() as u8
    }

    /// The shard for one more connection: each in its turn.
    pub fn pick(&self) -> u8 {
        (self.next.fetch_add(1, Ordering::Relaxed) % self.shards.len()) as u8
    }

    /// Gives a command to a shard, and waits while its inbox is full: a shard always drains it. A shard that does not
    /// exist or has ended drops the command.
    ///
    /// Cancel safe: the command is then not sent.
    pub async fn send(&self, shard: u8, command: Command) {
        if let Some(handle) = self.shards.get(usize::from(shard))
            && handle.inbox.send(command).await.is_err()
        {
            tracing::debug!(shard, "command to a shard that has ended");
        }
    }

    /// Waits for room in the inbox of a shard, and keeps it for one command. `None`: there is no such shard any more.
    ///
    /// Cancel safe.
    pub async fn reserve(&self, shard: u8) -> Option<mpsc::Permit<'_, Command>> {
        let handle = self.shards.get(usize::from(shard))?;
        handle.inbox.reserve().await.ok()
    }

    /// The numbers of one shard as of its last turn; zeros for one that does not exist.
    pub fn metrics_of(&self, shard: u8) -> Metrics {
        self.shards
            .get(usize::from(shard))
            .map(|handle| handle.published.read())
            .unwrap_or_default()
    }

    /// The numbers of all shards together.
    pub fn metrics(&self) -> Metrics {
        self.shards
            .iter()
            .map(|handle| handle.published.read())
            .fold(Metrics::default(), Metrics::plus)
    }
}
