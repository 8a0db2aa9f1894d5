//! Gateways over real sockets, with a router and hub-hosts that the tests play.

#![allow(clippy::unwrap_used)]

mod asking;
mod credits;
mod node;
mod questions;
mod router;
