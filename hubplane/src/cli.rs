//! The command line (DESIGN 8).

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args as Flags, Parser, Subcommand};
use hubplane_node::config::{Config, FileSource, Sources};
use serde::Serialize;

use crate::token::Wanted;

/// A hub backplane for SignalR clients.
///
/// Options come from `hubplane.toml`, then from `HUBPLANE_` environment variables (`__` nests), then from flags.
#[derive(Debug, Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    /// The configuration file, instead of `hubplane.toml` in the current directory if it is there.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,

    #[command(subcommand)]
    command: Option<Command>,

    #[command(flatten)]
    dev: DevFlags,
}

#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Command {
    /// Run everything in one process (what happens without a subcommand).
    Dev(DevFlags),
    /// Look at the configuration.
    Config {
        #[command(subcommand)]
        command: ConfigCommand,
    },
    /// Print the TypeScript declaration of the hubs: their methods, those of their clients, and the types of these.
    Types {
        /// Of these hubs alone.
        #[arg(value_name = "HUB")]
        hubs: Vec<String>,
    },
    /// Print a token to try things with, signed with a key of `auth.keys`.
    Token(Wanted),
}

#[derive(Debug, Clone, Copy, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Say what is wrong with the configuration, all of it at once.
    Check,
    /// Print what is in force, without secrets.
    Print,
}

#[derive(Debug, Clone, Default, Flags)]
pub(crate) struct DevFlags {
    /// Where clients connect; port 0 takes any free port [default: 127.0.0.1:8080].
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// Where operators look: health, readiness, metrics [default: 127.0.0.1:8081, or a free port].
    #[arg(long, value_name = "ADDRESS")]
    admin: Option<SocketAddr>,
}

/// One table of the configuration with one option that is a flag.
#[derive(Debug, Serialize)]
struct Address {
    address: Option<SocketAddr>,
}

#[derive(Debug, Serialize)]
struct FlagLayer {
    listen: Address,
    admin: Address,
}

/// What is different while one develops: errors say everything, ports give way, the end comes quickly.
#[derive(Debug, Serialize)]
struct DevLayer {
    admin: DevAdmin,
    hubs: DevHubs,
    conformance: DevConformance,
    drain: DevDrain,
}

#[derive(Debug, Serialize)]
struct DevAdmin {
    free_port_if_busy: bool,
}

#[derive(Debug, Serialize)]
struct DevHubs {
    detailed_errors: bool,
}

#[derive(Debug, Serialize)]
struct DevConformance {
    enabled: bool,
}

#[derive(Debug, Serialize)]
struct DevDrain {
    load_balancer_wait: &'static str,
    window: &'static str,
}

const DEV: DevLayer = DevLayer {
    admin: DevAdmin {
        free_port_if_busy: true,
    },
    hubs: DevHubs {
        detailed_errors: true,
    },
    conformance: DevConformance { enabled: true },
    drain: DevDrain {
        load_balancer_wait: "0s",
        window: "1s",
    },
};

impl Args {
    pub(crate) fn chosen(&self) -> Command {
        self.command
            .clone()
            .unwrap_or_else(|| Command::Dev(self.dev.clone()))
    }

    /// The configuration of a program that serves what `hubs` says.
    pub(crate) fn load(&self, hubs: impl FnOnce(Sources) -> Sources) -> anyhow::Result<Config> {
        let mut sources = hubs(Sources::process()).defaults(&DEV)?;
        if let Some(path) = &self.config {
            sources = sources.file(FileSource::Exactly(path.clone()));
        }
        if let Command::Dev(flags) = self.chosen() {
            let layer = FlagLayer {
                listen: Address {
                    address: flags.listen,
                },
                admin: Address {
                    address: flags.admin,
                },
            };
            sources = sources.flags(&layer)?;
        }
        Ok(Config::load(sources)?)
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_sound() {
        super::Args::command().debug_assert();
    }

    #[test]
    fn help_says_what_there_is() {
        insta::assert_snapshot!(super::Args::command().render_long_help());
    }
}
