//! The JSON hub protocol (`signalr-core` 11.2): framing and the arrays of arguments; the messages are in the submodules.

mod decode;
mod encode;
mod escaped;
pub(crate) mod reader;
pub(crate) mod syntax;
pub(crate) mod text;

use bytes::Bytes;

use self::reader::{Reader, Token};
use self::syntax::SyntaxError;
use crate::encoding::Elements;
use crate::{ArgumentsError, DecodeError, RECORD_SEPARATOR, Source};

pub(crate) use self::decode::{decode, expect_object, integer, not_an_integer};
pub(crate) use self::encode::{encode, encode_completion, encode_invocation, encode_stream_item};

/// Takes the next record off, without its separator.
pub(crate) fn next_frame(
    input: &mut impl Source,
    max_bytes: Option<usize>,
) -> Result<Option<Bytes>, DecodeError> {
    let received = input.received();
    let max_bytes = max_bytes.unwrap_or(usize::MAX);
    let visible = received.get(..max_bytes).unwrap_or(received);
    match memchr::memchr(RECORD_SEPARATOR, visible) {
        Some(len) => {
            let mut frame = input.take(len + 1);
            frame.truncate(len);
            Ok(Some(frame))
        }
        None if received.len() > max_bytes => Err(DecodeError::TooLarge { max_bytes }),
        None => Ok(None),
    }
}

/// The length of the next record with its separator.
pub(crate) fn frame_len_bytes(received: &[u8]) -> Option<usize> {
    memchr::memchr(RECORD_SEPARATOR, received).map(|len| len + 1)
}

/// The raw elements of an array.
pub(crate) fn elements(raw: &Bytes) -> Result<Elements, ArgumentsError> {
    read_elements(raw).ok().flatten().ok_or(ArgumentsError)
}

fn read_elements(raw: &Bytes) -> Result<Option<Elements>, SyntaxError> {
    let mut reader = Reader::new(raw);
    if reader.next()? != Token::ArrayStart {
        return Ok(None);
    }
    let mut elements = Elements::new();
    loop {
        let first = reader.next()?;
        if first == Token::ArrayEnd {
            break;
        }
        let start = reader.start();
        reader.skip(first)?;
        elements.push(raw.slice(start..reader.end()));
    }
    Ok(reader.only_white_space_left().then_some(elements))
}

/// Appends an array of raw values.
pub(crate) fn write_array<'a>(
    elements: impl ExactSizeIterator<Item = &'a [u8]>,
    out: &mut Vec<u8>,
) {
    out.push(b'[');
    for (index, element) in elements.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        out.extend_from_slice(element);
    }
    out.push(b']');
}
