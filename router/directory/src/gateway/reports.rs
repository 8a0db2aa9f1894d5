//! What this gateway tells replicas about itself, and how long it waits for them.

use std::collections::BTreeMap;
use std::time::Instant;

use smallvec::SmallVec;

use super::GatewayDirectory;
use super::router::{Router, RouterRef};
use super::types::{ChangeId, CloseReason, Output, ReplicaId, StreamId};
use super::waits::Done;
use crate::line::Line;
use crate::message::{Change, Hello, ToGateway, ToRouter};
use crate::table::Row;
use crate::{Key, Timers};

/// Chunks of a snapshot that are written before the replica has taken them.
const CHUNKS_AHEAD_MAX: u32 = 2;

#[derive(Debug, Default)]
pub(crate) struct Reports {
    pub(crate) streams: BTreeMap<ReplicaId, ReportStream>,
    routers: BTreeMap<RouterRef, Router>,
    last_router: RouterRef,
}

#[derive(Debug)]
pub(crate) struct ReportStream {
    pub(crate) id: StreamId,
    pub(crate) line: Line<ToRouter>,
    phase: Phase,
    /// The last ping that came before the snapshot or the backlog was written: it is answered after that.
    unanswered: Option<u64>,
}

#[derive(Debug, Clone, Copy)]
enum Phase {
    /// The replica's hello has not come.
    Opening,
    /// Waits for its turn to send the snapshot.
    Queued(RouterRef),
    Snapshot {
        router: RouterRef,
        /// Where the next chunk starts.
        from: Row,
        /// Chunks that are written and not taken.
        ahead: u32,
    },
    /// The snapshot or the backlog is written; changes follow it.
    Reporting(RouterRef),
}

impl Reports {
    /// Whom a change of the key has to wait for.
    pub(crate) fn waited_for(
        &self,
        key: &Key,
        now: Instant,
        timers: &Timers,
    ) -> SmallVec<[RouterRef; 4]> {
        let routers = self.routers.iter();
        routers
            .filter(|(_, router)| router.knows(key) && router.is_waited_for(now, timers))
            .map(|(id, _)| *id)
            .collect()
    }

    /// Writes a change to every stream whose snapshot or backlog does not hold it.
    pub(crate) fn write(&mut self, change: &Change) {
        for stream in self.streams.values_mut() {
            let (id, is_reporting) = match stream.phase {
                Phase::Opening | Phase::Queued(_) => continue,
                Phase::Snapshot { router, .. } => (router, false),
                Phase::Reporting(router) => (router, true),
            };
            let Some(router) = self.routers.get_mut(&id) else {
                continue;
            };
            let is_for_it = router.knows(&change.key);
            if is_for_it {
                stream.line.write(ToRouter::Changes(vec![change.clone()]));
            }
            // What a snapshot that breaks off would have brought is settled by nothing but its end.
            if is_reporting {
                router.considered = change.number;
                router.sent = if is_for_it {
                    change.number
                } else {
                    router.sent
                };
                router.settle();
            }
        }
    }

    /// Whether a router has said hello.
    pub(crate) fn is_greeted(&self) -> bool {
        let mut streams = self.streams.values();
        streams.any(|it| !matches!(it.phase, Phase::Opening))
    }

    /// Whether a replica of the shard holds everything that this gateway reported.
    pub(crate) fn shard_is_complete(&self, shard: u16) -> bool {
        self.streams.values().any(|stream| match stream.phase {
            Phase::Reporting(id) => self.routers.get(&id).is_some_and(|router| {
                router.layout.shard() == shard && router.is_complete && !router.is_released
            }),
            Phase::Opening | Phase::Queued(_) | Phase::Snapshot { .. } => false,
        })
    }

    /// No replica can ask for a change up to this number. `last`: the number of the last change.
    pub(crate) fn settled_through(&self, last: u64) -> u64 {
        let routers = self.routers.values().filter(|router| router.may_resume());
        routers.map(|router| router.settled).min().unwrap_or(last)
    }

    pub(crate) fn due_at(&self, timers: &Timers, somebody_waits: bool) -> Option<Instant> {
        let streams = self.streams.values().map(|it| it.line.due_at(timers));
        let routers = self.routers.values().filter_map(|router| {
            let waited_until = router.answered_at.map(|at| at + timers.silent_replica);
            let kept_until = router.ended_at + timers.lease;
            match waited_until {
                Some(until) if somebody_waits => Some(until),
                _ if !router.is_connected => {
                    Some(kept_until.max(waited_until.unwrap_or(kept_until)))
                }
                _ => None,
            }
        });
        streams.chain(routers).min()
    }

