//! Typed values on top of raw ones. They pass through JSON, so that both encodings take the same types; what JSON cannot
//! say (bytes, timestamps) is for the raw functions.

use bytes::Bytes;
use hubplane_proto_signalr::message::Arguments;
use hubplane_proto_signalr::{Encoding, transcode};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::PayloadError;

/// Writes arguments: a tuple, a sequence, or `()` for none.
///
/// # Errors
/// serde refuses the value, or it cannot be written in `encoding`.
pub fn write_arguments(
    encoding: Encoding,
    arguments: &impl Serialize,
) -> Result<Bytes, PayloadError> {
    let mut json = serde_json::to_vec(arguments).map_err(PayloadError::Shape)?;
    if json == b"null" {
        json = b"[]".to_vec();
    }
    match encoding {
        Encoding::Json => Ok(json.into()),
        Encoding::MessagePack => {
            let mut out = Vec::new();
            transcode::json_to_messagepack(&json, &mut out)?;
            Ok(out.into())
        }
    }
}

/// Reads the arguments of a received invocation, as a tuple or a sequence.
///
/// # Errors
/// They are not what `T` expects.
pub fn read_arguments<T: DeserializeOwned>(
    encoding: Encoding,
    arguments: &Arguments,
) -> Result<T, PayloadError> {
    read_value(encoding, arguments.raw().ok_or(PayloadError::Malformed)?)
}

/// Reads one raw value.
///
/// # Errors
/// It is not what `T` expects.
pub fn read_value<T: DeserializeOwned>(
    encoding: Encoding,
    value: &[u8],
) -> Result<T, PayloadError> {
    match encoding {
        Encoding::Json => serde_json::from_slice(value).map_err(PayloadError::Shape),
        Encoding::MessagePack => {
            let mut json = Vec::new();
            transcode::messagepack_to_json(value, &mut json)?;
            serde_json::from_slice(&json).map_err(PayloadError::Shape)
        }
    }
}
