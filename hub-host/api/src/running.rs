use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use hubplane_proto_ids::ConnectionId;

use crate::Timestamp;
use crate::host::{Connection, Port};
use crate::signal::Signal;

/// What is known of one run of a hub's code while it lasts, and afterwards to those who kept its context.
pub(crate) struct Running {
    connection: ConnectionId,
    /// Whether it holds a slot of its connection that it has not given back yet.
    slot: AtomicBool,
    /// Whether it is `on_connected`.
    opening: AtomicBool,
    /// Its connection has ended.
    ended: Signal,
    /// The client no longer wants its stream.
    pub(crate) cancelled: Signal,
    deadline: Mutex<Option<Deadline>>,
}

/// When a run is over: by the host's steady clock, and as a moment.
pub(crate) type Deadline = (Duration, Timestamp);

impl Running {
    pub(crate) fn new(connection: &Connection) -> Self {
        Self {
            connection: connection.id().clone(),
            ended: connection.ended.clone(),
            slot: AtomicBool::new(false),
            opening: AtomicBool::new(false),
            cancelled: Signal::default(),
            deadline: Mutex::default(),
        }
    }

    pub(crate) fn opening(connection: &Connection) -> Arc<Self> {
        let running = Self::new(connection);
        running.opening.store(true, Ordering::Relaxed);
        Arc::new(running)
    }

    pub(crate) fn invocation(connection: &Connection, slot: bool) -> Arc<Self> {
        let running = Self::new(connection);
        running.slot.store(slot, Ordering::Relaxed);
        Arc::new(running)
    }

    pub(crate) fn connection(&self) -> &ConnectionId {
        &self.connection
    }

    /// Gives the slot back, once: whether this was that time.
    pub(crate) fn release_slot(&self) -> bool {
        self.slot.swap(false, Ordering::AcqRel)
    }

    pub(crate) fn deadline(&self) -> Option<Deadline> {
        *self.deadline.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on it may run for so long, or without end.
    pub(crate) fn limit(&self, limit: Option<Duration>, port: &dyn Port) {
        let deadline = limit.map(|limit| {
            let now = port.now();
            let moment = SystemTime::from(now).checked_add(limit);
            (
                port.elapsed().saturating_add(limit),
                moment.map_or(now, Timestamp::from),
            )
        });
        *self.deadline.lock().unwrap_or_else(PoisonError::into_inner) = deadline;
    }

    pub(crate) fn is_ended(&self) -> bool {
        self.ended.is_fired()
    }

    pub(crate) fn is_opening(&self) -> bool {
        self.opening.load(Ordering::Acquire)
    }

    pub(crate) fn opened(&self) {
        self.opening.store(false, Ordering::Release);
    }
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running")
            .field("connection", &self.connection)
            .field("slot", &self.slot)
            .field("cancelled", &self.cancelled)
            .finish_non_exhaustive()
    }
}
