//! A long stream to a client that reads slowly: nothing is lost, the client stays, and the server's memory is flat.

use std::io::Write as _;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use hubplane_client::message::{Arguments, CompletionResult, Invocation, Message, StreamIds};
use hubplane_client::{Connection, Options as ClientOptions, read_value, write_arguments};
use serde::Serialize;
use tokio::time::timeout;

use crate::server::Server;
use crate::{process, results, server};

/// For one item to arrive.
const ITEM_LIMIT: Duration = Duration::from_secs(30);
/// How often the server's memory is looked at.
const LOOKS: u32 = 100;

/// What to do, and what is too much.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    server: server::Target,
    /// How many items.
    #[arg(long, default_value_t = 1_000_000)]
    items: u32,
    /// For how long the client reads nothing, a hundred times on the way.
    #[arg(long, default_value = "50ms", value_parser = humantime::parse_duration)]
    pause: Duration,
    /// More growth of the server's resident memory fails the run, in bytes.
    #[arg(long, default_value_t = 4 * 1024 * 1024)]
    bytes_max: u64,
    /// Append the result to `loadtests/results/slow.jsonl`.
    #[arg(long)]
    record: bool,
}

/// What was measured.
#[derive(Debug, Serialize)]
struct Measured {
    items: u32,
    seconds: f64,
    server_cpu_us_per_item: f64,
    resident_before_bytes: u64,
    resident_most_bytes: u64,
}

pub(crate) async fn run(options: Options) -> anyhow::Result<ExitCode> {
    let server = Server::of(&options.server).await?;
    let measured = measure(&server, &options).await?;
    server.stop().await?;
    let grown = measured
        .resident_most_bytes
        .saturating_sub(measured.resident_before_bytes);
    let mut out = std::io::stdout();
    writeln!(
        out,
        "{} items in order in {:.1} s, {:.2} us CPU of the server each; resident memory {} KiB before, at most {} KiB",
        measured.items,
        measured.seconds,
        measured.server_cpu_us_per_item,
        measured.resident_before_bytes / 1024,
        measured.resident_most_bytes / 1024,
    )?;
    if options.record {
        results::record("slow", &measured)?;
    }
    if grown > options.bytes_max {
        writeln!(out, "FAILED  memory grew by {grown} bytes")?;
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

async fn measure(server: &Server, options: &Options) -> anyhow::Result<Measured> {
    let url = format!("{}/hubs/conformance", server.url);
    // Little more than the buffers of its socket fills up while it does not read.
    let slow = ClientOptions {
        inbox_max: 4,
        ..ClientOptions::default()
    };
    let mut client = Connection::connect(&url, &slow).await?;
    // Once in advance, so that what is allocated once is not counted.
    stream(&mut client, "first", options.items.min(10_000), |_| {
        Ok(Duration::ZERO)
    })
    .await?;
    let before = process::memory(server.pid)?.resident_bytes;
    let cpu_before = process::cpu(server.pid)?;
    let (started, mut most, every) = (Instant::now(), before, (options.items / LOOKS).max(1));
    stream(&mut client, "measured", options.items, |number| {
        if number % every != 0 {
            return Ok(Duration::ZERO);
        }
        most = most.max(process::memory(server.pid)?.resident_bytes);
        Ok(options.pause)
    })
    .await?;
    let cpu = process::cpu(server.pid)? - cpu_before;
    client.stop().await;
    Ok(Measured {
        items: options.items,
        seconds: started.elapsed().as_secs_f64(),
        server_cpu_us_per_item: cpu.as_secs_f64() * 1e6 / f64::from(options.items),
        resident_before_bytes: before,
        resident_most_bytes: most,
    })
}

/// Reads one stream to its end, in order; before each item it pauses for as long as `pause` says.
async fn stream(
    client: &mut Connection,
    id: &str,
    items: u32,
    mut pause: impl FnMut(u32) -> anyhow::Result<Duration>,
) -> anyhow::Result<()> {
    let invocation = Invocation {
        invocation_id: Some(id.to_owned()),
        target: "CounterChannel".to_owned(),
        arguments: Arguments::Raw(write_arguments(client.encoding(), &(items,))?),
        stream_ids: StreamIds::new(),
    };
    client
        .send_message(&Message::StreamInvocation(invocation))
        .await?;
    for number in 0..items {
        let pause = pause(number)?;
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
        match next(client).await? {
            Message::StreamItem(item) => {
                let text: String = read_value(client.encoding(), &item.item)?;
                ensure!(text == number.to_string(), "item {number} is {text}");
            }
            other => bail!("instead of item {number}: {other:?}"),
        }
    }
    match next(client).await? {
        Message::Completion(end) if end.result == CompletionResult::Void => Ok(()),
        other => bail!("instead of the end: {other:?}"),
    }
}

async fn next(client: &mut Connection) -> anyhow::Result<Message> {
    let message = timeout(ITEM_LIMIT, client.next())
        .await
        .context("nothing came in time")?;
    message.context("the connection ended")
}
