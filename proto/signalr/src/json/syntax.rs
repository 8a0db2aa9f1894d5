//! What is wrong with JSON text, and the words that the reference's JSON reader has for it. Clients meet these words in a
//! refused handshake when detailed errors are on.

use std::fmt;

/// Where and how a text stops being JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SyntaxError {
    pub(crate) kind: SyntaxErrorKind,
    /// Offset of the byte that does not fit.
    pub(crate) at: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SyntaxErrorKind {
    /// Nothing but white space.
    Empty,
    /// The text ends within an array or object.
    Unclosed,
    /// The text ends where a member's value should come.
    EndBehindKey,
    /// The text ends where another member or element should come.
    EndBehindComma,
    /// The text ends within a string.
    StringEnd,
    /// A value should start here.
    ValueStart,
    /// A member's name should start here.
    KeyStart,
    /// A colon should be here.
    Colon,
    /// A comma or a closing bracket should be here.
    Separator,
    /// A closing bracket behind a comma.
    TrailingComma { in_object: bool },
    /// `null`, `true` or `false` was begun.
    Literal(&'static str),
    /// A digit should be here, the first of this part of a number.
    Digit(Part),
    /// A digit behind a leading zero.
    LeadingZero,
    /// The number ends here, behind this part, in a way that numbers do not.
    NumberEnd(Part),
    /// No such escape.
    Escape,
    /// No hexadecimal digit where an escape needs one.
    HexDigit,
    /// A raw control character in a string.
    ControlCharacter,
    /// One array or object too many inside each other.
    TooDeep { object: bool },
}

/// A part of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Integer,
    Fraction,
    Exponent,
}

impl SyntaxError {
    /// The reference's message about `input`, in which the error is.
    pub(crate) fn message(self, input: &[u8]) -> String {
        let what = self.what(input);
        // The reference's reader has not stepped over a comma when the text ends behind it.
        let at = match self.kind {
            SyntaxErrorKind::EndBehindComma => self.at.saturating_sub(1),
            _ => self.at,
        };
        let before = input.get(..at).unwrap_or(input);
        let line = before.iter().filter(|byte| **byte == b'\n').count();
        let column = before
            .iter()
            .rev()
            .take_while(|byte| **byte != b'\n')
            .count();
        format!("{what} LineNumber: {line} | BytePositionInLine: {column}.")
    }

    fn what(self, input: &[u8]) -> String {
        const ESCAPED: &str = "The string should be correctly escaped.";
        let byte = Shown(
            input
                .get(self.at)
                .or(input.last())
                .copied()
                .unwrap_or_default(),
        );
        let at_end = self.at >= input.len();
        match self.kind {
            SyntaxErrorKind::Empty => "The input does not contain any JSON tokens. Expected the input to start with a valid \
                                       JSON token, when isFinalBlock is true."
                .into(),
            SyntaxErrorKind::Unclosed => "Expected depth to be zero at the end of the JSON payload. There is an open JSON \
                                          object or array that should be closed."
                .into(),
            SyntaxErrorKind::EndBehindKey => "Expected a value, but instead reached end of data.".into(),
            SyntaxErrorKind::EndBehindComma => {
                "Expected start of a property name or value, but instead reached end of data.".into()
            }
            SyntaxErrorKind::StringEnd => "Expected end of string, but instead reached end of data.".into(),
            SyntaxErrorKind::ValueStart => format!("'{byte}' is an invalid start of a value."),
            SyntaxErrorKind::KeyStart => format!("'{byte}' is an invalid start of a property name. Expected a '\"'."),
            SyntaxErrorKind::Colon => format!("'{byte}' is invalid after a property name. Expected a ':'."),
            SyntaxErrorKind::Separator => format!("'{byte}' is invalid after a value. Expected either ',', '}}', or ']'."),
            SyntaxErrorKind::TrailingComma { in_object } => format!(
                "The JSON {} contains a trailing comma at the end which is not supported in this mode. Change the reader \
                 options.",
                container(in_object)
            ),
            SyntaxErrorKind::Literal(word) => {
                format!("'{}' is an invalid JSON literal. Expected the literal '{word}'.", self.word(input, word))
            }
            SyntaxErrorKind::Digit(_) if at_end => "Expected a digit ('0'-'9'), but instead reached end of data.".into(),
            SyntaxErrorKind::Digit(part) => format!(
                "'{byte}' is invalid within a number, immediately after a {}. Expected a digit ('0'-'9').",
                if part == Part::Fraction { "decimal point ('.')" } else { "sign character ('+' or '-')" }
            ),
            SyntaxErrorKind::LeadingZero => format!("Invalid leading zero before '{byte}'."),
            SyntaxErrorKind::NumberEnd(part) => format!(
                "'{byte}' is an invalid end of a number. Expected {}.",
                if part == Part::Fraction && !at_end { "'E' or 'e'" } else { "a delimiter" }
            ),
            SyntaxErrorKind::Escape => {
                format!("'{byte}' is an invalid escapable character within a JSON string. {ESCAPED}")
            }
            SyntaxErrorKind::HexDigit => {
                format!("'{byte}' is not a hex digit following '\\u' within a JSON string. {ESCAPED}")
            }
            SyntaxErrorKind::ControlCharacter => format!("'{byte}' is invalid within a JSON string. {ESCAPED}"),
            SyntaxErrorKind::TooDeep { object } => format!(
                "The maximum configured depth of {} has been exceeded. Cannot read next JSON {}.",
                crate::DEPTH_MAX,
                container(object)
            ),
        }
    }

    /// The misspelt literal: from the first byte that it shares with the word to the next delimiter.
    fn word<'a>(&self, input: &'a [u8], word: &str) -> std::borrow::Cow<'a, str> {
        let same = (1..=word.len()).rev().find(|len| {
            input
                .get(..self.at)
                .is_some_and(|before| before.ends_with(&word.as_bytes()[..*len]))
        });
        let from = input.get(self.at - same.unwrap_or(0)..).unwrap_or_default();
        let len = from
            .iter()
            .position(|byte| b" \t\r\n,]}/".contains(byte))
            .unwrap_or(from.len());
        String::from_utf8_lossy(&from[..len])
    }
}

fn container(object: bool) -> &'static str {
    if object { "object" } else { "array" }
}

/// A byte as the reference shows it: itself if it is printable, else its number.
struct Shown(u8);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            byte @ 0x20..=0x7e => write!(f, "{}", char::from(byte)),
            byte => write!(f, "0x{byte:02X}"),
        }
    }
}
