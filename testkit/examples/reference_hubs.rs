//! The hubs of the applications that the recordings of ASP.NET Core SignalR were made with, under their paths and with
//! their settings, so that the recorder can be pointed at Hubplane and the two be compared (`testkit/differential`).
//!
//! `cargo run -p hubplane-testkit --example reference_hubs -- --urls http://127.0.0.1:5000` serves until SIGTERM. As the
//! real server does it, it takes its timers from `Oracle__KeepAliveSeconds` and the like in its environment.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use hubplane::axum::extract::Path;
use hubplane::axum::routing::{get, post};
use hubplane::axum::{Json, Router};
use hubplane::cluster::{Cluster, ClusterOptions};
use hubplane::conformance::TestApplications;
use hubplane::host::{Options as RunOptions, Service};
use hubplane::{Context, Disconnect, Hub, HubError, HubName, hub};
use hubplane_gateway_server::{
    ConnectionOptions, GatewayOptions, HubOptions, StatefulOptions, Transports,
};
use hubplane_hub_host_hubs_conformance::{Conformance, Outside};
use hubplane_node::Phases;
use hubplane_node::signals::Shutdown;
use hubplane_node::tasks::Tasks;
use hubplane_node::telemetry::Telemetry;
use tokio::net::TcpListener;

/// Over how long connections are asked to come back elsewhere.
const DRAIN: Duration = Duration::from_secs(1);

/// The key of the recordings' tokens. It protects nothing.
const KEY: &[u8] = b"an oracle signs with this key; it protects nothing at all";

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip_while(|argument| argument != "--urls");
    let url = arguments.nth(1).context("say where: --urls URL")?;
    let address = url.trim_start_matches("http://").trim_end_matches('/');
    let mut shutdown = Shutdown::listen()?;
    let mut hubs = Hubs::default();
    hubs.conformance()?;
    hubs.life_cycles()?;
    let tests = TestApplications::new()?.tokens(KEY);
    tests.configure(&mut hubs.gateway)?;
    hubs.services.extend(tests.services());
    hubs.seen.extend_from_slice(tests.outside());
    timers(&mut hubs.gateway);
    let tasks = Tasks::current();
    let telemetry = Telemetry::new(&Phases::new(), &tasks)?;
    let options = ClusterOptions {
        gateway: hubs.gateway,
        hubs: hubs.services,
        ..ClusterOptions::default()
    };
    let cluster = Cluster::start(options, &tasks, &telemetry).await?;
    cluster.ready().await;
    let hub = |name: &str| cluster.context(&name.parse().ok()?);
    let application = application(hubs.seen, hubs.journal).merge(tests.routes(hub));
    // Not before it is ready: the recorder begins when it can connect.
    let listener = TcpListener::bind(address).await?;
    cluster.serve_around(0, listener, application, TestApplications::around);
    tokio::select! {
        _ = shutdown.first() => {
            cluster.drain(DRAIN).await;
            Ok(())
        }
        failure = tasks.failed() => Err(failure.into()),
    }
}

/// Sets the timers that the environment names.
fn timers(gateway: &mut GatewayOptions) {
    let negotiated = seconds("DisconnectTimeout");
    gateway.negotiate_timeout = negotiated.unwrap_or(gateway.negotiate_timeout);
    for hub in gateway.hubs.values_mut() {
        let connection = Arc::make_mut(&mut hub.connection);
        for (name, timer) in [
            ("KeepAlive", &mut connection.keep_alive_interval),
            ("ClientTimeout", &mut connection.client_timeout),
            ("HandshakeTimeout", &mut connection.handshake_timeout),
            ("CloseTimeout", &mut connection.transport_close_timeout),
            ("DisconnectTimeout", &mut connection.disconnect_timeout),
            ("PollTimeout", &mut connection.poll_timeout),
        ] {
            *timer = seconds(name).unwrap_or(*timer);
        }
        let detached = seconds("DisconnectTimeout");
        if let Some((stateful, timeout)) = connection.stateful_reconnect.as_mut().zip(detached) {
            stateful.detached_timeout = timeout;
        }
    }
}

