use std::time::Instant;

use hubplane_proto_ids::NodeId;

use crate::message::{Layout, StreamKind, ToGateway, ToRouter};
use crate::{CloseReason, Timers};

/// One stream of one gateway, at the router's end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId(pub(crate) u64);

/// What a replica wants from its driver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReplicaOutput {
    /// Write a message to a stream, after all that was written to it before.
    ToGateway {
        /// The stream.
        session: SessionId,
        /// The message.
        message: ToGateway,
    },
    /// Close the stream: [`disconnected`](Replica::disconnected) was done.
    Close {
        /// The stream.
        session: SessionId,
        /// Why.
        reason: CloseReason,
    },
    /// After [`drain`](Replica::drain): nobody waits for this replica or uses what it said; the process may end.
    Drained,
}

/// Numbers about a replica, for metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReplicaCounts {
    /// Gateways whose lease is not out.
    pub gateways: u64,
    /// Gateways that are counted as synced.
    pub synced: u64,
    /// Keys that a gateway holds or watches.
    pub keys: u64,
    /// Pairs of a key and a gateway that holds it.
    pub holdings: u64,
    /// Pairs of a key and a stream that watches it.
    pub watches: u64,
    /// Changes whose watchers are not all told.
    pub untold: u64,
    /// Questions answered, ever.
    pub lookups_total: u64,
    /// Pushes written, ever.
    pub pushes_total: u64,
    /// Changes applied, ever; keys of snapshots are not among them.
    pub changes_total: u64,
    /// Snapshots taken completely, ever.
    pub snapshots_total: u64,
}

/// A router's end of the directory: one replica of one shard.
#[derive(Debug)]
pub struct Replica {
    _me: NodeId,
}

#[allow(unused_variables)]
impl Replica {
    /// A replica that knows nothing yet.
    pub fn new(me: NodeId, layout: Layout, timers: Timers) -> Self {
        Self { _me: me }
    }

    /// A gateway opened a stream.
    pub fn connected(&mut self, gateway: NodeId, kind: StreamKind, now: Instant) -> SessionId {
        unimplemented!()
    }

    /// A stream has ended.
    pub fn disconnected(&mut self, session: SessionId, now: Instant) {
        unimplemented!()
    }

    /// A message came on a stream. Messages of a stream that has ended are ignored.
    pub fn handle(&mut self, session: SessionId, message: ToRouter, now: Instant) {
        unimplemented!()
    }

    /// Releases the watchers, then who waits for them: [`ReplicaOutput::Drained`] follows.
    pub fn drain(&mut self, now: Instant) {
        unimplemented!()
    }

    /// What to do next. Drain this to `None` after every other call.
    pub fn poll_output(&mut self) -> Option<ReplicaOutput> {
        unimplemented!()
    }

    /// When to call [`handle_timeout`](Self::handle_timeout) next; `None` while there is nothing to wait for.
    pub fn poll_timeout(&self) -> Option<Instant> {
        unimplemented!()
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        unimplemented!()
    }

    /// Numbers for metrics.
    pub fn counts(&self) -> ReplicaCounts {
        unimplemented!()
    }
}
