//! How a gateway behaves.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use hubplane_gateway_connection as connection;
use hubplane_node::config::OriginPattern;
use hubplane_proto_ids::HubName;
pub use hubplane_proto_link::AccessRule;

pub use crate::auth::{AuthOptions, SigningKey};
use crate::outside::Outside;

/// How a gateway treats the connections of one hub.
#[derive(Debug, Clone, Default)]
pub struct HubOptions {
    /// Limits and timers of its connections.
    pub connection: Arc<connection::Options>,
    /// Who may connect, beside what the hub itself says.
    pub access: AccessRule,
    /// The lowest negotiate version that is served; 0 is every one that there is (reference signalr-core 3.2).
    pub negotiate_version_min: i32,
    /// Further paths, beside `/hubs/{hub}`.
    pub paths: Vec<String>,
    /// The origins of the pages that may use it, beside those of the host that they address; empty: pages are not told
    /// apart, and browsers keep answers from pages of other origins (reference signalr-core 4.2).
    pub allowed_origins: Vec<OriginPattern>,
    /// Whether pages of any other origin may open WebSockets all the same, as by the reference's server.
    pub web_sockets_of_any_origin: bool,
    /// Where its clients negotiate instead.
    pub redirect: Option<Redirect>,
}

/// An endpoint base that a hub's clients are sent to (reference signalr-core 3.4).
#[derive(Clone)]
pub struct Redirect {
    /// Where.
    pub url: String,
    /// The bearer token that they use there instead of their own.
    pub access_token: Option<String>,
}

impl fmt::Debug for Redirect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redirect")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

/// How a gateway behaves.
#[derive(Debug, Clone)]
pub struct GatewayOptions {
    /// How many shards, 1 to 64.
    pub shards: u8,
    /// Which tokens are believed.
    pub auth: AuthOptions,
    /// For hubs that `hubs` does not name.
    pub default_hub: HubOptions,
    /// What is between its listeners and clients.
    pub outside: Outside,
    /// By hub.
    pub hubs: HashMap<HubName, HubOptions>,
    /// How long a negotiated connection waits for its transport.
    pub negotiate_timeout: Duration,
    /// How many negotiated connections may wait.
    pub negotiated_max: usize,
}

impl Default for GatewayOptions {
    fn default() -> Self {
        Self {
            shards: 1,
            auth: AuthOptions::default(),
            default_hub: HubOptions::default(),
            outside: Outside::default(),
            hubs: HashMap::new(),
            negotiate_timeout: Duration::from_secs(15),
            negotiated_max: 100_000,
        }
    }
}

impl GatewayOptions {
    /// What holds for a hub.
    pub fn hub(&self, hub: &HubName) -> &HubOptions {
        self.hubs.get(hub).unwrap_or(&self.default_hub)
    }
}
