//! What the hub keeps.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};

use hubplane_hub::{ConnectionId, Context};

/// The hub `conformance`.
#[derive(Debug, Default)]
pub struct Conformance {
    connections: Mutex<HashMap<ConnectionId, Kept>>,
    /// What was noted of the connections that came last.
    events: Mutex<Events>,
}

/// What is kept for one connection while it is there.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    pub(crate) recorded: Vec<i32>,
    pub(crate) items: HashMap<String, String>,
}

/// How many connections events are kept of, and how many of each.
const EVENTS_MAX: usize = 1000;

/// Events per connection, of those that came last.
#[derive(Debug, Default)]
struct Events {
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
        let events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        events.of.get(connection).cloned().unwrap_or_default()
    }
}
