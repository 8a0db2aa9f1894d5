use std::io::Write as _;
use std::process::ExitCode;

use anyhow::Context as _;
use axum::Router;
use clap::Parser as _;
use hubplane_hub::Hub;
use hubplane_hub::host::{Options, Service};
use hubplane_node::config::{Config, ConfigError};
use hubplane_node::telemetry::init_logging;

use crate::cli::{Args, Command, ConfigCommand};
use crate::dev;

/// The exit code of a command whose configuration is wrong (sysexits: `EX_CONFIG`).
const EX_CONFIG: u8 = 78;

type MakeService = Box<dyn FnOnce(&Config) -> anyhow::Result<Service>>;

/// A program that serves hubs. Without a subcommand it is `dev`: everything in one process.
///
/// A program for many thousands of connections should choose an allocator that gives pages back, such as mimalloc, as the
/// command `hubplane` does: with glibc's an idle connection costs three times as much memory.
#[derive(Default)]
pub struct App {
    /// By the names that the hubs give themselves.
    hubs: Vec<(&'static str, MakeService)>,
    routes: Router,
}

impl App {
    /// Serves nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Serves a hub at `/hubs/{its name}`.
    #[must_use]
    pub fn hub<H: Hub>(mut self, hub: H) -> Self {
        let make: MakeService = Box::new(|config| {
            let options = Options {
                detailed_errors: config.hubs.of(H::NAME).detailed_errors,
            };
            Ok(Service::new(hub, options)?)
        });
        self.hubs.push((H::NAME, make));
        self
    }

    /// Serves these routes beside the hubs, on the public listener. They come before the hubs.
    #[must_use]
    pub fn routes(mut self, routes: Router) -> Self {
        self.routes = self.routes.merge(routes);
        self
    }

    /// Runs the command that the arguments name until it is told to stop. Exits 0 after a drain, 78 when the
    /// configuration is wrong, 1 when something else is.
    pub fn run(self) -> ExitCode {
        let args = Args::parse();
        let config = match args.load() {
            Ok(config) => config,
            // Logging is configured by what could not be read.
            Err(error) => {
                return fail(
                    &error,
                    if error.is::<ConfigError>() {
                        EX_CONFIG
                    } else {
                        1
                    },
                );
            }
        };
        if let Err(error) = self.check(&config) {
            return fail(&error, EX_CONFIG);
        }
        let done = match args.chosen() {
            Command::Dev(_) => self.dev(config),
            Command::Config {
                command: ConfigCommand::Check,
            } => Ok(()),
            Command::Config {
                command: ConfigCommand::Print,
            } => print(&config),
        };
        match done {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => fail(&error, 1),
        }
    }

    /// A table for a hub that is not there is a slip of the pen.
    fn check(&self, config: &Config) -> anyhow::Result<()> {
        let served: Vec<_> = self.hubs.iter().map(|(name, _)| *name).collect();
        let unknown: Vec<_> = config
            .hubs
            .unknown(&served)
            .into_iter()
            .map(|name| format!("hubs.{name}"))
            .collect();
        anyhow::ensure!(
            unknown.is_empty(),
            "{}: no hub of this name is served here, only {}",
            unknown.join(", "),
            served.join(", ")
        );
        Ok(())
    }

    fn dev(self, config: Config) -> anyhow::Result<()> {
        init_logging(&config.log)?;
        let hubs = self
            .hubs
            .into_iter()
            .map(|(_, make)| make(&config))
            .collect::<anyhow::Result<Vec<_>>>()?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .thread_name("hubplane")
            .build()
            .context("the runtime cannot be started")?;
        let done = runtime.block_on(dev::run(config, hubs, self.routes));
        // Everything that mattered has ended; hub code that never yields must not keep the process.
        runtime.shutdown_background();
        done
    }
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App")
            .field("hubs", &self.hubs.len())
            .finish_non_exhaustive()
    }
}

fn print(config: &Config) -> anyhow::Result<()> {
    std::io::stdout().write_all(config.to_toml()?.as_bytes())?;
    Ok(())
}

fn fail(error: &anyhow::Error, code: u8) -> ExitCode {
    // Whoever closed the standard error does not want to know.
    let _ = writeln!(std::io::stderr(), "error: {error:#}");
    ExitCode::from(code)
}
