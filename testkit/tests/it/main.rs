//! What is promised (DESIGN 5), on clusters in one process.
#![allow(clippy::unwrap_used, reason = "a test that meets an error fails")]

mod auth;
mod bad_input;
mod directory;
mod front;
mod http;
mod lifecycle;
mod order;
mod outside;
mod presence;
mod questions;
mod raw;
mod requests;
mod sending;
mod stateful;
mod streams;
mod tls;
mod transports;

use hubplane::cluster::ClusterOptions;
use hubplane_gateway_server::GatewayOptions;
use hubplane_testkit::{Lifecycle, TestCluster, TestHub};

/// The shapes that every test of a promise runs on: few and many shards, frames as values and as bytes.
fn shapes() -> [ClusterOptions; 2] {
    [options(1, false), options(4, true)]
}

/// Two gateways, a router and two hub-hosts in one process.
fn options(shards: u8, serialised: bool) -> ClusterOptions {
    ClusterOptions {
        gateway: GatewayOptions {
            shards,
            ..GatewayOptions::default()
        },
        gateways: 2,
        hub_hosts: 2,
        routers: 1,
        hubs: vec![TestCluster::service(TestHub::default())],
        serialised,
        ..ClusterOptions::default()
    }
}

/// The same, and what its hub saw.
fn watched(mut options: ClusterOptions) -> (ClusterOptions, Lifecycle) {
    let hub = TestHub::default();
    let lifecycle = hub.lifecycle.clone();
    options.hubs = vec![TestCluster::service(hub)];
    (options, lifecycle)
}
