//! What happens to a cluster in one run, as data: proptest makes it and shrinks it.

use std::collections::BTreeSet;
use std::time::Duration;

use hubplane_proto_ids::HubName;
use hubplane_router_directory::{Key, Timers};
use proptest::prelude::*;

use crate::cluster::{Cluster, Mutant, Shape};

#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) gateways: usize,
    pub(crate) shards: u16,
    pub(crate) replicas: u16,
    pub(crate) steps: Vec<(u16, Step)>,
}

/// Gateways, routers, links and keys are taken modulo how many there are.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    Hold {
        gateway: usize,
        key: usize,
        shard: u8,
    },
    Release {
        gateway: usize,
        key: usize,
        shard: u8,
    },
    Send {
        gateway: usize,
        key: usize,
    },
    Ask {
        gateway: usize,
        key: usize,
    },
    /// Waits until the hold is visible, then all others send.
    HoldThenSend {
        gateway: usize,
        key: usize,
    },
    /// The same, while all others are looking the key up already.
    Race {
        gateway: usize,
        key: usize,
    },
    Break {
        link: usize,
    },
    Slow {
        link: usize,
        up: bool,
        millis: u16,
    },
    Stick {
        link: usize,
        up: bool,
        millis: u16,
    },
    FreezeGateway {
        gateway: usize,
        millis: u16,
    },
    FreezeRouter {
        router: usize,
        millis: u16,
    },
    KillRouter {
        router: usize,
        millis: u16,
    },
    DrainRouter {
        router: usize,
    },
}

pub(crate) fn steps(len: usize) -> impl Strategy<Value = Vec<(u16, Step)>> {
    let n = 0..16_usize;
    let any = (n.clone(), n.clone());
    let shard = 0..2_u8;
    let step = prop_oneof![
        4 => (any.clone(), shard.clone()).prop_map(|((gateway, key), shard)| Step::Hold { gateway, key, shard }),
        6 => any.clone().prop_map(|(gateway, key)| Step::HoldThenSend { gateway, key }),
        4 => any.clone().prop_map(|(gateway, key)| Step::Race { gateway, key }),
        8 => (any.clone(), shard).prop_map(|((gateway, key), shard)| Step::Release { gateway, key, shard }),
        10 => any.clone().prop_map(|(gateway, key)| Step::Send { gateway, key }),
        2 => any.clone().prop_map(|(gateway, key)| Step::Ask { gateway, key }),
        2 => n.clone().prop_map(|link| Step::Break { link }),
        3 => (n.clone(), any_bool(), 0..900_u16).prop_map(|(link, up, millis)| Step::Slow { link, up, millis }),
        2 => (n.clone(), any_bool(), 100..6000_u16).prop_map(|(link, up, millis)| Step::Stick { link, up, millis }),
        1 => (n.clone(), 100..4500_u16).prop_map(|(gateway, millis)| Step::FreezeGateway { gateway, millis }),
        1 => (n.clone(), 100..12_000_u16).prop_map(|(router, millis)| Step::FreezeRouter { router, millis }),
        1 => (n.clone(), 100..5000_u16).prop_map(|(router, millis)| Step::KillRouter { router, millis }),
        1 => n.prop_map(|router| Step::DrainRouter { router }),
    ];
    let wait = prop_oneof![6 => 0..20_u16, 3 => 20..400_u16, 1 => 400..2500_u16];
    prop::collection::vec((wait, step), len / 4..len)
}

fn any_bool() -> impl Strategy<Value = bool> + Clone {
    prop::bool::ANY
}

pub(crate) fn plans(len: usize) -> impl Strategy<Value = Plan> {
    let shape = prop_oneof![
        4 => Just((1_u16, 1_u16)),
        4 => Just((1, 2)),
        2 => Just((2, 1)),
        1 => Just((2, 2)),
    ];
    (any::<u64>(), 2..4_usize, shape, steps(len)).prop_map(
        |(seed, gateways, (shards, replicas), steps)| Plan {
            seed,
            gateways,
            shards,
            replicas,
            steps,
        },
    )
}

