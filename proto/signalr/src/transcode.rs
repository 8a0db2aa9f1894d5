//! Values that cross from one hub protocol to the other, without a value tree in between.
#![allow(clippy::todo, unused_variables)]

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
    #[error("text that is not Unicode")]
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

/// Appends the JSON value as MessagePack.
///
/// # Errors
/// `out` then ends with what was written so far.
pub fn json_to_messagepack(value: &[u8], out: &mut Vec<u8>) -> Result<(), TranscodeError> {
    todo!()
}

/// Appends the MessagePack value as JSON.
///
/// # Errors
/// `out` then ends with what was written so far.
pub fn messagepack_to_json(value: &[u8], out: &mut Vec<u8>) -> Result<(), TranscodeError> {
    todo!()
}
