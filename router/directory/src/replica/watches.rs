//! Who watches what, and who was told.

use std::collections::VecDeque;
use std::time::Instant;

use hubplane_proto_ids::NodeId;
use smallvec::SmallVec;

use super::relations::{Owner, Side};
use super::{Replica, SessionId};
use crate::line::Line;
use crate::message::{Answer, Hello, Push, Question, ToGateway, ToRouter};
use crate::table::Row;
use crate::{CloseReason, Timers};

/// Pushes that a watcher may leave unacknowledged before its stream is closed.
const UNACKED_MAX: usize = 65_536;

#[derive(Debug)]
pub(super) struct WatchSession {
    pub(super) line: Line<ToGateway>,
    gateway: NodeId,
    last_push: u64,
    /// Pushes that are not acknowledged, in order.
    unacked: VecDeque<Unacked>,
    /// How many changes wait for its acknowledgements.
    waiting: usize,
    /// When its last ping was answered: for a cache lease from then it may use what it was told.
    answered_at: Option<Instant>,
    /// The stream has ended; the gateway may not know yet.
    is_gone: bool,
}

#[derive(Debug)]
struct Unacked {
    number: u64,
    at: Instant,
    /// Changes that are not visible before this is acknowledged.
    tells: SmallVec<[(Owner, u64); 1]>,
}

impl WatchSession {
    /// Whether the gateway may still use something that it was told before now.
    fn may_use(&self, now: Instant, timers: &Timers) -> bool {
        self.answered_at
            .is_some_and(|at| now < at + timers.cache_lease)
    }

    /// Whether a push is unacknowledged for so long that the watcher must not go on believing that it hears everything.
    fn is_behind(&self, now: Instant, timers: &Timers) -> bool {
        let oldest = self.unacked.front();
        oldest.is_some_and(|it| now >= it.at + timers.cache_lease)
    }

    fn somebody_waits(&self) -> bool {
        self.waiting > 0
    }

    /// Takes out the changes that waited for pushes up to this number.
    fn acknowledge(&mut self, through: u64) -> Vec<(Owner, u64)> {
        let acked = self.unacked.partition_point(|it| it.number <= through);
        let tells = self.unacked.drain(..acked).flat_map(|it| it.tells);
        let tells: Vec<_> = tells.collect();
        self.waiting -= tells.len();
        tells
    }

    /// Takes out all changes that waited.
    fn give_up(&mut self) -> Vec<(Owner, u64)> {
        self.waiting = 0;
        let tells = self.unacked.iter_mut();
        tells.flat_map(|it| std::mem::take(&mut it.tells)).collect()
    }

    fn push(&mut self, push: Push, now: Instant) {
        self.last_push += 1;
        self.unacked.push_back(Unacked {
            number: self.last_push,
            at: now,
            tells: SmallVec::new(),
        });
        if !self.is_gone {
            self.line.write(ToGateway::Pushes {
                last: self.last_push,
                pushes: vec![push],
            });
        }
    }

    fn let_wait(&mut self, gateway: Owner, number: u64) {
        if let Some(last) = self.unacked.back_mut() {
            last.tells.push((gateway, number));
            self.waiting += 1;
        }
    }

    /// What its gateway does not use any longer.
    fn is_free(&self, now: Instant, timers: &Timers) -> bool {
        !self.may_use(now, timers) || (!self.is_gone && self.unacked.is_empty())
    }

    pub(super) fn is_gone(&self) -> bool {
        self.is_gone
    }

    pub(super) fn due_at(&self, timers: &Timers, is_draining: bool) -> Option<Instant> {
        let lease_ends_at = self.answered_at.map(|at| at + timers.cache_lease);
        if self.is_gone {
            return lease_ends_at;
        }
        let waits = is_draining || self.somebody_waits();
        let lease_ends_at = lease_ends_at.filter(|_| waits);
        let line = self.line.due_at(timers);
        Some(lease_ends_at.map_or(line, |at| at.min(line)))
    }
}

