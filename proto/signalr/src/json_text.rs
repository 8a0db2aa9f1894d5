//! Texts and numbers in JSON as the reference writes them (`signalr-core` 11.2 and 11.4), for whoever writes JSON values
//! of its own: they then read exactly like values that were carried over from MessagePack.

use crate::TranscodeError;
use crate::json::text;
use crate::transcode::number;

/// Appends the text as a string, quotes and escapes included.
pub fn string(text: &str, out: &mut Vec<u8>) {
    text::write_string(text, out);
}

/// Appends a float 32, in the shortest digits that read back as the same float 32.
///
/// # Errors
/// [`TranscodeError::NotFinite`]; nothing is appended.
pub fn float32(value: f32, out: &mut Vec<u8>) -> Result<(), TranscodeError> {
    number::float32(value, out)
}

/// Appends a float 64, in the shortest digits that read back as the same float 64.
///
/// # Errors
/// [`TranscodeError::NotFinite`]; nothing is appended.
pub fn float64(value: f64, out: &mut Vec<u8>) -> Result<(), TranscodeError> {
    number::float64(value, out)
}
