//! The carriers against their contract, and what each of them has beyond it.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod memory;
mod spec;
