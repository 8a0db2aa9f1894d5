//! The repository's own commands: `cargo xtask test` and its siblings.

// A command talks to whoever runs it.
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod command;
mod differential;
mod explore;
mod interop;
mod phases;
mod policy;
#[cfg(test)]
mod rules;
mod spdx;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The repository's own commands.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Sets up what tests need, runs every test, and ends with a table.
    Test {
        /// Only these phases, by the names that the table shows.
        #[arg(value_name = "PHASE")]
        only: Vec<String>,
    },
    /// Explores what takes longer than a test may.
    #[command(subcommand)]
    Soak(Soak),
    /// Feeds a fuzz target with new input for a while.
    Fuzz {
        /// A target of the crate `fuzz`.
        target: String,
        /// For how long.
        seconds: u32,
    },
}

#[derive(Debug, Subcommand)]
enum Soak {
    /// Runs the tests whose name contains a text again and again, until one fails.
    Repeat {
        /// A part of the tests' names.
        test: String,
        /// How many times.
        times: u32,
        /// The package that they are in; all packages when not given.
        #[arg(long, short)]
        package: Option<String>,
    },
    /// Compares with the real server, which runs beside, instead of with its recordings.
    Differential,
    /// Feeds every fuzz target in turn.
    Fuzz {
        /// For how long each.
        seconds: u32,
    },
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().task {
        Task::Test { only } => phases::run(&only),
        Task::Soak(Soak::Repeat {
            test,
            times,
            package,
        }) => explore::repeat(&test, times, package.as_deref()),
        Task::Soak(Soak::Differential) => differential::run_live(),
        Task::Soak(Soak::Fuzz { seconds }) => explore::fuzz_all(seconds),
        Task::Fuzz { target, seconds } => explore::fuzz(&target, seconds),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
