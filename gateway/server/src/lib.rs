//! The gateway: listeners, auth, links to hub-hosts, and the one place where an audience becomes destinations.
//!
//! [`Gateway::start`] is the entry. A request is answered by the front on the node's runtime; a WebSocket is taken
//! back from hyper and handed to a shard, which keeps it. What hub-hosts say comes in over links
//! ([`Gateway::add_hub_host`]); who is where comes from routers ([`RouterDialer`]); other gateways are reached over
//! the backplane's streams, and asked over the [`RelayBus`].
//!
//! What it deliberately does not do: it runs no hub code, parses no arguments, and keeps nothing on disk.

mod admission;
mod answer;
mod asking;
mod auth;
mod backplane;
mod core;
mod cors;
mod credits;
mod directory;
mod egress;
mod endpoints;
mod forwarded;
mod front;
mod gateway;
mod links;
mod listener;
mod lookups;
mod metrics;
mod options;
mod outside;
mod owner;
mod presence;
mod query;
mod questions;
mod registry;
mod relay;
mod sequence;
mod transports;
mod turns;
mod upgrade;

pub use admission::Admission;
pub use directory::{RouterDialer, RouterStreams};
pub use gateway::{Gateway, GatewayParts, StartError};
pub use hubplane_gateway_connection::{Options as ConnectionOptions, QueueLimits, StatefulOptions};
pub use listener::{ALPN_PROTOCOLS, Listener};
pub use options::{
    AccessRule, AuthOptions, CookieOptions, GatewayOptions, HubOptions, KeySource, KeySourceError,
    Redirect, RefreshOptions, SigningKey, Transports,
};
pub use outside::{Outside, PublicUrl};
pub use relay::RelayBus;
