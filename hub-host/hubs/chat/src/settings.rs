use std::num::NonZeroUsize;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What can be configured of the chat, as `[hubs.chat.settings]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ChatSettings {
    /// What was said is kept for this long; 60 s if nothing is said.
    #[serde(with = "humantime_serde")]
    pub history_age: Duration,
    /// No more lines than this are kept of a room; 100 if nothing is said, 0 for none.
    pub history_lines: usize,
    /// A room with so many rooms beside it is not opened; 1,000 if nothing is said.
    pub rooms: NonZeroUsize,
    /// A room has no place for more, as each of them is told of each other; 64 if nothing is said.
    pub people_per_room: NonZeroUsize,
}

impl Default for ChatSettings {
    fn default() -> Self {
        let many = |number| NonZeroUsize::new(number).unwrap_or(NonZeroUsize::MIN);
        Self {
            history_age: Duration::from_secs(60),
            history_lines: 100,
            rooms: many(1_000),
            people_per_room: many(64),
        }
    }
}
