//! Starting a gateway, and ending it.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use axum::Router;
use hubplane_backplane_carrier::{Carrier, Inbound};
use hubplane_gateway_shard::{Command, LinkSender, ShardOptions, Shards, SharedPresence};
use hubplane_node::tasks::{OnFailure, Tasks};
use hubplane_proto_ids::NodeId;
use hubplane_proto_link::{GatewayHello, HubHostHello, ToGateway, ToHubHost};
use hubplane_router_directory::{GatewayDirectory, Timers};
use opentelemetry::metrics::Meter;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::admission::Admission;
use crate::auth::{Authenticator, KeySourceError};
use crate::backplane::{self, Backplane};
use crate::core::Core;
use crate::directory::{self, Directory, RouterDialer};
use crate::egress::Egress;
use crate::front::Front;
use crate::links::{Link, Links};
use crate::listener::{self, Listener};
use crate::lookups::Lookups;
use crate::metrics;
use crate::options::GatewayOptions;
use crate::presence;
use crate::registry::Registry;
use crate::relay::{self, RelayBus};

/// How often tokens that nobody came for are forgotten.
const EXPIRE_INTERVAL: Duration = Duration::from_secs(1);

/// How often a drain asks some more connections to leave.
const DRAIN_STEP: Duration = Duration::from_millis(50);
/// How long connections may take to leave once all were asked.
const DRAIN_GRACE: Duration = Duration::from_secs(1);

/// What a gateway is made of.
#[derive(Debug)]
pub struct GatewayParts {
    /// Who it is.
    pub node: NodeId,
    /// How it behaves.
    pub options: GatewayOptions,
    /// What brings its envelopes to other gateways.
    pub carrier: Carrier,
    /// What comes from them.
    pub inbound: Inbound,
    /// Where other gateways are asked.
    pub relay: RelayBus,
    /// The routers. Without any, every send goes to every live gateway.
    pub routers: Vec<RouterDialer>,
    /// Where its tasks run.
    pub tasks: Tasks,
    /// Where its metrics are declared.
    pub meter: Meter,
}

