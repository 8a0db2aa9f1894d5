//! Named tasks: everything that runs in the background is started here.
//!
//! A [`Tasks`] belongs to one node and is handed around; there is no global one, so that several nodes can
//! live in one process. What it starts has a name, says what its failure means, is counted while it lives,
//! and is waited for when the node ends. A panic ends only the task that panicked.

mod outcome;
mod run;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::AbortHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;
use tracing::Instrument as _;

pub use outcome::Outcome;
use run::{End, panic_text, run, run_until};

/// What it means for the node when a task fails: when it returns an error or panics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnFailure {
    /// The failure is logged, and the node goes on without this task.
    Log,
    /// The node cannot go on: [`Tasks::failed`] resolves, and whoever runs the node ends it.
    StopNode,
}

/// A task whose failure stops the node.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("task {name} failed: {cause}")]
pub struct Failure {
    /// The task's name.
    pub name: &'static str,
    /// What it returned, with its causes, or what it said when it panicked.
    pub cause: String,
}

/// What still ran when the time given to [`Tasks::shutdown`] was over.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("still running at the deadline: {}", list(.live))]
pub struct Unfinished {
    /// Names, and how many of each.
    pub live: Vec<(&'static str, usize)>,
}

fn list(live: &[(&'static str, usize)]) -> String {
    let names: Vec<_> = live
        .iter()
        .map(|(name, count)| format!("{name} ({count})"))
        .collect();
    names.join(", ")
}

/// The tasks and threads of one node. Cheap to clone; every clone is the same set.
///
/// Tasks run on the runtime that the set was made with, from wherever they are spawned: a shard's thread
/// that spawns here does not run the task itself.
#[derive(Clone)]
pub struct Tasks {
    inner: Arc<Inner>,
}

struct Inner {
    runtime: Handle,
    /// Fires when the node ends: tasks of [`Tasks::spawn`] are dropped, all others take note.
    cancelled: CancellationToken,
    /// Fires at the deadline of the shutdown: what still runs is dropped.
    aborted: CancellationToken,
    tracker: TaskTracker,
    /// One entry per name that was ever used; names are literals, so it stays small.
    names: Mutex<BTreeMap<&'static str, Arc<Name>>>,
    failure: OnceLock<Failure>,
    failed: CancellationToken,
}

/// What is kept per task name.
struct Name {
    name: &'static str,
    live: AtomicUsize,
    failures: AtomicU64,
    threads_started: AtomicUsize,
}

/// Counts one task as alive, and lets the shutdown wait for it, until dropped.
struct Alive {
    name: Arc<Name>,
    _token: TaskTrackerToken,
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.name.live.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Tasks {
    /// Makes an empty set whose tasks run on `runtime`.
    pub fn new(runtime: Handle) -> Self {
        Self {
            inner: Arc::new(Inner {
                runtime,
                cancelled: CancellationToken::new(),
                aborted: CancellationToken::new(),
                tracker: TaskTracker::new(),
                names: Mutex::default(),
                failure: OnceLock::new(),
                failed: CancellationToken::new(),
            }),
        }
    }

    /// Makes an empty set whose tasks run on the current runtime.
    ///
    /// # Panics
    /// Outside a runtime.
    pub fn current() -> Self {
        Self::new(Handle::current())
    }

    /// Starts a task that may end anywhere: when the node shuts down it is dropped at its next wait.
    ///
    /// The handle returned ends this one task early; dropping it does nothing. Once the shutdown has begun
    /// nothing is started any more.
    pub fn spawn<F>(&self, name: &'static str, on_failure: OnFailure, future: F) -> AbortHandle
    where
        F: Future<Output: Outcome> + Send + 'static,
    {
        self.start(name, on_failure, |inner| &inner.cancelled, future)
    }

    /// Starts a task that ends by itself when the node shuts down: it watches [`Tasks::cancelled`], or its
    /// inputs close. It is dropped only at the deadline of the shutdown.
    ///
    /// The handle returned ends this one task early; dropping it does nothing.
    pub fn spawn_graceful<F>(
        &self,
        name: &'static str,
        on_failure: OnFailure,
        future: F,
    ) -> AbortHandle
    where
        F: Future<Output: Outcome> + Send + 'static,
    {
        self.start(name, on_failure, |inner| &inner.aborted, future)
    }

    /// Prepares to start many short tasks of one name, such as invocations: what a spawn needs is looked up
    /// here, once.
    pub fn pool(&self, name: &'static str) -> Pool {
        Pool {
            tasks: self.clone(),
            name: self.name(name),
        }
    }

    /// Starts a thread. Its name in the operating system is `name`, a dash, and how many threads of that
    /// name were started before it.
    ///
    /// A thread cannot be dropped: it has to end by itself once [`Tasks::cancelled`] fires or its inputs
    /// close, and the shutdown waits for it as for a graceful task.
    ///
    /// # Errors
    /// When the operating system refuses another thread.
    pub fn thread<F, O>(
        &self,
        name: &'static str,
        on_failure: OnFailure,
        body: F,
    ) -> std::io::Result<()>
    where
        F: FnOnce() -> O + Send + 'static,
        O: Outcome,
    {
        let entry = self.name(name);
        let number = entry.threads_started.fetch_add(1, Ordering::Relaxed);
        let alive = self.alive(entry);
        let tasks = self.clone();
        std::thread::Builder::new()
            .name(format!("{name}-{number}"))
            .spawn(move || {
                let cause = match catch_unwind(AssertUnwindSafe(body)) {
                    Ok(outcome) => outcome.failure(),
                    Err(panic) => Some(panic_text(&*panic)),
                };
                if let Some(cause) = cause {
                    tasks.report(&alive.name, on_failure, cause);
                }
                drop(alive);
            })?;
        Ok(())
    }

    /// Fires when the node shuts down.
    pub fn cancelled(&self) -> &CancellationToken {
        &self.inner.cancelled
    }

    /// Waits for the first failure of a task that the node cannot go on without.
    ///
    /// Cancel safe; resolves at once, again and again, after that failure.
    pub async fn failed(&self) -> Failure {
        loop {
            self.inner.failed.cancelled().await;
            if let Some(failure) = self.inner.failure.get() {
                return failure.clone();
            }
        }
    }

    /// How many tasks and threads live, by name; names that nothing lives under any more are listed with 0.
    pub fn live(&self) -> Vec<(&'static str, usize)> {
        self.each(|name| name.live.load(Ordering::Relaxed))
    }

    /// How many tasks and threads have failed, by name.
    pub fn failures(&self) -> Vec<(&'static str, u64)> {
        self.each(|name| name.failures.load(Ordering::Relaxed))
    }

    /// The runtime that the tasks run on.
    pub fn runtime(&self) -> &Handle {
        &self.inner.runtime
    }

    /// Ends what was started: cancels, then waits for all of it, at most for `limit`.
    ///
    /// # Errors
    /// Names what still ran when `limit` was over. Tasks among it are dropped at their next wait; threads
    /// go on until they end by themselves.
    ///
    /// Not cancel safe: tasks may be left running.
    pub async fn shutdown(&self, limit: Duration) -> Result<(), Unfinished> {
        self.inner.cancelled.cancel();
        self.inner.tracker.close();
        let ended = tokio::time::timeout(limit, self.inner.tracker.wait()).await;
        let mut live = self.live();
        live.retain(|(_, count)| *count > 0);
        self.inner.aborted.cancel();
        match ended {
            Ok(()) => Ok(()),
            Err(_elapsed) => Err(Unfinished { live }),
        }
    }

    fn start<F>(
        &self,
        name: &'static str,
        on_failure: OnFailure,
        stop: fn(&Inner) -> &CancellationToken,
        future: F,
    ) -> AbortHandle
    where
        F: Future<Output: Outcome> + Send + 'static,
    {
        let alive = self.alive(self.name(name));
        let tasks = self.clone();
        let span = tracing::info_span!("task", name);
        let body = async move {
            let end = run_until(future, stop(&tasks.inner)).await;
            tasks.ended(alive, on_failure, end);
        };
        self.inner
            .runtime
            .spawn(body.instrument(span))
            .abort_handle()
    }

    fn ended(&self, alive: Alive, on_failure: OnFailure, end: End) {
        if let End::Failed(cause) = end {
            self.report(&alive.name, on_failure, cause);
        }
    }

    fn alive(&self, name: Arc<Name>) -> Alive {
        name.live.fetch_add(1, Ordering::Relaxed);
        Alive {
            name,
            _token: self.inner.tracker.token(),
        }
    }

    fn each<T>(&self, read: impl Fn(&Name) -> T) -> Vec<(&'static str, T)> {
        let names = self.inner.names.lock();
        let names = names.unwrap_or_else(PoisonError::into_inner);
        let names = names.values();
        names.map(|entry| (entry.name, read(entry))).collect()
    }

    fn name(&self, name: &'static str) -> Arc<Name> {
        let names = self.inner.names.lock();
        let mut names = names.unwrap_or_else(PoisonError::into_inner);
        let entry = names.entry(name).or_insert_with(|| {
            Arc::new(Name {
                name,
                live: AtomicUsize::new(0),
                failures: AtomicU64::new(0),
                threads_started: AtomicUsize::new(0),
            })
        });
        Arc::clone(entry)
    }

    fn report(&self, entry: &Name, on_failure: OnFailure, cause: String) {
        let name = entry.name;
        tracing::error!(task = name, cause, ?on_failure, "task failed");
        entry.failures.fetch_add(1, Ordering::Relaxed);
        if on_failure == OnFailure::StopNode {
            // Only the first one is told: what follows is usually its consequence.
            let _ = self.inner.failure.set(Failure { name, cause });
            self.inner.failed.cancel();
        }
    }
}

impl fmt::Debug for Tasks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tasks")
            .field("live", &self.live())
            .field("cancelled", &self.inner.cancelled.is_cancelled())
            .finish()
    }
}

/// Starts tasks of one name that come in great numbers and end soon. Cheap to clone.
///
/// Neither a spawn nor a task takes a lock here or makes a text. The tasks have no span of their own: whoever
/// spawns knows more than the name and instruments them. A failure is logged and never stops the node. They
/// are waited for until the deadline of the shutdown; what outlasts it is left to its handle, or to the end
/// of the runtime.
#[derive(Clone)]
pub struct Pool {
    tasks: Tasks,
    name: Arc<Name>,
}

impl Pool {
    /// Starts one task. The handle returned ends it early; dropping the handle does nothing.
    pub fn spawn<F>(&self, future: F) -> AbortHandle
    where
        F: Future<Output: Outcome> + Send + 'static,
    {
        let alive = self.tasks.alive(Arc::clone(&self.name));
        let tasks = self.tasks.clone();
        let body = async move {
            let end = run(future).await;
            tasks.ended(alive, OnFailure::Log, end);
        };
        self.tasks.inner.runtime.spawn(body).abort_handle()
    }

    /// How many of them live.
    pub fn live(&self) -> usize {
        self.name.live.load(Ordering::Relaxed)
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("name", &self.name.name)
            .field("live", &self.live())
            .finish()
    }
}
