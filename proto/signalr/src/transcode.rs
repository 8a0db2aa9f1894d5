//! Values that cross from one hub protocol to the other, without a value tree in between.
//!
//! The rules are those that the official stacks use (`signalr-core` 11.2 to 11.4):
//!
//! | MessagePack | JSON |
//! | --- | --- |
//! | nil, booleans, integers | the same |
//! | float | the shortest text that reads back, as the reference writes it: `0.1`, `3`, `1E+300` |
//! | str | string, with the reference's escapes |
//! | bin | string, base64 with padding |
//! | array, map | array, object; integer keys become text |
//! | timestamp (extension -1) | string, ISO 8601 in UTC with up to 7 digits of fraction |
//!
//! The way back: a number without fraction and exponent that fits 64 bits is an integer in its smallest form, any other
//! one a float 64; strings stay strings, dates and base64 too, since nothing tells them apart. Duplicate members stay,
//! in both directions.

pub(crate) mod number;
mod timestamp;
mod to_json;
mod to_messagepack;

use crate::json::syntax::{SyntaxError, SyntaxErrorKind};
use crate::json::text::NotUnicode;
use crate::messagepack::reader::ReadError;

/// Why a value cannot be carried in the other hub protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TranscodeError {
    /// The input is not one complete value in its hub protocol.
    #[error("not one complete value")]
    Malformed,
    /// More than [`DEPTH_MAX`](crate::DEPTH_MAX) arrays and maps inside each other.
    #[error("nested too deeply")]
    TooDeep,
    /// A text that is not valid UTF-8, or has half a surrogate pair.
    #[error("text that is not unicode")]
    NotUnicode,
    /// NaN, an infinity, or a number beyond a double's range: JSON has no text for it.
    #[error("number that is not finite")]
    NotFinite,
    /// A MessagePack map key that is neither text nor an integer: JSON has no name for it.
    #[error("map key that is neither text nor an integer")]
    Key,
    /// A MessagePack extension type other than the timestamp, or a timestamp outside the years 1 to 9999.
    #[error("extension type that json cannot carry")]
    Extension,
}

/// Appends the JSON value as MessagePack. White space around the value is skipped.
///
/// # Errors
/// `out` is then as it was.
pub fn json_to_messagepack(value: &[u8], out: &mut Vec<u8>) -> Result<(), TranscodeError> {
    whole_or_nothing(out, |out| to_messagepack::transcode(value, out))
}

/// Appends the MessagePack value as JSON.
///
/// # Errors
/// `out` is then as it was.
pub fn messagepack_to_json(value: &[u8], out: &mut Vec<u8>) -> Result<(), TranscodeError> {
    whole_or_nothing(out, |out| to_json::transcode(value, out))
}

fn whole_or_nothing(
    out: &mut Vec<u8>,
    transcode: impl FnOnce(&mut Vec<u8>) -> Result<(), TranscodeError>,
) -> Result<(), TranscodeError> {
    let before = out.len();
    transcode(out).inspect_err(|_| out.truncate(before))
}

impl From<SyntaxError> for TranscodeError {
    fn from(error: SyntaxError) -> Self {
        match error.kind {
            SyntaxErrorKind::TooDeep { .. } => Self::TooDeep,
            _ => Self::Malformed,
        }
    }
}

impl From<NotUnicode> for TranscodeError {
    fn from(_: NotUnicode) -> Self {
        Self::NotUnicode
    }
}

impl From<ReadError> for TranscodeError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::TooDeep => Self::TooDeep,
            ReadError::Truncated | ReadError::Reserved => Self::Malformed,
        }
    }
}
