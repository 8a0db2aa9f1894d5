//! What this gateway asks replicas about others, and how long it believes the answers.

use std::collections::BTreeMap;
use std::time::Instant;

use hubplane_proto_ids::NodeId;

use super::GatewayDirectory;
use super::cache::{Cache, Entry};
use super::lookups::{InFlight, LookupIds, Lookups};
use super::types::{CloseReason, LookupId, NodeList, Output, ReplicaId, Resolution, StreamId};
use crate::line::Line;
use crate::message::{Answer, Layout, Push, Question, ToGateway, ToRouter};
use crate::{Key, Timers};

#[derive(Debug)]
pub(crate) struct Watches {
    pub(crate) streams: BTreeMap<ReplicaId, WatchStream>,
    pub(crate) cache: Cache,
    pub(crate) lookups: Lookups,
}

#[derive(Debug)]
pub(crate) struct WatchStream {
    pub(crate) id: StreamId,
    pub(crate) line: Line<ToRouter>,
    /// From the replica's hello.
    layout: Option<Layout>,
    /// A ping sent less than a cache lease before this was answered: until then what came on this stream may be used.
    leased_until: Option<Instant>,
    /// It is draining: what it said may not be used.
    is_released: bool,
    /// The gateways that the replica lists, and whether it counts them as synced.
    listed: BTreeMap<NodeId, bool>,
    /// Live gateways that the replica does not count as synced.
    unsynced: NodeList,
    /// Questions that are not answered.
    questions: BTreeMap<u64, Key>,
    last_question: u64,
    /// The last question that was taken from the outbox.
    pub(crate) last_written: u64,
    last_push: u64,
}

impl WatchStream {
    pub(crate) fn is_usable(&self, now: Instant) -> bool {
        !self.is_released && self.leased_until.is_some_and(|until| now < until)
    }

    fn answers_for(&self, key: &Key) -> bool {
        self.layout
            .is_some_and(|layout| key.shard(layout.shards) == layout.shard())
    }

    /// Whom a send goes to if these hold its key.
    fn targets(&self, holders: &[NodeId], me: &NodeId) -> NodeList {
        let mut targets: NodeList = holders.iter().filter(|it| *it != me).cloned().collect();
        for node in &self.unsynced {
            if !holders.contains(node) {
                targets.push(node.clone());
            }
        }
        targets
    }

    fn refresh_unsynced(&mut self, live: &[NodeId]) {
        let synced = |node: &&NodeId| self.listed.get(*node) == Some(&true);
        self.unsynced = live.iter().filter(|it| !synced(it)).cloned().collect();
    }
}

impl Watches {
    pub(crate) fn new(cache_entries_max: usize) -> Self {
        Self {
            streams: BTreeMap::new(),
            cache: Cache::new(cache_entries_max),
            lookups: Lookups::default(),
        }
    }

    /// The targets by the cache, if an entry may be used now.
    pub(crate) fn cached(&mut self, key: &Key, now: Instant, me: &NodeId) -> Option<NodeList> {
        let entry = self.cache.touch(key)?;
        let stream = self.streams.get(&entry.stream.replica)?;
        let may_use = stream.id == entry.stream && stream.is_usable(now);
        may_use.then(|| stream.targets(&entry.holders, me))
    }

    /// Another gateway that holds the key, by the cache.
    pub(crate) fn cached_holder(&mut self, key: &Key, now: Instant, me: &NodeId) -> Option<NodeId> {
        let entry = self.cache.touch(key)?;
        let stream = self.streams.get(&entry.stream.replica)?;
        let may_use = stream.id == entry.stream && stream.is_usable(now);
        let holder = entry.holders.iter().find(|it| *it != me);
        holder.filter(|_| may_use).cloned()
    }

    /// Whether a router has said hello.
    pub(crate) fn is_greeted(&self) -> bool {
        self.streams.values().any(|it| it.layout.is_some())
    }

    pub(crate) fn shard_is_answered(&self, shard: u16, now: Instant) -> bool {
        self.streams.values().any(|stream| {
            stream.is_usable(now) && stream.layout.is_some_and(|it| it.shard() == shard)
        })
    }

