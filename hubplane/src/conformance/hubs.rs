//! One hub under several names, each with the options of one test endpoint.

use std::sync::Arc;

use hubplane_gateway_server::HubOptions;
use hubplane_hub::{HubError, hub};

/// Where the conformance hub is served beside `/hubs/conformance`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Variant {
    /// `/testhub`: the hub of the TypeScript suite.
    Test,
    /// `/testhub-nowebsockets`: without WebSockets.
    NoWebSockets,
    /// `/authorizedhub`: for who brings a token.
    Authorized,
    /// `/negotiateProtocolVersion12`: for clients that are newer than there are.
    MinimumTwelve,
    /// `/negotiateProtocolVersionNegative`: for clients that are older than there are.
    MinimumNegative,
}

impl Variant {
    pub(super) const ALL: [Self; 5] = [
        Self::Test,
        Self::NoWebSockets,
        Self::Authorized,
        Self::MinimumTwelve,
        Self::MinimumNegative,
    ];

    /// The name of the hub, and below the root its path.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Test => "testhub",
            Self::NoWebSockets => "testhub-nowebsockets",
            Self::Authorized => "authorizedhub",
            Self::MinimumTwelve => "negotiateProtocolVersion12",
            Self::MinimumNegative => "negotiateProtocolVersionNegative",
        }
    }

    pub(super) fn options(self, before: HubOptions) -> HubOptions {
        let mut options = at(self.name(), before);
        match self {
            Self::Test => {}
            Self::NoWebSockets => options.transports.web_sockets = false,
            Self::Authorized => options.access.authenticated = true,
            Self::MinimumTwelve => options.negotiate_version_min = 12,
            Self::MinimumNegative => options.negotiate_version_min = -1,
        }
        options
    }
}

/// The name of [`Uncreatable`], and below the root its path.
pub(super) const UNCREATABLE: &str = "uncreatable";

pub(super) fn uncreatable(before: HubOptions) -> HubOptions {
    at(UNCREATABLE, before)
}

/// A hub at `/{name}`, with errors that say everything.
fn at(name: &str, mut options: HubOptions) -> HubOptions {
    options.paths.push(format!("/{name}"));
    Arc::make_mut(&mut options.connection).detailed_errors = true;
    for_local_pages(&mut options);
    options
}

/// Pages of this machine may use it, unless the configuration says which may.
pub(super) fn for_local_pages(options: &mut HubOptions) {
    const LOCAL: [&str; 4] = [
        "http://localhost:*",
        "https://localhost:*",
        "http://127.0.0.1:*",
        "https://127.0.0.1:*",
    ];
    if options.allowed_origins.is_empty() {
        let patterns = LOCAL.iter().filter_map(|origin| origin.parse().ok());
        options.allowed_origins = patterns.collect();
        // As by the tests' own server.
        options.web_sockets_of_any_origin = true;
    }
}

/// What stands for a hub whose construction fails: a value that serves all connections is there before any of them. Its
/// connections end as theirs do.
#[derive(Debug)]
pub(super) struct Uncreatable;

#[hub]
impl Uncreatable {
    fn on_connected(&self) -> Result<(), HubError> {
        Err(HubError::hidden(
            "InvalidOperationException",
            "Unable to resolve service for type 'System.Object' while attempting to activate \
             'FunctionalTests.UncreatableHub'.",
        ))
    }
}
