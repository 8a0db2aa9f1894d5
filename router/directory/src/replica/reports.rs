//! What gateways report, and whether they are counted as synced.

use std::collections::BTreeMap;
use std::time::Instant;

use hubplane_proto_ids::NodeId;

use super::relations::{Owner, Side};
use super::{Replica, ReplicaOutput, SessionId};
use crate::line::Line;
use crate::message::{Change, Hello, Push, ToGateway, ToRouter};
use crate::table::Row;
use crate::{CloseReason, Key, Timers};

/// What a gateway generation said about itself. It is kept until the gateway's lease is out.
#[derive(Debug)]
pub(super) struct Gateway {
    pub(super) node: NodeId,
    /// Its report stream, if one is open.
    session: Option<SessionId>,
    heard_at: Instant,
    /// The last change applied, if everything before it was reported.
    applied: Option<u64>,
    /// When the ping was sent that it answered last, after its snapshot or backlog.
    synced_at: Option<Instant>,
    /// Whether watchers were told that it is synced.
    pub(super) is_synced: bool,
    /// Changes that are applied and not visible, and how many watchers are not told.
    untold: BTreeMap<u64, u32>,
}

#[derive(Debug)]
pub(super) struct ReportSession {
    pub(super) line: Line<ToGateway>,
    gateway: Owner,
    phase: Phase,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Neither snapshot nor backlog has come.
    Opening,
    Snapshot,
    /// Everything was reported on this stream or before it.
    Reporting,
}

impl Gateway {
    fn sync_ends_at(&self, timers: &Timers) -> Option<Instant> {
        let synced_at = self.synced_at.filter(|_| self.is_synced);
        synced_at.map(|at| at + timers.sync_lease)
    }

    pub(super) fn due_at(&self, timers: &Timers) -> Instant {
        let lease_ends_at = self.heard_at + timers.lease;
        self.sync_ends_at(timers)
            .map_or(lease_ends_at, |at| at.min(lease_ends_at))
    }

    pub(super) fn untold(&self) -> usize {
        self.untold.len()
    }

    pub(super) fn excuse_silence(&mut self, now: Instant) {
        self.heard_at = now;
    }
}

impl Replica {
    pub(super) fn open_report(&mut self, session: SessionId, node: NodeId, now: Instant) {
        let gateway = self.gateway_of(node, now);
        let mut line = Line::new(now);
        let mut applied = None;
        if let Some(it) = self.gateways.get_mut(&gateway) {
            it.heard_at = now;
            applied = it.applied;
            if let Some(older) = it.session {
                self.close(older, CloseReason::Superseded, now);
            }
        }
        line.write(ToGateway::Hello(Hello {
            router: self.me.clone(),
            layout: self.layout,
            applied,
        }));
        line.ping_if_due(now, &self.timers);
        let phase = Phase::Opening;
        let report = ReportSession {
            line,
            gateway,
            phase,
        };
        self.reports.insert(session, report);
        if let Some(it) = self.gateways.get_mut(&gateway) {
            it.session = Some(session);
        }
    }

    /// The lease belongs to the stream: the gateway is not synced until its next one says so.
    pub(super) fn end_report(&mut self, session: SessionId, now: Instant) {
        let Some(report) = self.reports.remove(&session) else {
            return;
        };
        self.turns.end(session);
        self.give_turns();
        if let Some(gateway) = self.gateways.get_mut(&report.gateway) {
            gateway.session = None;
            gateway.synced_at = None;
        }
        self.end_sync(report.gateway, now);
    }

    pub(super) fn handle_report(&mut self, session: SessionId, message: ToRouter, now: Instant) {
        let Some(report) = self.reports.get_mut(&session) else {
            return;
        };
        let gateway = report.gateway;
        report.line.heard(now);
        if let Some(it) = self.gateways.get_mut(&gateway) {
            it.heard_at = now;
        }
        match (message, report.phase) {
            (ToRouter::Ping(number), _) => report.line.write(ToGateway::Pong(number)),
            (ToRouter::Pong(number), Phase::Reporting) => {
                if let Some(sent_at) = report.line.answered(number) {
                    self.synced(gateway, sent_at, now);
                }
            }
            (ToRouter::SnapshotWanted, Phase::Opening) => {
                self.turns.ask(session);
                self.give_turns();
            }
            (ToRouter::SnapshotBegin, Phase::Opening) if self.turns.has(session) => {
                report.phase = Phase::Snapshot;
                self.void(gateway, now);
            }
            (ToRouter::SnapshotChunk(keys), Phase::Snapshot) => {
                report.line.write(ToGateway::ChunkTaken);
                for key in keys {
                    let Some(row) = self.hold(gateway, key, session, now) else {
                        return;
                    };
                    self.tell(gateway, row, true, now);
                }
            }
            (ToRouter::SnapshotEnd { number }, Phase::Snapshot) => {
                self.end_snapshot(session, gateway, number, now);
            }
            (ToRouter::Resume { awaiting }, Phase::Opening) => {
                self.resume(session, gateway, &awaiting, now);
            }
            (ToRouter::Changes(changes), Phase::Snapshot | Phase::Reporting) => {
                self.apply(session, gateway, changes, now);
            }
            (
                ToRouter::Pong(_)
                | ToRouter::SnapshotWanted
                | ToRouter::SnapshotBegin
                | ToRouter::SnapshotChunk(_)
                | ToRouter::SnapshotEnd { .. }
                | ToRouter::Resume { .. }
                | ToRouter::Changes(_)
                | ToRouter::Lookup(_)
                | ToRouter::Unwatch(_)
                | ToRouter::Ack { .. },
                _,
            ) => self.close(session, CloseReason::Protocol, now),
        }
    }

