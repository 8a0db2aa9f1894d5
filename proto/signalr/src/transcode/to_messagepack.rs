//! JSON to MessagePack, in two passes over the text: MessagePack wants to know how many elements follow.

use smallvec::SmallVec;

use super::{TranscodeError, number};
use crate::DEPTH_MAX;
use crate::json::reader::{Reader, Token};
use crate::json::text::Text;
use crate::messagepack::writer;

/// The number of elements or members of each container, in the order in which the containers begin. A container takes
/// two bytes of text at least, so this is proportional to the text.
type Counts = SmallVec<[u32; 32]>;

pub(super) fn transcode(value: &[u8], out: &mut Vec<u8>) -> Result<(), TranscodeError> {
    // Checked as a whole, because escapes are only found inside valid text.
    if std::str::from_utf8(value).is_err() {
        return Err(TranscodeError::NotUnicode);
    }
    let counts = count(value)?;
    let mut counts = counts.iter().map(|count| *count as usize);
    let mut reader = Reader::new(value);
    loop {
        match reader.next()? {
            Token::Null => writer::nil(out),
            Token::True => writer::boolean(true, out),
            Token::False => writer::boolean(false, out),
            Token::Number => number::to_messagepack(reader.text().raw, out)?,
            Token::String | Token::Key => string(reader.text(), out)?,
            Token::ArrayStart => writer::array(counts.next().unwrap_or_default(), out),
            Token::ObjectStart => writer::map(counts.next().unwrap_or_default(), out),
            Token::ArrayEnd | Token::ObjectEnd => {}
        }
        if reader.depth() == 0 {
            return if reader.only_white_space_left() {
                Ok(())
            } else {
                Err(TranscodeError::Malformed)
            };
        }
    }
}

fn count(value: &[u8]) -> Result<Counts, TranscodeError> {
    let mut reader = Reader::new(value);
    let mut counts = Counts::new();
    // For each open container, where its count is.
    let mut open = [0_usize; DEPTH_MAX + 1];
    loop {
        let token = reader.next()?;
        let opens = matches!(token, Token::ArrayStart | Token::ObjectStart);
        // The container that the token is an element of: itself not counted, and members once, by their names.
        let around = reader.depth() - usize::from(opens);
        let is_element =
            !matches!(token, Token::ArrayEnd | Token::ObjectEnd) && !reader.is_member_value();
        if is_element && around > 0 {
            counts[open[around]] += 1;
        }
        if opens {
            open[reader.depth()] = counts.len();
            counts.push(0);
        }
        if reader.depth() == 0 {
            return Ok(counts);
        }
    }
}

fn string(text: Text<'_>, out: &mut Vec<u8>) -> Result<(), TranscodeError> {
    writer::str_head(text.len_bytes()?, out);
    text.append_to(out)?;
    Ok(())
}
