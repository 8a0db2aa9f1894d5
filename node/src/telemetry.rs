//! Logs and metrics.

mod logging;
mod meters;
#[cfg(test)]
mod tests;

pub use logging::{LoggingError, init_logging};
pub use meters::{Telemetry, TelemetryError};