    /// Checked before anything is answered: who is no longer synced is told first.
    pub(super) fn end_stale_syncs(&mut self, now: Instant) {
        if self.sync_due_at.is_none_or(|due| now < due) {
            return;
        }
        let timers = self.timers;
        let lapsed = |it: &Gateway| it.sync_ends_at(&timers).is_some_and(|at| at <= now);
        let lapsed: Vec<_> = self
            .gateways
            .iter()
            .filter(|(_, it)| lapsed(it))
            .map(|(id, _)| *id)
            .collect();
        for gateway in lapsed {
            self.end_sync(gateway, now);
        }
        let ends = self
            .gateways
            .values()
            .filter_map(|it| it.sync_ends_at(&timers));
        self.sync_due_at = ends.min();
    }

    /// Pings, closes silent streams, and forgets gateways whose lease is out.
    pub(super) fn report_timeouts(&mut self, now: Instant) {
        let timers = self.timers;
        let mut silent = Vec::new();
        for (session, report) in &mut self.reports {
            report.line.ping_if_due(now, &timers);
            if report.line.is_silent(now, &timers) {
                silent.push(*session);
            }
        }
        for session in silent {
            self.close(session, CloseReason::Silent, now);
        }
        let out = |it: &Gateway| now >= it.heard_at + timers.lease;
        let out: Vec<_> = self
            .gateways
            .iter()
            .filter(|(_, it)| out(it))
            .map(|(id, _)| *id)
            .collect();
        for gateway in out {
            self.forget(gateway, now);
        }
    }

    /// A watcher of this change is told, or need not be any longer.
    pub(super) fn told(&mut self, gateway: Owner, number: u64) {
        let Some(it) = self.gateways.get_mut(&gateway) else {
            return;
        };
        let Some(untold) = it.untold.get_mut(&number) else {
            return;
        };
        *untold -= 1;
        if *untold == 0 {
            it.untold.remove(&number);
            let session = it.session;
            self.say_visible(session, number);
        }
    }

    fn gateway_of(&mut self, node: NodeId, now: Instant) -> Owner {
        if let Some(known) = self.by_node.get(&node) {
            return *known;
        }
        self.last_gateway += 1;
        let id = self.last_gateway;
        self.by_node.insert(node.clone(), id);
        let gateway = Gateway {
            node: node.clone(),
            session: None,
            heard_at: now,
            applied: None,
            synced_at: None,
            is_synced: false,
            untold: BTreeMap::new(),
        };
        self.gateways.insert(id, gateway);
        let synced = false;
        self.push_to_all(&Push::Listed { node, synced }, now);
        id
    }

    fn give_turns(&mut self) {
        while let Some(session) = self.turns.next() {
            if let Some(report) = self.reports.get_mut(&session) {
                report.line.write(ToGateway::SnapshotTurn);
            }
        }
    }

    fn end_snapshot(&mut self, session: SessionId, gateway: Owner, number: u64, now: Instant) {
        self.turns.end(session);
        self.give_turns();
        self.snapshots_total += 1;
        self.set_phase(session, Phase::Reporting);
        self.set_applied(session, gateway, number);
        let untold = self.wait_for_all(gateway, number, now);
        self.wait_for(gateway, number, untold);
    }

    fn resume(&mut self, session: SessionId, gateway: Owner, awaiting: &[u64], now: Instant) {
        let Some(it) = self
            .gateways
            .get(&gateway)
            .filter(|it| it.applied.is_some())
        else {
            return self.close(session, CloseReason::Protocol, now);
        };
        let told = awaiting
            .iter()
            .filter(|number| !it.untold.contains_key(number));
        let told: Vec<_> = told.copied().collect();
        self.set_phase(session, Phase::Reporting);
        for number in told {
            self.say_visible(Some(session), number);
        }
    }

