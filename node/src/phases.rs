//! A node's life, as an ordered enum that everything in the node can see.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use tokio::sync::watch;

/// Where a node is in its life. Once draining, it only goes on; before, it may be ready and unready in turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Not all is up; no client is served yet.
    Starting,
    /// Clients are served.
    Ready,
    /// Something that new clients need is missing; those that are here are served.
    Unready,
    /// The end has begun: readiness fails, new connections are still served for a while, work finishes.
    Draining,
    /// What the drain has left is closed.
    Closing,
    /// Nothing is left.
    Stopped,
}

impl Phase {
    /// All, in order.
    pub const ALL: [Self; 6] = [
        Self::Starting,
        Self::Ready,
        Self::Unready,
        Self::Draining,
        Self::Closing,
        Self::Stopped,
    ];

    /// The name, as in logs and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Ready => "ready",
            Self::Unready => "unready",
            Self::Draining => "draining",
            Self::Closing => "closing",
            Self::Stopped => "stopped",
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The phase of one node, shared by everything in it. Cheap to clone and to ask.
#[derive(Clone)]
pub struct Phases {
    inner: Arc<Inner>,
}

struct Inner {
    current: watch::Sender<Phase>,
    state: Mutex<State>,
}

/// What the phase follows from.
#[derive(Default)]
struct State {
    started: bool,
    /// The farthest of draining, closing, stopped.
    ending: Option<Phase>,
    waiting: Reasons,
    degraded: Reasons,
}

/// Reasons, and how many hold each.
type Reasons = BTreeMap<&'static str, usize>;

impl State {
    fn phase(&self, was: Phase) -> Phase {
        match self.ending {
            Some(phase) => phase,
            None if self.started && self.waiting.is_empty() => Phase::Ready,
            None if was == Phase::Starting => Phase::Starting,
            None => Phase::Unready,
        }
    }

    fn reasons(&mut self, what: What) -> &mut Reasons {
        match what {
            What::NotReady => &mut self.waiting,
            What::Degraded => &mut self.degraded,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    NotReady,
    Degraded,
}

impl Phases {
    /// A node that starts.
    pub fn new() -> Self {
        Self {
            inner: Arc::new(Inner {
                current: watch::Sender::new(Phase::Starting),
                state: Mutex::default(),
            }),
        }
    }

    /// Where the node is now.
    pub fn current(&self) -> Phase {
        *self.inner.current.borrow()
    }

    /// Keeps the node from being ready until what this returns is dropped. `reason` is shown by `/healthz`.
    pub fn not_ready(&self, reason: &'static str) -> Latch {
        self.hold(What::NotReady, reason)
    }

    /// Shows in `/healthz` and in the metrics, until what this returns is dropped, that the node makes do
    /// without something. Readiness stays as it is.
    pub fn degraded(&self, reason: &'static str) -> Latch {
        self.hold(What::Degraded, reason)
    }

    /// Everything is wired: the node is ready as soon as nothing holds it back.
    pub fn started(&self) {
        self.change(|state| state.started = true);
    }

    /// Begins the drain; nothing when the node is past that.
    pub fn draining(&self) {
        self.end(Phase::Draining);
    }

    /// Begins to close what the drain has left; nothing when the node is past that.
    pub fn closing(&self) {
        self.end(Phase::Closing);
    }

    /// Nothing is left.
    pub fn stopped(&self) {
        self.end(Phase::Stopped);
    }

    /// Waits for a phase that `is_it` accepts, and returns it. Cancel safe.
    ///
    /// Phases that pass while nobody looks may be missed.
    pub async fn wait_until(&self, mut is_it: impl FnMut(Phase) -> bool) -> Phase {
        let mut current = self.inner.current.subscribe();
        match current.wait_for(|phase| is_it(*phase)).await {
            Ok(phase) => *phase,
            // Not reached: the sender lives as long as `self`.
            Err(_closed) => std::future::pending().await,
        }
    }

    /// What keeps the node from being ready.
    pub fn waiting_for(&self) -> Vec<&'static str> {
        self.state().waiting.keys().copied().collect()
    }

    /// What the node makes do without.
    pub fn degraded_by(&self) -> Vec<&'static str> {
        self.state().degraded.keys().copied().collect()
    }

    fn hold(&self, what: What, reason: &'static str) -> Latch {
        self.change(|state| *state.reasons(what).entry(reason).or_default() += 1);
        if what == What::Degraded {
            tracing::warn!(reason, "degraded");
        }
        Latch {
            phases: self.clone(),
            what,
            reason,
        }
    }

    fn end(&self, phase: Phase) {
        self.change(|state| state.ending = state.ending.max(Some(phase)));
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        // Held while the phase is told, so that phases are told in their order.
        let mut state = self.state();
        change(&mut state);
        self.inner.current.send_if_modified(|phase| {
            let next = state.phase(*phase);
            let changed = next != *phase;
            if changed {
                tracing::info!(from = phase.name(), to = next.name(), "phase");
                *phase = next;
            }
            changed
        });
    }

    fn state(&self) -> MutexGuard<'_, State> {
        let state = self.inner.state.lock();
        state.unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Phases {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Phases {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Phases")
            .field("current", &self.current())
            .field("waiting_for", &self.waiting_for())
            .field("degraded_by", &self.degraded_by())
            .finish()
    }
}

/// A reason why a node is not ready, or degraded, for as long as this lives.
#[must_use = "the reason is gone when this is dropped"]
pub struct Latch {
    phases: Phases,
    what: What,
    reason: &'static str,
}

impl Drop for Latch {
    fn drop(&mut self) {
        let reason = self.reason;
        let mut last = false;
        self.phases.change(|state| {
            let reasons = state.reasons(self.what);
            if let Some(held) = reasons.get_mut(reason) {
                *held -= 1;
                last = *held == 0;
            }
            if last {
                reasons.remove(reason);
            }
        });
        if last && self.what == What::Degraded {
            tracing::info!(reason, "no longer degraded");
        }
    }
}

impl fmt::Debug for Latch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Latch")
            .field("what", &self.what)
            .field("reason", &self.reason)
            .finish_non_exhaustive()
    }
}
