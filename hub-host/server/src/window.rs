//! How much may be under way: the windows of connections and the credit of callers (DESIGN 3.1).

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

/// What is left of one window. A frame may be sent while anything is left, and overdraw it once; frames that wait leave
/// in the order in which they came.
#[derive(Debug)]
pub(crate) struct Window {
    bytes_max: i64,
    state: Mutex<State>,
    /// Whose turn it is to wait for more.
    turn: tokio::sync::Mutex<()>,
    more: Notify,
}

#[derive(Debug)]
struct State {
    left_bytes: i64,
    /// Nobody gives anything back any more, and nobody waits.
    closed: bool,
}

impl Window {
    pub(crate) fn new(bytes: u32) -> Arc<Self> {
        Arc::new(Self {
            bytes_max: bytes.into(),
            state: Mutex::new(State {
                left_bytes: bytes.into(),
                closed: false,
            }),
            turn: tokio::sync::Mutex::default(),
            more: Notify::new(),
        })
    }

    fn with<T>(&self, f: impl FnOnce(&mut State) -> T) -> T {
        f(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes this much if anything is left and nobody waits.
    pub(crate) fn try_take(self: &Arc<Self>, bytes: u32) -> Option<Taken> {
        let _turn = self.turn.try_lock().ok()?;
        self.subtract(bytes)
    }

    /// Waits until anything is left, then takes this much. Cancel safe.
    pub(crate) async fn take(self: &Arc<Self>, bytes: u32) -> Taken {
        let _turn = self.turn.lock().await;
        loop {
            let mut more = std::pin::pin!(self.more.notified());
            more.as_mut().enable();
            if let Some(taken) = self.subtract(bytes) {
                return taken;
            }
            more.await;
        }
    }

    fn subtract(self: &Arc<Self>, bytes: u32) -> Option<Taken> {
        self.with(|state| {
            if !state.closed && state.left_bytes <= 0 {
                return None;
            }
            state.left_bytes -= i64::from(bytes);
            Some(Taken {
                window: Arc::clone(self),
                bytes,
                sent: false,
            })
        })
    }

    /// So much is done; whether nothing is under way any more.
    pub(crate) fn give(&self, bytes: u32) -> bool {
        let full = self.with(|state| {
            // No more than there was at first, whatever the gateway says.
            state.left_bytes = (state.left_bytes + i64::from(bytes)).min(self.bytes_max);
            state.left_bytes == self.bytes_max
        });
        self.more.notify_waiters();
        full
    }

    /// Nothing is given back any more: nobody waits from now on.
    pub(crate) fn close(&self) {
        self.with(|state| state.closed = true);
        self.more.notify_waiters();
    }
}

/// A part of a window, for one frame; given back if that is not sent.
#[derive(Debug)]
#[must_use]
pub(crate) struct Taken {
    window: Arc<Window>,
    bytes: u32,
    sent: bool,
}

impl Taken {
    /// The frame is on its way: the gateway gives it back.
    pub(crate) fn sent(mut self) {
        self.sent = true;
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        if !self.sent {
            self.window.give(self.bytes);
        }
    }
}

/// One window per name.
#[derive(Debug)]
pub(crate) struct Windows<K>(Mutex<Open<K>>);

#[derive(Debug)]
struct Open<K> {
    by_name: HashMap<K, Arc<Window>>,
    closed: bool,
}

impl<K> Default for Windows<K> {
    fn default() -> Self {
        Self(Mutex::new(Open {
            by_name: HashMap::new(),
            closed: false,
        }))
    }
}

impl<K: Eq + Hash + Clone> Windows<K> {
    fn with<T>(&self, f: impl FnOnce(&mut Open<K>) -> T) -> T {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn of(&self, name: &K) -> Option<Arc<Window>> {
        self.with(|open| open.by_name.get(name).cloned())
    }

    /// The window of this name, a new one if it has none.
    pub(crate) fn open(&self, name: &K, bytes: u32) -> Arc<Window> {
        self.with(|open| {
            let closed = open.closed;
            let window = open.by_name.entry(name.clone());
            let window = window.or_insert_with(|| {
                let window = Window::new(bytes);
                if closed {
                    window.close();
                }
                window
            });
            Arc::clone(window)
        })
    }

    /// So much of this name's window is done.
    pub(crate) fn give(&self, name: &K, bytes: u32) {
        if let Some(window) = self.of(name) {
            window.give(bytes);
        }
    }

    /// The same; a window of which nothing is used is forgotten.
    pub(crate) fn give_and_forget(&self, name: &K, bytes: u32) {
        self.with(|open| {
            if let Some(window) = open.by_name.get(name)
                && window.give(bytes)
                // Whoever is about to take of it has it in hand.
                && Arc::strong_count(window) == 1
            {
                open.by_name.remove(name);
            }
        });
    }

    pub(crate) fn close(&self, name: &K) {
        if let Some(window) = self.with(|open| open.by_name.remove(name)) {
            window.close();
        }
    }

    pub(crate) fn close_all(&self) {
        let all = self.with(|open| {
            open.closed = true;
            std::mem::take(&mut open.by_name)
        });
        for window in all.into_values() {
            window.close();
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[test]
    fn a_window_is_overdrawn_once_and_then_waited_for_in_order() {
        let window = Window::new(10);
        window.try_take(9).unwrap().sent();
        window.try_take(100).unwrap().sent();
        assert!(window.try_take(1).is_none());
        let mut first = Box::pin(window.take(5));
        let mut second = Box::pin(window.take(5));
        assert!(first.as_mut().now_or_never().is_none());
        assert!(second.as_mut().now_or_never().is_none());
        assert!(!window.give(99), "something is still under way");
        assert!(first.as_mut().now_or_never().is_none(), "nothing is left");
        window.give(4);
        assert!(
            second.as_mut().now_or_never().is_none(),
            "the first is first"
        );
        first.as_mut().now_or_never().unwrap().sent();
        assert!(window.try_take(1).is_none(), "somebody waits");
        window.give(5);
        // Not sent after all.
        drop(second.as_mut().now_or_never().unwrap());
        assert!(window.give(1000), "no more than at first");
        window.try_take(10).unwrap().sent();
        assert!(window.try_take(1).is_none());
    }

    #[test]
    fn nobody_waits_for_a_window_that_is_closed() {
        let windows = Windows::default();
        let window = windows.open(&1, 1);
        window.try_take(5).unwrap().sent();
        let mut waiting = Box::pin(window.take(5));
        assert!(waiting.as_mut().now_or_never().is_none());
        windows.close(&1);
        waiting.as_mut().now_or_never().unwrap().sent();
        assert!(windows.of(&1).is_none());
        windows.close_all();
        let late = windows.open(&2, 1);
        late.try_take(5).unwrap().sent();
        late.try_take(5).unwrap().sent();
    }

    #[test]
    fn what_is_given_back_in_full_is_forgotten() {
        let windows = Windows::default();
        windows.open(&1, 10).try_take(6).unwrap().sent();
        windows.give_and_forget(&1, 5);
        assert!(windows.of(&1).is_some());
        windows.give_and_forget(&1, 1);
        assert!(windows.of(&1).is_none());
    }
}
