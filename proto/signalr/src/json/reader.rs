//! A pull reader of JSON text: one token at a time, strict, without memory of its own.
//!
//! Strictness is the reference's JSON reader's (`signalr-core` 11.2): no comments, no trailing commas, no byte order
//! mark, no raw control characters in texts; what stands behind the first complete value is not looked at. Texts are not
//! checked for being Unicode: that is for whoever uses them.

use crate::DEPTH_MAX;
use crate::json::syntax::{Part, SyntaxError, SyntaxErrorKind};
use crate::json::text::{Text, hex_digit, plain_prefix};

/// What the reader found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Token {
    Null,
    True,
    False,
    Number,
    String,
    /// A member's name; its value follows.
    Key,
    ArrayStart,
    ArrayEnd,
    ObjectStart,
    ObjectEnd,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expect {
    Value,
    FirstElement,
    FirstKey,
    Separator,
}

/// The reader. Call `next` until it has returned the token that closes the first value; then `depth` is 0 again.
#[derive(Debug, Clone)]
pub(crate) struct Reader<'a> {
    input: &'a [u8],
    at: usize,
    start: usize,
    depth: usize,
    /// One bit per open container, the innermost lowest: set for objects. Depth is at most 64.
    objects: u64,
    expect: Expect,
    escaped: bool,
    lone_surrogate: bool,
    is_member_value: bool,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(input: &'a [u8]) -> Self {
        Self {
            input,
            at: 0,
            start: 0,
            depth: 0,
            objects: 0,
            expect: Expect::Value,
            escaped: false,
            lone_surrogate: false,
            is_member_value: false,
        }
    }

    /// How many containers are open.
    pub(crate) fn depth(&self) -> usize {
        self.depth
    }

    /// Whether the last token is, or begins, the value of a member.
    pub(crate) fn is_member_value(&self) -> bool {
        self.is_member_value
    }

    /// Offset of the last token's first byte.
    pub(crate) fn start(&self) -> usize {
        self.start
    }

    /// Offset behind the last token.
    pub(crate) fn end(&self) -> usize {
        self.at
    }

    /// The last token's bytes; of a `String` or `Key` those between the quotes.
    pub(crate) fn text(&self) -> Text<'a> {
        let raw = self.input.get(self.start..self.at).unwrap_or_default();
        let raw = match raw {
            [b'"', inside @ .., b'"'] => inside,
            other => other,
        };
        Text {
            raw,
            escaped: self.escaped,
        }
    }

    /// Whether half a surrogate pair was escaped anywhere since the last call.
    pub(crate) fn take_lone_surrogate(&mut self) -> bool {
        std::mem::take(&mut self.lone_surrogate)
    }

    /// Whether nothing but white space is left.
    pub(crate) fn only_white_space_left(&mut self) -> bool {
        self.skip_white_space();
        self.at == self.input.len()
    }

    /// The next token.
    pub(crate) fn next(&mut self) -> Result<Token, SyntaxError> {
        self.skip_white_space();
        match self.expect {
            Expect::Separator => self.after_value(),
            Expect::FirstElement if self.peek() == Some(b']') => Ok(self.close()),
            Expect::FirstKey if self.peek() == Some(b'}') => Ok(self.close()),
            Expect::FirstKey => self.key(),
            Expect::FirstElement | Expect::Value => self.value(),
        }
    }

    /// Goes to the end of the value whose first token was just read.
    pub(crate) fn skip(&mut self, first: Token) -> Result<(), SyntaxError> {
        if matches!(first, Token::ArrayStart | Token::ObjectStart) {
            let outside = self.depth - 1;
            while self.depth > outside {
                self.next()?;
            }
        }
        Ok(())
    }

    /// Goes on behind a [`SyntaxErrorKind::TrailingComma`] as if the comma were not there.
    pub(crate) fn forgive_trailing_comma(&mut self) {
        self.close();
    }

    #[inline]
    fn peek(&self) -> Option<u8> {
        self.input.get(self.at).copied()
    }

    fn fail<T>(&self, kind: SyntaxErrorKind) -> Result<T, SyntaxError> {
        Err(SyntaxError { kind, at: self.at })
    }

    #[inline]
    fn skip_white_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    #[inline]
    fn in_object(&self) -> bool {
        self.objects & 1 == 1
    }

    #[inline]
    fn after_value(&mut self) -> Result<Token, SyntaxError> {
        match (self.peek(), self.in_object()) {
            (Some(b','), in_object) => {
                self.at += 1;
                self.skip_white_space();
                match (self.peek(), in_object) {
                    (None, _) => self.fail(SyntaxErrorKind::EndBehindComma),
                    (Some(b'}'), true) | (Some(b']'), false) => {
                        self.fail(SyntaxErrorKind::TrailingComma { in_object })
                    }
                    (Some(_), true) => self.key(),
                    (Some(_), false) => self.value(),
                }
            }
            (Some(b'}'), true) | (Some(b']'), false) => Ok(self.close()),
            (Some(_), _) => self.fail(SyntaxErrorKind::Separator),
            (None, _) => self.fail(SyntaxErrorKind::Unclosed),
        }
    }

    #[inline]
    fn close(&mut self) -> Token {
        let token = if self.in_object() {
            Token::ObjectEnd
        } else {
            Token::ArrayEnd
        };
        self.start = self.at;
        self.at += 1;
        self.depth -= 1;
        self.objects >>= 1;
        self.expect = Expect::Separator;
        token
    }

    #[inline]
    fn open(&mut self, token: Token) -> Result<Token, SyntaxError> {
        let object = token == Token::ObjectStart;
        if self.depth == DEPTH_MAX {
            return self.fail(SyntaxErrorKind::TooDeep { object });
        }
        self.at += 1;
        self.depth += 1;
        self.objects = (self.objects << 1) | u64::from(object);
        self.expect = if object {
            Expect::FirstKey
        } else {
            Expect::FirstElement
        };
        Ok(token)
    }

    #[inline]
    fn key(&mut self) -> Result<Token, SyntaxError> {
        self.start = self.at;
        self.is_member_value = false;
        match self.peek() {
            Some(b'"') => {}
            Some(_) => return self.fail(SyntaxErrorKind::KeyStart),
            None => return self.fail(SyntaxErrorKind::Unclosed),
        }
        self.string()?;
        let end = self.at;
        self.skip_white_space();
        match self.peek() {
            Some(b':') => {}
            Some(_) => return self.fail(SyntaxErrorKind::Colon),
            None => return self.fail(SyntaxErrorKind::EndBehindKey),
        }
        // The token is the name alone: the colon is stepped over when the value is read.
        self.at = end;
        self.expect = Expect::Value;
        Ok(Token::Key)
    }

    #[inline]
    fn value(&mut self) -> Result<Token, SyntaxError> {
        self.is_member_value = self.in_object();
        if self.is_member_value && self.peek() == Some(b':') {
            self.at += 1;
            self.skip_white_space();
        }
        self.start = self.at;
        self.expect = Expect::Separator;
        match self.peek() {
            Some(b'"') => self.string().map(|()| Token::String),
            Some(b'{') => self.open(Token::ObjectStart),
            Some(b'[') => self.open(Token::ArrayStart),
            Some(b'-' | b'0'..=b'9') => self.number().map(|()| Token::Number),
            Some(b'n') => self.literal("null").map(|()| Token::Null),
            Some(b't') => self.literal("true").map(|()| Token::True),
            Some(b'f') => self.literal("false").map(|()| Token::False),
            Some(_) => self.fail(SyntaxErrorKind::ValueStart),
            None if self.depth == 0 => self.fail(SyntaxErrorKind::Empty),
            None => self.fail(SyntaxErrorKind::Unclosed),
        }
    }

    fn literal(&mut self, word: &'static str) -> Result<(), SyntaxError> {
        for expected in word.bytes() {
            if self.peek() != Some(expected) {
                return self.fail(SyntaxErrorKind::Literal(word));
            }
            self.at += 1;
        }
        Ok(())
    }

    #[inline]
    fn number(&mut self) -> Result<(), SyntaxError> {
        let mut part = Part::Integer;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
            if let Some(b'0'..=b'9') = self.peek() {
                return self.fail(SyntaxErrorKind::LeadingZero);
            }
        } else {
            self.digits(part)?;
        }
        if self.peek() == Some(b'.') {
            part = Part::Fraction;
            self.at += 1;
            self.digits(part)?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            part = Part::Exponent;
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits(part)?;
        }
        match self.peek() {
            Some(b',' | b']' | b'}' | b' ' | b'\t' | b'\n' | b'\r') => Ok(()),
            None if self.depth == 0 => Ok(()),
            _ => self.fail(SyntaxErrorKind::NumberEnd(part)),
        }
    }

    fn digits(&mut self, part: Part) -> Result<(), SyntaxError> {
        if !matches!(self.peek(), Some(b'0'..=b'9')) {
            return self.fail(SyntaxErrorKind::Digit(part));
        }
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        Ok(())
    }

    #[inline]
    fn string(&mut self) -> Result<(), SyntaxError> {
        self.at += 1;
        self.escaped = false;
        loop {
            self.at += plain_prefix(self.input.get(self.at..).unwrap_or_default());
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(b'\\') => self.escape()?,
                Some(_) => return self.fail(SyntaxErrorKind::ControlCharacter),
                None => return self.fail(SyntaxErrorKind::StringEnd),
            }
        }
    }

    fn escape(&mut self) -> Result<(), SyntaxError> {
        self.escaped = true;
        self.at += 1;
        match self.peek() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 1,
            Some(b'u') => {
                self.at += 1;
                let unit = self.code_unit()?;
                match unit {
                    0xd800..=0xdbff
                        if self.input.get(self.at..self.at + 2) == Some(b"\\u".as_slice()) =>
                    {
                        let behind = self.at;
                        self.at += 2;
                        if !(0xdc00..=0xdfff).contains(&self.code_unit()?) {
                            self.lone_surrogate = true;
                            // What follows may be the first half of another pair.
                            self.at = behind;
                        }
                    }
                    0xd800..=0xdfff => self.lone_surrogate = true,
                    _ => {}
                }
            }
            Some(_) => return self.fail(SyntaxErrorKind::Escape),
            None => return self.fail(SyntaxErrorKind::StringEnd),
        }
        Ok(())
    }

    fn code_unit(&mut self) -> Result<u16, SyntaxError> {
        let mut unit = 0;
        for _ in 0..4 {
            let Some(byte) = self.peek() else {
                return self.fail(SyntaxErrorKind::StringEnd);
            };
            let Some(digit) = hex_digit(byte) else {
                return self.fail(SyntaxErrorKind::HexDigit);
            };
            unit = unit << 4 | digit;
            self.at += 1;
        }
        Ok(unit)
    }
}
