//! Routers, gateways and hub-hosts of one process, joined by channels.
//!
//! The same code as in separate processes: what differs is only what carries frames, envelopes and reports. `dev` is
//! one of each; tests start more.

use std::time::Duration;

use axum::Router;
use hubplane_backplane_carrier::MemoryBus;
pub use hubplane_gateway_server::Listener;
use hubplane_gateway_server::{Gateway, GatewayOptions, GatewayParts, RelayBus, RouterDialer};
use hubplane_hub::HubContext;
use hubplane_hub::host::Service;
use hubplane_hub_host_server::HubHost;
use hubplane_node::tasks::{OnFailure, Tasks};
use hubplane_node::telemetry::Telemetry;
use hubplane_proto_ids::{HubName, InvalidId, NodeId, NodeName};
use hubplane_proto_link::codec;
use hubplane_router_server::{RouterHandle, RouterServer, StreamKind, ToGateway};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// How many envelopes may wait for a gateway.
const INBOUND_MAX: usize = 8192;
/// How many frames wait in a link that is carried as bytes.
const LINK_FRAMES_MAX: usize = 256;

/// What a cluster in one process is made of.
#[derive(Debug)]
pub struct ClusterOptions {
    /// How each gateway behaves.
    pub gateway: GatewayOptions,
    /// How many gateways.
    pub gateways: usize,
    /// How many hub-hosts; each serves all hubs.
    pub hub_hosts: usize,
    /// How many routers, replicas of each other.
    pub routers: usize,
    /// The hubs.
    pub hubs: Vec<Service>,
    /// Carries frames and envelopes as bytes, as between processes.
    pub serialised: bool,
    /// Holds back every answer of a router to a lookup for so long.
    pub lookup_delay: Duration,
}

impl Default for ClusterOptions {
    fn default() -> Self {
        Self {
            gateway: GatewayOptions::default(),
            gateways: 1,
            hub_hosts: 1,
            routers: 1,
            hubs: Vec::new(),
            serialised: false,
            lookup_delay: Duration::ZERO,
        }
    }
}

