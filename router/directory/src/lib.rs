//! Who is where: tables, reports, watches and leases, for the router and for the gateway; no IO.
//!
//! The directory knows gateways per [`Key`]: a connection, a user, a group, or the hub itself. Each gateway knows its own
//! members and *reports* them; who sends *watches* what it sends to, in a cache of its own. Two machines do this, and their
//! drivers do nothing but move messages and time:
//!
//! - [`GatewayDirectory`] in each gateway: what this node holds, whether it is visible to others, where a send goes.
//! - [`Replica`] in each router: one of several that know the keys of one shard.
//!
//! Two streams join them ([`message`]), each in order in both directions. What the streams have to keep is all that the
//! promise needs: *when an add has returned, every send that starts after it reaches the member*. How long each end believes
//! the other is in [`Timers`].
//!
//! What it deliberately does not do: it delivers nothing, it stores nothing, and it decides nothing about who is dead.
//! Without an answer a send goes to every live gateway: routing is an optimisation, never a condition of delivery.
//!
//! # A driver
//!
//! After every call it carries out what the machine wants, until there is nothing left; then it waits for a message, a
//! stream that ended, or the machine's next deadline.
//!
//! ```
//! use std::time::Instant;
//! use hubplane_proto_ids::{HubName, NodeId};
//! use hubplane_router_directory::message::{Layout, StreamKind};
//! use hubplane_router_directory::{
//!     GatewayDirectory, Key, Output, Replica, ReplicaId, ReplicaOutput, Timers, Visibility,
//! };
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let timers = Timers::default();
//! let gateway = NodeId::new_generation("gateway-0".parse()?)?;
//! let mut directory = GatewayDirectory::new(gateway.clone(), timers);
//! let mut replica = Replica::new(NodeId::new_generation("router-0".parse()?)?, Layout::single(), timers);
//!
//! // A stream is open: each end gives it a name of its own.
//! let now = Instant::now();
//! let session = replica.connected(gateway, StreamKind::Report, now);
//! let stream = directory.connected(ReplicaId(0), StreamKind::Report, now);
//!
//! // Drivers: here one for both ends, whose streams take no time.
//! let mut visible = Vec::new();
//! let mut drive = |directory: &mut GatewayDirectory, replica: &mut Replica| {
//!     loop {
//!         if let Some(output) = directory.poll_output() {
//!             match output {
//!                 Output::ToRouter { message, .. } => replica.handle(session, message, now),
//!                 Output::Close { .. } => replica.disconnected(session, now), // and dial again
//!                 Output::Visible(change) => visible.push(change),           // wake who waits
//!                 Output::Resolved(_lookup, _resolution) => {}               // wake who waits
//!             }
//!         } else if let Some(output) = replica.poll_output() {
//!             match output {
//!                 ReplicaOutput::ToGateway { message, .. } => directory.handle(stream, message, now),
//!                 ReplicaOutput::Close { .. } => directory.disconnected(stream, now),
//!                 ReplicaOutput::Drained => {}
//!             }
//!         } else {
//!             break; // until `poll_timeout`, then `handle_timeout`
//!         }
//!     }
//! };
//! drive(&mut directory, &mut replica);
//!
//! // The first member of a group on this node, in shard 3: the add returns when the replica has told every watcher.
//! let hub: HubName = "chat".parse()?;
//! let key = Key::group(&hub, &"room-1".parse()?);
//! let Visibility::Wait(change) = directory.hold(&key, 3, now) else { panic!() };
//! drive(&mut directory, &mut replica);
//! assert_eq!(visible, [change]);
//!
//! // The next member waits for nothing.
//! assert_eq!(directory.hold(&key, 5, now), Visibility::Visible);
//! # Ok(())
//! # }
//! ```

mod gateway;
mod key;
mod line;
pub mod message;
mod replica;
mod table;
mod timers;

pub use gateway::{
    ChangeId, CloseReason, GatewayCounts, GatewayDirectory, GatewayLimits, Holders, LookupId,
    NodeList, Output, ReplicaId, Resolution, ShardSet, StreamId, Targets, Visibility,
};
pub use key::{HASH_VERSION, Key, Subject};
pub use replica::{Replica, ReplicaCounts, ReplicaOutput, SessionId};
pub use timers::{Timers, UnsoundTimers};
