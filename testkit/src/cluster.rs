use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context as _;
use hubplane::axum::Router;
use hubplane::cluster::{Cluster, ClusterOptions, Listener};
use hubplane::host::{Options as HubOptions, Service};
use hubplane::{Encoding, Hub};
use hubplane_client::{Connection, Options};
use hubplane_node::Phases;
use hubplane_node::tasks::Tasks;
use hubplane_node::telemetry::Telemetry;
use hubplane_node::tls::ServerTls;
use tokio::net::TcpListener;

/// The deadline of everything that a test waits for.
const DEADLINE: Duration = Duration::from_secs(20);

/// Waits for what must come; fails the test with `what` if it does not come in time.
///
/// # Panics
/// After the deadline.
pub async fn within<T>(what: impl fmt::Display, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(DEADLINE, future).await {
        Ok(value) => value,
        Err(_elapsed) => panic!("{what}: not within {DEADLINE:?}"),
    }
}

/// A cluster in one process.
#[derive(Debug)]
pub struct TestCluster {
    cluster: Cluster,
    addresses: Vec<SocketAddr>,
    tasks: Tasks,
    telemetry: Telemetry,
}

impl TestCluster {
    /// A hub with every detail in its errors.
    ///
    /// # Panics
    /// If the hub is none.
    pub fn service<H: Hub>(hub: H) -> Service {
        let options = HubOptions {
            detailed_errors: true,
        };
        Service::new(hub, options).unwrap_or_else(|error| panic!("{error}"))
    }

    /// Starts a cluster and waits until it takes clients.
    ///
    /// # Errors
    /// If a port or a thread cannot be had.
    pub async fn start(options: ClusterOptions) -> anyhow::Result<Self> {
        let tasks = Tasks::current();
        let telemetry = Telemetry::new(&Phases::new(), &tasks)?;
        let gateways = options.gateways;
        let cluster = Cluster::start(options, &tasks, &telemetry).await?;
        let mut addresses = Vec::new();
        for gateway in 0..gateways {
            let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
            addresses.push(listener.local_addr()?);
            cluster.serve(gateway, listener, Router::new());
        }
        within("the cluster is ready", cluster.ready()).await;
        Ok(Self {
            cluster,
            addresses,
            tasks,
            telemetry,
        })
    }

    /// Serves a gateway's clients over TLS too, on a port of its own, and says which.
    ///
    /// # Errors
    /// If a port cannot be had.
    pub async fn serve_tls(&self, gateway: usize, tls: ServerTls) -> anyhow::Result<SocketAddr> {
        let socket = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = socket.local_addr()?;
        let tls = Some(tls);
        self.cluster
            .serve(gateway, Listener { socket, tls }, Router::new());
        Ok(address)
    }

    /// Where clients of a gateway connect.
    pub fn address(&self, gateway: usize) -> SocketAddr {
        self.addresses[gateway]
    }

    /// The address of a hub on a gateway.
    pub fn url(&self, gateway: usize, hub: &str) -> String {
        format!("http://{}/hubs/{hub}", self.addresses[gateway])
    }

    /// Connects a client of hub `test` to a gateway; the user is named by a header.
    ///
    /// # Panics
    /// If it cannot connect in time.
    pub async fn connect(&self, gateway: usize, user: &str, encoding: Encoding) -> Connection {
        let encoding = match encoding {
            Encoding::Json => hubplane_client::Encoding::Json,
            Encoding::MessagePack => hubplane_client::Encoding::MessagePack,
        };
        let options = Options {
            headers: vec![("x-user".to_owned(), user.to_owned())],
            inbox_max: 1 << 16,
            ..Options::with_encoding(encoding)
        };
        let connecting = Connection::connect(&self.url(gateway, "test"), &options).await;
        connecting.unwrap_or_else(|error| panic!("cannot connect to gateway {gateway}: {error}"))
    }

    /// The cluster itself.
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// The metrics of all its nodes.
    pub fn telemetry(&self) -> &Telemetry {
        &self.telemetry
    }

    /// The tasks of all its nodes.
    pub fn tasks(&self) -> &Tasks {
        &self.tasks
    }

    /// Drains it.
    ///
    /// # Errors
    /// If something did not end.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.cluster.drain(Duration::ZERO).await;
        drop(self.cluster);
        self.tasks
            .shutdown(DEADLINE)
            .await
            .context("something did not end")
    }
}