/// Why a cluster cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The operating system gives no randomness.
    #[error("no randomness")]
    Randomness(#[source] std::io::Error),
    /// A node's name is none.
    #[error(transparent)]
    Name(#[from] InvalidId),
    /// A gateway cannot start.
    #[error(transparent)]
    Gateway(#[from] hubplane_gateway_server::StartError),
}

/// A cluster in one process. Its tasks end with those that it was started on.
#[derive(Debug)]
pub struct Cluster {
    gateways: Vec<Gateway>,
    routers: Vec<RouterHandle>,
    hub_hosts: Vec<HubHost>,
    closing: CancellationToken,
}

impl Cluster {
    /// Starts the nodes and joins them. Clients are taken by [`serve`](Self::serve), once it is [`ready`](Self::ready).
    ///
    /// # Errors
    /// See [`StartError`]; what was started before ends with `tasks`.
    pub async fn start(
        options: ClusterOptions,
        tasks: &Tasks,
        telemetry: &Telemetry,
    ) -> Result<Self, StartError> {
        let mut routers = Vec::new();
        for index in 0..options.routers {
            let node = node("router", index)?;
            routers.push(RouterServer::start(
                node,
                tasks,
                &telemetry.meter("hubplane-router-server"),
            ));
        }
        let bus = if options.serialised {
            MemoryBus::serialised()
        } else {
            MemoryBus::new()
        };
        let relay = RelayBus::new();
        let mut gateways = Vec::new();
        for index in 0..options.gateways {
            let node = node("gateway", index)?;
            let (carrier, inbound) = bus.join(node.clone(), INBOUND_MAX);
            let routers = routers
                .iter()
                .map(|router| dialer(router, &node, options.lookup_delay, tasks))
                .collect();
            gateways.push(Gateway::start(GatewayParts {
                node,
                options: options.gateway.clone(),
                carrier,
                inbound,
                relay: relay.clone(),
                routers,
                tasks: tasks.clone(),
                meter: telemetry.meter("hubplane-gateway-server"),
            })?);
        }
        let mut hub_hosts = Vec::new();
        for index in 0..options.hub_hosts {
            let node = node("hub-host", index)?;
            let hub_host = HubHost::start(
                node,
                options.hubs.clone(),
                tasks,
                &telemetry.meter("hubplane-hub-host-server"),
            );
            for gateway in &gateways {
                let (hello, sender, frames) = hub_host.accept(gateway.hello());
                if options.serialised {
                    let sender = over_bytes(sender, tasks);
                    let frames = from_bytes(frames, tasks);
                    gateway.add_hub_host(&hello, sender, frames);
                } else {
                    gateway.add_hub_host(&hello, sender, frames);
                }
            }
            hub_hosts.push(hub_host);
        }
        Ok(Self {
            gateways,
            routers,
            hub_hosts,
            closing: CancellationToken::new(),
        })
    }

    /// Serves clients of one gateway on a listener, with the application's own routes before the hubs.
    pub fn serve(&self, gateway: usize, listener: impl Into<Listener>, application: Router) {
        self.serve_around(gateway, listener, application, |everything| everything);
    }

    /// The same with something around every answer, those of the hubs included.
    pub fn serve_around(
        &self,
        gateway: usize,
        listener: impl Into<Listener>,
        application: Router,
        around: impl FnOnce(Router) -> Router,
    ) {
        let gateway = &self.gateways[gateway];
        let routes = around(gateway.routes(application));
        gateway.serve(listener, routes, self.closing.clone());
    }

    /// Waits until every gateway may take clients, and lets them in.
    pub async fn ready(&self) {
        for gateway in &self.gateways {
            gateway.synced().await;
            gateway.admission().open();
        }
    }

    /// Refuses new connections, then asks those that are there to come back elsewhere, spread over the window. Ends the
    /// listeners and the routers last.
    pub async fn drain(&self, window: Duration) {
        for gateway in &self.gateways {
            gateway.admission().close();
        }
        futures_util::future::join_all(self.gateways.iter().map(|gateway| gateway.drain(window)))
            .await;
        self.closing.cancel();
        for router in &self.routers {
            router.drain().await;
        }
    }

    /// A hub as background work of this process sees it, if it is served here.
    pub fn context(&self, hub: &HubName) -> Option<HubContext> {
        self.hub_hosts.first()?.context(hub)
    }

    /// The gateways, in the order of their numbers.
    pub fn gateways(&self) -> &[Gateway] {
        &self.gateways
    }
}

fn node(kind: &str, index: usize) -> Result<NodeId, StartError> {
    let name: NodeName = format!("{kind}-{index}").parse()?;
    NodeId::new_generation(name).map_err(|error| StartError::Randomness(error.into()))
}

/// How a gateway of this process reaches a router of this process.
fn dialer(router: &RouterHandle, gateway: &NodeId, delay: Duration, tasks: &Tasks) -> RouterDialer {
    let (router, gateway, tasks) = (router.clone(), gateway.clone(), tasks.clone());
    RouterDialer::new(move |kind| {
        let (router, gateway, tasks) = (router.clone(), gateway.clone(), tasks.clone());
        Box::pin(async move {
            let (sender, messages) = router.connect(gateway, kind).await?;
            if delay.is_zero() || kind == StreamKind::Report {
                return Some((sender, messages));
            }
            Some((sender, delayed(messages, delay, &tasks)))
        })
    })
}

/// Holds back answers to lookups, and all that comes behind them: a stream keeps its order.
fn delayed(
    mut messages: mpsc::Receiver<ToGateway>,
    delay: Duration,
    tasks: &Tasks,
) -> mpsc::Receiver<ToGateway> {
    let (sender, receiver) = mpsc::channel(1024);
    tasks.spawn("delayed lookups", OnFailure::Log, async move {
        while let Some(message) = messages.recv().await {
            if matches!(message, ToGateway::Answers(_)) {
                tokio::time::sleep(delay).await;
            }
            if sender.send(message).await.is_err() {
                return;
            }
        }
    });
    receiver
}

/// A channel whose frames cross as bytes, as on a socket.
fn over_bytes<T>(to: mpsc::Sender<T>, tasks: &Tasks) -> mpsc::Sender<T>
where
    T: Serialize + DeserializeOwned + Send + 'static,
{
    let (sender, receiver) = mpsc::channel(LINK_FRAMES_MAX);
    carry(receiver, to, tasks);
    sender
}

/// The same from the receiver's end.
fn from_bytes<T>(from: mpsc::Receiver<T>, tasks: &Tasks) -> mpsc::Receiver<T>
where
    T: Serialize + DeserializeOwned + Send + 'static,
{
    let (sender, receiver) = mpsc::channel(LINK_FRAMES_MAX);
    carry(from, sender, tasks);
    receiver
}

fn carry<T>(mut from: mpsc::Receiver<T>, to: mpsc::Sender<T>, tasks: &Tasks)
where
    T: Serialize + DeserializeOwned + Send + 'static,
{
    tasks.spawn("link bytes", OnFailure::Log, async move {
        while let Some(frame) = from.recv().await {
            let frame = codec::encode(&frame).and_then(|bytes| codec::decode(&bytes));
            match frame {
                Ok(frame) => {
                    if to.send(frame).await.is_err() {
                        break;
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    });
}
