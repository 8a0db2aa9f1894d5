mod relations;
mod reports;
mod turns;
mod watches;

use std::collections::{BTreeMap, VecDeque};
use std::time::Instant;

use hubplane_proto_ids::NodeId;

use crate::message::{Layout, Push, StreamKind, ToGateway, ToRouter};
use crate::{CloseReason, Timers};
use relations::{Owner, Relations, Side};
use reports::{Gateway, ReportSession};
use turns::Turns;
use watches::WatchSession;

/// One stream of one gateway, at the router's end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId(pub(crate) u32);

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
    /// After [`drain`](Replica::drain): nobody waits for this replica or uses what it said; the process may end once
    /// what was written before this is sent.
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
///
/// It is soft state: gateways own the facts and announce them again. Time is an argument. Drain
/// [`poll_output`](Self::poll_output) after every call.
#[derive(Debug)]
pub struct Replica {
    me: NodeId,
    layout: Layout,
    timers: Timers,
    relations: Relations,
    gateways: BTreeMap<Owner, Gateway>,
    by_node: BTreeMap<NodeId, Owner>,
    last_gateway: Owner,
    reports: BTreeMap<SessionId, ReportSession>,
    watches: BTreeMap<SessionId, WatchSession>,
    last_session: u32,
    turns: Turns,
    /// When a gateway may stop being synced; never too late.
    sync_due_at: Option<Instant>,
    is_draining: bool,
    is_drained: bool,
    ready: VecDeque<ReplicaOutput>,
    lookups_total: u64,
    pushes_total: u64,
    changes_total: u64,
    snapshots_total: u64,
}

impl Replica {
    /// A replica that knows nothing yet.
    pub fn new(me: NodeId, layout: Layout, timers: Timers) -> Self {
        Self {
            me,
            layout,
            timers,
            relations: Relations::default(),
            gateways: BTreeMap::new(),
            by_node: BTreeMap::new(),
            last_gateway: 0,
            reports: BTreeMap::new(),
            watches: BTreeMap::new(),
            last_session: 0,
            turns: Turns::default(),
            sync_due_at: None,
            is_draining: false,
            is_drained: false,
            ready: VecDeque::new(),
            lookups_total: 0,
            pushes_total: 0,
            changes_total: 0,
            snapshots_total: 0,
        }
    }

    /// A gateway opened a stream. An older report stream of the same generation ends with it.
    pub fn connected(&mut self, gateway: NodeId, kind: StreamKind, now: Instant) -> SessionId {
        self.end_stale_syncs(now);
        self.last_session += 1;
        let session = SessionId(self.last_session);
        if self.is_draining {
            let reason = CloseReason::Draining;
            self.ready
                .push_back(ReplicaOutput::Close { session, reason });
            return session;
        }
        match kind {
            StreamKind::Report => self.open_report(session, gateway, now),
            StreamKind::Watch => self.open_watch(session, gateway, now),
        }
        session
    }

    /// A stream has ended.
    pub fn disconnected(&mut self, session: SessionId, now: Instant) {
        self.end_stale_syncs(now);
        self.end(session, now);
        self.drain_further(now);
    }

    /// A message came on a stream. Messages of a stream that has ended are ignored.
    pub fn handle(&mut self, session: SessionId, message: ToRouter, now: Instant) {
        self.end_stale_syncs(now);
        if self.reports.contains_key(&session) {
            self.handle_report(session, message, now);
        } else if self.watches.get(&session).is_some_and(|it| !it.is_gone()) {
            self.handle_watch(session, message, now);
        }
        self.drain_further(now);
    }

    /// Releases the watchers, then who waits for them: [`ReplicaOutput::Drained`] follows, at the latest a cache lease
    /// later. New streams are refused.
    pub fn drain(&mut self, now: Instant) {
        if self.is_draining {
            return;
        }
        self.end_stale_syncs(now);
        self.is_draining = true;
        self.push_to_all(&Push::Released, now);
        self.drain_further(now);
    }

    /// What to do next. Drain this to `None` after every other call.
    pub fn poll_output(&mut self) -> Option<ReplicaOutput> {
        for (session, report) in &mut self.reports {
            if let Some(message) = report.line.pop() {
                let session = *session;
                return Some(ReplicaOutput::ToGateway { session, message });
            }
        }
        for (session, watch) in &mut self.watches {
            if let Some(message) = watch.line.pop() {
                let session = *session;
                return Some(ReplicaOutput::ToGateway { session, message });
            }
        }
        self.ready.pop_front()
    }

    /// When to call [`handle_timeout`](Self::handle_timeout) next; `None` while there is nothing to wait for.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let timers = &self.timers;
        let reports = self.reports.values().map(|it| it.line.due_at(timers));
        let watches = self.watches.values();
        let watches =
            watches.filter_map(|it| it.due_at(timers, self.is_draining && !self.is_drained));
        let gateways = self.gateways.values().map(|it| it.due_at(timers));
        reports.chain(watches).chain(gateways).min()
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        let due = self.poll_timeout();
        if due.is_some_and(|due| now > due + self.timers.cache_lease) {
            self.excuse_silence(now);
        }
        self.end_stale_syncs(now);
        self.report_timeouts(now);
        self.watch_timeouts(now);
        self.drain_further(now);
    }

    /// Numbers for metrics.
    pub fn counts(&self) -> ReplicaCounts {
        let gateways = self.gateways.values();
        ReplicaCounts {
            gateways: self.gateways.len() as u64,
            synced: gateways.clone().filter(|it| it.is_synced).count() as u64,
            keys: self.relations.keys(),
            holdings: self.relations.total(Side::Holders),
            watches: self.relations.total(Side::Watchers),
            untold: gateways.map(|it| it.untold() as u64).sum(),
            lookups_total: self.lookups_total,
            pushes_total: self.pushes_total,
            changes_total: self.changes_total,
            snapshots_total: self.snapshots_total,
        }
    }

    fn drain_further(&mut self, now: Instant) {
        if self.is_draining && !self.is_drained && self.watchers_are_free(now) {
            self.is_drained = true;
            self.release_reports();
        }
    }

    /// This process was not running: the gateways were not silent.
    fn excuse_silence(&mut self, now: Instant) {
        for report in self.reports.values_mut() {
            report.line.heard(now);
        }
        for watch in self.watches.values_mut() {
            watch.line.heard(now);
        }
        for gateway in self.gateways.values_mut() {
            gateway.excuse_silence(now);
        }
    }

    fn close(&mut self, session: SessionId, reason: CloseReason, now: Instant) {
        self.end(session, now);
        self.ready
            .push_back(ReplicaOutput::Close { session, reason });
    }

    fn end(&mut self, session: SessionId, now: Instant) {
        self.end_report(session, now);
        self.end_watch(session, now);
    }
}
