//! How a gateway behaves.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use hubplane_gateway_connection as connection;
use hubplane_node::config::OriginPattern;
use hubplane_proto_ids::HubName;
pub use hubplane_proto_link::AccessRule;
use hubplane_proto_link::Transport;
use hubplane_proto_signalr::negotiate::{self, TransportOffer};

pub use crate::auth::{
    AuthOptions, CookieOptions, KeySource, KeySourceError, RefreshOptions, SigningKey,
};
use crate::outside::Outside;

/// How a gateway treats the connections of one hub.
#[derive(Debug, Clone, Default)]
pub struct HubOptions {
    /// Limits and timers of its connections.
    pub connection: Arc<connection::Options>,
    /// Which transports it offers.
    pub transports: Transports,
    /// Who may connect, beside what the hub itself says.
    pub access: AccessRule,
    /// Whether a connection ends with its token (reference signalr-core 12.1, `CloseOnAuthenticationExpiration`).
    pub close_on_authentication_expiration: bool,
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

/// Which transports a hub offers; by default all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transports {
    /// WebSockets.
    pub web_sockets: bool,
    /// Server-Sent Events.
    pub server_sent_events: bool,
    /// Long polling.
    pub long_polling: bool,
}

impl Default for Transports {
    fn default() -> Self {
        Self {
            web_sockets: true,
            server_sent_events: true,
            long_polling: true,
        }
    }
}

impl Transports {
    /// Whether it is offered.
    pub(crate) const fn has(self, transport: Transport) -> bool {
        match transport {
            Transport::WebSockets => self.web_sockets,
            Transport::ServerSentEvents => self.server_sent_events,
            Transport::LongPolling => self.long_polling,
        }
    }

    /// What negotiate offers, the best first (reference signalr-core 3.3).
    pub(crate) fn offers(self) -> Vec<TransportOffer> {
        [
            (self.web_sockets, negotiate::Transport::WebSockets),
            (
                self.server_sent_events,
                negotiate::Transport::ServerSentEvents,
            ),
            (self.long_polling, negotiate::Transport::LongPolling),
        ]
        .into_iter()
        .filter(|(offered, _)| *offered)
        .map(|(_, transport)| transport.offer())
        .collect()
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
