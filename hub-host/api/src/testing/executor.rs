use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

/// Runs futures by polling those that were woken, in the order in which they were spawned.
#[derive(Default)]
pub(super) struct Executor {
    tasks: Mutex<Vec<Task>>,
}

struct Task {
    future: BoxFuture<'static, ()>,
    woken: Arc<Woken>,
}

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Release);
    }
}

impl Executor {
    pub(super) fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        let woken = Arc::new(Woken(AtomicBool::new(true)));
        let future = future.boxed();
        self.with(|tasks| tasks.push(Task { future, woken }));
    }

    pub(super) fn spawn_for_result<T: Send + 'static>(
        &self,
        future: impl Future<Output = T> + Send + 'static,
    ) -> Slot<T> {
        let slot = Slot::default();
        let filled = slot.clone();
        self.spawn(async move {
            let value = pin!(future).await;
            filled.fill(value);
        });
        slot
    }

    /// How many have not ended.
    pub(super) fn len(&self) -> usize {
        self.with(|tasks| tasks.len())
    }

    /// Polls until nothing is woken any more.
    pub(super) fn run(&self) {
        loop {
            // Nothing is locked while a task runs, so that it may spawn.
            let mut tasks = self.with(std::mem::take);
            let mut ran = false;
            tasks.retain_mut(|task| {
                if !task.woken.0.swap(false, Ordering::Acquire) {
                    return true;
                }
                ran = true;
                let waker = Waker::from(Arc::clone(&task.woken));
                let polled = task.future.as_mut().poll(&mut Context::from_waker(&waker));
                polled == Poll::Pending
            });
            self.with(|spawned| {
                tasks.append(spawned);
                std::mem::swap(spawned, &mut tasks);
            });
            if !ran {
                return;
            }
        }
    }

    fn with<T>(&self, f: impl FnOnce(&mut Vec<Task>) -> T) -> T {
        f(&mut self.tasks.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Where a value will be.
pub(super) struct Slot<T>(Arc<Mutex<Option<T>>>);

impl<T> Slot<T> {
    pub(super) fn fill(&self, value: T) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(value);
    }

    pub(super) fn take(&self) -> Option<T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    pub(super) fn is_filled(&self) -> bool {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_some()
    }
}

impl<T> Clone for Slot<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Default for Slot<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}
