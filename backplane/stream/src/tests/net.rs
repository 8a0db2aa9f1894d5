//! Several nodes' streams joined by channels that lose, repeat, delay and overtake, under a clock that jumps from event to
//! event.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use bytes::Bytes;
use hubplane_proto_ids::NodeId;

use super::node;
use crate::{
    Body, Envelope, FetchFailed, FetchRequest, FetchResponse, Heartbeat, Limits, Output, Streams,
};

/// How bad the channels are. Shares are of 100.
#[derive(Debug, Clone, Copy)]
pub(super) struct Faults {
    pub(super) lost: u64,
    pub(super) repeated: u64,
    pub(super) delay_max_millis: u64,
    pub(super) heartbeats_lost: u64,
    pub(super) fetches_lost: u64,
}

impl Faults {
    pub(super) const NONE: Self = Self {
        lost: 0,
        repeated: 0,
        delay_max_millis: 0,
        heartbeats_lost: 0,
        fetches_lost: 0,
    };
}

/// What one node delivered of one origin.
#[derive(Debug, Default, Clone)]
pub(super) struct Got {
    pub(super) bodies: Vec<Bytes>,
    pub(super) skipped: u64,
}

enum Event {
    Envelope(Envelope),
    Heartbeat(Heartbeat),
    /// At the origin.
    Asked(FetchRequest),
    /// At the receiver.
    Answered(NodeId, Result<FetchResponse, FetchFailed>),
}

pub(super) struct Net {
    pub(super) nodes: Vec<Streams>,
    pub(super) faults: Faults,
    /// By receiver and origin.
    pub(super) got: BTreeMap<(usize, usize), Got>,
    /// By origin and receiver, in the order of sending.
    pub(super) sent: BTreeMap<(usize, usize), Vec<Bytes>>,
    /// Some ring or hold was seen beyond its limit.
    pub(super) over_limits: bool,
    limits: Limits,
    now: Instant,
    random: u64,
    scheduled: u64,
    events: BTreeMap<(Instant, u64), (usize, Event)>,
}

pub(super) fn id(index: usize) -> NodeId {
    node(&format!("n{index}"))
}

fn index(node: &NodeId) -> usize {
    node.name.as_str()[1..].parse().unwrap()
}

impl Net {
    pub(super) fn new(nodes: usize, limits: Limits, faults: Faults, seed: u64) -> Self {
        let streams = (0..nodes).map(|index| Streams::new(id(index), limits.clone()));
        Self {
            nodes: streams.collect(),
            faults,
            got: BTreeMap::new(),
            sent: BTreeMap::new(),
            over_limits: false,
            limits,
            now: Instant::now(),
            random: seed,
            scheduled: 0,
            events: BTreeMap::new(),
        }
    }

    /// `origin` sends a body of this size to these; it begins with what makes it unlike any other.
    pub(super) fn send(&mut self, origin: usize, receivers: &[usize], len_bytes: usize) {
        let mut body = format!("{origin}/{}/", self.nodes[origin].stats().messages).into_bytes();
        body.resize(body.len().max(len_bytes), b'.');
        let body = Bytes::from(body);
        for &receiver in receivers {
            let sent = self.sent.entry((origin, receiver)).or_default();
            sent.push(body.clone());
        }
        let targets: Vec<_> = receivers.iter().map(|&receiver| id(receiver)).collect();
        self.nodes[origin].send(&targets, body, self.now);
        self.carry_out(origin);
    }

    /// `node` learns of `other` from somebody else.
    pub(super) fn introduce(&mut self, node: usize, other: usize) {
        self.nodes[node].introduce(&id(other), self.now);
    }

    /// Runs for this long.
    pub(super) fn run(&mut self, millis: u64) {
        let end = self.now + Duration::from_millis(millis);
        while let Some(next) = self.next_at().filter(|next| *next <= end) {
            self.now = next;
            self.step();
        }
        self.now = end;
    }

