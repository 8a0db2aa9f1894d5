//! Gateways and routers in one place, driven as a driver drives them: every input is followed by draining the outputs.

use std::time::{Duration, Instant};

use hubplane_proto_ids::{Generation, NodeId};
use hubplane_router_directory::message::{Layout, Push, StreamKind, ToGateway, ToRouter};
use hubplane_router_directory::{
    GatewayCounts, GatewayDirectory, GatewayLimits, HASH_VERSION, Key, NodeList, Output, Replica,
    ReplicaOutput, SessionId, StreamId, Targets, Timers, Visibility,
};

use crate::links::Link;
use crate::truth::Truth;

/// What a cluster does wrong on purpose, to see that the checks find it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mutant {
    /// Nothing.
    None,
    /// A watcher counts as told when the push is written.
    AckBeforeTold,
    /// A replica answers a watcher's pings beside the queue.
    WatchPongOvertakes,
    /// A change is visible when it is applied.
    VisibleWhenApplied,
    /// Nobody is told that a gateway is no longer synced.
    UnsyncedNotTold,
    /// Answers come after the pushes that follow them.
    AnswersLate,
}

/// So small that everything that they bound happens.
const LIMITS: GatewayLimits = GatewayLimits {
    cache_entries_max: 4,
    log_max: 8,
    chunk_bytes_max: 40,
};

pub(crate) struct Shape {
    pub(crate) gateways: usize,
    pub(crate) shards: u16,
    pub(crate) replicas: u16,
}

pub(crate) struct Gateway {
    pub(crate) directory: GatewayDirectory,
    pub(crate) frozen_until: Option<Instant>,
}

pub(crate) struct Router {
    pub(crate) replica: Replica,
    pub(crate) frozen_until: Option<Instant>,
    /// It is down until then.
    pub(crate) down_until: Option<Instant>,
    pub(crate) is_drained: bool,
}

pub(crate) struct Cluster {
    pub(crate) now: Instant,
    pub(crate) nodes: Vec<NodeId>,
    pub(crate) gateways: Vec<Gateway>,
    pub(crate) routers: Vec<Router>,
    pub(crate) links: Vec<Link>,
    pub(crate) truth: Truth,
    mutant: Mutant,
    replica_timers: Timers,
    shards: u16,
    /// Sessions of broken streams, and when their router notices.
    pub(crate) orphans: Vec<(Instant, usize, SessionId)>,
    generations: u64,
    random: u64,
    pub(crate) heartbeat_at: Instant,
    late_answer: Option<(usize, ToGateway)>,
    pub(crate) messages: u64,
}

fn node(name: String, generation: u64) -> NodeId {
    NodeId {
        name: name.parse().unwrap(),
        generation: Generation::from_raw(generation),
    }
}

impl Cluster {
    pub(crate) fn new(shape: &Shape, seed: u64) -> Self {
        let timers = Timers::default();
        Self::with(shape, seed, Mutant::None, timers, timers)
    }

    pub(crate) fn with(
        shape: &Shape,
        seed: u64,
        mutant: Mutant,
        timers: Timers,
        replica_timers: Timers,
    ) -> Self {
        let now = Instant::now();
        let nodes: Vec<_> = (0..shape.gateways)
            .map(|n| node(format!("gateway-{n}"), n as u64 + 1))
            .collect();
        let gateways = nodes.iter().map(|node| Gateway {
            directory: GatewayDirectory::with_limits(node.clone(), timers, LIMITS),
            frozen_until: None,
        });
        let mut cluster = Self {
            now,
            gateways: gateways.collect(),
            nodes,
            routers: Vec::new(),
            links: Vec::new(),
            truth: Truth::default(),
            mutant,
            replica_timers,
            shards: shape.shards,
            orphans: Vec::new(),
            generations: 0,
            random: seed,
            heartbeat_at: now,
            late_answer: None,
            messages: 0,
        };
        for router in 0..usize::from(shape.shards * shape.replicas) {
            let replica = cluster.new_replica(router);
            cluster.routers.push(Router {
                replica,
                frozen_until: None,
                down_until: None,
                is_drained: false,
            });
            for gateway in 0..shape.gateways {
                for kind in [StreamKind::Report, StreamKind::Watch] {
                    cluster.links.push(Link::new(gateway, router, kind, now));
                }
            }
        }
        cluster
    }

    pub(crate) fn new_replica(&mut self, router: usize) -> Replica {
        self.generations += 1;
        let layout = Layout {
            shards: self.shards,
            ordinal: router as u16,
            hash_version: HASH_VERSION,
        };
        let me = node(format!("router-{router}"), self.generations);
        Replica::new(me, layout, self.replica_timers)
    }

