//! What is wrong with a configuration, and where it came from.

use std::fmt;
use std::path::PathBuf;

use super::layers::Layers;

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Nobody set it.
    Default,
    /// This file.
    File(PathBuf),
    /// The environment variable of this name.
    Environment(String),
    /// A flag.
    Flags,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path) => path.display().fmt(f),
            Self::Environment(name) => f.write_str(name),
            Self::Flags => f.write_str("command line"),
        }
    }
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The option, as `table.name`; empty when a whole layer is meant.
    pub key: String,
    /// Which layer said it.
    pub origin: Origin,
    /// What is wrong with it.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            key,
            origin,
            message,
        } = self;
        if key.is_empty() {
            write!(f, "{origin}: {message}")
        } else {
            write!(f, "{key} ({origin}): {message}")
        }
    }
}

/// Everything that is wrong with a configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", lines(.problems))]
pub struct ConfigError {
    /// At least one.
    pub problems: Vec<Problem>,
}

fn lines(problems: &[Problem]) -> String {
    let lines: Vec<_> = problems.iter().map(Problem::to_string).collect();
    lines.join("\n")
}

/// Collects problems. An option's origin is found at the end, from its key.
#[derive(Debug, Default)]
pub(super) struct Problems {
    of_layers: Vec<Problem>,
    of_keys: Vec<(String, String)>,
}

impl Problems {
    /// Something is wrong with one option.
    pub(super) fn add(&mut self, key: impl Into<String>, message: impl Into<String>) {
        self.of_keys.push((key.into(), message.into()));
    }

    /// Something is wrong with a layer.
    pub(super) fn add_layer(&mut self, origin: Origin, message: impl Into<String>) {
        self.of_layers.push(Problem {
            key: String::new(),
            origin,
            message: message.into(),
        });
    }

    pub(super) fn into_result<T>(self, value: T, layers: &Layers) -> Result<T, ConfigError> {
        let mut problems = self.of_layers;
        problems.extend(self.of_keys.into_iter().map(|(key, message)| Problem {
            origin: layers.origin(&key),
            key,
            message,
        }));
        if problems.is_empty() {
            return Ok(value);
        }
        Err(ConfigError { problems })
    }
}