/// A hub, two groups, a user and a connection of each gateway.
pub(crate) fn keys(gateways: usize) -> Vec<Key> {
    let hub: HubName = "chat".parse().unwrap();
    let mut keys = vec![
        Key::group(&hub, &"a".parse().unwrap()),
        Key::group(&hub, &"b".parse().unwrap()),
        Key::user(&hub, &"ana".parse().unwrap()),
        Key::hub(&hub),
    ];
    for n in 0..gateways {
        keys.push(Key::connection(&hub, &format!("c-{n}").parse().unwrap()));
    }
    keys
}

pub(crate) struct Run {
    pub(crate) cluster: Cluster,
    keys: Vec<Key>,
}

impl Plan {
    pub(crate) fn run(&self, mutant: Mutant, timers: Timers, replica_timers: Timers) -> Run {
        let shape = Shape {
            gateways: self.gateways,
            shards: self.shards,
            replicas: self.replicas,
        };
        let cluster = Cluster::with(&shape, self.seed, mutant, timers, replica_timers);
        let mut run = Run {
            cluster,
            keys: keys(self.gateways),
        };
        run.cluster.run(Duration::from_millis(200));
        for (wait, step) in &self.steps {
            run.cluster.run(Duration::from_millis(u64::from(*wait)));
            run.step(step);
            if !run.cluster.truth.violations.is_empty() {
                break;
            }
        }
        run
    }
}

impl Run {
    fn key(&self, gateway: usize, key: usize) -> Option<Key> {
        let n = key % self.keys.len();
        // A connection has one place.
        let owner = n.checked_sub(self.keys.len() - self.cluster.gateways.len());
        let may_hold = owner.is_none_or(|owner| owner == gateway);
        may_hold.then(|| self.keys[n].clone())
    }

    fn step(&mut self, step: &Step) {
        let gateways = self.cluster.gateways.len();
        let routers = self.cluster.routers.len();
        let links = self.cluster.links.len();
        let now = self.cluster.now;
        let after = |millis: u16| Some(now + Duration::from_millis(u64::from(millis)));
        match *step {
            Step::Hold {
                gateway,
                key,
                shard,
            } => self.hold(gateway % gateways, key, shard),
            Step::HoldThenSend { gateway, key } => {
                self.hold_until_visible(gateway % gateways, key);
                for sender in 0..gateways {
                    self.send(sender, &self.keys[key % self.keys.len()].clone());
                }
            }
            Step::Race { gateway, key } => {
                let key_sent_to = self.keys[key % self.keys.len()].clone();
                for sender in 0..gateways {
                    self.send(sender, &key_sent_to);
                }
                self.hold_until_visible(gateway % gateways, key);
                for sender in 0..gateways {
                    self.send(sender, &key_sent_to);
                }
            }
            Step::Release {
                gateway,
                key,
                shard,
            } => {
                let gateway = gateway % gateways;
                if let Some(key) = self.key(gateway, key).filter(|_| self.is_awake(gateway))
                    && self.cluster.truth.has(&key, gateway, shard)
                {
                    self.cluster.release(gateway, &key, shard);
                }
            }
            Step::Send { gateway, key } => {
                self.send(
                    gateway % gateways,
                    &self.keys[key % self.keys.len()].clone(),
                );
            }
            Step::Ask { gateway, key } => {
                let connections = self.keys.len() - gateways;
                let key = self.keys[connections + key % gateways].clone();
                if self.is_awake(gateway % gateways) {
                    self.cluster.ask(gateway % gateways, &key);
                }
            }
            Step::Break { link } => self.cluster.break_link(link % links),
            Step::Slow { link, up, millis } => {
                let link = &mut self.cluster.links[link % links];
                let slower_by = Duration::from_millis(u64::from(millis));
                if up {
                    link.up.slower_by = slower_by;
                } else {
                    link.down.slower_by = slower_by;
                }
            }
            Step::Stick { link, up, millis } => {
                let link = &mut self.cluster.links[link % links];
                if up {
                    link.up.stuck_until = after(millis);
                } else {
                    link.down.stuck_until = after(millis);
                }
            }
            Step::FreezeGateway { gateway, millis } => {
                self.cluster.gateways[gateway % gateways].frozen_until = after(millis);
            }
            Step::FreezeRouter { router, millis } => {
                self.cluster.routers[router % routers].frozen_until = after(millis);
            }
            Step::KillRouter { router, millis } => {
                let down = Duration::from_millis(u64::from(millis));
                self.cluster.kill_router(router % routers, down);
            }
            Step::DrainRouter { router } => {
                let frozen = self.cluster.routers[router % routers].frozen_until;
                if frozen.is_none_or(|until| until <= now) {
                    self.cluster.drain_router(router % routers);
                    self.cluster.run(Duration::from_millis(1500));
                    self.cluster
                        .kill_router(router % routers, Duration::from_millis(300));
                }
            }
        }
    }

