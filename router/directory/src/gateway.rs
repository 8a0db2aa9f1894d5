mod cache;
mod limits;
mod live;
mod lookups;
mod members;
mod reports;
mod router;
mod types;
mod waits;
mod watches;

use std::collections::VecDeque;
use std::time::Instant;

use hubplane_proto_ids::NodeId;

use crate::message::{Change, Layout, StreamKind, ToGateway, ToRouter};
use crate::{HASH_VERSION, Key, Subject, Timers};
use live::Live;
use members::{Members, Released};
use reports::Reports;
use waits::Waits;
use watches::Watches;

pub use limits::GatewayLimits;
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
    me: NodeId,
    timers: Timers,
    limits: GatewayLimits,
    /// In how many shards the routers divide the keys, as the first of them said.
    shards: Option<u16>,
    /// Spreads gateways over the replicas that they ask.
    prefer: usize,
    last_life: u64,
    members: Members,
    waits: Waits,
    reports: Reports,
    watches: Watches,
    live: Live,
    ready: VecDeque<Output>,
    asked_total: u64,
    hits_total: u64,
    untargeted_total: u64,
    changes_total: u64,
}

impl GatewayDirectory {
    /// The directory of a node that holds nothing and knows no router yet.
    pub fn new(me: NodeId, timers: Timers) -> Self {
        Self::with_limits(me, timers, GatewayLimits::default())
    }

    /// The same with other limits.
    pub fn with_limits(me: NodeId, timers: Timers, limits: GatewayLimits) -> Self {
        Self {
            prefer: me.generation.as_raw() as usize,
            live: Live::new(me.clone()),
            me,
            timers,
            limits,
            shards: None,
            last_life: 0,
            members: Members::default(),
            waits: Waits::default(),
            reports: Reports::default(),
            watches: Watches::new(limits.cache_entries_max),
            ready: VecDeque::new(),
            asked_total: 0,
            hits_total: 0,
            untargeted_total: 0,
            changes_total: 0,
        }
    }

    /// A shard (a thread, its index below 64) has its first member of the key.
    ///
    /// The node's first one makes a change. A key that is visible costs nothing; one on its way waits for the same
    /// change.
    pub fn hold(&mut self, key: &Key, shard: u8, now: Instant) -> Visibility {
        if let Some(held) = self.members.join(key, shard) {
            return visibility(held);
        }
        let (row, change) = self.members.insert(key, shard);
        // Whom it waits for is decided by the pings answered before the change, which are before it in every queue.
        let on = self.reports.waited_for(key, now, &self.timers);
        self.announce(&change);
        if on.is_empty() {
            return Visibility::Visible;
        }
        self.waits.start(change.number, row, on);
        self.members.set_waiting(row, true);
        Visibility::Wait(ChangeId(change.number))
    }

    /// Whether a key that a shard already has is visible, for a later join. A key that is not held has nothing to wait
    /// for.
    pub fn visibility(&self, key: &Key) -> Visibility {
        self.members
            .get(key)
            .map_or(Visibility::Visible, visibility)
    }

    /// A shard lost its last member of the key.
    ///
    /// The node's last one makes a change: at once for a connection or a user; a group or a hub is kept for
    /// [`Timers::linger`], and a [`hold`](Self::hold) within it costs nothing.
    pub fn release(&mut self, key: &Key, shard: u8, now: Instant) {
        let released = self.members.release(key, shard, now + self.timers.linger);
        self.released_key(released);
    }

    /// The same for a key whose holder may be looked for a moment later: whatever it is, it is kept for twice
    /// [`Timers::linger`].
    pub fn release_later(&mut self, key: &Key, shard: u8, now: Instant) {
        let linger_until = now + 2 * self.timers.linger;
        let released = self.members.release_later(key, shard, linger_until);
        self.released_key(released);
    }

    /// Which shards of this node have members of the key.
    pub fn local_shards(&self, key: &Key) -> ShardSet {
        self.members.shards(key)
    }