    fn router_of(&mut self, hello: &Hello, now: Instant) -> Option<RouterRef> {
        let known = self
            .routers
            .iter_mut()
            .find(|(_, it)| it.node == hello.router);
        if let Some((id, router)) = known {
            if router.is_connected {
                return None;
            }
            router.is_connected = true;
            router.layout = hello.layout;
            return Some(*id);
        }
        self.last_router += 1;
        let router = Router::new(hello, now);
        self.routers.insert(self.last_router, router);
        Some(self.last_router)
    }
}

impl GatewayDirectory {
    pub(super) fn open_report(&mut self, id: StreamId, now: Instant) {
        let stream = ReportStream {
            id,
            line: Line::new(now),
            phase: Phase::Opening,
            unanswered: None,
        };
        self.reports.streams.insert(id.replica, stream);
    }

    pub(super) fn end_report(&mut self, replica: ReplicaId, now: Instant) {
        let Some(stream) = self.reports.streams.remove(&replica) else {
            return;
        };
        let (Phase::Queued(id) | Phase::Snapshot { router: id, .. } | Phase::Reporting(id)) =
            stream.phase
        else {
            return;
        };
        if let Some(router) = self.reports.routers.get_mut(&id) {
            router.is_connected = false;
            router.ended_at = now;
        }
    }

    /// The number is the one that the stream has in `streams`.
    pub(super) fn handle_report(&mut self, replica: ReplicaId, message: ToGateway, now: Instant) {
        let Some(stream) = self.reports.streams.get_mut(&replica) else {
            return;
        };
        stream.line.heard(now);
        match (message, stream.phase) {
            (ToGateway::Hello(hello), Phase::Opening) => self.greet_report(replica, &hello, now),
            (ToGateway::Ping(number), Phase::Reporting(_)) => {
                self.answer_ping(replica, number, now)
            }
            (ToGateway::Ping(number), _) => stream.unanswered = Some(number),
            (ToGateway::Pong(number), _) => {
                stream.line.answered(number);
            }
            (ToGateway::SnapshotTurn, Phase::Queued(router)) => {
                stream.line.write(ToRouter::SnapshotBegin);
                let from = 0;
                let ahead = 0;
                stream.phase = Phase::Snapshot {
                    router,
                    from,
                    ahead,
                };
                self.write_chunks(replica, now);
            }
            (
                ToGateway::ChunkTaken,
                Phase::Snapshot {
                    router,
                    from,
                    ahead,
                },
            ) => {
                let ahead = ahead.saturating_sub(1);
                stream.phase = Phase::Snapshot {
                    router,
                    from,
                    ahead,
                };
                self.write_chunks(replica, now);
            }
            // The last chunks are taken after the end is written.
            (ToGateway::ChunkTaken, Phase::Reporting(_)) => {}
            (
                ToGateway::Applied { through },
                Phase::Snapshot { router, .. } | Phase::Reporting(router),
            ) => {
                self.applied(router, through);
            }
            (
                ToGateway::Visible(numbers),
                Phase::Snapshot { router, .. } | Phase::Reporting(router),
            ) => {
                self.visible(router, &numbers);
            }
            (
                ToGateway::Released,
                Phase::Queued(router) | Phase::Snapshot { router, .. } | Phase::Reporting(router),
            ) => self.released(router),
            (
                ToGateway::Hello(_)
                | ToGateway::SnapshotTurn
                | ToGateway::ChunkTaken
                | ToGateway::Applied { .. }
                | ToGateway::Visible(_)
                | ToGateway::Released
                | ToGateway::Answers(_)
                | ToGateway::Pushes { .. },
                _,
            ) => {
                let id = stream.id;
                self.close(id, CloseReason::Protocol, now);
            }
        }
    }

    /// Pings, gives up on the silent, forgets the gone.
    pub(super) fn report_timeouts(&mut self, now: Instant) {
        let timers = self.timers;
        let mut silent = Vec::new();
        for stream in self.reports.streams.values_mut() {
            stream.line.ping_if_due(now, &timers);
            if stream.line.is_silent(now, &timers) {
                silent.push(stream.id);
            }
        }
        for id in silent {
            self.close(id, CloseReason::Silent, now);
        }
        let mut unheard = Vec::new();
        self.reports.routers.retain(|id, router| {
            let lapsed = |at| now >= at + timers.silent_replica;
            if router.answered_at.is_some_and(lapsed) {
                router.answered_at = None;
                unheard.push(*id);
            }
            let is_kept = now < router.ended_at + timers.lease;
            router.is_connected || router.answered_at.is_some() || is_kept
        });
        for router in unheard {
            let done = self.waits.give_up(router);
            self.finish(done);
        }
    }

