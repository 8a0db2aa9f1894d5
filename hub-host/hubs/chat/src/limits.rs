//! What the chat bounds whatever is configured, so that no crowd makes it grow without end. The rest is in
//! [`ChatSettings`](crate::ChatSettings).

/// A longer name is refused, in characters.
pub const NAME_CHARS_MAX: usize = 24;
/// A longer room name is refused, in characters.
pub const ROOM_CHARS_MAX: usize = 32;
/// A longer text is refused, in characters.
pub const TEXT_CHARS_MAX: usize = 1_000;
/// A longer window key is refused.
pub const WINDOW_BYTES_MAX: usize = 64;
/// One person has no more connections than this; the oldest gives way.
pub const CONNECTIONS_PER_PERSON_MAX: usize = 8;
/// No more text than this is kept of a room.
pub const HISTORY_BYTES_MAX: usize = 16 * 1024;
