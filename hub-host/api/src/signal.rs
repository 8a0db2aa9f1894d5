use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

/// Something that happens once and is waited for by any number of futures. Cloning gives the same one.
#[derive(Clone, Default)]
pub(crate) struct Signal(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    fired: bool,
    next: u64,
    /// Who waits, and the number that it took when it first did.
    waiting: Vec<(u64, Waker)>,
}

impl Signal {
    pub(crate) fn fire(&self) {
        let waiting = self.with(|state| {
            state.fired = true;
            std::mem::take(&mut state.waiting)
        });
        for (_, waker) in waiting {
            waker.wake();
        }
    }

    pub(crate) fn is_fired(&self) -> bool {
        self.with(|state| state.fired)
    }

    pub(crate) fn fired(&self) -> Fired {
        Fired {
            signal: self.clone(),
            number: None,
        }
    }

    fn with<T>(&self, f: impl FnOnce(&mut State) -> T) -> T {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Signal").field(&self.is_fired()).finish()
    }
}

/// Waits for a [`Signal`]. Cancel safe.
#[derive(Debug)]
pub(crate) struct Fired {
    signal: Signal,
    number: Option<u64>,
}

impl Future for Fired {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let known = self.number;
        let number = self.signal.with(|state| {
            if state.fired {
                return None;
            }
            let number = known.unwrap_or(state.next);
            state.next = state.next.max(number + 1);
            match state.waiting.iter_mut().find(|(other, _)| *other == number) {
                Some((_, waker)) => waker.clone_from(cx.waker()),
                None => state.waiting.push((number, cx.waker().clone())),
            }
            Some(number)
        });
        self.number = number;
        if number.is_some() {
            Poll::Pending
        } else {
            Poll::Ready(())
        }
    }
}

impl Drop for Fired {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            self.signal
                .with(|state| state.waiting.retain(|(other, _)| *other != number));
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[test]
    fn everybody_who_waits_is_woken_once_and_for_all() {
        let signal = Signal::default();
        let mut waiting: Vec<_> = (0..3).map(|_| signal.fired()).collect();
        for fired in &mut waiting {
            // Asked again and again, each takes one place.
            assert_eq!(fired.now_or_never(), None);
        }
        let mut polled = waiting.pop().unwrap();
        assert_eq!((&mut polled).now_or_never(), None);
        drop(polled);
        assert_eq!(
            signal.with(|state| state.waiting.len()),
            2,
            "who left takes no place"
        );
        signal.fire();
        signal.fire();
        assert!(signal.is_fired());
        for fired in waiting {
            assert_eq!(fired.now_or_never(), Some(()));
        }
        assert_eq!(
            signal.fired().now_or_never(),
            Some(()),
            "and who comes later"
        );
    }
}