/// A timer of the environment, in seconds.
// The recorder gives every server its settings so.
#[allow(clippy::disallowed_methods)]
fn seconds(name: &str) -> Option<Duration> {
    let value = std::env::var(format!("Oracle__{name}Seconds")).ok()?;
    value.parse().ok().map(Duration::from_secs)
}

/// What is served, as it is gathered.
#[derive(Default)]
struct Hubs {
    services: Vec<Service>,
    gateway: GatewayOptions,
    seen: Vec<Outside>,
    journal: Journal,
}

impl Hubs {
    /// The conformance hub, and the same under other options. How much an upload buffers is no option here. `/echo` was
    /// a raw connection; a hub under its path lets the recorder go on.
    fn conformance(&mut self) -> anyhow::Result<()> {
        self.variant("conformance", &[], |_| {})?;
        self.variant("nostateful", &[], |options| {
            options.stateful_reconnect = None
        })?;
        self.variant("detailed", &["/default", "/echo"], |options| {
            options.detailed_errors = true
        })?;
        self.variant("parallel", &[], |options| {
            options.parallel_invocations_max = NonZeroU32::MIN.saturating_add(1);
        })?;
        self.variant("small", &[], |options| {
            options.message_bytes_max = Some(1000);
            options.detailed_errors = true;
            options.stateful_reconnect = Some(StatefulOptions {
                buffer_bytes: 500,
                ..StatefulOptions::default()
            });
        })?;
        self.variant("unlimited", &[], |options| options.message_bytes_max = None)?;
        self.variant("jsononly", &[], |options| {
            options
                .encodings
                .retain(|encoding| encoding.name() == "json");
        })?;
        self.variant("noprotocols", &[], |options| options.encodings.clear())?;
        self.variant("capacityone", &[], |_| {})?;
        self.one_transport_each()?;
        self.variant("expiring", &[], |_| {})?;
        self.variant("forbidden", &[], |_| {})?;
        for (hub, options) in &mut self.gateway.hubs {
            options.access.authenticated = hub.as_str() == "expiring";
            options.close_on_authentication_expiration = hub.as_str() == "expiring";
            if hub.as_str() == "forbidden" {
                options.access.claims = vec!["nobody-has-this".to_owned()];
            }
        }
        Ok(())
    }

    fn one_transport_each(&mut self) -> anyhow::Result<()> {
        let none = Transports {
            web_sockets: false,
            server_sent_events: false,
            long_polling: false,
        };
        let cases = [
            (
                "websockets-only",
                Transports {
                    web_sockets: true,
                    ..none
                },
            ),
            (
                "sse-only",
                Transports {
                    server_sent_events: true,
                    ..none
                },
            ),
            (
                "longpolling-only",
                Transports {
                    long_polling: true,
                    ..none
                },
            ),
        ];
        for (name, transports) in cases {
            self.variant(name, &[], |_| {})?;
            let options = self.gateway.hubs.get_mut(&HubName::new(name)?);
            options.context("just served")?.transports = transports;
        }
        Ok(())
    }

    fn variant(
        &mut self,
        name: &str,
        paths: &[&str],
        change: impl FnOnce(&mut ConnectionOptions),
    ) -> anyhow::Result<()> {
        let hub = Conformance::default();
        self.seen.push(hub.outside());
        let mut options = ConnectionOptions {
            stateful_reconnect: Some(StatefulOptions::default()),
            ..ConnectionOptions::default()
        };
        change(&mut options);
        self.serve(name, hub, options, paths)
    }

    /// Hubs whose life cycle is the case.
    fn life_cycles(&mut self) -> anyhow::Result<()> {
        let cases = [
            ("abort", Case::Ordinary),
            ("abortinonconnected", Case::AbortFirst),
            ("onconnectedthrows", Case::FailFirst),
            ("ondisconnectedthrows", Case::FailLast),
            ("askinonconnected", Case::AskFirst),
            ("askinondisconnected", Case::AskLast),
            ("greeting", Case::Greet),
        ];
        for (name, case) in cases {
            let journal = self.journal.clone();
            let hub = LifeCycle { case, journal };
            self.serve(name, hub, ConnectionOptions::default(), &[])?;
        }
        Ok(())
    }

