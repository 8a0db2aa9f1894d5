//! The frames as bytes, for carriers that are not a channel.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Bytes that are no frame of this link.
#[derive(Debug, thiserror::Error)]
#[error("not a frame of this link")]
pub struct InvalidFrame(#[from] postcard::Error);

/// Writes one frame, or the body of one envelope.
///
/// # Errors
/// [`InvalidFrame`] if the value cannot be written; none of this crate's types is such a value.
pub fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>, InvalidFrame> {
    Ok(postcard::to_stdvec(value)?)
}

/// Reads what [`encode`] wrote.
///
/// # Errors
/// [`InvalidFrame`] if the bytes are something else, or more than one value.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, InvalidFrame> {
    let (value, rest) = postcard::take_from_bytes(bytes)?;
    if rest.is_empty() {
        Ok(value)
    } else {
        Err(InvalidFrame(postcard::Error::DeserializeBadEncoding))
    }
}
