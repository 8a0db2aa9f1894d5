//! Requests that wait for an answer of their gateway.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;

/// Requests of one sort on one link, by the number that answers name: at most a few per running method.
#[derive(Debug)]
pub(crate) struct Asked<T>(Mutex<Waiting<T>>);

#[derive(Debug)]
struct Waiting<T> {
    last: u64,
    ended: bool,
    by_id: HashMap<u64, oneshot::Sender<T>>,
}

impl<T> Default for Asked<T> {
    fn default() -> Self {
        Self(Mutex::new(Waiting {
            last: 0,
            ended: false,
            by_id: HashMap::new(),
        }))
    }
}

impl<T> Asked<T> {
    /// A request that is about to be sent. On a link that has ended it is answered at once, by nothing.
    pub(crate) fn ask(self: &Arc<Self>) -> Asking<T> {
        let (told, answer) = oneshot::channel();
        let id = self.with(|waiting| {
            waiting.last += 1;
            if !waiting.ended {
                waiting.by_id.insert(waiting.last, told);
            }
            waiting.last
        });
        Asking {
            id,
            answer,
            asked: Arc::clone(self),
        }
    }

    /// An answer has come. Who asked may be gone.
    pub(crate) fn answer(&self, id: u64, answer: T) {
        let waiting = self.with(|waiting| waiting.by_id.remove(&id));
        if let Some(waiting) = waiting {
            let _ = waiting.send(answer);
        }
    }

    /// The link has ended: nothing is answered any more.
    pub(crate) fn end(&self) {
        self.with(|waiting| {
            waiting.ended = true;
            waiting.by_id.clear();
        });
    }

    pub(crate) fn is_ended(&self) -> bool {
        self.with(|waiting| waiting.ended)
    }

    fn with<R>(&self, f: impl FnOnce(&mut Waiting<T>) -> R) -> R {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// One request; dropped, nobody waits for its answer any more.
#[derive(Debug)]
pub(crate) struct Asking<T> {
    pub(crate) id: u64,
    answer: oneshot::Receiver<T>,
    asked: Arc<Asked<T>>,
}

impl<T> Asking<T> {
    /// The answer; nothing if the link has ended. Cancel safe.
    pub(crate) async fn answered(&mut self) -> Option<T> {
        (&mut self.answer).await.ok()
    }

    /// Whether an answer could still come.
    pub(crate) fn is_waited_for(&self) -> bool {
        self.asked
            .with(|waiting| waiting.by_id.contains_key(&self.id))
    }
}

impl<T> Drop for Asking<T> {
    fn drop(&mut self) {
        self.asked.with(|waiting| waiting.by_id.remove(&self.id));
    }
}
