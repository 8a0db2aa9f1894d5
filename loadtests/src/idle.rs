//! Many connections that do nothing, and one broadcast that reaches them all.
//!
//! They are opened by the client of this workspace: negotiate, WebSocket, handshake, then a ping each 15 seconds. Held
//! for longer than the client timeout, so that none is there only because nobody looked.

use std::io::Write as _;
use std::net::IpAddr;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use hubplane_client::{Connection, Encoding};
use serde::Serialize;
use tokio::time::timeout;

use crate::metrics::Metrics;
use crate::server::Server;
use crate::{process, results, server};

/// For one broadcast to arrive everywhere.
const BROADCAST_LIMIT: Duration = Duration::from_secs(30);
/// Connections that come and go before anything is measured, so that what is allocated once is not counted.
const WARM_UP: usize = 200;

/// What to do, and what is too much.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    server: server::Target,
    /// How many.
    #[arg(long, default_value_t = 15_000)]
    connections: usize,
    /// How many are being opened at a time.
    #[arg(long, default_value_t = 64)]
    opening: usize,
    /// For how long they do nothing.
    #[arg(long, default_value = "35s", value_parser = humantime::parse_duration)]
    hold: Duration,
    /// Speak MessagePack.
    #[arg(long)]
    messagepack: bool,
    /// Connect from this address of this machine. One address has some 28,000 ports for one server; choosing one costs
    /// time where ports of earlier connections still wait.
    #[arg(long, value_name = "IP")]
    local_address: Option<IpAddr>,
    /// More resident memory per connection fails the run, in bytes.
    #[arg(long, default_value_t = 8 * 1024)]
    bytes_max: u64,
    /// More tasks in the server's process fail the run.
    #[arg(long, default_value_t = 99)]
    tasks_max: u64,
    /// Append the result to `loadtests/results/idle.jsonl`.
    #[arg(long)]
    record: bool,
}

/// What was measured.
#[derive(Debug, Serialize)]
struct Measured {
    connections: usize,
    protocol: &'static str,
    connects_per_second: f64,
    server_cpu_us_per_connect: f64,
    resident_before_bytes: u64,
    resident_idle_bytes: u64,
    resident_per_connection_bytes: f64,
    descriptors: usize,
    threads: u64,
    tasks: u64,
    runtime_tasks: u64,
    hold_s: f64,
    idle_cpu_percent_of_a_core: f64,
    broadcast_deliveries: usize,
    broadcast_all_ms: f64,
    resident_after_broadcast_bytes: u64,
}

