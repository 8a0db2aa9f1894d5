//! The directory's two machines joined by streams that delay, stop and break, under a clock that the test moves.

mod cluster;
mod leases;
mod links;
mod plan;
mod promises;
mod truth;
