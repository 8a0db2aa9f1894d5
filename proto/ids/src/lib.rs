//! The names of things: hubs, connections, users, groups, nodes.
//!
//! Every crate passes these types inside and parses text at its edge, once. Cloning one is cheap (a reference count).
//! What is secret ([`ConnectionToken`]) is a type of its own: it has no `Display`, its `Debug` says nothing and it is
//! compared in constant time.

mod node;
mod text;
mod token;

#[cfg(test)]
mod tests;

pub use node::{Generation, NodeId};
pub use text::{ConnectionId, GroupName, HubName, InvalidId, InvocationId, NodeName, UserId};
pub use token::ConnectionToken;
