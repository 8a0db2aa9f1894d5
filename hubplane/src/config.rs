//! What settings of hubs are made of, besides the types that serde reads anyway: see [`App::hub_with`](crate::App::hub_with).

pub use hubplane_node::config::{ConfigError, Limit, Origin, Problem, Secret, Size};