    fn serve<H: Hub>(
        &mut self,
        name: &str,
        hub: H,
        connection: ConnectionOptions,
        paths: &[&str],
    ) -> anyhow::Result<()> {
        let run = RunOptions {
            detailed_errors: connection.detailed_errors,
        };
        self.services.push(Service::named(name, hub, run)?);
        let options = HubOptions {
            connection: Arc::new(connection),
            paths: paths.iter().map(|&path| path.to_owned()).collect(),
            ..HubOptions::default()
        };
        self.gateway.hubs.insert(HubName::new(name)?, options);
        Ok(())
    }
}

/// What the hubs of life cycles saw, by connection.
#[derive(Debug, Clone, Default)]
struct Journal(Arc<Mutex<HashMap<String, Vec<String>>>>);

impl Journal {
    fn note(&self, ctx: &Context, what: String) {
        let mut events = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let connection = ctx.connection_id().to_string();
        events.entry(connection).or_default().push(what);
    }

    fn of(&self, connection: &str) -> Vec<String> {
        let events = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        events.get(connection).cloned().unwrap_or_default()
    }
}

/// What is peculiar about a connection's life.
#[derive(Debug, Clone, Copy)]
enum Case {
    Ordinary,
    AbortFirst,
    FailFirst,
    FailLast,
    AskFirst,
    AskLast,
    Greet,
}

/// Keeps a journal, and does what the case is about.
#[derive(Debug)]
struct LifeCycle {
    case: Case,
    journal: Journal,
}

#[hub]
impl LifeCycle {
    async fn on_connected(&self, ctx: &Context) -> Result<(), HubError> {
        let user = ctx.user_id().map_or("null", |user| user.as_str());
        self.journal.note(ctx, format!("connected user={user}"));
        match self.case {
            Case::AbortFirst => ctx.abort().await?,
            Case::FailFirst => return Err(invalid_operation("Hub OnConnected failed.")),
            Case::AskFirst => {
                ctx.caller().invoke::<i32>("Sum", (1,)).await?;
            }
            Case::Greet => {
                let id = ctx.connection_id();
                ctx.others().send("Arrived", (id,)).await?;
                ctx.caller().send("Welcome", (id,)).await?;
            }
            Case::Ordinary | Case::FailLast | Case::AskLast => {}
        }
        Ok(())
    }

    async fn on_disconnected(&self, ctx: &Context, reason: &Disconnect) -> Result<(), HubError> {
        if matches!(self.case, Case::AskLast)
            && let Err(error) = ctx.caller().invoke::<i32>("Sum", (1,)).await
        {
            let error = HubError::from(error);
            self.journal
                .note(ctx, format!("asking failed with {error:?}"));
        }
        let error = reason.error().unwrap_or_else(|| "none".to_owned());
        self.journal.note(ctx, format!("disconnected {error}"));
        match self.case {
            Case::FailLast => Err(invalid_operation("Hub OnDisconnected failed.")),
            _ => Ok(()),
        }
    }

    fn echo(&self, message: String) -> String {
        message
    }

    async fn kill(&self, ctx: &Context) -> Result<(), HubError> {
        Ok(ctx.abort().await?)
    }
}

fn invalid_operation(text: &str) -> HubError {
    HubError::hidden("InvalidOperationException", text)
}

/// What the recorder asks beside the hubs: what they saw, and to let a method go on.
fn application(seen: Vec<Outside>, journal: Journal) -> Router {
    let gates = seen.clone();
    Router::new()
        .route(
            "/oracle/events/{connection}",
            get(async move |Path(connection): Path<String>| {
                let noted = seen.iter().map(|hub| hub.events(&connection));
                let events = noted.fold(journal.of(&connection), |mut all, some| {
                    all.extend(some);
                    all
                });
                Json(events)
            }),
        )
        .route(
            "/oracle/release/{connection}",
            post(async move |Path(connection): Path<String>| {
                for hub in &gates {
                    hub.release(&connection);
                }
            }),
        )
}