impl Replica {
    pub(super) fn open_watch(&mut self, session: SessionId, gateway: NodeId, now: Instant) {
        let mut watch = WatchSession {
            line: Line::new(now),
            gateway,
            last_push: 0,
            unacked: VecDeque::new(),
            waiting: 0,
            answered_at: None,
            is_gone: false,
        };
        watch.line.write(ToGateway::Hello(Hello {
            router: self.me.clone(),
            layout: self.layout,
            applied: None,
        }));
        for gateway in self.gateways.values() {
            let node = gateway.node.clone();
            let synced = gateway.is_synced;
            watch.push(Push::Listed { node, synced }, now);
        }
        self.watches.insert(session, watch);
    }

    /// Its gateway may go on using what it was told until its lease is out: it stays a watcher until then.
    pub(super) fn end_watch(&mut self, session: SessionId, now: Instant) {
        let Some(watch) = self.watches.get_mut(&session) else {
            return;
        };
        watch.is_gone = true;
        if !watch.may_use(now, &self.timers) {
            self.forget_watch(session);
        }
    }

    pub(super) fn handle_watch(&mut self, session: SessionId, message: ToRouter, now: Instant) {
        let Some(watch) = self.watches.get_mut(&session) else {
            return;
        };
        watch.line.heard(now);
        match message {
            ToRouter::Ping(number) => {
                if !self.is_draining && !watch.is_behind(now, &self.timers) {
                    watch.line.write(ToGateway::Pong(number));
                    watch.answered_at = Some(now);
                }
            }
            ToRouter::Pong(number) => {
                watch.line.answered(number);
            }
            ToRouter::Lookup(questions) => {
                for question in questions {
                    self.answer(session, question, now);
                }
            }
            ToRouter::Unwatch(keys) => {
                for key in keys {
                    if let Some(row) = self.relations.find(&key) {
                        self.relations.remove(row, session.0, Side::Watchers);
                    }
                }
            }
            ToRouter::Ack { through } => self.acknowledged(session, through, now),
            ToRouter::SnapshotWanted
            | ToRouter::SnapshotBegin
            | ToRouter::SnapshotChunk(_)
            | ToRouter::SnapshotEnd { .. }
            | ToRouter::Resume { .. }
            | ToRouter::Changes(_) => self.close(session, CloseReason::Protocol, now),
        }
    }

    pub(super) fn watch_timeouts(&mut self, now: Instant) {
        let timers = self.timers;
        let mut closed = Vec::new();
        let mut lapsed = Vec::new();
        for (session, watch) in &mut self.watches {
            if watch.answered_at.is_some() && !watch.may_use(now, &timers) {
                watch.answered_at = None;
                lapsed.push(*session);
            }
            if watch.is_gone {
                continue;
            }
            watch.line.ping_if_due(now, &timers);
            if watch.line.is_silent(now, &timers) {
                closed.push((*session, CloseReason::Silent));
            } else if watch.unacked.len() > UNACKED_MAX {
                closed.push((*session, CloseReason::Slow));
            }
        }
        for session in lapsed {
            self.lapsed(session);
        }
        for (session, reason) in closed {
            self.close(session, reason, now);
        }
    }

    /// Tells the watchers of a row that the gateway gained or lost its key.
    pub(super) fn tell(&mut self, gateway: Owner, row: Row, gained: bool, now: Instant) {
        let Some(node) = self.gateways.get(&gateway).map(|it| it.node.clone()) else {
            return;
        };
        let Some(key) = self.relations.key(row).cloned() else {
            return;
        };
        for watcher in self.relations.owners(row, Side::Watchers) {
            let Some(watch) = self.watches.get_mut(&SessionId(watcher)) else {
                continue;
            };
            let (key, node) = (key.clone(), node.clone());
            watch.push(
                if gained {
                    Push::Gained { key, node }
                } else {
                    Push::Lost { key, node }
                },
                now,
            );
            self.pushes_total += 1;
        }
    }

