//! The load generator: scenarios against a running server, from a process of its own.
//!
//! ```text
//! cargo build --release -p hubplane -p hubplane-loadtests
//! target/release/hubplane-loadtests idle --server-binary target/release/hubplane --record
//! ```
//!
//! Every message is verified, not just counted. What was measured is printed, and with `--record` appended to
//! `loadtests/results/` as one line of JSON with the machine and the commit that it holds for.

mod idle;
mod metrics;
mod process;
mod results;
mod server;
mod slow;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Debug, Parser)]
#[command(version, about = "Scenarios of load against a running hubplane server")]
struct Args {
    #[command(subcommand)]
    scenario: Scenario,
}

#[derive(Debug, Subcommand)]
enum Scenario {
    /// Many connections that do nothing, and one broadcast that reaches them all.
    Idle(idle::Options),
    /// A long stream to a client that reads slowly.
    Slow(slow::Options),
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    match Args::parse().scenario {
        Scenario::Idle(options) => Box::pin(idle::run(options)).await,
        Scenario::Slow(options) => Box::pin(slow::run(options)).await,
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_sound() {
        super::Args::command().debug_assert();
    }
}
