//! `dev`: everything in one process, from start to drain.

use std::io::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use hubplane_hub::host::Service;
use hubplane_node::Phases;
use hubplane_node::admin::{self, Admin};
use hubplane_node::config::Config;
use hubplane_node::signals::Shutdown;
use hubplane_node::tasks::{OnFailure, Tasks};
use hubplane_node::telemetry::Telemetry;
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
    let clients = TcpListener::bind(config.listen.address)
        .await
        .with_context(|| {
            format!(
                "cannot listen on {}; choose another address with --listen",
                config.listen.address
            )
        })?;
    let operators = admin::bind(&config.admin).await.with_context(|| {
        format!(
            "cannot listen on {}; choose another address with --admin",
            config.admin.address
        )
    })?;
    let address = clients.local_addr()?;
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
    match tests {
        Some(tests) => {
            let hub = |name: &str| cluster.context(&name.parse().ok()?);
            let application = application.merge(tests.routes(hub));
            cluster.serve_around(0, clients, application, TestApplications::around);
        }
        None => cluster.serve(0, clients, application),
    }
    cluster.ready().await;
    drop(starting);
    phases.started();
    for work in background {
        if let Some(context) = cluster.context(&work.hub.parse()?) {
            tasks.spawn("background", OnFailure::Log, (work.start)(context));
        }
    }
    announce(address, admin.address(), &names, has_page);

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

/// Says where everything is, on the standard output: this is what people copy from, and tests read.
fn announce(clients: SocketAddr, admin: SocketAddr, hubs: &[HubName], has_page: bool) {
    let mut text = format!("Hubplane {} is ready\n\n", env!("CARGO_PKG_VERSION"));
    if has_page {
        text.push_str(&format!("  open   http://{clients}/\n"));
    }
    for hub in hubs {
        text.push_str(&format!("  hub    http://{clients}/hubs/{hub}\n"));
    }
    text.push_str(&format!(
        "  admin  http://{admin}/healthz  /readyz  /metrics\n\nCtrl-C ends it.\n"
    ));
    // A closed standard output is no reason to stop serving.
    let _ = std::io::stdout().write_all(text.as_bytes());
}
