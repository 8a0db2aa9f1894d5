//! How a gateway behaves.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use hubplane_gateway_connection as connection;
use hubplane_proto_ids::HubName;

pub use crate::auth::{AuthOptions, SigningKey};

/// How a gateway treats the connections of one hub.
#[derive(Debug, Clone, Default)]
pub struct HubOptions {
    /// Limits and timers of its connections.
    pub connection: Arc<connection::Options>,
    /// Whether who brings no valid token is refused with 401.
    pub authenticated_only: bool,
    /// The lowest negotiate version that is served; 0 is every one that there is (reference signalr-core 3.2).
    pub negotiate_version_min: i32,
    /// Further paths, beside `/hubs/{hub}`.
    pub paths: Vec<String>,
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
