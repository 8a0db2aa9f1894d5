//! What happens next in a cluster, and what it does.

use std::time::{Duration, Instant};

use hubplane_router_directory::ReplicaId;

use crate::cluster::{Cluster, Router};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Event {
    Thaw(usize),
    Up(usize),
    Down(usize),
    Notice(usize),
    Dial(usize),
    Orphan(usize),
    GatewayTimeout(usize),
    RouterTimeout(usize),
    Restart(usize),
    Heartbeats,
}

impl Cluster {
    pub(crate) fn next_event(&self) -> Option<(Instant, Event)> {
        let mut events = vec![(self.heartbeat_at, Event::Heartbeats)];
        for (n, link) in self.links.iter().enumerate() {
            let gateway = self.gateways[link.gateway].frozen_until;
            let router = self.routers[link.router].frozen_until;
            let at =
                |due: Option<Instant>, frozen: Option<Instant>| due.map(|it| Some(it).max(frozen));
            let due = [
                (at(link.up.due_at(), router), Event::Up(n)),
                (at(link.down.due_at(), gateway), Event::Down(n)),
                (at(link.noticed_at, gateway), Event::Notice(n)),
                (at(link.dial_at, gateway.max(router)), Event::Dial(n)),
            ];
            events.extend(
                due.into_iter()
                    .filter_map(|(at, event)| Some((at??, event))),
            );
        }
        for (n, (at, router, _)) in self.orphans.iter().enumerate() {
            let at = Some(*at).max(self.routers[*router].frozen_until);
            events.extend(at.map(|at| (at, Event::Orphan(n))));
        }
        for (n, gateway) in self.gateways.iter().enumerate() {
            let due = gateway.directory.poll_timeout();
            let due = due.and_then(|it| Some(it).max(gateway.frozen_until));
            events.extend(due.map(|at| (at, Event::GatewayTimeout(n))));
            events.extend(gateway.frozen_until.map(|at| (at, Event::Thaw(n))));
        }
        for (n, router) in self.routers.iter().enumerate() {
            if let Some(until) = router.down_until {
                events.push((until, Event::Restart(n)));
                continue;
            }
            let due = router.replica.poll_timeout();
            let due = due.and_then(|it| Some(it).max(router.frozen_until));
            events.extend(due.map(|at| (at, Event::RouterTimeout(n))));
        }
        events.into_iter().min()
    }

    pub(crate) fn happen(&mut self, event: Event) {
        match event {
            Event::Thaw(gateway) => self.gateways[gateway].frozen_until = None,
            Event::Up(link) => self.arrive_up(link),
            Event::Down(link) => self.arrive_down(link),
            Event::Notice(link) => {
                self.links[link].noticed_at = None;
                let dial_at = self.now + Duration::from_millis(20) + self.millis(200);
                if let Some(stream) = self.links[link].stream.take() {
                    let gateway = self.links[link].gateway;
                    self.gateways[gateway]
                        .directory
                        .disconnected(stream, self.now);
                    self.flush_gateway(gateway);
                }
                self.links[link].dial_at = Some(dial_at);
            }
            Event::Dial(link) => self.dial(link),
            Event::Orphan(n) => {
                let (_, router, session) = self.orphans.remove(n);
                self.routers[router].replica.disconnected(session, self.now);
                self.flush_router(router);
            }
            Event::GatewayTimeout(gateway) => {
                self.gateways[gateway].directory.handle_timeout(self.now);
                self.flush_gateway(gateway);
            }
            Event::RouterTimeout(router) => {
                self.routers[router].replica.handle_timeout(self.now);
                self.flush_router(router);
            }
            Event::Restart(router) => {
                let replica = self.new_replica(router);
                self.routers[router] = Router {
                    replica,
                    frozen_until: None,
                    down_until: None,
                    is_drained: false,
                };
            }
            Event::Heartbeats => {
                self.heartbeat_at = self.now + Duration::from_secs(1);
                for gateway in &mut self.gateways {
                    for node in &self.nodes {
                        gateway.directory.heard(node, self.now);
                    }
                }
            }
        }
    }

    fn dial(&mut self, link: usize) {
        let (gateway, router, kind) = {
            let link = &self.links[link];
            (link.gateway, link.router, link.kind)
        };
        if self.routers[router].down_until.is_some() {
            self.links[link].dial_at = Some(self.now + Duration::from_millis(200));
            return;
        }
        let me = self.nodes[gateway].clone();
        let session = self.routers[router].replica.connected(me, kind, self.now);
        let replica = ReplicaId(router as u32);
        let stream = self.gateways[gateway]
            .directory
            .connected(replica, kind, self.now);
        let it = &mut self.links[link];
        it.lose();
        it.dial_at = None;
        it.session = Some(session);
        it.stream = Some(stream);
        self.flush_router(router);
        self.flush_gateway(gateway);
    }
}
