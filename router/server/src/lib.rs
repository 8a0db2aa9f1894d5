//! The router: serves the directory to gateways.
//!
//! [`RouterServer::start`] starts one, [`RouterHandle::connect`] opens a stream to it. One task owns the
//! [`Replica`](hubplane_router_directory::Replica) and carries out what it wants. The streams of gateways of this process are bounded channels.
//!
//! What it deliberately does not do: it decides nothing (the machine does), and keeps nothing on disk.

mod metrics;
mod server;

#[cfg(test)]
mod tests;

pub use server::{GatewayStreams, RouterHandle, RouterServer};