    /// A number below `end`, the same for the same seed.
    pub(crate) fn random(&mut self, end: u64) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end.max(1)
    }

    pub(crate) fn millis(&mut self, end: u64) -> Duration {
        Duration::from_millis(self.random(end))
    }

    pub(crate) fn counts(&self, gateway: usize) -> GatewayCounts {
        self.gateways[gateway].directory.counts()
    }

    pub(crate) fn link(&mut self, gateway: usize, router: usize, kind: StreamKind) -> &mut Link {
        let mut links = self.links.iter_mut();
        let link = links.find(|it| (it.gateway, it.router, it.kind) == (gateway, router, kind));
        link.unwrap()
    }

    // What the gateway's shards do.

    pub(crate) fn hold(&mut self, gateway: usize, key: &Key, shard: u8) -> bool {
        let directory = &mut self.gateways[gateway].directory;
        let outcome = directory.hold(key, shard, self.now);
        assert_eq!(directory.visibility(key), outcome);
        assert!(directory.local_shards(key).contains(shard));
        self.truth.add(key, gateway, shard, outcome, self.now);
        self.flush_gateway(gateway);
        outcome == Visibility::Visible
    }

    pub(crate) fn release(&mut self, gateway: usize, key: &Key, shard: u8) {
        self.truth.remove(key, gateway, shard);
        self.gateways[gateway]
            .directory
            .release(key, shard, self.now);
        self.flush_gateway(gateway);
    }

    pub(crate) fn release_later(&mut self, gateway: usize, key: &Key, shard: u8) {
        self.truth.remove(key, gateway, shard);
        self.gateways[gateway]
            .directory
            .release_later(key, shard, self.now);
        self.flush_gateway(gateway);
    }

    pub(crate) fn send(&mut self, gateway: usize, key: &Key) {
        let targets = self.gateways[gateway].directory.targets(key, self.now);
        self.truth
            .send(key, gateway, targets, &self.nodes, self.now);
        self.flush_gateway(gateway);
    }

    pub(crate) fn ask(&mut self, gateway: usize, key: &Key) {
        let answer = self.gateways[gateway].directory.holders(key, self.now);
        self.truth.ask(key, gateway, answer, &self.nodes, self.now);
        self.flush_gateway(gateway);
    }

    /// Where a send goes that starts now; an error if that is every live gateway for want of an answer.
    pub(crate) fn targets(&mut self, gateway: usize, key: &Key) -> Result<NodeList, String> {
        let targets = self.gateways[gateway].directory.targets(key, self.now);
        let untargeted = self.truth.untargeted;
        self.truth
            .send(key, gateway, targets.clone(), &self.nodes, self.now);
        self.flush_gateway(gateway);
        let targets = match targets {
            Targets::Known(targets) => Some(targets),
            Targets::Untargeted(_) => None,
            Targets::Wait(lookup) => {
                self.run(Duration::from_millis(60));
                self.truth.resolution(gateway, lookup)
            }
        };
        let targeted = self.truth.untargeted == untargeted;
        targets
            .filter(|_| targeted)
            .ok_or_else(|| format!("gateway {gateway} has no targets for {key}"))
    }

    // What happens to them.

    /// Both ends notice by themselves, each in its time; what is on its way is lost.
    pub(crate) fn break_link(&mut self, link: usize) {
        let noticed_at = self.now + self.millis(2000);
        let orphaned_at = self.now + self.millis(2000);
        let link = &mut self.links[link];
        if link.stream.is_some() && link.noticed_at.is_none() {
            link.noticed_at = Some(noticed_at);
        }
        if let Some(session) = link.session.take() {
            self.orphans.push((orphaned_at, link.router, session));
        }
        link.lose();
    }

    /// The router is gone at once and comes back as another generation.
    pub(crate) fn kill_router(&mut self, router: usize, down: Duration) {
        self.routers[router].down_until = Some(self.now + down);
        self.orphans.retain(|(_, it, _)| *it != router);
        for link in 0..self.links.len() {
            if self.links[link].router == router {
                self.break_link(link);
            }
        }
        self.orphans.retain(|(_, it, _)| *it != router);
    }

    pub(crate) fn drain_router(&mut self, router: usize) {
        if self.routers[router].down_until.is_none() {
            self.routers[router].replica.drain(self.now);
            self.flush_router(router);
        }
    }

    /// Runs until then.
    pub(crate) fn run(&mut self, duration: Duration) {
        let until = self.now + duration;
        while let Some((due_at, event)) = self.next_event() {
            if due_at > until {
                break;
            }
            self.now = self.now.max(due_at);
            self.happen(event);
        }
        self.now = self.now.max(until);
    }

    /// Runs until this is so, at most for a minute.
    pub(crate) fn run_until(&mut self, what: &str, mut so: impl FnMut(&mut Self) -> bool) {
        let limit = self.now + Duration::from_secs(60);
        while !so(self) {
            assert!(self.now < limit, "waited in vain until {what}");
            self.run(Duration::from_millis(1));
        }
    }

    pub(crate) fn run_until_ready(&mut self) {
        self.run_until("every gateway is ready", |it| {
            it.gateways
                .iter()
                .all(|gateway| gateway.directory.is_ready(it.now))
        });
    }

    pub(crate) fn arrive_up(&mut self, link: usize) {
        let Some(message) = self.links[link].up.receive() else {
            return;
        };
        let Some(session) = self.links[link].session else {
            return;
        };
        let router = self.links[link].router;
        if let (Mutant::VisibleWhenApplied, ToRouter::Changes(changes)) = (self.mutant, &message) {
            let numbers = changes.iter().map(|change| change.number).collect();
            let now = self.now;
            self.links[link]
                .down
                .send(ToGateway::Visible(numbers), now, Duration::ZERO);
        }
        if self.mutant == Mutant::AckBeforeTold && matches!(message, ToRouter::Ack { .. }) {
            return;
        }
        self.routers[router]
            .replica
            .handle(session, message, self.now);
        self.flush_router(router);
    }

    pub(crate) fn arrive_down(&mut self, link: usize) {
        let Some(message) = self.links[link].down.receive() else {
            return;
        };
        let Some(stream) = self.links[link].stream else {
            return;
        };
        let gateway = self.links[link].gateway;
        self.gateways[gateway]
            .directory
            .handle(stream, message, self.now);
        self.flush_gateway(gateway);
    }

    pub(crate) fn flush_gateway(&mut self, gateway: usize) {
        while let Some(output) = self.gateways[gateway].directory.poll_output() {
            match output {
                Output::ToRouter { stream, message } => self.write_up(gateway, stream, message),
                Output::Close { stream, .. } => {
                    let dial_at = self.now + Duration::from_millis(20) + self.millis(200);
                    let orphaned_at = self.now + self.millis(50);
                    let mut links = self.links.iter_mut();
                    let link = links.find(|it| it.gateway == gateway && it.stream == Some(stream));
                    let link = link.unwrap();
                    link.stream = None;
                    link.noticed_at = None;
                    link.lose();
                    link.dial_at = Some(dial_at);
                    if let Some(session) = link.session.take() {
                        self.orphans.push((orphaned_at, link.router, session));
                    }
                }
                Output::Visible(change) => self.truth.visible(gateway, change),
                Output::Resolved(lookup, it) => {
                    self.truth.resolved(gateway, lookup, &it, &self.nodes);
                }
            }
        }
    }

    fn write_up(&mut self, gateway: usize, stream: StreamId, message: ToRouter) {
        self.messages += 1;
        let delay = Duration::from_millis(1) + self.millis(10);
        let now = self.now;
        let mut links = self.links.iter_mut();
        let link = links.find(|it| it.gateway == gateway && it.stream == Some(stream));
        let Some(link) = link.filter(|it| it.session.is_some()) else {
            return;
        };
        link.up.send(message, now, delay);
    }

    pub(crate) fn flush_router(&mut self, router: usize) {
        while let Some(output) = self.routers[router].replica.poll_output() {
            match output {
                ReplicaOutput::ToGateway { session, message } => {
                    self.write_down(router, session, message)
                }
                ReplicaOutput::Close { session, .. } => {
                    self.orphans.retain(|it| (it.1, it.2) != (router, session));
                    let noticed_at = self.now + self.millis(50);
                    let mut links = self.links.iter_mut();
                    let link = links.find(|it| it.router == router && it.session == Some(session));
                    if let Some(link) = link {
                        link.session = None;
                        link.noticed_at = Some(noticed_at);
                    }
                }
                ReplicaOutput::Drained => {
                    self.routers[router].is_drained = true;
                }
            }
        }
    }

    fn write_down(&mut self, router: usize, session: SessionId, mut message: ToGateway) {
        self.messages += 1;
        let delay = Duration::from_millis(1) + self.millis(10);
        let now = self.now;
        let found = self
            .links
            .iter()
            .position(|it| it.router == router && it.session == Some(session));
        let Some(link) = found else {
            return;
        };
        match (self.mutant, &mut message) {
            (Mutant::AckBeforeTold, ToGateway::Pushes { last, .. }) => {
                let through = *last;
                self.routers[router]
                    .replica
                    .handle(session, ToRouter::Ack { through }, now);
            }
            (Mutant::WatchPongOvertakes, ToGateway::Pong(_)) => {
                return self.links[link].down.overtake(message, now, delay);
            }
            (Mutant::UnsyncedNotTold, ToGateway::Pushes { pushes, .. }) => {
                pushes.retain(|push| !matches!(push, Push::Listed { synced: false, .. }));
            }
            (Mutant::AnswersLate, ToGateway::Answers(_)) => {
                self.late_answer = Some((link, message));
                return;
            }
            _ => {}
        }
        self.links[link].down.send(message, now, delay);
        if let Some((_, answer)) = self.late_answer.take_if(|it| it.0 == link) {
            self.links[link].down.send(answer, now, delay);
        }
    }
}
