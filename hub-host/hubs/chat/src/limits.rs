//! What the chat bounds, so that no crowd makes it grow without end.

use std::time::Duration;

/// A longer name is refused, in characters.
pub const NAME_CHARS_MAX: usize = 24;
/// A longer room name is refused, in characters.
pub const ROOM_CHARS_MAX: usize = 32;
/// A longer text is refused, in characters.
pub const TEXT_CHARS_MAX: usize = 1_000;
/// A longer window key is refused.
pub const WINDOW_BYTES_MAX: usize = 64;
/// A room with more rooms beside it is not opened.
pub const ROOMS_MAX: usize = 1_000;
/// A room has no place for more: each of them is told of each other.
pub const PEOPLE_MAX: usize = 64;
/// One person has no more connections than this; the oldest gives way.
pub const CONNECTIONS_PER_PERSON_MAX: usize = 8;
/// What was said is kept for this long.
pub const HISTORY_AGE: Duration = Duration::from_secs(60);
/// No more lines than this are kept of a room.
pub const HISTORY_LINES_MAX: usize = 100;
/// No more text than this is kept of a room.
pub const HISTORY_BYTES_MAX: usize = 16 * 1024;
