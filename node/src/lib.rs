//! What every process has: configuration, phases, admin listener, telemetry, named tasks, TLS, signals.
//!
//! A node starts with a [`config::Config`] and a [`tasks::Tasks`]. Its life is a [`Phase`], which an
//! [`admin::Admin`] listener shows beside the metrics of its [`telemetry::Telemetry`], and which
//! [`signals::Shutdown`] ends.
//!
//! Nothing here is global but the log, so that several nodes can live in one process; and nothing here knows
//! hubs, connections or any other part of Hubplane.

pub mod admin;
pub mod config;
pub mod metrics;
pub mod phases;
pub mod signals;
pub mod tasks;
pub mod telemetry;
pub mod tls;

pub use phases::{Phase, Phases};