    /// The other gateways that a send to this key goes to. The send begins now.
    ///
    /// A connection that is here is nowhere else; and where no other gateway lives, nobody has to be asked.
    pub fn targets(&mut self, key: &Key, now: Instant) -> Targets {
        if self.live.all().is_empty() {
            return Targets::Known(NodeList::new());
        }
        if matches!(key.subject(), Subject::Connection(_)) && self.members.get(key).is_some() {
            return Targets::Known(NodeList::new());
        }
        if let Some(targets) = self.watches.cached(key, now, &self.me) {
            self.hits_total += 1;
            return Targets::Known(targets);
        }
        match self.ask(key, now) {
            Some(lookup) => Targets::Wait(lookup),
            None => {
                self.untargeted_total += 1;
                Targets::Untargeted(self.live.all().iter().cloned().collect())
            }
        }
    }

    /// Where a connection is. The question is asked now.
    pub fn holders(&mut self, key: &Key, now: Instant) -> Holders {
        if self.members.get(key).is_some() {
            return Holders::Local;
        }
        if let Some(node) = self.watches.cached_holder(key, now, &self.me) {
            return Holders::At(node);
        }
        self.ask(key, now).map_or(Holders::Unknown, Holders::Wait)
    }

    /// A gateway was heard on the control subject.
    pub fn heard(&mut self, node: &NodeId, now: Instant) {
        if self.live.heard(node, now, &self.timers) {
            self.watches.refresh_unsynced(self.live.all());
        }
    }

    /// The other gateways that are live: heard within the lease, or listed by a router. In order.
    pub fn live(&self, now: Instant) -> impl Iterator<Item = &NodeId> {
        let all = self.live.all().iter();
        all.filter(move |node| self.live.is_live(node, now, &self.timers))
    }

    /// Whether a replica of every shard holds this gateway's snapshot and answers its lookups: the gateway may take
    /// clients.
    pub fn is_ready(&self, now: Instant) -> bool {
        self.shards.is_some_and(|shards| {
            (0..shards).all(|shard| {
                self.reports.shard_is_complete(shard) && self.watches.shard_is_answered(shard, now)
            })
        })
    }

    /// A stream to a replica is open. An older one of the kind ends with it.
    pub fn connected(&mut self, replica: ReplicaId, kind: StreamKind, now: Instant) -> StreamId {
        self.end(replica, kind, now);
        self.last_life += 1;
        let id = StreamId {
            replica,
            kind,
            life: self.last_life,
        };
        match kind {
            StreamKind::Report => self.open_report(id, now),
            StreamKind::Watch => self.open_watch(id, now),
        }
        id
    }

    /// A stream has ended. Its cache is not used again; what was reported waits for the next stream.
    pub fn disconnected(&mut self, stream: StreamId, now: Instant) {
        if self.is_current(stream) {
            self.end(stream.replica, stream.kind, now);
        }
    }

    /// A message came on a stream. Messages of a stream that has ended are ignored.
    pub fn handle(&mut self, stream: StreamId, message: ToGateway, now: Instant) {
        if !self.is_current(stream) {
            return;
        }
        match stream.kind {
            StreamKind::Report => self.handle_report(stream.replica, message, now),
            StreamKind::Watch => self.handle_watch(stream.replica, message, now),
        }
    }

    /// What to do next. Drain this to `None` after every other call.
    pub fn poll_output(&mut self) -> Option<Output> {
        if let Some(output) = self.ready.pop_front() {
            return Some(output);
        }
        for stream in self.reports.streams.values_mut() {
            if let Some(message) = stream.line.pop() {
                let stream = stream.id;
                return Some(Output::ToRouter { stream, message });
            }
        }
        for stream in self.watches.streams.values_mut() {
            if let Some(message) = stream.line.pop() {
                if let ToRouter::Lookup(questions) = &message {
                    let last = questions.last().map(|question| question.id);
                    stream.last_written = last.unwrap_or(stream.last_written);
                }
                let stream = stream.id;
                return Some(Output::ToRouter { stream, message });
            }
        }
        None
    }

