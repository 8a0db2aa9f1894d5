//! Strings: what is written between quotes, and what it means.

use super::escaped::is_escaped;

/// The content of a string as it was written, between its quotes. The reader has checked its escapes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Text<'a> {
    pub(crate) raw: &'a [u8],
    pub(crate) escaped: bool,
}

/// Invalid UTF-8, or half a surrogate pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotUnicode;

/// One stretch of a string.
enum Piece<'a> {
    Plain(&'a [u8]),
    Character(char),
}

impl<'a> Text<'a> {
    /// Whether the string means exactly this.
    pub(crate) fn is(&self, name: &str) -> bool {
        if !self.escaped {
            return self.raw == name.as_bytes();
        }
        self.to_string().is_ok_and(|text| text == name)
    }

    /// What the string means.
    pub(crate) fn to_string(self) -> Result<String, NotUnicode> {
        let mut out = Vec::with_capacity(self.raw.len());
        self.append_to(&mut out)?;
        String::from_utf8(out).map_err(|_| NotUnicode)
    }

    /// Appends what the string means, without checking that it is UTF-8.
    pub(crate) fn append_to(self, out: &mut Vec<u8>) -> Result<(), NotUnicode> {
        for piece in self.pieces() {
            match piece? {
                Piece::Plain(bytes) => out.extend_from_slice(bytes),
                Piece::Character(character) => {
                    out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                }
            }
        }
        Ok(())
    }

    /// How many bytes `append_to` appends.
    pub(crate) fn len_bytes(self) -> Result<usize, NotUnicode> {
        if !self.escaped {
            return Ok(self.raw.len());
        }
        self.pieces()
            .map(|piece| piece.map(|piece| piece.len_bytes()))
            .sum()
    }

    fn pieces(self) -> impl Iterator<Item = Result<Piece<'a>, NotUnicode>> {
        let mut rest = self.raw;
        std::iter::from_fn(move || {
            let plain = memchr::memchr(b'\\', rest).unwrap_or(rest.len());
            match rest.split_at(plain) {
                ([], []) => None,
                ([], [b'\\', b'u', behind @ ..]) => {
                    let decoded = unicode_escape(behind);
                    rest = decoded.map_or(&[], |(_, len)| behind.get(len..).unwrap_or_default());
                    Some(
                        decoded
                            .map(|(character, _)| Piece::Character(character))
                            .ok_or(NotUnicode),
                    )
                }
                ([], escape) => {
                    rest = escape.get(2..).unwrap_or_default();
                    let short = escape.get(1).map_or('\\', |byte| short_escape(*byte));
                    Some(Ok(Piece::Character(short)))
                }
                (bytes, behind) => {
                    rest = behind;
                    Some(Ok(Piece::Plain(bytes)))
                }
            }
        })
    }
}

impl Piece<'_> {
    fn len_bytes(&self) -> usize {
        match self {
            Self::Plain(bytes) => bytes.len(),
            Self::Character(character) => character.len_utf8(),
        }
    }
}

/// The character behind `\u`, and how many bytes name it.
fn unicode_escape(digits: &[u8]) -> Option<(char, usize)> {
    let first = code_unit(digits)?;
    if !(0xd800..=0xdbff).contains(&first) {
        return char::from_u32(first).map(|character| (character, 4));
    }
    let second = digits.get(4..)?.strip_prefix(b"\\u").and_then(code_unit)?;
    if !(0xdc00..=0xdfff).contains(&second) {
        return None;
    }
    char::from_u32(0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00))
        .map(|character| (character, 10))
}

fn code_unit(digits: &[u8]) -> Option<u32> {
    digits.get(..4)?.iter().try_fold(0, |unit, byte| {
        Some(unit << 4 | u32::from(hex_digit(*byte)?))
    })
}

fn short_escape(letter: u8) -> char {
    match letter {
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        other => char::from(other),
    }
}

pub(crate) fn hex_digit(byte: u8) -> Option<u16> {
    char::from(byte).to_digit(16).map(|digit| digit as u16)
}

/// How many bytes at the front are neither a quote, nor a backslash, nor a control character; eight at a time.
pub(crate) fn plain_prefix(bytes: &[u8]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = 0x8080_8080_8080_8080;
    let (chunks, rest) = bytes.as_chunks::<8>();
    for (index, chunk) in chunks.iter().enumerate() {
        let word = u64::from_le_bytes(*chunk);
        let quote = word ^ (ONES * u64::from(b'"'));
        let backslash = word ^ (ONES * u64::from(b'\\'));
        // The high bit of each byte that is looked for. A borrow can add wrong hits, but only above the lowest right one.
        let hits = (word.wrapping_sub(ONES * 0x20) & !word)
            | (quote.wrapping_sub(ONES) & !quote)
            | (backslash.wrapping_sub(ONES) & !backslash);
        if hits & HIGHS != 0 {
            return index * 8 + ((hits & HIGHS).trailing_zeros() / 8) as usize;
        }
    }
    let tail = rest
        .iter()
        .position(|byte| *byte < 0x20 || matches!(byte, b'"' | b'\\'));
    chunks.len() * 8 + tail.unwrap_or(rest.len())
}

/// Appends the text as a JSON string, quotes included, escaped as the reference does it (`signalr-core` 11.2).
pub(crate) fn write_string(text: &str, out: &mut Vec<u8>) {
    out.reserve(text.len() + 2);
    out.push(b'"');
    let mut rest = text;
    loop {
        let plain = rest
            .bytes()
            .position(|byte| !matches!(byte, 0x20 | 0x21 | 0x23..=0x5b | 0x5d..=0x7e));
        let (ascii, behind) = rest.split_at(plain.unwrap_or(rest.len()));
        out.extend_from_slice(ascii.as_bytes());
        let mut characters = behind.chars();
        match characters.next() {
            None => break,
            Some(character) if is_escaped(character) => write_escaped(character, out),
            Some(character) => out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
        }
        rest = characters.as_str();
    }
    out.push(b'"');
}

fn write_escaped(character: char, out: &mut Vec<u8>) {
    let short = match character {
        '"' => b'"',
        '\\' => b'\\',
        '\u{8}' => b'b',
        '\u{c}' => b'f',
        '\n' => b'n',
        '\r' => b'r',
        '\t' => b't',
        _ => {
            for unit in character.encode_utf16(&mut [0; 2]) {
                const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
                let digit = |shift: u16| DIGITS[usize::from(*unit >> shift & 0xf)];
                out.extend_from_slice(&[b'\\', b'u', digit(12), digit(8), digit(4), digit(0)]);
            }
            return;
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}
