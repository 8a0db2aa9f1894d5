//! What moves envelopes and heartbeats between nodes.
//!
//! A node joins and gets two ends: a [`Carrier`] to publish with, and an [`Inbound`] of what arrives. Which kind it is, is
//! decided at the start of the process by an enum and not by a type parameter; there is [`MemoryBus`], for nodes of
//! one process.
//!
//! # What every carrier promises
//! - It moves, and may lose or be late; it never corrupts and never invents.
//! - What one node publishes to one destination arrives there in order or not at all, and at most once. Between two
//!   destinations, and between envelopes and heartbeats, there is no order.
//! - Only the generation that it is for receives an envelope. A heartbeat reaches every node, its own sender too.
//! - To publish returns before anything is delivered, never waits, and does not say whether it will be. It fails only
//!   while the carrier knows itself to be down.
//! - Inbound queues are bounded: what finds its queue full is dropped and counted, and delays nobody.
//! - To receive is cancel safe.
//!
//! That is little on purpose: the promises that users see are made by `hubplane-backplane-stream` on top. Each clause is a
//! test of the suite in `tests/it/spec.rs`, which every carrier runs.
//!
//! This crate knows no groups, no numbers and no acks. Every subject is built in one file, `subject.rs`.

mod carrier;
mod memory;
mod subject;

pub use carrier::{Carrier, CarrierDown, Inbound, Received, Stats};
pub use memory::{Contents, Crossing, Fault, MemoryBus, MemoryCarrier};