    fn apply(&mut self, session: SessionId, gateway: Owner, changes: Vec<Change>, now: Instant) {
        for Change { number, key, held } in changes {
            let Some(it) = self.gateways.get(&gateway) else {
                return;
            };
            if it.applied.is_some_and(|applied| number <= applied) {
                continue;
            }
            self.changes_total += 1;
            if held {
                let Some(row) = self.hold(gateway, key, session, now) else {
                    return;
                };
                let untold = self.tell_and_wait(gateway, row, number, now);
                self.wait_for(gateway, number, untold);
            } else if let Some(row) = self.relations.find(&key) {
                self.lose(gateway, row, now);
            }
            if self.is_reporting(session) {
                self.set_applied(session, gateway, number);
            }
        }
    }

    /// Enters a key. `None` if it is of another shard, which closes the stream.
    fn hold(&mut self, gateway: Owner, key: Key, session: SessionId, now: Instant) -> Option<Row> {
        if key.shard(self.layout.shards) != self.layout.shard() {
            self.close(session, CloseReason::Protocol, now);
            return None;
        }
        Some(self.relations.add(key, gateway, Side::Holders))
    }

    fn lose(&mut self, gateway: Owner, row: Row, now: Instant) {
        if self
            .relations
            .owners(row, Side::Holders)
            .all(|it| it != gateway)
        {
            return;
        }
        self.tell(gateway, row, false, now);
        let watchers_stay = self.relations.key(row).is_some_and(Key::absence_is_cached);
        let is_last = self.relations.owners(row, Side::Holders).count() == 1;
        if is_last && !watchers_stay {
            let watchers: Vec<_> = self.relations.owners(row, Side::Watchers).collect();
            for watcher in watchers {
                self.relations.remove(row, watcher, Side::Watchers);
            }
        }
        self.relations.remove(row, gateway, Side::Holders);
    }

    /// What the gateway reported is void.
    fn void(&mut self, gateway: Owner, now: Instant) {
        while let Some(row) = self.relations.last_of(gateway, Side::Holders) {
            self.lose(gateway, row, now);
        }
        if let Some(it) = self.gateways.get_mut(&gateway) {
            it.applied = None;
            it.untold.clear();
        }
    }

    fn forget(&mut self, gateway: Owner, now: Instant) {
        let session = self.gateways.get(&gateway).and_then(|it| it.session);
        if let Some(session) = session {
            self.close(session, CloseReason::Silent, now);
        }
        self.void(gateway, now);
        if let Some(it) = self.gateways.remove(&gateway) {
            self.by_node.remove(&it.node);
            self.push_to_all(&Push::Unlisted { node: it.node }, now);
        }
    }

    /// It answered a ping after everything that it holds had come.
    fn synced(&mut self, gateway: Owner, sent_at: Instant, now: Instant) {
        let Some(it) = self.gateways.get_mut(&gateway) else {
            return;
        };
        it.synced_at = it.synced_at.max(Some(sent_at));
        let ends_at = sent_at + self.timers.sync_lease;
        if it.is_synced || ends_at <= now {
            return;
        }
        it.is_synced = true;
        let node = it.node.clone();
        self.sync_due_at = Some(self.sync_due_at.map_or(ends_at, |due| due.min(ends_at)));
        let synced = true;
        self.push_to_all(&Push::Listed { node, synced }, now);
    }

    fn end_sync(&mut self, gateway: Owner, now: Instant) {
        let Some(it) = self.gateways.get_mut(&gateway).filter(|it| it.is_synced) else {
            return;
        };
        it.is_synced = false;
        let node = it.node.clone();
        let synced = false;
        self.push_to_all(&Push::Listed { node, synced }, now);
    }

    fn wait_for(&mut self, gateway: Owner, number: u64, untold: u32) {
        let Some(it) = self.gateways.get_mut(&gateway) else {
            return;
        };
        let session = it.session;
        if untold == 0 {
            self.say_visible(session, number);
        } else {
            it.untold.insert(number, untold);
        }
    }

    /// A stream that has not begun with a snapshot or a backlog will ask for what it awaits.
    fn say_visible(&mut self, session: Option<SessionId>, number: u64) {
        let report = session.and_then(|it| self.reports.get_mut(&it));
        if let Some(report) = report.filter(|it| it.phase != Phase::Opening) {
            report.line.write(ToGateway::Visible(vec![number]));
        }
    }

    fn is_reporting(&self, session: SessionId) -> bool {
        let report = self.reports.get(&session);
        report.is_some_and(|it| it.phase == Phase::Reporting)
    }

    fn set_phase(&mut self, session: SessionId, phase: Phase) {
        if let Some(report) = self.reports.get_mut(&session) {
            report.phase = phase;
        }
    }

    fn set_applied(&mut self, session: SessionId, gateway: Owner, through: u64) {
        if let Some(it) = self.gateways.get_mut(&gateway) {
            it.applied = Some(through);
        }
        if let Some(report) = self.reports.get_mut(&session) {
            report.line.write(ToGateway::Applied { through });
        }
    }

    /// The streams' last words before the process ends.
    pub(super) fn release_reports(&mut self) {
        for report in self.reports.values_mut() {
            report.line.write(ToGateway::Released);
        }
        self.ready.push_back(ReplicaOutput::Drained);
    }
}
