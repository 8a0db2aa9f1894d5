//! Who is where: tables, reports, watches and leases, for the router and for the gateway; no IO.

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