    fn is_awake(&self, gateway: usize) -> bool {
        let frozen = self.cluster.gateways[gateway].frozen_until;
        frozen.is_none_or(|until| until <= self.cluster.now)
    }

    fn hold(&mut self, gateway: usize, key: usize, shard: u8) {
        if let Some(key) = self.key(gateway, key).filter(|_| self.is_awake(gateway)) {
            self.cluster.hold(gateway, &key, shard);
        }
    }

    /// Waits for as long as the add is likely to take, and not a moment longer.
    fn hold_until_visible(&mut self, gateway: usize, key: usize) {
        self.hold(gateway, key, 0);
        for _ in 0..60 {
            if self.cluster.counts(gateway).waiting == 0 {
                return;
            }
            self.cluster.run(Duration::from_millis(1));
        }
    }

    fn send(&mut self, gateway: usize, key: &Key) {
        if self.is_awake(gateway) {
            self.cluster.send(gateway, key);
        }
    }

    /// Everything works again, and for long enough.
    pub(crate) fn heal(&mut self) {
        let now = self.cluster.now;
        for link in &mut self.cluster.links {
            link.up.slower_by = Duration::ZERO;
            link.down.slower_by = Duration::ZERO;
            link.up.stuck_until = link.up.stuck_until.min(Some(now));
            link.down.stuck_until = link.down.stuck_until.min(Some(now));
        }
        for gateway in &mut self.cluster.gateways {
            gateway.frozen_until = gateway.frozen_until.min(Some(now));
        }
        for router in &mut self.cluster.routers {
            router.frozen_until = router.frozen_until.min(Some(now));
        }
        self.cluster.run(Duration::from_secs(15));
    }

    /// Whether a healthy cluster knows exactly who holds what.
    pub(crate) fn check_convergence(&mut self) -> Result<(), String> {
        let now = self.cluster.now;
        for gateway in 0..self.cluster.gateways.len() {
            let directory = &self.cluster.gateways[gateway].directory;
            if !directory.is_ready(now) {
                return Err(format!("gateway {gateway} is not ready"));
            }
            if directory.counts().waiting > 0 || directory.counts().lookups > 0 {
                return Err(format!("gateway {gateway} waits: {:?}", directory.counts()));
            }
        }
        // Once to fill the cache, once to use it.
        for _ in 0..2 {
            for key in self.keys.clone() {
                for gateway in 0..self.cluster.gateways.len() {
                    self.check_targets(gateway, &key)?;
                }
            }
        }
        Ok(())
    }

    fn check_targets(&mut self, gateway: usize, key: &Key) -> Result<(), String> {
        let mut expected = self.cluster.truth.holders(key);
        let is_connection_here = matches!(
            key.subject(),
            hubplane_router_directory::Subject::Connection(_)
        ) && expected.contains(&gateway);
        expected.remove(&gateway);
        if is_connection_here {
            expected.clear();
        }
        let targets = self.cluster.targets(gateway, key)?;
        let nodes = &self.cluster.nodes;
        let targets: BTreeSet<_> = targets
            .iter()
            .filter_map(|it| nodes.iter().position(|node| node == it))
            .collect();
        if targets != expected {
            return Err(format!(
                "gateway {gateway} sends {key} to {targets:?} instead of {expected:?}"
            ));
        }
        Ok(())
    }
}
