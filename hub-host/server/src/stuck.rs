//! Hub code that does not let go of its thread: it is named in the log, because nobody can stop it.

use std::collections::HashMap;
use std::fmt;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use hubplane_hub::{ConnectionId, HubName};

/// How long hub code may run without waiting for something.
const PATIENCE: Duration = Duration::from_secs(1);

/// All that runs, and since when it has a thread.
#[derive(Debug)]
pub(crate) struct Watch {
    started: Instant,
    next: AtomicU64,
    running: Mutex<HashMap<u64, Arc<Entry>>>,
}

/// What a log says of a run.
#[derive(Debug)]
pub(crate) struct Entry {
    hub: HubName,
    connection: Option<ConnectionId>,
    target: String,
    /// Milliseconds from the start of the watch, plus one; zero while it waits for something.
    since: AtomicU64,
    told: AtomicBool,
}

impl Watch {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            started: Instant::now(),
            next: AtomicU64::new(0),
            running: Mutex::default(),
        })
    }

    fn with<T>(&self, f: impl FnOnce(&mut HashMap<u64, Arc<Entry>>) -> T) -> T {
        f(&mut self.running.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A run of hub code that is watched.
    pub(crate) fn watched<F: Future>(
        self: &Arc<Self>,
        hub: &HubName,
        connection: Option<&ConnectionId>,
        target: &str,
        run: F,
    ) -> Watched<F> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let entry = Arc::new(Entry {
            hub: hub.clone(),
            connection: connection.cloned(),
            target: target.to_owned(),
            since: AtomicU64::new(0),
            told: AtomicBool::new(false),
        });
        self.with(|running| running.insert(number, Arc::clone(&entry)));
        Watched {
            run: Box::pin(run),
            entry,
            number,
            watch: Arc::clone(self),
        }
    }

    fn millis(&self, now: Instant) -> u64 {
        let passed = now.saturating_duration_since(self.started);
        u64::try_from(passed.as_millis()).unwrap_or(u64::MAX)
    }

    /// What has had a thread for too long at this time, each once.
    fn stuck(&self, now: Instant) -> Vec<Arc<Entry>> {
        let now = self.millis(now) + 1;
        let patience = u64::try_from(PATIENCE.as_millis()).unwrap_or(u64::MAX);
        let is_stuck = |entry: &&Arc<Entry>| {
            let since = entry.since.load(Ordering::Relaxed);
            since != 0
                && now.saturating_sub(since) >= patience
                && !entry.told.swap(true, Ordering::Relaxed)
        };
        self.with(|running| running.values().filter(is_stuck).cloned().collect())
    }

    /// Looks again and again, and tells.
    pub(crate) async fn run(self: Arc<Self>) {
        loop {
            tokio::time::sleep(PATIENCE).await;
            for entry in self.stuck(Instant::now()) {
                let Entry {
                    hub,
                    connection,
                    target,
                    ..
                } = &*entry;
                let connection = connection.as_ref().map(tracing::field::display);
                tracing::error!(%hub, target, connection, "hub code keeps its thread: it computes or blocks without an await");
            }
        }
    }
}

/// A run that is watched, until dropped.
pub(crate) struct Watched<F> {
    run: Pin<Box<F>>,
    entry: Arc<Entry>,
    number: u64,
    watch: Arc<Watch>,
}

impl<F: Future> Future for Watched<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let now = self.watch.millis(Instant::now()) + 1;
        self.entry.since.store(now, Ordering::Relaxed);
        let polled = self.run.as_mut().poll(cx);
        self.entry.since.store(0, Ordering::Relaxed);
        polled
    }
}

impl<F> Drop for Watched<F> {
    fn drop(&mut self) {
        self.watch.with(|running| running.remove(&self.number));
    }
}

impl<F> fmt::Debug for Watched<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Watched").field(&self.entry).finish()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[test]
    fn what_keeps_its_thread_is_named_once_and_what_waits_never() {
        let watch = Watch::new();
        let hub: HubName = "hub".parse().unwrap();
        let connection: ConnectionId = "c-1".parse().unwrap();
        let names = |after: Duration| -> Vec<String> {
            let stuck = watch.stuck(watch.started + after);
            stuck.iter().map(|entry| entry.target.clone()).collect()
        };
        let waits = watch.watched(
            &hub,
            Some(&connection),
            "Waits",
            std::future::pending::<()>(),
        );
        let mut waits = Box::pin(waits);
        assert!(waits.as_mut().now_or_never().is_none());
        let keeps = watch.watched(&hub, Some(&connection), "Keeps", async {
            // As if this took so long.
            assert!(names(Duration::ZERO).is_empty());
            assert_eq!(names(Duration::from_secs(10)), ["Keeps"]);
            assert!(names(Duration::from_secs(20)).is_empty(), "it was told");
        });
        assert!(keeps.now_or_never().is_some());
        assert!(names(Duration::from_secs(30)).is_empty());
        drop(waits);
        assert!(watch.with(|running| running.is_empty()));
    }
}