    fn greet_report(&mut self, replica: ReplicaId, hello: &Hello, now: Instant) {
        let Some(stream) = self.reports.streams.get_mut(&replica) else {
            return;
        };
        let id = stream.id;
        if let Err(reason) = self.agree_on(hello.layout) {
            return self.close(id, reason, now);
        }
        let Some(router) = self.reports.router_of(hello, now) else {
            return self.close(id, CloseReason::Duplicate, now);
        };
        match hello.applied {
            Some(applied) if self.resume(replica, router, applied) => {
                self.reporting(replica, router, now);
            }
            _ => {
                if let Some(it) = self.reports.routers.get_mut(&router) {
                    it.is_complete = false;
                    it.snapshot_end = None;
                }
                if let Some(stream) = self.reports.streams.get_mut(&replica) {
                    stream.phase = Phase::Queued(router);
                    stream.line.write(ToRouter::SnapshotWanted);
                }
            }
        }
    }

    /// Writes what the replica missed, if that is known and not too much.
    fn resume(&mut self, replica: ReplicaId, id: RouterRef, applied: u64) -> bool {
        let Some(router) = self.reports.routers.get_mut(&id) else {
            return false;
        };
        router.applied = router.applied.max(applied);
        router.settle();
        let after = router.settled;
        let Some(stream) = self.reports.streams.get_mut(&replica) else {
            return false;
        };
        if !self.members.remembers_after(after) {
            return false;
        }
        let awaiting = self.waits.on(id, applied);
        stream.line.write(ToRouter::Resume { awaiting });
        for change in self.members.log_after(after) {
            if router.knows(&change.key) {
                router.sent = change.number;
                stream.line.write(ToRouter::Changes(vec![change.clone()]));
            }
        }
        router.considered = self.members.last();
        router.is_complete = true;
        true
    }

    fn write_chunks(&mut self, replica: ReplicaId, now: Instant) {
        let Some(stream) = self.reports.streams.get_mut(&replica) else {
            return;
        };
        while let Phase::Snapshot {
            router: id,
            from,
            ahead,
        } = stream.phase
        {
            let Some(router) = self.reports.routers.get_mut(&id) else {
                return;
            };
            if ahead >= CHUNKS_AHEAD_MAX {
                return;
            }
            let bytes_max = self.limits.chunk_bytes_max;
            let (keys, next) = self.members.chunk(from, bytes_max, |key| router.knows(key));
            stream.line.write(ToRouter::SnapshotChunk(keys));
            let Some(from) = next else {
                let number = self.members.next_number();
                stream.line.write(ToRouter::SnapshotEnd { number });
                router.snapshot_end = Some(number);
                router.sent = number;
                router.considered = number;
                return self.reporting(replica, id, now);
            };
            stream.phase = Phase::Snapshot {
                router: id,
                from,
                ahead: ahead + 1,
            };
        }
    }

    /// The snapshot or the backlog is written: a ping may be answered.
    fn reporting(&mut self, replica: ReplicaId, router: RouterRef, now: Instant) {
        let Some(stream) = self.reports.streams.get_mut(&replica) else {
            return;
        };
        stream.phase = Phase::Reporting(router);
        if let Some(number) = stream.unanswered.take() {
            self.answer_ping(replica, number, now);
        }
    }

    /// From now on the replica may count this gateway as synced: changes wait for it.
    fn answer_ping(&mut self, replica: ReplicaId, number: u64, now: Instant) {
        let Some(stream) = self.reports.streams.get_mut(&replica) else {
            return;
        };
        stream.line.write(ToRouter::Pong(number));
        let Phase::Reporting(router) = stream.phase else {
            return;
        };
        if let Some(router) = self.reports.routers.get_mut(&router) {
            router.answered_at = Some(now);
        }
    }

    fn applied(&mut self, router: RouterRef, through: u64) {
        if let Some(router) = self.reports.routers.get_mut(&router) {
            router.applied = router.applied.max(through);
            router.settle();
        }
        self.forget_changes();
    }

    fn visible(&mut self, router: RouterRef, numbers: &[u64]) {
        for number in numbers {
            let Some(it) = self.reports.routers.get_mut(&router) else {
                return;
            };
            let done: Vec<Done> = if it.snapshot_end == Some(*number) {
                it.snapshot_end = None;
                it.is_complete = true;
                self.waits.visible_below(*number, router)
            } else {
                self.waits.visible(*number, router).into_iter().collect()
            };
            self.finish(done);
        }
    }

    fn released(&mut self, router: RouterRef) {
        if let Some(it) = self.reports.routers.get_mut(&router) {
            it.is_released = true;
        }
        let done = self.waits.give_up(router);
        self.finish(done);
    }

    fn finish(&mut self, done: Vec<Done>) {
        for (change, row) in done {
            self.members.set_waiting(row, false);
            self.ready.push_back(Output::Visible(ChangeId(change)));
        }
    }
}
