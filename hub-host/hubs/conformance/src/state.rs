//! What the hub keeps.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Poll, Waker};

use hubplane_hub::{ConnectionId, Context};

/// The hub `conformance`.
#[derive(Debug, Default)]
pub struct Conformance {
    connections: Mutex<HashMap<ConnectionId, Kept>>,
    /// What was noted of the connections that came last.
    events: Arc<Mutex<Events>>,
    gates: Arc<Mutex<Gates>>,
}

/// The gates that somebody waits for, by connection.
type Gates = HashMap<String, Arc<Mutex<Gate>>>;

/// What can be seen of a hub, and done to it, without a connection to it.
#[derive(Debug, Clone)]
pub struct Outside {
    events: Arc<Mutex<Events>>,
    gates: Arc<Mutex<Gates>>,
}

impl Outside {
    /// What was noted of a connection, as `GetEvents` says it.
    pub fn events(&self, connection: &str) -> Vec<String> {
        let events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        events.of.get(connection).cloned().unwrap_or_default()
    }

    /// Lets a connection's methods go on that wait for it, as `Release` does.
    pub fn release(&self, connection: &str) {
        let mut gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(gate) = gates.remove(connection) {
            let mut gate = gate.lock().unwrap_or_else(PoisonError::into_inner);
            gate.open = true;
            for waker in gate.waiting.drain(..) {
                waker.wake();
            }
        }
    }
}

/// Where methods of a connection wait until another one opens it, or the connection ends.
#[derive(Debug, Default)]
struct Gate {
    open: bool,
    waiting: Vec<Waker>,
}

/// Notes something of a connection when it is dropped.
#[derive(Debug)]
pub(crate) struct Noted {
    events: Arc<Mutex<Events>>,
    connection: ConnectionId,
    event: Mutex<&'static str>,
}

impl Noted {
    /// Notes this instead.
    pub(crate) fn instead(&self, event: &'static str) {
        *self.event.lock().unwrap_or_else(PoisonError::into_inner) = event;
    }
}

impl Drop for Noted {
    fn drop(&mut self) {
        let event = *self.event.lock().unwrap_or_else(PoisonError::into_inner);
        let mut events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        events.note(&self.connection, event.to_owned());
    }
}

/// What is kept for one connection while it is there.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    pub(crate) recorded: Vec<i32>,
}

/// How many connections events are kept of, and how many of each.
const EVENTS_MAX: usize = 1000;

/// Events per connection, of those that came last.
#[derive(Debug, Default)]
pub(crate) struct Events {
    next: u64,
    order: BTreeMap<u64, ConnectionId>,
    of: HashMap<ConnectionId, Vec<String>>,
}

impl Events {
    fn note(&mut self, connection: &ConnectionId, event: String) {
        if !self.of.contains_key(connection) {
            self.order.insert(self.next, connection.clone());
            self.next += 1;
        }
        let events = self.of.entry(connection.clone()).or_default();
        if events.len() < EVENTS_MAX {
            events.push(event);
        }
        if self.order.len() > EVENTS_MAX
            && let Some((_, oldest)) = self.order.pop_first()
        {
            self.of.remove(&oldest);
        }
    }
}

impl Conformance {
    pub(crate) fn note(&self, ctx: &Context, event: impl Into<String>) {
        let mut events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        events.note(ctx.connection_id(), event.into());
    }

    pub(crate) fn kept<T>(&self, ctx: &Context, f: impl FnOnce(&mut Kept) -> T) -> T {
        let mut connections = self
            .connections
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        f(connections.entry(ctx.connection_id().clone()).or_default())
    }

    /// Notes that a stream was cancelled, unless it says something else.
    pub(crate) fn noted(&self, ctx: &Context) -> Noted {
        Noted {
            events: Arc::clone(&self.events),
            connection: ctx.connection_id().clone(),
            event: Mutex::new("stream canceled"),
        }
    }

    /// Waits until `Release` is called for this connection, or it has ended.
    pub(crate) fn gate(&self, ctx: &Context) -> impl Future<Output = ()> + Send + use<> {
        let mut gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
        let gate = gates.entry(ctx.connection_id().to_string()).or_default();
        let gate = Arc::clone(gate);
        let ctx = ctx.clone();
        std::future::poll_fn(move |cx| {
            let mut gate = gate.lock().unwrap_or_else(PoisonError::into_inner);
            if gate.open || ctx.is_disconnected() {
                return Poll::Ready(());
            }
            gate.waiting.push(cx.waker().clone());
            Poll::Pending
        })
    }

    /// Lets everybody go on who waits for this connection's gate.
    pub(crate) fn open_gate(&self, connection: &str) {
        self.outside().release(connection);
    }

    /// The connection has ended: only its events are kept.
    pub(crate) fn forget(&self, ctx: &Context) {
        let mut connections = self
            .connections
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        connections.remove(ctx.connection_id());
    }

    /// What was noted of a connection.
    pub(crate) fn events(&self, connection: &str) -> Vec<String> {
        self.outside().events(connection)
    }

    /// The hub as it is seen by who has no connection to it.
    pub fn outside(&self) -> Outside {
        Outside {
            events: Arc::clone(&self.events),
            gates: Arc::clone(&self.gates),
        }
    }
}
