use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use hubplane_hub::host::{Port, Service};
use hubplane_hub::{HubContext, HubName};
use hubplane_node::tasks::{OnFailure, Pool, Tasks};
use hubplane_proto_ids::NodeId;
use hubplane_proto_link::{GatewayHello, HubHostHello, ToGateway, ToHubHost};
use opentelemetry::metrics::Meter;
use tokio::sync::mpsc;

use crate::any::AnyLink;
use crate::background::Background;
use crate::link::Link;
use crate::metrics::{Counts, Metrics};
use crate::port::LinkPort;
use crate::stuck::Watch;

/// Frames that may wait on a link, in each direction.
const LINK_FRAMES_MAX: usize = 1024;

/// Hubs that are being served. Cheap to clone; every clone is the same one.
///
/// It ends with its tasks: when they are cancelled, links end and running methods see it.
#[derive(Clone)]
pub struct HubHost {
    inner: Arc<Inner>,
}

pub(crate) struct Inner {
    node: NodeId,
    pub(crate) hubs: HashMap<HubName, Hosted>,
    tasks: Tasks,
    pub(crate) calls: Pool,
    background: Background,
    pub(crate) watch: Arc<Watch>,
    pub(crate) metrics: Metrics,
    pub(crate) links: Arc<AnyLink>,
}

/// A hub and how it fares.
pub(crate) struct Hosted {
    pub(crate) service: Service,
    pub(crate) counts: Arc<Counts>,
}

impl HubHost {
    /// Starts to serve these hubs; of two with one name the first is served, and the log says so.
    pub fn start(node: NodeId, hubs: Vec<Service>, tasks: &Tasks, meter: &Meter) -> Self {
        let mut hosted = HashMap::new();
        for service in hubs {
            let name = service.name().clone();
            if hosted.contains_key(&name) {
                tracing::error!(hub = %name, "two hubs have this name: the second is not served");
                continue;
            }
            let counts = Counts::new(&name);
            hosted.insert(name, Hosted { service, counts });
        }
        let counts = hosted.values().map(|hub| Arc::clone(&hub.counts));
        let background = Background::new(tasks);
        let watch = Watch::new();
        let inner = Inner {
            node,
            metrics: Metrics::new(meter, counts.collect()),
            hubs: hosted,
            calls: tasks.pool("invocation"),
            watch: Arc::clone(&watch),
            links: Arc::new(AnyLink::new(&background)),
            background,
            tasks: tasks.clone(),
        };
        let cancelled = tasks.cancelled().clone();
        tasks.spawn("hub_watch", OnFailure::Log, async move {
            cancelled.run_until_cancelled(watch.run()).await;
        });
        Self {
            inner: Arc::new(inner),
        }
    }

    /// Answers a gateway that dials: what is served here, and the two directions of the link.
    ///
    /// The link lasts until the sender and all its clones are dropped. Dropping the receiver alone does not end it, but
    /// whatever its hubs send fails then.
    pub fn accept(
        &self,
        hello: GatewayHello,
    ) -> (
        HubHostHello,
        mpsc::Sender<ToHubHost>,
        mpsc::Receiver<ToGateway>,
    ) {
        let (to_host, from_gateway) = mpsc::channel(LINK_FRAMES_MAX);
        let (to_gateway, from_host) = mpsc::channel(LINK_FRAMES_MAX);
        let port = Arc::new(LinkPort::new(to_gateway, &self.inner.background));
        self.inner.links.add(&port);
        let link = Link::new(Arc::clone(&self.inner), hello.node, port);
        self.inner
            .tasks
            .spawn("link", OnFailure::Log, link.run(from_gateway));
        (self.hello(), to_host, from_host)
    }

    /// A hub as background work sees it, if it is served here. What it sends leaves by any of the links.
    pub fn context(&self, hub: &HubName) -> Option<HubContext> {
        let hub = self.inner.hubs.get(hub)?;
        Some(
            hub.service
                .context(Arc::clone(&self.inner.links) as Arc<dyn Port>),
        )
    }

    /// Who this is.
    pub fn node(&self) -> &NodeId {
        &self.inner.node
    }

    fn hello(&self) -> HubHostHello {
        let mut hubs: Vec<_> = self
            .inner
            .hubs
            .values()
            .map(|hub| hub.service.declaration())
            .collect();
        hubs.sort_by(|a, b| a.name.cmp(&b.name));
        HubHostHello {
            node: self.inner.node.clone(),
            hubs,
        }
    }
}

impl fmt::Debug for HubHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut hubs: Vec<_> = self.inner.hubs.keys().collect();
        hubs.sort();
        f.debug_struct("HubHost")
            .field("node", &self.inner.node)
            .field("hubs", &hubs)
            .finish_non_exhaustive()
    }
}
