//! Hosts hubs: the worker side of the link.
//!
//! A [`HubHost`] runs [`Service`](hubplane_hub::host::Service)s for any number of gateways. Each link is one task that
//! reads; everything that a hub does runs in a task of its own, so that no link ever waits for a hub. What one of them
//! sends goes into the link's bounded queue in program order, and what it answers goes behind that.
//!
//! ```text
//! gateway ── ToHubHost ──▶ link task ──▶ one task per invocation or lifecycle method
//! gateway ◀── ToGateway ── bounded queue ◀──┘      (a full queue makes the hub's sends wait)
//! ```

mod any;
mod asked;
mod background;
mod host;
mod link;
pub mod metrics;
mod port;
mod presence;
mod stuck;
#[cfg(test)]
mod tests;
mod window;

pub use host::HubHost;
