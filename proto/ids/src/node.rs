use std::fmt;

use serde::{Deserialize, Serialize};

use crate::NodeName;

/// A random number per process. Nothing that another generation of a node said is believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Generation(u64);

impl Generation {
    /// A new generation, at the start of a process.
    ///
    /// # Errors
    /// If the operating system has no randomness to give.
    pub fn random() -> Result<Self, getrandom::Error> {
        getrandom::u64().map(Self)
    }

    /// A generation that was written down as a number.
    pub const fn from_raw(raw: u64) -> Self {
        Self(raw)
    }

    /// This generation as a number.
    pub const fn as_raw(self) -> u64 {
        self.0
    }
}

/// Who a node is: its name and its generation, never the name alone.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct NodeId {
    /// Survives a restart.
    pub name: NodeName,
    /// Does not survive a restart.
    pub generation: Generation,
}

impl NodeId {
    /// A node of this name in a new generation.
    ///
    /// # Errors
    /// If the operating system has no randomness to give.
    pub fn new_generation(name: NodeName) -> Result<Self, getrandom::Error> {
        Ok(Self {
            name,
            generation: Generation::random()?,
        })
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:016x}", self.name, self.generation.0)
    }
}

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NodeId({self})")
    }
}