/// Why a gateway cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A thread cannot be started.
    #[error("a thread cannot be started")]
    Thread(#[from] std::io::Error),
    /// Keys that tokens are checked with cannot be had.
    #[error(transparent)]
    Keys(#[from] KeySourceError),
}

/// A running gateway. Its tasks end with the node's.
pub struct Gateway {
    core: Arc<Core>,
    front: Arc<Front>,
    tasks: Tasks,
    synced: watch::Receiver<bool>,
}

impl Gateway {
    /// Starts the shards and the tasks of a gateway. It takes no client until [`admission`](Self::admission) is opened.
    ///
    /// # Errors
    /// See [`StartError`].
    pub fn start(parts: GatewayParts) -> Result<Self, StartError> {
        let GatewayParts {
            node,
            options,
            carrier,
            inbound,
            relay,
            routers,
            tasks,
            meter,
        } = parts;
        let authenticator = Authenticator::new(&options.auth)?;
        authenticator.watch(&tasks);
        let directory = Directory::new(GatewayDirectory::new(node.clone(), Timers::default()));
        let presence = SharedPresence::new(node.clone());
        let shards = Shards::spawn(
            options.shards,
            &ShardOptions::default(),
            &directory.0,
            &presence,
            &tasks,
        )?;
        let paths = options
            .hubs
            .iter()
            .flat_map(|(hub, options)| options.paths.iter().map(|path| (path.clone(), hub.clone())))
            .collect();
        let core = Arc::new(Core {
            shards,
            registry: Registry::new(options.negotiate_timeout, options.negotiated_max),
            links: Links::new(paths),
            directory,
            presence,
            lookups: Lookups::default(),
            backplane: Backplane::new(node.clone(), carrier),
            relay,
            asked: AtomicU64::new(0),
            options,
            node,
        });
        let front = Arc::new(Front {
            authenticator,
            core: Arc::clone(&core),
            admission: Admission::default(),
            upgrades: tasks.pool("websocket upgrade"),
        });
        metrics::register(&meter, &core);
        let (told, synced) = watch::channel(routers.is_empty());
        let requests = core.relay.join(core.node.clone());
        tasks.spawn(
            "directory",
            OnFailure::StopNode,
            directory::drive(Arc::clone(&core), routers, told),
        );
        tasks.spawn(
            "backplane",
            OnFailure::StopNode,
            backplane::drive(Arc::clone(&core), inbound),
        );
        tasks.spawn(
            "relay",
            OnFailure::StopNode,
            relay::serve(Arc::clone(&core), requests),
        );
        tasks.spawn(
            "presence",
            OnFailure::StopNode,
            presence::drive(Arc::clone(&core)),
        );
        tasks.spawn(
            "negotiated",
            OnFailure::Log,
            expire(Arc::clone(&core.registry)),
        );
        Ok(Self {
            core,
            front,
            tasks,
            synced,
        })
    }

    /// What this gateway says first on a link.
    pub fn hello(&self) -> GatewayHello {
        GatewayHello {
            node: self.core.node.clone(),
        }
    }

    /// A hub-host answered: its hubs are served here from now on, until it closes `frames`.
    pub fn add_hub_host(
        &self,
        hello: &HubHostHello,
        sender: mpsc::Sender<ToHubHost>,
        frames: mpsc::Receiver<ToGateway>,
    ) {
        for hub in &hello.hubs {
            self.core.presence.declare(&hub.name, hub.presence);
        }
        let link = self.core.links.add(hello, LinkSender::new(sender));
        let core = Arc::clone(&self.core);
        tracing::info!(hub_host = %hello.node, hubs = hello.hubs.len(), "linked");
        let placing = Placing {
            core: Arc::clone(&core),
            link: Arc::clone(&link),
        };
        self.tasks.spawn("link", OnFailure::Log, async move {
            let _placing = placing;
            Egress::new(core, link).run(frames).await;
        });
    }

    /// Whether new connections are taken.
    pub fn admission(&self) -> &Admission {
        &self.front.admission
    }

    /// Waits until this gateway may take clients (DESIGN 3.2). Cancel safe.
    pub async fn synced(&self) {
        let mut synced = self.synced.clone();
        // The driver ends with the node; then nobody needs to know.
        let _ = synced.wait_for(|synced| *synced).await;
    }

    /// What clients are answered by: the application's own routes, then the hubs.
    pub fn routes(&self, application: Router) -> Router {
        Arc::clone(&self.front).routes(application)
    }

    /// Serves clients on this listener by these [`routes`](Self::routes). Stops accepting when `closing` fires.
    pub fn serve(&self, listener: impl Into<Listener>, routes: Router, closing: CancellationToken) {
        let outside = self.core.options.outside.clone();
        listener::serve(listener.into(), routes, outside, &self.tasks, closing);
    }

    /// How many connections are attached.
    pub fn connections(&self) -> u64 {
        self.core.shards.metrics().connections
    }

    /// How many envelopes this gateway has published, and how many it has delivered.
    pub fn backplane(&self) -> hubplane_backplane_stream::Stats {
        self.core.backplane.stats()
    }

    /// Asks every connection to come back elsewhere, spread over `window`, and waits until they are gone; at most a
    /// little longer than the window. Those that run an invocation are asked when it has ended, or the window has. New
    /// connections must be refused before.
    pub async fn drain(&self, window: Duration) {
        let window_ends = tokio::time::Instant::now() + window;
        let deadline = window_ends + DRAIN_GRACE;
        let steps = (window.as_millis() / DRAIN_STEP.as_millis()).max(1) as u64;
        let per_step = self
            .connections()
            .div_ceil(steps)
            .div_ceil(u64::from(self.core.shards.count()));
        let mut ticks = tokio::time::interval(DRAIN_STEP);
        while self.connections() > 0 && tokio::time::Instant::now() < deadline {
            ticks.tick().await;
            let busy = tokio::time::Instant::now() >= window_ends;
            let connections_max = if busy {
                usize::MAX
            } else {
                usize::try_from(per_step).unwrap_or(usize::MAX).max(1)
            };
            for shard in 0..self.core.shards.count() {
                let command = Command::Drain {
                    connections_max,
                    busy,
                };
                self.core.shards.send(shard, command).await;
            }
        }
        if self.connections() > 0 {
            tracing::warn!(connections = self.connections(), "the drain window is over");
        }
        self.core.relay.leave(&self.core.node);
    }
}

impl std::fmt::Debug for Gateway {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gateway")
            .field("node", &self.core.node)
            .finish_non_exhaustive()
    }
}

/// While it lives, connections are placed on a link: not any longer, however its task ends.
struct Placing {
    core: Arc<Core>,
    link: Arc<Link>,
}

impl Drop for Placing {
    fn drop(&mut self) {
        self.core.links.remove(&self.link);
        tracing::info!(hub_host = %self.link.node, "link ended");
    }
}

async fn expire(registry: Arc<Registry>) {
    let mut ticks = tokio::time::interval(EXPIRE_INTERVAL);
    loop {
        ticks.tick().await;
        registry.expire(Instant::now());
    }
}
