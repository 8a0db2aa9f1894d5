//! Which wires have something to say: they have become readable or writable, or their client has gone.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Wake, Waker};

/// The wires of one shard to look at, and the waker of its loop. Sockets tell on the shard's own thread; bodies and polls
/// on the HTTP server's, for moments.
#[derive(Debug, Default)]
pub(crate) struct ReadyList(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    places: Vec<usize>,
    shard: Option<Waker>,
}

impl ReadyList {
    /// From now on `shard` is woken when a wire has something to say.
    pub(crate) fn register(&self, shard: &Waker) {
        let mut inner = self.lock();
        if !inner
            .shard
            .as_ref()
            .is_some_and(|known| known.will_wake(shard))
        {
            inner.shard = Some(shard.clone());
        }
    }

    /// Moves the places of those that have become ready to the end of `ready`.
    pub(crate) fn take(&self, ready: &mut impl Extend<usize>) {
        ready.extend(self.lock().places.drain(..));
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The waker of one wire, for both directions. All that a connection costs the runtime besides its registration.
#[derive(Debug)]
pub(crate) struct SocketWaker {
    list: Arc<ReadyList>,
    place: usize,
    queued: AtomicBool,
}

impl SocketWaker {
    pub(crate) fn new(list: &Arc<ReadyList>, place: usize) -> Arc<Self> {
        Arc::new(Self {
            list: Arc::clone(list),
            place,
            queued: AtomicBool::new(false),
        })
    }

    /// The shard looks at the wire now: what happens from now on is news.
    pub(crate) fn seen(&self) {
        self.queued.store(false, Ordering::Release);
    }
}

impl Wake for SocketWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.queued.swap(true, Ordering::AcqRel) {
            return;
        }
        let mut inner = self.list.lock();
        inner.places.push(self.place);
        if let Some(shard) = &inner.shard {
            shard.wake_by_ref();
        }
    }
}