pub(crate) async fn run(options: Options) -> anyhow::Result<ExitCode> {
    let server = Server::of(&options.server).await?;
    let measured = Box::pin(measure(&server, &options)).await?;
    server.stop().await?;
    let complaints = measured.complaints(&options);
    let mut out = std::io::stdout();
    write!(out, "{measured}")?;
    for complaint in &complaints {
        writeln!(out, "FAILED  {complaint}")?;
    }
    if options.record {
        results::record("idle", &measured)?;
    }
    Ok(if complaints.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

async fn measure(server: &Server, options: &Options) -> anyhow::Result<Measured> {
    let url = format!("{}/hubs/conformance", server.url);
    let count = options.connections;
    drop(open(&url, options, WARM_UP.min(count)).await?);
    settled(server, 0).await?;

    let before = process::memory(server.pid)?;
    let cpu_before = process::cpu(server.pid)?;
    let started = Instant::now();
    let mut connections = open(&url, options, count).await?;
    let opening = started.elapsed();
    settled(server, count as u64).await?;
    let connecting_cpu = process::cpu(server.pid)? - cpu_before;

    let cpu_before = process::cpu(server.pid)?;
    let held = Instant::now();
    tokio::time::sleep(options.hold).await;
    let (cpu, held) = (process::cpu(server.pid)? - cpu_before, held.elapsed());
    let idle = process::memory(server.pid)?;
    let descriptors = process::descriptors(server.pid)?;
    let metrics = Metrics::read(&server.admin).await?;
    let alive = metrics.sum("hubplane_gateway_connections")?;
    ensure!(
        alive == count as u64,
        "{alive} of {count} connections are left after {held:?} of silence"
    );

    let (deliveries, broadcast) = broadcast(&url, options, &mut connections).await?;
    let after = process::memory(server.pid)?;
    let grown = idle.resident_bytes.saturating_sub(before.resident_bytes);
    Ok(Measured {
        connections: count,
        protocol: encoding(options).name(),
        connects_per_second: count as f64 / opening.as_secs_f64(),
        server_cpu_us_per_connect: connecting_cpu.as_secs_f64() * 1e6 / count as f64,
        resident_before_bytes: before.resident_bytes,
        resident_idle_bytes: idle.resident_bytes,
        resident_per_connection_bytes: grown as f64 / count as f64,
        descriptors,
        threads: idle.threads,
        tasks: metrics.sum("hubplane_node_tasks")?,
        runtime_tasks: metrics.sum("hubplane_node_runtime_tasks")?,
        hold_s: held.as_secs_f64(),
        idle_cpu_percent_of_a_core: 100.0 * cpu.as_secs_f64() / held.as_secs_f64(),
        broadcast_deliveries: deliveries,
        broadcast_all_ms: broadcast.as_secs_f64() * 1e3,
        resident_after_broadcast_bytes: after.resident_bytes,
    })
}

fn encoding(options: &Options) -> Encoding {
    if options.messagepack {
        Encoding::MessagePack
    } else {
        Encoding::Json
    }
}

/// Opens them, some at a time.
async fn open(url: &str, options: &Options, count: usize) -> anyhow::Result<Vec<Connection>> {
    let client = hubplane_client::Options {
        local_address: options.local_address,
        inbox_max: 4,
        ..hubplane_client::Options::with_encoding(encoding(options))
    };
    let connect = |n: usize| {
        let client = &client;
        async move {
            let connection = Connection::connect(url, client).await;
            connection.with_context(|| format!("connection {n} of {count}"))
        }
    };
    stream::iter(0..count)
        .map(connect)
        .buffer_unordered(options.opening)
        .try_collect()
        .await
}

/// Waits until the server counts this many connections: it learns of their ends later than we do.
async fn settled(server: &Server, count: u64) -> anyhow::Result<()> {
    let counted = async {
        while Metrics::read(&server.admin)
            .await?
            .sum("hubplane_gateway_connections")?
            != count
        {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        anyhow::Ok(())
    };
    timeout(Duration::from_secs(30), counted)
        .await
        .with_context(|| format!("the server does not count {count} connections"))?
}

/// One more connection sends to all; returns how many received exactly that, and when the last one had.
async fn broadcast(
    url: &str,
    options: &Options,
    connections: &mut [Connection],
) -> anyhow::Result<(usize, Duration)> {
    let text = format!("to all {}", connections.len());
    let sender = open(url, options, 1).await?;
    let sender = sender.first().context("a sender")?;
    let started = Instant::now();
    let sent = sender.invoke::<()>("BroadcastMethod", (&text,));
    let received = async {
        let mut deliveries = 0;
        for connection in connections {
            let received = connection.receive::<(String,)>("Broadcast").await;
            if received.is_ok_and(|(received,)| received == text) {
                deliveries += 1;
            }
        }
        deliveries
    };
    let both = async { tokio::join!(sent, received) };
    let (sent, deliveries) = timeout(BROADCAST_LIMIT, both)
        .await
        .context("the broadcast did not arrive everywhere")?;
    sent?;
    Ok((deliveries, started.elapsed()))
}

impl Measured {
    fn complaints(&self, options: &Options) -> Vec<String> {
        let mut complaints = Vec::new();
        if self.broadcast_deliveries != self.connections {
            complaints.push(format!(
                "the broadcast reached {} of {}",
                self.broadcast_deliveries, self.connections
            ));
        }
        if self.resident_per_connection_bytes > options.bytes_max as f64 {
            complaints.push(format!(
                "more than {} bytes of resident memory per connection",
                options.bytes_max
            ));
        }
        if self.tasks.max(self.runtime_tasks) > options.tasks_max {
            complaints.push(format!("more than {} tasks", options.tasks_max));
        }
        complaints
    }
}

impl std::fmt::Display for Measured {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
        writeln!(
            f,
            "connections           {} ({})",
            self.connections, self.protocol
        )?;
        writeln!(
            f,
            "connected             {:.0} per second",
            self.connects_per_second
        )?;
        writeln!(
            f,
            "server CPU            {:.0} us per connect",
            self.server_cpu_us_per_connect
        )?;
        writeln!(
            f,
            "resident              {:.0} bytes per connection",
            self.resident_per_connection_bytes
        )?;
        writeln!(
            f,
            "                      {:.1} MiB before, {:.1} MiB idle, {:.1} MiB after the broadcast",
            mib(self.resident_before_bytes),
            mib(self.resident_idle_bytes),
            mib(self.resident_after_broadcast_bytes)
        )?;
        writeln!(
            f,
            "idle CPU              {:.2} % of a core, over {:.0} s",
            self.idle_cpu_percent_of_a_core, self.hold_s
        )?;
        writeln!(
            f,
            "server process        {} tasks ({} of the runtime), {} threads, {} descriptors",
            self.tasks, self.runtime_tasks, self.threads, self.descriptors
        )?;
        writeln!(
            f,
            "one broadcast         {} deliveries, the last after {:.0} ms",
            self.broadcast_deliveries, self.broadcast_all_ms
        )
    }
}