    pub(crate) fn due_at(&self, timers: &Timers) -> Option<Instant> {
        let streams = self.streams.values().map(|it| it.line.due_at(timers));
        streams.chain(self.lookups.due_at()).min()
    }

    pub(crate) fn refresh_unsynced(&mut self, live: &[NodeId]) {
        for stream in self.streams.values_mut() {
            stream.refresh_unsynced(live);
        }
    }

    /// A replica to ask; `prefer` spreads gateways over replicas.
    fn replica_for(&self, key: &Key, now: Instant, prefer: usize) -> Option<ReplicaId> {
        let fits = |it: &&WatchStream| it.is_usable(now) && it.answers_for(key);
        let count = self.streams.values().filter(fits).count();
        let chosen = prefer.checked_rem(count)?;
        let stream = self.streams.values().filter(fits).nth(chosen)?;
        Some(stream.id.replica)
    }

    /// Writes a question. Gives back what it is on.
    fn question(&mut self, key: &Key, replica: ReplicaId) -> Option<(StreamId, u64)> {
        let stream = self.streams.get_mut(&replica)?;
        stream.last_question += 1;
        let id = stream.last_question;
        stream.questions.insert(id, key.clone());
        stream.line.write(ToRouter::Lookup(vec![Question {
            id,
            key: key.clone(),
        }]));
        Some((stream.id, id))
    }

    /// The stream's replica need not tell this gateway about the key any more, unless a question for it is on its way.
    fn unwatch(&mut self, key: Key, id: StreamId) {
        if self.lookups.is_on(&key, id) {
            return;
        }
        if let Some(stream) = self.streams.get_mut(&id.replica).filter(|it| it.id == id) {
            stream.line.write(ToRouter::Unwatch(vec![key]));
        }
    }

    /// Puts what a watch told in the place of what another one told.
    fn remember(&mut self, key: Key, entry: Entry) {
        self.forget(&key, entry.stream);
        if let Some((evicted, entry)) = self.cache.insert(key, entry) {
            self.unwatch(evicted, entry.stream);
        }
    }

    /// Drops an entry; its watch ends if it is not on this stream.
    fn forget(&mut self, key: &Key, on: StreamId) {
        if let Some(old) = self.cache.remove(key)
            && old.stream != on
        {
            self.unwatch(key.clone(), old.stream);
        }
    }
}

impl GatewayDirectory {
    pub(super) fn open_watch(&mut self, id: StreamId, now: Instant) {
        let mut stream = WatchStream {
            id,
            line: Line::new(now),
            layout: None,
            leased_until: None,
            is_released: false,
            listed: BTreeMap::new(),
            unsynced: NodeList::new(),
            questions: BTreeMap::new(),
            last_question: 0,
            last_written: 0,
            last_push: 0,
        };
        stream.refresh_unsynced(self.live.all());
        // So that the lease is there when the first answers come.
        stream.line.ping_if_due(now, &self.timers);
        self.watches.streams.insert(id.replica, stream);
    }

    pub(super) fn end_watch(&mut self, replica: ReplicaId, now: Instant) {
        let Some(stream) = self.watches.streams.remove(&replica) else {
            return;
        };
        for node in stream.listed.keys() {
            // It was live until now: it has a lease from now on, as if it had been heard.
            self.live.heard(node, now, &self.timers);
            self.live.unlist(node, now, &self.timers);
        }
        self.watches.refresh_unsynced(self.live.all());
        self.ask_elsewhere(stream.id, stream.questions, now);
    }

