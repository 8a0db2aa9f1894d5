//! `dev`: everything in one process, from start to drain.

use std::io::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use hubplane_gateway_server::{ALPN_PROTOCOLS, Listener};
use hubplane_hub::host::Service;
use hubplane_node::Phases;
use hubplane_node::admin::{self, Admin};
use hubplane_node::config::{self, Config};
use hubplane_node::signals::Shutdown;
use hubplane_node::tasks::{OnFailure, Tasks};
use hubplane_node::telemetry::Telemetry;
use hubplane_node::tls::ServerTls;
use hubplane_proto_ids::HubName;
use tokio::net::TcpListener;

use crate::app::{Background, HubRoutes};
use crate::cluster::{Cluster, ClusterOptions};
use crate::conformance::TestApplications;
use crate::settings;

/// How long tasks may take to end once nothing is left to do.
const SHUTDOWN_LIMIT: Duration = Duration::from_secs(5);

/// What is served.
pub(crate) struct Program {
    pub(crate) hubs: Vec<Service>,
    /// Something to open in a browser, if there is anything.
    pub(crate) routes: Option<Router>,
    pub(crate) hub_routes: Vec<HubRoutes>,
    pub(crate) background: Vec<Background>,
    /// The applications of the official tests, where they are wanted.
    pub(crate) tests: Option<TestApplications>,
}

/// Serves until the first signal, then drains; a second signal ends it at once.
pub(crate) async fn run(config: Config, program: Program) -> anyhow::Result<()> {
    let Program {
        mut hubs,
        routes,
        hub_routes,
        background,
        tests,
    } = program;
    let mut shutdown = Shutdown::listen()?;
    let (phases, tasks) = (Phases::new(), Tasks::current());
    let telemetry = Telemetry::new(&phases, &tasks)?;
    let starting = phases.not_ready("cluster");
    // Every port is bound before any work starts.
    let listeners = listeners(&config.listen, &tasks).await?;
    let operators = admin::bind(&config.admin).await.with_context(|| {
        format!(
            "cannot listen on {}; choose another address with --admin",
            config.admin.address
        )
    })?;
    let urls = urls(&listeners, &config.listen.path_base)?;
    let admin = Admin::serve(operators, phases.clone(), telemetry.clone(), &tasks)?;

    let names: Vec<_> = hubs.iter().map(|hub| hub.name().clone()).collect();
    let mut gateway = settings::gateway(&config, &names);
    if let Some(tests) = &tests {
        tests.configure(&mut gateway)?;
        hubs.extend(tests.services());
    }
    let options = ClusterOptions {
        gateway,
        hubs,
        ..ClusterOptions::default()
    };
    let cluster = Cluster::start(options, &tasks, &telemetry).await?;
    let has_page = routes.is_some();
    let mut application = routes.unwrap_or_default();
    for routes in hub_routes {
        if let Some(context) = cluster.context(&routes.hub.parse()?) {
            application = application.merge((routes.make)(context));
        }
    }
    if let Some(tests) = &tests {
        let hub = |name: &str| cluster.context(&name.parse().ok()?);
        application = application.merge(tests.routes(hub));
    }
    for listener in listeners {
        let application = application.clone();
        match &tests {
            Some(_) => cluster.serve_around(0, listener, application, TestApplications::around),
            None => cluster.serve(0, listener, application),
        }
    }
    cluster.ready().await;
    drop(starting);
    phases.started();
    for work in background {
        if let Some(context) = cluster.context(&work.hub.parse()?) {
            tasks.spawn("background", OnFailure::Log, (work.start)(context));
        }
    }
    announce(&urls, admin.address(), &names, has_page);

    let outcome = tokio::select! {
        signal = shutdown.first() => {
            tracing::info!(%signal, "draining");
            Ok(())
        }
        failure = tasks.failed() => Err(anyhow::Error::new(failure)),
    };
    phases.draining();
    let drained = async {
        tokio::time::sleep(config.drain.load_balancer_wait).await;
        cluster.drain(config.drain.window).await;
        phases.closing();
        if let Err(unfinished) = tasks.shutdown(SHUTDOWN_LIMIT).await {
            tracing::warn!(%unfinished, "not everything ended in time");
        }
    };
    tokio::select! {
        () = drained => tracing::info!("stopped"),
        signal = shutdown.second() => tracing::warn!(%signal, "ended at once"),
    }
    phases.stopped();
    outcome
}

/// Binds what clients connect to: one listener, or one with TLS beside one without.
async fn listeners(listen: &config::Listen, tasks: &Tasks) -> anyhow::Result<Vec<Listener>> {
    let tls = match settings::tls(&listen.tls) {
        Some(options) => {
            let tls = ServerTls::load(options, &ALPN_PROTOCOLS)?;
            tls.watch(tasks);
            Some(tls)
        }
        None => None,
    };
    let bind = async |address: SocketAddr, flag: &str, tls| {
        let bound = TcpListener::bind(address).await;
        let socket = bound.with_context(|| {
            format!("cannot listen on {address}; choose another address with {flag}")
        })?;
        anyhow::Ok(Listener { socket, tls })
    };
    Ok(match listen.tls.address {
        Some(address) => vec![
            bind(listen.address, "--listen", None).await?,
            bind(address, "listen.tls.address", tls).await?,
        ],
        None => vec![bind(listen.address, "--listen", tls).await?],
    })
}

fn urls(listeners: &[Listener], path_base: &str) -> anyhow::Result<Vec<String>> {
    let url = |listener: &Listener| {
        let scheme = if listener.tls.is_some() {
            "https"
        } else {
            "http"
        };
        let address = listener.socket.local_addr()?;
        Ok(format!("{scheme}://{address}{path_base}"))
    };
    listeners.iter().map(url).collect()
}

/// Says where everything is, on the standard output: this is what people copy from, and tests read.
fn announce(urls: &[String], admin: SocketAddr, hubs: &[HubName], has_page: bool) {
    let mut text = format!("Hubplane {} is ready\n\n", env!("CARGO_PKG_VERSION"));
    for url in urls {
        if has_page {
            text.push_str(&format!("  open   {url}/\n"));
        }
        for hub in hubs {
            text.push_str(&format!("  hub    {url}/hubs/{hub}\n"));
        }
    }
    text.push_str(&format!(
        "  admin  http://{admin}/healthz  /readyz  /metrics\n\nCtrl-C ends it.\n"
    ));
    // A closed standard output is no reason to stop serving.
    let _ = std::io::stdout().write_all(text.as_bytes());
}
