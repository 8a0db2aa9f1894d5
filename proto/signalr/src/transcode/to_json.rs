//! MessagePack to JSON, in one pass.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{TranscodeError, number, timestamp};
use crate::DEPTH_MAX;
use crate::json::text::write_string;
use crate::messagepack::reader::{Head, Integer, Reader};

/// A container that is being written.
#[derive(Clone, Copy, Default)]
struct Open {
    /// Values that are still to come; in a map twice its pairs.
    left: usize,
    is_map: bool,
}

impl Open {
    fn next_is_key(self) -> bool {
        self.is_map && self.left.is_multiple_of(2)
    }
}

pub(super) fn transcode(value: &[u8], out: &mut Vec<u8>) -> Result<(), TranscodeError> {
    let mut reader = Reader::new(value);
    let mut open = [Open::default(); DEPTH_MAX];
    let mut depth = 0;
    loop {
        let key = depth > 0 && open[depth - 1].next_is_key();
        let head = reader.head()?;
        if key {
            write_key(head, &mut reader, out)?;
        } else if let Some(container) = write_value(head, &mut reader, out)? {
            *open.get_mut(depth).ok_or(TranscodeError::TooDeep)? = container;
            depth += 1;
            if container.left > 0 {
                continue;
            }
            out.push(if container.is_map { b'}' } else { b']' });
            depth -= 1;
        }
        // A value is complete, and perhaps the containers around it.
        loop {
            if depth == 0 {
                return if reader.is_empty() {
                    Ok(())
                } else {
                    Err(TranscodeError::Malformed)
                };
            }
            let around = &mut open[depth - 1];
            around.left -= 1;
            if around.left > 0 {
                out.push(if around.is_map && !around.next_is_key() {
                    b':'
                } else {
                    b','
                });
                break;
            }
            out.push(if around.is_map { b'}' } else { b']' });
            depth -= 1;
        }
    }
}

/// Appends a value, or the bracket that opens a container.
fn write_value(
    head: Head,
    reader: &mut Reader<'_>,
    out: &mut Vec<u8>,
) -> Result<Option<Open>, TranscodeError> {
    match head {
        Head::Nil => out.extend_from_slice(b"null"),
        Head::Bool(true) => out.extend_from_slice(b"true"),
        Head::Bool(false) => out.extend_from_slice(b"false"),
        Head::Integer(value) => write_integer(value, out),
        Head::Float32(value) => number::float32(value, out)?,
        Head::Float64(value) => number::float64(value, out)?,
        Head::Str(len) => write_text(reader.bytes(len)?, out)?,
        Head::Bin(len) => write_base64(reader.bytes(len)?, out),
        Head::Ext(-1, len) => timestamp::write(reader.bytes(len)?, out)?,
        Head::Ext(..) => return Err(TranscodeError::Extension),
        Head::Array(count) => {
            out.push(b'[');
            return Ok(Some(Open {
                left: count,
                is_map: false,
            }));
        }
        Head::Map(count) => {
            out.push(b'{');
            return Ok(Some(Open {
                left: count.saturating_mul(2),
                is_map: true,
            }));
        }
    }
    Ok(None)
}

fn write_key(head: Head, reader: &mut Reader<'_>, out: &mut Vec<u8>) -> Result<(), TranscodeError> {
    match head {
        Head::Str(len) => write_text(reader.bytes(len)?, out),
        Head::Integer(value) => {
            out.push(b'"');
            write_integer(value, out);
            out.push(b'"');
            Ok(())
        }
        _ => Err(TranscodeError::Key),
    }
}

fn write_integer(value: Integer, out: &mut Vec<u8>) {
    let text = match value {
        Integer::Positive(value) => value.to_string(),
        Integer::Negative(value) => value.to_string(),
    };
    out.extend_from_slice(text.as_bytes());
}

fn write_text(bytes: &[u8], out: &mut Vec<u8>) -> Result<(), TranscodeError> {
    let text = std::str::from_utf8(bytes).map_err(|_| TranscodeError::NotUnicode)?;
    write_string(text, out);
    Ok(())
}

fn write_base64(bytes: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    out.extend_from_slice(STANDARD.encode(bytes).as_bytes());
    out.push(b'"');
}