    /// Runs until every number has been delivered or skipped and acked, for 2 minutes at most. Says whether it came to that.
    pub(super) fn settle(&mut self) -> bool {
        for _ in 0..240 {
            self.run(500);
            if self.nodes.iter().all(|node| node.unacked() == 0) {
                return true;
            }
        }
        false
    }

    fn next_at(&self) -> Option<Instant> {
        let event = self.events.first_key_value().map(|((at, _), _)| *at);
        let deadlines = self.nodes.iter().filter_map(Streams::poll_timeout);
        deadlines.chain(event).min()
    }

    fn step(&mut self) {
        while let Some(entry) = self.events.first_entry() {
            if entry.key().0 > self.now {
                break;
            }
            let (at, event) = entry.remove();
            self.happen(at, event);
            self.carry_out(at);
        }
        for index in 0..self.nodes.len() {
            let due = self.nodes[index].poll_timeout();
            if due.is_none_or(|due| due > self.now) {
                continue;
            }
            self.nodes[index].handle_timeout(self.now);
            self.carry_out(index);
            if let Some(heartbeat) = self.nodes[index].heartbeat(self.now) {
                for to in 0..self.nodes.len() {
                    self.lossy(self.faults.heartbeats_lost, to, || {
                        Event::Heartbeat(heartbeat.clone())
                    });
                }
            }
        }
    }

    fn happen(&mut self, at: usize, event: Event) {
        match event {
            Event::Envelope(envelope) => self.nodes[at].receive(envelope, self.now),
            Event::Heartbeat(heartbeat) => self.nodes[at].heard(&heartbeat, self.now),
            Event::Asked(request) => {
                let answer = self.nodes[at].fetch(&request);
                let answer = if self.chance(self.faults.fetches_lost) {
                    Err(FetchFailed::Unanswered)
                } else {
                    answer
                };
                let to = index(&request.receiver);
                self.schedule(to, Event::Answered(request.origin, answer));
            }
            Event::Answered(origin, answer) => self.nodes[at].fetched(&origin, answer, self.now),
        }
    }

    fn carry_out(&mut self, at: usize) {
        while let Some(output) = self.nodes[at].poll_output() {
            match output {
                Output::Publish { envelope, .. } => self.publish(&envelope),
                Output::Deliver {
                    origin,
                    number,
                    body,
                    ..
                } => {
                    let got = self.got.entry((at, index(&origin))).or_default();
                    got.bodies.push(body);
                    assert_eq!(number.as_raw(), got.bodies.len() as u64 + got.skipped);
                }
                Output::Skipped { origin, count, .. } => {
                    let got = self.got.entry((at, index(&origin))).or_default();
                    got.skipped += count;
                }
                Output::Fetch { origin, request } => {
                    self.lossy(self.faults.fetches_lost, index(&origin), || {
                        Event::Asked(request.clone())
                    });
                }
            }
        }
        let stats = self.nodes[at].stats();
        self.over_limits |= stats.ring_bytes > self.limits.ring_max_bytes;
        self.over_limits |= stats.hold_bytes > self.limits.hold_max_bytes;
    }

    fn publish(&mut self, envelope: &Envelope) {
        if let Body::Here(body) = &envelope.body {
            assert!(body.len() <= self.limits.published_body_max_bytes);
        }
        let to = index(&envelope.receiver);
        let copies = 1 + u64::from(self.chance(self.faults.repeated));
        for _ in 0..copies {
            self.lossy(self.faults.lost, to, || {
                Event::Envelope(Envelope::decode(envelope.encode()).unwrap())
            });
        }
    }

    fn lossy(&mut self, lost: u64, to: usize, event: impl FnOnce() -> Event) {
        if !self.chance(lost) {
            self.schedule(to, event());
        }
    }

    fn schedule(&mut self, to: usize, event: Event) {
        let delay = self.random() % (self.faults.delay_max_millis + 1);
        let at = self.now + Duration::from_millis(delay);
        self.scheduled += 1;
        self.events.insert((at, self.scheduled), (to, event));
    }

    fn chance(&mut self, of_100: u64) -> bool {
        self.random() % 100 < of_100
    }

    /// SplitMix64: enough for a test, and the same everywhere.
    fn random(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
