//! The directory's two machines joined by streams that delay, stop and break, under a clock that the test moves.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests fail the test that calls them"
)]

mod alone;
mod cluster;
mod costs;
mod events;
mod leases;
mod links;
mod lookups;
mod plan;
mod promises;
mod replica;
mod reporting;
mod truth;
