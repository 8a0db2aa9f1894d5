//! Configuration: layers, typed options, every problem at once.
//!
//! Four layers, each over the one before: defaults, the file `hubplane.toml`, environment variables that begin
//! with `HUBPLANE_` (`__` nests), and flags. [`Config::load`] puts them together. A key that no option has is
//! an error, and all errors are reported together with where each came from.
//!
//! Every option is one field of one of the structs below, documented there; `docs/config.md` is generated
//! from these texts ([`reference()`]).

#[macro_use]
mod options;

mod admin;
mod auth;
mod conformance;
mod drain;
mod extract;
mod hubs;
mod layers;
mod list;
mod listen;
mod log;
mod networks;
mod origins;
mod problems;
mod settings;
mod shards;
#[cfg(test)]
mod tests;
mod tls;
mod values;

use serde::Serialize;

pub use admin::Admin;
pub use auth::Auth;
pub use conformance::Conformance;
pub use drain::Drain;
pub use hubs::{HubOptions, Hubs, Transport};
pub use layers::{FileSource, Sources};
pub use list::List;
pub use listen::{ForwardedBy, Listen};
pub use log::{Log, LogFormat};
pub use networks::{InvalidNetwork, Network};
pub use options::reference;
pub use origins::{InvalidOrigin, OriginPattern};
pub use problems::{ConfigError, Origin, Problem};
pub use settings::Settings;
pub use shards::Shards;
pub use tls::{Tls, TlsVersion};
pub use values::{Limit, Secret, Size};

use layers::Layers;
use options::Area;
use problems::Problems;

/// Everything that can be configured, as it is in force.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Config {
    /// `[listen]`: where clients connect.
    pub listen: Listen,
    /// `[admin]`: where operators and machines look.
    pub admin: Admin,
    /// `[log]`: what is logged, and how.
    pub log: Log,
    /// `[hubs]` and `[hubs.<name>]`: limits and timers, for all hubs and for one.
    pub hubs: Hubs,
    /// `[auth]`: whose tokens are believed.
    pub auth: Auth,
    /// `[conformance]`: the applications of the official functional tests.
    pub conformance: Conformance,
    /// `[shards]`: the threads that own connections.
    pub shards: Shards,
    /// `[drain]`: how a node ends.
    pub drain: Drain,
}

impl Config {
    /// Puts the layers together.
    ///
    /// # Errors
    /// Every problem there is: files that cannot be read, unknown keys, values that do not fit their
    /// options, and options that do not fit each other.
    pub fn load(sources: Sources) -> Result<Self, ConfigError> {
        let mut problems = Problems::default();
        let served = sources.served.clone();
        let layers = Layers::read(sources, &mut problems);
        let mut areas = layers.areas(&Self::AREAS, &mut problems);
        let config = Self {
            listen: areas.extract(Listen::AREA, &mut problems),
            admin: areas.extract(Admin::AREA, &mut problems),
            log: areas.extract(Log::AREA, &mut problems),
            hubs: Hubs::extract(&mut areas, &served, &mut problems),
            auth: areas.extract(Auth::AREA, &mut problems),
            conformance: areas.extract(Conformance::AREA, &mut problems),
            shards: areas.extract(Shards::AREA, &mut problems),
            drain: areas.extract(Drain::AREA, &mut problems),
        };
        config.validate(&mut problems);
        problems.into_result(config, &layers)
    }

    /// What is in force, as a `hubplane.toml` that says so; secrets are left out.
    ///
    /// # Errors
    /// When a value cannot be written as TOML, which no loaded configuration has.
    pub fn to_toml(&self) -> Result<String, toml::ser::Error> {
        toml::to_string(self)
    }

    const AREAS: [Area; 8] = [
        Listen::AREA,
        Admin::AREA,
        Log::AREA,
        HubOptions::AREA,
        Auth::AREA,
        Conformance::AREA,
        Shards::AREA,
        Drain::AREA,
    ];

    fn validate(&self, problems: &mut Problems) {
        self.listen.validate(problems);
        self.log.validate(problems);
        self.hubs.validate(problems);
        self.auth.validate(problems);
        self.shards.validate(problems);
        if self.listen.address.port() != 0 && self.listen.address == self.admin.address {
            problems.add("admin.address", "is the address of the public listener");
        }
    }
}
