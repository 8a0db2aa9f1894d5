//! Clusters for tests.
//!
//! [`TestCluster`] is a cluster in one process with listeners of its own on free ports: gateways, routers and hub-hosts
//! as the product joins them. Whoever drops it has ended it; [`TestCluster::stop`] also checks that everything ended.

mod cluster;
mod hub;

pub use cluster::{TestCluster, within};
pub use hub::{Lifecycle, TestHub};