    pub(super) fn handle_watch(&mut self, replica: ReplicaId, message: ToGateway, now: Instant) {
        let Some(stream) = self.watches.streams.get_mut(&replica) else {
            return;
        };
        stream.line.heard(now);
        let id = stream.id;
        match message {
            ToGateway::Hello(hello) if stream.layout.is_none() => {
                if let Err(reason) = self.agree_on(hello.layout) {
                    return self.close(id, reason, now);
                }
                if let Some(stream) = self.watches.streams.get_mut(&replica) {
                    stream.layout = Some(hello.layout);
                }
            }
            ToGateway::Ping(number) => stream.line.write(ToRouter::Pong(number)),
            ToGateway::Pong(number) => {
                let sent_at = stream.line.answered(number);
                let until = sent_at.map(|at| at + self.timers.cache_lease);
                stream.leased_until = stream.leased_until.max(until);
            }
            ToGateway::Answers(answers) => {
                for answer in answers {
                    self.answered(id, answer, now);
                }
            }
            ToGateway::Pushes { last, pushes } => {
                stream.last_push = last;
                for push in pushes {
                    self.pushed(id, push, now);
                }
                if let Some(stream) = self.watches.streams.get_mut(&replica) {
                    stream.line.write(ToRouter::Ack { through: last });
                }
            }
            ToGateway::Hello(_)
            | ToGateway::SnapshotTurn
            | ToGateway::ChunkTaken
            | ToGateway::Applied { .. }
            | ToGateway::Visible(_)
            | ToGateway::Released => self.close(id, CloseReason::Protocol, now),
        }
    }

    pub(super) fn watch_timeouts(&mut self, now: Instant) {
        let timers = self.timers;
        while let Some((id, key)) = self.watches.lookups.expire(now) {
            let resolution = self.untargeted(&key);
            self.resolve(id, resolution);
        }
        let mut silent = Vec::new();
        for stream in self.watches.streams.values_mut() {
            stream.line.ping_if_due(now, &timers);
            if stream.line.is_silent(now, &timers) {
                silent.push(stream.id);
            }
        }
        for id in silent {
            self.close(id, CloseReason::Silent, now);
        }
    }

    /// Asks a replica, or joins a question that is not asked yet; `None` if there is no replica to ask.
    pub(super) fn ask(&mut self, key: &Key, now: Instant) -> Option<LookupId> {
        let replica = self.watches.replica_for(key, now, self.prefer)?;
        let deadline = now + self.timers.lookup;
        if let Some(in_flight) = self.watches.lookups.get(key) {
            let (id, question) = (in_flight.stream, in_flight.question);
            let stream = self.watches.streams.get(&id.replica);
            let stream = stream.filter(|it| it.id == id && it.is_usable(now));
            if let Some(stream) = stream {
                let was_asked = question <= stream.last_written;
                return self.watches.lookups.join(key, was_asked, deadline);
            }
        }
        let id = self.watches.lookups.begin(key, deadline);
        let mut asked = LookupIds::from_slice(&[id]);
        if let Some(stuck) = self.watches.lookups.take_any(key) {
            asked.extend(stuck.asked);
            asked.extend(stuck.next);
        }
        self.ask_replica(key, asked, replica);
        Some(id)
    }

    fn ask_replica(&mut self, key: &Key, asked: LookupIds, replica: ReplicaId) {
        let Some((stream, question)) = self.watches.question(key, replica) else {
            return;
        };
        self.asked_total += 1;
        let in_flight = InFlight {
            stream,
            question,
            asked,
            next: None,
        };
        self.watches.lookups.put(key.clone(), in_flight);
    }

    /// Asks again for lookups that have no answer, or lets them go to every live gateway.
    fn ask_again(&mut self, key: &Key, lookups: LookupIds, now: Instant) {
        if lookups.is_empty() {
            return;
        }
        match self.watches.replica_for(key, now, self.prefer) {
            Some(replica) => self.ask_replica(key, lookups, replica),
            None => {
                for id in lookups {
                    let resolution = self.untargeted(key);
                    self.resolve(id, resolution);
                }
            }
        }
    }

    /// A stream that these questions were asked on can no longer answer them.
    fn ask_elsewhere(&mut self, id: StreamId, questions: BTreeMap<u64, Key>, now: Instant) {
        for (question, key) in questions {
            if let Some(mut it) = self.watches.lookups.take(&key, id, question) {
                it.asked.extend(it.next);
                self.ask_again(&key, it.asked, now);
            }
        }
    }

