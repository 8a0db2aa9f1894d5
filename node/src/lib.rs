//! What every process has: configuration, phases, drain, admin listener, telemetry, named tasks, signals.

pub mod config;
pub mod tasks;
