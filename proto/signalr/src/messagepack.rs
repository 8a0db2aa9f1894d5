//! The MessagePack hub protocol (`signalr-core` 11.3): framing and the arrays of arguments; the messages are in the
//! submodules.

mod decode;
mod encode;
pub(crate) mod reader;
pub(crate) mod writer;

use bytes::Bytes;

use self::reader::{Head, Reader};
use crate::encoding::Elements;
use crate::{ArgumentsError, DecodeError, Detail, Source};

pub(crate) use self::decode::decode;
pub(crate) use self::encode::{encode, encode_completion, encode_invocation, encode_stream_item};

/// The longest length prefix.
const PREFIX_BYTES_MAX: usize = 5;

/// Takes the next message off, without its length prefix.
pub(crate) fn next_frame(
    input: &mut impl Source,
    max_bytes: Option<usize>,
) -> Result<Option<Bytes>, DecodeError> {
    let received = input.received();
    let max_bytes = max_bytes.unwrap_or(usize::MAX);
    let visible = received.get(..max_bytes).unwrap_or(received);
    if let Some((prefix_bytes, len)) = length_prefix(visible)?
        && visible.len() - prefix_bytes >= len
    {
        let frame = input.take(prefix_bytes + len);
        return Ok(Some(frame.slice(prefix_bytes..)));
    }
    if received.len() > max_bytes {
        Err(DecodeError::TooLarge { max_bytes })
    } else {
        Ok(None)
    }
}

/// The length of the next message with its prefix.
pub(crate) fn frame_len_bytes(received: &[u8]) -> Option<usize> {
    let (prefix_bytes, len) = length_prefix(received).ok()??;
    (received.len() - prefix_bytes >= len).then_some(prefix_bytes + len)
}

/// How many bytes the prefix has, and the length that it says. `None`: it is not complete yet.
fn length_prefix(bytes: &[u8]) -> Result<Option<(usize, usize)>, DecodeError> {
    let mut len = 0;
    for (index, byte) in bytes.iter().take(PREFIX_BYTES_MAX).enumerate() {
        len |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return match i32::try_from(len) {
                Ok(len) => Ok(Some((index + 1, len as usize))),
                Err(_) => Err(too_long()),
            };
        }
    }
    if bytes.len() >= PREFIX_BYTES_MAX {
        Err(too_long())
    } else {
        Ok(None)
    }
}

fn too_long() -> DecodeError {
    DecodeError::Malformed(Detail::new(
        "FormatException",
        "Messages over 2GB in size are not supported.".into(),
    ))
}

/// The raw elements of an array.
pub(crate) fn elements(raw: &Bytes) -> Result<Elements, ArgumentsError> {
    let mut reader = Reader::new(raw);
    let Ok(Head::Array(count)) = reader.head() else {
        return Err(ArgumentsError);
    };
    let mut elements = Elements::new();
    for _ in 0..count {
        let start = reader.position();
        reader.skip(1).map_err(|_| ArgumentsError)?;
        elements.push(raw.slice(start..reader.position()));
    }
    if reader.is_empty() {
        Ok(elements)
    } else {
        Err(ArgumentsError)
    }
}

/// Appends an array of raw values.
pub(crate) fn write_array<'a>(
    elements: impl ExactSizeIterator<Item = &'a [u8]>,
    out: &mut Vec<u8>,
) {
    writer::array(elements.len(), out);
    for element in elements {
        out.extend_from_slice(element);
    }
}
