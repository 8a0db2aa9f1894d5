//! The router: serves the directory to gateways.
//!
//! [`RouterServer::start`] starts one, [`RouterHandle::connect`] opens a stream to it. One task owns the
//! [`Replica`](hubplane_router_directory::Replica) and carries out what it wants. The streams of gateways of this process
//! are bounded channels; a gateway that does not read its stream loses the stream and dials again.
//!
//! What it deliberately does not do: it decides nothing (the machine does), it waits for no gateway, and it keeps nothing
//! on disk: gateways announce what they hold to whatever generation of it they find.

mod inbound;
mod metrics;
mod server;

#[cfg(test)]
mod tests;

pub use hubplane_router_directory::message::{StreamKind, ToGateway};
pub use server::{GatewayStreams, RouterHandle, RouterServer};
