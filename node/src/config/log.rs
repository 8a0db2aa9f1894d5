//! `[log]`.

use serde::{Deserialize, Serialize};
use tracing_subscriber::EnvFilter;

use super::options::Described;
use super::problems::Problems;

options! {
    /// The log, written to standard error.
    pub struct Log in "log" {
        /// What is logged: a level (`error`, `warn`, `info`, `debug`, `trace`), or several directives, such
        /// as `info,hubplane_gateway_server=debug`.
        pub filter: String = "info".to_owned(),
        /// How a line looks.
        pub format: LogFormat = LogFormat::Text,
    }
}

/// How a line of the log looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object per line.
    Json,
}

impl Described for LogFormat {
    const KIND: &'static str = "`text` or `json`";
}

impl Log {
    pub(super) fn validate(&self, problems: &mut Problems) {
        if let Err(error) = EnvFilter::try_new(&self.filter) {
            problems.add("log.filter", error.to_string());
        }
    }
}
