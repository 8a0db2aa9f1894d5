//! Gateways, each with a link whose other end is the test's.

use std::time::Duration;

use bytes::Bytes;
use hubplane_backplane_carrier::MemoryBus;
use hubplane_client::{Connection, Options};
use hubplane_gateway_server::{Gateway, GatewayOptions, GatewayParts, RelayBus};
use hubplane_node::tasks::Tasks;
use hubplane_proto_ids::{ConnectionId, HubName, NodeId, NodeName};
use hubplane_proto_link::{
    AccessRule, Arguments, Done, Encoding, HubDeclaration, HubHostHello, Stage, ToGateway,
    ToHubHost, UserIdSource,
};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::router::Router;

/// How long anything may take before a test has failed.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

pub(crate) struct Node {
    pub(crate) gateway: Gateway,
    pub(crate) tasks: Tasks,
    url: String,
    link: mpsc::Sender<ToGateway>,
    frames: mpsc::Receiver<ToHubHost>,
}

/// Gateways that know each other by one router.
pub(crate) async fn cluster<const N: usize>() -> [Node; N] {
    let (bus, relay) = (MemoryBus::serialised(), RelayBus::new());
    let router = Router::start(&Tasks::current());
    let mut nodes = Vec::new();
    for index in 0..N {
        let me = node(&format!("gateway-{index}"));
        let tasks = Tasks::current();
        let (carrier, inbound) = bus.join(me.clone(), 1024);
        let routers = vec![router.dialer(&me)];
        let options = GatewayOptions {
            shards: 2,
            ..GatewayOptions::default()
        };
        let gateway = Gateway::start(GatewayParts {
            node: me,
            options,
            carrier,
            inbound,
            relay: relay.clone(),
            routers,
            tasks: tasks.clone(),
            meter: opentelemetry::global::meter("test"),
        })
        .unwrap();
        let (sender, frames) = mpsc::channel(1024);
        let (link, from_hub) = mpsc::channel(1024);
        let hello = HubHostHello {
            node: node("hub-host"),
            hubs: vec![HubDeclaration {
                name: hub(),
                user_id: UserIdSource::Claim,
                access: AccessRule::default(),
                presence: false,
            }],
        };
        gateway.add_hub_host(&hello, sender, from_hub);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hubs/chat", listener.local_addr().unwrap());
        gateway.serve(
            listener,
            gateway.routes(axum::Router::new()),
            CancellationToken::new(),
        );
        nodes.push(Node {
            gateway,
            tasks,
            url,
            link,
            frames,
        });
    }
    for node in &nodes {
        timeout(DEADLINE, node.gateway.synced()).await.unwrap();
        node.gateway.admission().open();
    }
    nodes.try_into().unwrap_or_else(|_| unreachable!())
}

impl Node {
    /// An open connection.
    pub(crate) async fn connect(&mut self) -> (Connection, ConnectionId) {
        let client = Connection::connect(&self.url, &Options::default())
            .await
            .unwrap();
        let ToHubHost::Opened { info, .. } = self.next().await else {
            panic!("not opened")
        };
        let done = Done {
            connection: info.connection.clone(),
            stage: Stage::Opening,
            error: None,
        };
        self.say(ToGateway::Done(done)).await;
        (client, info.connection.clone())
    }

    /// What comes to the hub-host next.
    pub(crate) async fn next(&mut self) -> ToHubHost {
        timeout(DEADLINE, self.frames.recv())
            .await
            .expect("something comes to the hub-host")
            .unwrap()
    }

    /// The hub-host's next frame.
    pub(crate) async fn say(&self, frame: ToGateway) {
        self.link.send(frame).await.unwrap();
    }
}

pub(crate) fn node(name: &str) -> NodeId {
    NodeId::new_generation(NodeName::new(name).unwrap()).unwrap()
}

pub(crate) fn hub() -> HubName {
    "chat".parse().unwrap()
}

/// Arguments in MessagePack.
pub(crate) fn arguments(bytes: &[u8]) -> Arguments {
    Arguments {
        encoding: Encoding::MessagePack,
        bytes: Bytes::copy_from_slice(bytes),
    }
}
