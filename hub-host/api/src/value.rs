//! The serde bridge: the one place where a hub's values become bytes and bytes become a hub's values.
//!
//! JSON and MessagePack carry the same values by the rules of reference signalr-core 11.4: bytes are base64 text in
//! JSON and bin in MessagePack, a [`Timestamp`] is ISO 8601 text and the timestamp extension, a struct is an object
//! or a map under the names that serde has for its fields.

mod any;
mod bind;
mod json_read;
mod json_write;
mod messagepack_form;
mod messagepack_read;
mod messagepack_write;
mod timestamp;

#[cfg(test)]
mod tests;

use std::fmt;

use bytes::Bytes;
use hubplane_proto_link::Encoding;
use serde::de::DeserializeOwned;
use serde::{Serialize, de, ser};

pub use any::AnyValue;
pub(crate) use bind::nth;
pub use bind::{BindError, Parameters, bind};
pub use timestamp::Timestamp;

/// Arrays and maps inside each other, in one value.
const DEPTH_MAX: usize = 64;

/// A value that cannot be written or read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ValueError(String);

impl ValueError {
    fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    fn too_deep() -> Self {
        Self::new("more than 64 arrays and maps inside each other")
    }
}

impl From<BindError> for ValueError {
    fn from(error: BindError) -> Self {
        match error {
            BindError::Type(error) => error,
            BindError::Count { .. } => Self(error.to_string()),
        }
    }
}

impl ser::Error for ValueError {
    fn custom<T: fmt::Display>(text: T) -> Self {
        Self(text.to_string())
    }
}

impl de::Error for ValueError {
    fn custom<T: fmt::Display>(text: T) -> Self {
        Self(text.to_string())
    }
}

/// How values are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Writing {
    pub(crate) encoding: Encoding,
    /// Whether what JSON cannot carry is refused in MessagePack too.
    pub(crate) portable: bool,
}

impl Writing {
    /// For an audience: in MessagePack, which keeps bytes, integers and timestamps apart, and readable for all.
    pub(crate) const PORTABLE: Self = Self {
        encoding: Encoding::MessagePack,
        portable: true,
    };

    /// For one receiver of this encoding.
    pub(crate) const fn only(encoding: Encoding) -> Self {
        Self {
            encoding,
            portable: false,
        }
    }
}

/// Appends a value.
pub(crate) fn write<T: Serialize + ?Sized>(
    value: &T,
    how: Writing,
    out: &mut Vec<u8>,
) -> Result<(), ValueError> {
    match how.encoding {
        Encoding::Json => json_write::write(value, out),
        Encoding::MessagePack => messagepack_write::write(value, how.portable, out),
    }
}

/// Reads one whole value.
pub(crate) fn read<T: DeserializeOwned>(encoding: Encoding, bytes: &[u8]) -> Result<T, ValueError> {
    match encoding {
        Encoding::Json => json_read::read(bytes),
        Encoding::MessagePack => messagepack_read::read(bytes),
    }
}

/// A method's result, in its caller's encoding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reply(Bytes);

impl Reply {
    /// Writes a result.
    ///
    /// # Errors
    /// [`ValueError`] if it cannot be written in this encoding, or is longer than a message may be.
    pub(crate) fn new<T: Serialize>(value: &T, encoding: Encoding) -> Result<Self, ValueError> {
        let mut out = Vec::new();
        write(value, Writing::only(encoding), &mut out)?;
        let max = crate::audience::ARGUMENT_BYTES_MAX;
        if out.len() > max {
            let len = out.len();
            return Err(ValueError::new(format!(
                "a result of {len} bytes, at most {max} can be sent"
            )));
        }
        Ok(Self(out.into()))
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    pub(crate) fn into_bytes(self) -> Bytes {
        self.0
    }
}