    fn answered(&mut self, id: StreamId, answer: Answer, now: Instant) {
        let stream = self.watches.streams.get_mut(&id.replica);
        let Some(stream) = stream.filter(|it| it.id == id) else {
            return;
        };
        let Some(key) = stream.questions.remove(&answer.id) else {
            return;
        };
        let is_usable = stream.is_usable(now);
        if stream.is_released {
            return;
        }
        let Some(in_flight) = self.watches.lookups.take(&key, id, answer.id) else {
            // Asked elsewhere meanwhile: nobody wants this watch.
            let is_cached = self
                .watches
                .cache
                .get(&key)
                .is_some_and(|it| it.stream == id);
            if answer.watched && !is_cached {
                self.watches.unwatch(key, id);
            }
            return;
        };
        let resolution = self.resolution(&key, id, &answer.holders);
        if answer.watched {
            let holders = answer.holders.into_iter().collect();
            let entry = Entry {
                stream: id,
                holders,
            };
            self.watches.remember(key.clone(), entry);
        } else {
            self.watches.forget(&key, id);
        }
        for lookup in in_flight.asked {
            self.resolve(lookup, resolution.clone());
        }
        let Some(next) = in_flight.next else {
            return;
        };
        if answer.watched && is_usable {
            self.resolve(next, resolution);
        } else {
            // It began after this question was asked, which does not say what it has to know.
            self.ask_again(&key, LookupIds::from_slice(&[next]), now);
        }
    }

    fn pushed(&mut self, id: StreamId, push: Push, now: Instant) {
        let stream = self.watches.streams.get_mut(&id.replica);
        let Some(stream) = stream.filter(|it| it.id == id) else {
            return;
        };
        match push {
            Push::Gained { key, node } => {
                if let Some(entry) = self
                    .watches
                    .cache
                    .get_mut(&key)
                    .filter(|it| it.stream == id)
                    && !entry.holders.contains(&node)
                {
                    entry.holders.push(node);
                }
            }
            Push::Lost { key, node } => {
                let Some(entry) = self
                    .watches
                    .cache
                    .get_mut(&key)
                    .filter(|it| it.stream == id)
                else {
                    return;
                };
                entry.holders.retain(|it| *it != node);
                if entry.holders.is_empty() && !key.absence_is_cached() {
                    self.watches.cache.remove(&key);
                }
            }
            Push::Listed { node, synced } => {
                let was_listed = stream.listed.insert(node.clone(), synced).is_some();
                let is_new = !was_listed && self.live.list(&node, now, &self.timers);
                if is_new {
                    self.watches.refresh_unsynced(self.live.all());
                } else {
                    stream.refresh_unsynced(self.live.all());
                }
            }
            Push::Unlisted { node } => {
                if stream.listed.remove(&node).is_some() {
                    self.live.unlist(&node, now, &self.timers);
                }
                self.watches.refresh_unsynced(self.live.all());
            }
            Push::Released => {
                stream.is_released = true;
                let questions = std::mem::take(&mut stream.questions);
                self.ask_elsewhere(id, questions, now);
            }
        }
    }

    fn resolution(&self, key: &Key, id: StreamId, holders: &[NodeId]) -> Resolution {
        let local = !self.members.shards(key).is_empty();
        let Some(stream) = self.watches.streams.get(&id.replica) else {
            return self.untargeted(key);
        };
        Resolution {
            targets: stream.targets(holders, &self.me),
            untargeted: false,
            holders: holders
                .iter()
                .filter(|it| **it != self.me)
                .cloned()
                .collect(),
            certain: stream.unsynced.is_empty(),
            local,
        }
    }

    fn untargeted(&self, key: &Key) -> Resolution {
        Resolution {
            targets: self.live.all().iter().cloned().collect(),
            untargeted: true,
            holders: NodeList::new(),
            certain: false,
            local: !self.members.shards(key).is_empty(),
        }
    }

    fn resolve(&mut self, id: LookupId, resolution: Resolution) {
        self.watches.lookups.end();
        if resolution.untargeted {
            self.untargeted_total += 1;
        }
        self.ready.push_back(Output::Resolved(id, resolution));
    }
}
