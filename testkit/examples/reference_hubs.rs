//! The hubs of the applications that the recordings of ASP.NET Core SignalR were made with, under their paths and with
//! their settings, so that the recorder can be pointed at Hubplane and the two be compared (`testkit/differential`).
//!
//! `cargo run -p hubplane-testkit --example reference_hubs -- --urls http://127.0.0.1:5000` serves until SIGTERM. As the
//! real server does it, it takes its timers from `Oracle__KeepAliveSeconds` and the like in its environment.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use hubplane::axum::extract::{Path, Query};
use hubplane::axum::routing::{get, post};
use hubplane::axum::{Json, Router};
use hubplane::cluster::{Cluster, ClusterOptions};
use hubplane::host::{Options as RunOptions, Service};
use hubplane::{Context, Disconnect, Hub, HubError, HubName, hub};
use hubplane_gateway_server::{
    AuthOptions, ConnectionOptions, GatewayOptions, HubOptions, SigningKey,
};
use hubplane_hub_host_hubs_conformance::{Conformance, Outside};
use hubplane_node::Phases;
use hubplane_node::signals::Shutdown;
use hubplane_node::tasks::Tasks;
use hubplane_node::telemetry::Telemetry;
use serde::{Deserialize, Serialize};
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
    hubs.authorized()?;
    hubs.life_cycles()?;
    let tasks = Tasks::current();
    let telemetry = Telemetry::new(&Phases::new(), &tasks)?;
    let options = ClusterOptions {
        gateway: hubs.gateway,
        hubs: hubs.services,
        ..ClusterOptions::default()
    };
    let cluster = Cluster::start(options, &tasks, &telemetry).await?;
    // Not before it is ready: the recorder begins when it can connect.
    cluster.ready().await;
    let listener = TcpListener::bind(address).await?;
    cluster.serve(0, listener, application(hubs.seen, hubs.journal));
    tokio::select! {
        _ = shutdown.first() => {
            cluster.drain(DRAIN).await;
            Ok(())
        }
        failure = tasks.failed() => Err(failure.into()),
    }
}

/// A timer that the environment sets, in seconds.
// The recorder gives every server its settings so.
#[allow(clippy::disallowed_methods)]
fn seconds(name: &str) -> Option<Duration> {
    let value = std::env::var(format!("Oracle__{name}Seconds")).ok()?;
    value.parse().ok().map(Duration::from_secs)
}

/// What is served, as it is gathered.
struct Hubs {
    services: Vec<Service>,
    gateway: GatewayOptions,
    seen: Vec<Outside>,
    journal: Journal,
}

impl Default for Hubs {
    fn default() -> Self {
        let key = SigningKey {
            id: None,
            secret: KEY.to_vec(),
        };
        Self {
            services: Vec::new(),
            gateway: GatewayOptions {
                auth: AuthOptions {
                    keys: vec![key],
                    ..AuthOptions::default()
                },
                negotiate_timeout: seconds("DisconnectTimeout")
                    .unwrap_or(GatewayOptions::default().negotiate_timeout),
                ..GatewayOptions::default()
            },
            seen: Vec::new(),
            journal: Journal::default(),
        }
    }
}

impl Hubs {
    /// The conformance hub, and the same under other options. How much an upload buffers is no option here. `/echo` was
    /// a raw connection; a hub under its path lets the recorder go on.
    fn conformance(&mut self) -> anyhow::Result<()> {
        self.variant(
            "conformance",
            &["/hubs/nostateful", "/hubs/websockets-only"],
            |_| {},
        )?;
        self.variant("detailed", &["/testhub", "/default", "/echo"], |options| {
            options.detailed_errors = true
        })?;
        self.variant("parallel", &[], |options| {
            options.parallel_invocations_max = NonZeroU32::MIN.saturating_add(1);
        })?;
        self.variant("small", &[], |options| {
            options.message_bytes_max = Some(1000);
            options.detailed_errors = true;
        })?;
        self.variant("unlimited", &[], |options| options.message_bytes_max = None)?;
        self.variant("jsononly", &[], |options| {
            options
                .encodings
                .retain(|encoding| encoding.name() == "json");
        })?;
        self.variant("noprotocols", &[], |options| options.encodings.clear())?;
        self.variant("capacityone", &[], |_| {})
    }

    /// The conformance hub for who brings a valid token. No connection ends with its token, as `/hubs/expiring` did.
    fn authorized(&mut self) -> anyhow::Result<()> {
        self.variant("authorized", &["/authorizedhub", "/hubs/expiring"], |_| {})?;
        for (hub, options) in &mut self.gateway.hubs {
            options.authenticated_only = hub.as_str() == "authorized";
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
        let mut options = ConnectionOptions::default();
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
            // A hub that cannot be created has no like here: one whose connections cannot come in is the nearest.
            let paths: &[_] = match case {
                Case::FailFirst => &["/uncreatable"],
                _ => &[],
            };
            let hub = LifeCycle { case, journal };
            self.serve(name, hub, ConnectionOptions::default(), paths)?;
        }
        Ok(())
    }

    fn serve<H: Hub>(
        &mut self,
        name: &str,
        hub: H,
        mut connection: ConnectionOptions,
        paths: &[&str],
    ) -> anyhow::Result<()> {
        for (name, timer) in [
            ("KeepAlive", &mut connection.keep_alive_interval),
            ("ClientTimeout", &mut connection.client_timeout),
            ("HandshakeTimeout", &mut connection.handshake_timeout),
            ("CloseTimeout", &mut connection.transport_close_timeout),
        ] {
            *timer = seconds(name).unwrap_or(*timer);
        }
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

/// What the recorder asks beside the hubs: what they saw, to let a method go on, and tokens.
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
        .route("/generateJwtToken", get(token))
}

/// Whom a token is for, and for how long.
#[derive(Deserialize)]
struct Wanted {
    user: Option<String>,
    seconds: Option<u64>,
}

/// A token's claims.
#[derive(Serialize)]
struct Claims {
    sub: String,
    exp: u64,
}

async fn token(Query(wanted): Query<Wanted>) -> String {
    let lifetime = Duration::from_secs(wanted.seconds.unwrap_or(5));
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    let claims = Claims {
        sub: wanted.user.unwrap_or_else(|| "testuser".to_owned()),
        exp: (now + lifetime).as_secs(),
    };
    let key = jsonwebtoken::EncodingKey::from_secret(KEY);
    jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key).unwrap_or_default()
}
