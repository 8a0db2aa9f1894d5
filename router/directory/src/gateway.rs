mod types;

use std::time::Instant;

use hubplane_proto_ids::NodeId;

use crate::message::{StreamKind, ToGateway};
use crate::{Key, Timers};

pub use types::{
    ChangeId, CloseReason, GatewayCounts, Holders, LookupId, NodeList, Output, ReplicaId,
    Resolution, ShardSet, StreamId, Targets, Visibility,
};

/// A gateway's end of the directory: what this node holds, whether others know it, and where sends go.
///
/// Time is an argument; take `now` after the lock is taken, if one guards this. Drain
/// [`poll_output`](Self::poll_output) after every call.
#[derive(Debug)]
pub struct GatewayDirectory {
    _me: NodeId,
}

#[allow(unused_variables)]
impl GatewayDirectory {
    /// The directory of a node that holds nothing and knows no router yet.
    pub fn new(me: NodeId, timers: Timers) -> Self {
        Self { _me: me }
    }

    /// A shard (a thread, its index below 64) has its first member of the key.
    ///
    /// The node's first one makes a change. A key that is visible costs nothing; one on its way waits for the same
    /// change.
    pub fn hold(&mut self, key: &Key, shard: u8, now: Instant) -> Visibility {
        unimplemented!()
    }

    /// Whether a key that a shard already has is visible, for a later join. A key that is not held has nothing to wait
    /// for.
    pub fn visibility(&self, key: &Key) -> Visibility {
        unimplemented!()
    }

    /// A shard lost its last member of the key.
    ///
    /// The node's last one makes a change: at once for a connection or a user; a group or a hub is kept for
    /// [`Timers::linger`], and a [`hold`](Self::hold) within it costs nothing.
    pub fn release(&mut self, key: &Key, shard: u8, now: Instant) {
        unimplemented!()
    }

    /// Which shards of this node have members of the key.
    pub fn local_shards(&self, key: &Key) -> ShardSet {
        unimplemented!()
    }

    /// The other gateways that a send to this key goes to. The send begins now.
    pub fn targets(&mut self, key: &Key, now: Instant) -> Targets {
        unimplemented!()
    }

    /// Where a connection is. The question is asked now.
    pub fn holders(&mut self, key: &Key, now: Instant) -> Holders {
        unimplemented!()
    }

    /// A gateway was heard on the control subject.
    pub fn heard(&mut self, node: &NodeId, now: Instant) {
        unimplemented!()
    }

    /// The other gateways that are live: heard within the lease, or listed by a router.
    pub fn live(&self, now: Instant) -> impl Iterator<Item = &NodeId> {
        std::iter::empty()
    }

    /// Whether a replica of every shard holds this gateway's snapshot and answers its lookups: the gateway may take
    /// clients.
    pub fn is_ready(&self, now: Instant) -> bool {
        unimplemented!()
    }

    /// A stream to a replica is open. An older one of the kind is forgotten.
    pub fn connected(&mut self, replica: ReplicaId, kind: StreamKind, now: Instant) -> StreamId {
        unimplemented!()
    }

    /// A stream has ended. Its cache is not used again; what was reported waits for the next stream.
    pub fn disconnected(&mut self, stream: StreamId, now: Instant) {
        unimplemented!()
    }

    /// A message came on a stream. Messages of a stream that has ended are ignored.
    pub fn handle(&mut self, stream: StreamId, message: ToGateway, now: Instant) {
        unimplemented!()
    }

    /// What to do next. Drain this to `None` after every other call.
    pub fn poll_output(&mut self) -> Option<Output> {
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
    pub fn counts(&self) -> GatewayCounts {
        unimplemented!()
    }
}