    /// Tells the watchers of a row that the gateway gained its key. Gives back how many have to acknowledge it.
    pub(super) fn tell_and_wait(
        &mut self,
        gateway: Owner,
        row: Row,
        number: u64,
        now: Instant,
    ) -> u32 {
        self.tell(gateway, row, true, now);
        let Some(node) = self.gateways.get(&gateway).map(|it| &it.node) else {
            return 0;
        };
        let mut untold = 0;
        for watcher in self.relations.owners(row, Side::Watchers) {
            let watch = self.watches.get_mut(&SessionId(watcher));
            // A gateway knows its own members.
            let watch = watch.filter(|it| it.gateway != *node && it.may_use(now, &self.timers));
            if let Some(watch) = watch {
                watch.let_wait(gateway, number);
                untold += 1;
            }
        }
        untold
    }

    /// Lets a number wait for everything that any watcher was told before. Gives back how many have to acknowledge it.
    pub(super) fn wait_for_all(&mut self, gateway: Owner, number: u64, now: Instant) -> u32 {
        let mut untold = 0;
        for watch in self.watches.values_mut() {
            if watch.may_use(now, &self.timers) && !watch.unacked.is_empty() {
                watch.let_wait(gateway, number);
                untold += 1;
            }
        }
        untold
    }

    pub(super) fn push_to_all(&mut self, push: &Push, now: Instant) {
        for watch in self.watches.values_mut() {
            watch.push(push.clone(), now);
            self.pushes_total += 1;
        }
    }

    /// Whether no gateway uses anything that this replica said.
    pub(super) fn watchers_are_free(&self, now: Instant) -> bool {
        self.watches
            .values()
            .all(|watch| watch.is_free(now, &self.timers))
    }

    fn answer(&mut self, session: SessionId, question: Question, now: Instant) {
        let Question { id, key } = question;
        if self.is_draining {
            return;
        }
        if key.shard(self.layout.shards) != self.layout.shard() {
            return self.close(session, CloseReason::Protocol, now);
        }
        self.lookups_total += 1;
        let row = self.relations.find(&key);
        let holders = row
            .into_iter()
            .flat_map(|row| self.relations.owners(row, Side::Holders));
        let holders = holders.filter_map(|it| self.gateways.get(&it));
        let holders: Vec<_> = holders.map(|it| it.node.clone()).collect();
        let watched = !holders.is_empty() || key.absence_is_cached();
        if watched {
            self.relations.add(key, session.0, Side::Watchers);
        }
        if let Some(watch) = self.watches.get_mut(&session) {
            watch.line.write(ToGateway::Answers(vec![Answer {
                id,
                holders,
                watched,
            }]));
        }
    }

    fn acknowledged(&mut self, session: SessionId, through: u64, now: Instant) {
        let Some(watch) = self.watches.get_mut(&session) else {
            return;
        };
        if through > watch.last_push {
            return self.close(session, CloseReason::Protocol, now);
        }
        for (gateway, number) in watch.acknowledge(through) {
            self.told(gateway, number);
        }
    }

    /// The watcher cannot use what it was told: nobody has to wait for it.
    fn lapsed(&mut self, session: SessionId) {
        let Some(watch) = self.watches.get_mut(&session) else {
            return;
        };
        let is_gone = watch.is_gone;
        for (gateway, number) in watch.give_up() {
            self.told(gateway, number);
        }
        if is_gone {
            self.forget_watch(session);
        }
    }

    fn forget_watch(&mut self, session: SessionId) {
        while let Some(row) = self.relations.last_of(session.0, Side::Watchers) {
            self.relations.remove(row, session.0, Side::Watchers);
        }
        if let Some(mut watch) = self.watches.remove(&session) {
            for (gateway, number) in watch.give_up() {
                self.told(gateway, number);
            }
        }
    }
}