    /// Whether [`poll_output`](Self::poll_output) has something.
    pub fn has_output(&self) -> bool {
        !self.ready.is_empty()
            || self.reports.streams.values().any(|it| it.line.has_output())
            || self.watches.streams.values().any(|it| it.line.has_output())
    }

    /// When to call [`handle_timeout`](Self::handle_timeout) next; `None` while there is nothing to wait for.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let due = [
            self.members.due_at(),
            self.reports.due_at(&self.timers, !self.waits.is_empty()),
            self.watches.due_at(&self.timers),
            self.live.due_at(),
        ];
        due.into_iter().flatten().min()
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        let due = self.poll_timeout();
        if due.is_some_and(|due| now > due + self.timers.cache_lease) {
            self.excuse_silence(now);
        }
        while let Some(released) = self.members.end_lingering(now) {
            self.released_key(released);
        }
        self.report_timeouts(now);
        self.watch_timeouts(now);
        if self.live.expire(now, &self.timers) {
            self.watches.refresh_unsynced(self.live.all());
        }
    }

    /// Numbers for metrics.
    pub fn counts(&self) -> GatewayCounts {
        GatewayCounts {
            keys: self.members.len() as u64,
            cached: self.watches.cache.len() as u64,
            waiting: self.waits.len() as u64,
            lookups: self.watches.lookups.open() as u64,
            asked_total: self.asked_total,
            hits_total: self.hits_total,
            untargeted_total: self.untargeted_total,
            changes_total: self.changes_total,
            live: self.live.all().len() as u64,
        }
    }

    fn released_key(&mut self, released: Released) {
        let Released::Gone(change, held) = released else {
            return;
        };
        if held.is_waiting && self.waits.cancel(held.change) {
            self.ready.push_back(Output::Visible(ChangeId(held.change)));
        }
        self.announce(&change);
    }

    fn announce(&mut self, change: &Change) {
        self.changes_total += 1;
        self.reports.write(change);
        self.forget_changes();
    }

    fn forget_changes(&mut self) {
        let settled = self.reports.settled_through(self.members.last());
        self.members.forget(settled, self.limits.log_max);
    }

    /// This process was not running: nobody else was silent.
    fn excuse_silence(&mut self, now: Instant) {
        for stream in self.reports.streams.values_mut() {
            stream.line.heard(now);
        }
        for stream in self.watches.streams.values_mut() {
            stream.line.heard(now);
        }
    }

    /// The first router that says hello decides; one that differs is refused.
    fn agree_on(&mut self, layout: Layout) -> Result<(), CloseReason> {
        if layout.hash_version != HASH_VERSION {
            return Err(CloseReason::Layout);
        }
        let somebody_said = self.reports.is_greeted() || self.watches.is_greeted();
        if somebody_said && self.shards != Some(layout.shards) {
            return Err(CloseReason::Layout);
        }
        self.shards = Some(layout.shards);
        Ok(())
    }

    fn is_current(&self, stream: StreamId) -> bool {
        let current = match stream.kind {
            StreamKind::Report => self.reports.streams.get(&stream.replica).map(|it| it.id),
            StreamKind::Watch => self.watches.streams.get(&stream.replica).map(|it| it.id),
        };
        current == Some(stream)
    }

    fn close(&mut self, stream: StreamId, reason: CloseReason, now: Instant) {
        self.end(stream.replica, stream.kind, now);
        self.ready.push_back(Output::Close { stream, reason });
    }

    fn end(&mut self, replica: ReplicaId, kind: StreamKind, now: Instant) {
        match kind {
            StreamKind::Report => self.end_report(replica, now),
            StreamKind::Watch => self.end_watch(replica, now),
        }
    }
}

fn visibility(held: &members::Held) -> Visibility {
    if held.is_waiting {
        Visibility::Wait(ChangeId(held.change))
    } else {
        Visibility::Visible
    }
}
