//! A reader of MessagePack: one head at a time, no recursion, no memory of its own.

use crate::DEPTH_MAX;

/// What begins a value, with what follows it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Head {
    Nil,
    Bool(bool),
    Integer(Integer),
    Float32(f32),
    Float64(f64),
    /// So many bytes of text follow.
    Str(usize),
    /// So many bytes follow.
    Bin(usize),
    /// So many bytes of this type follow.
    Ext(i8, usize),
    /// So many values follow.
    Array(usize),
    /// So many pairs of values follow.
    Map(usize),
}

/// An integer of any width, in the one form that it has here: negative ones are `Negative`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Integer {
    Positive(u64),
    Negative(i64),
}

/// Why the next value cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReadError {
    /// Less is there than the head says; a declared count is compared with the bytes that are left.
    Truncated,
    /// The code that is never used.
    Reserved,
    /// One array or map too many inside each other.
    TooDeep,
}

#[derive(Debug, Clone)]
pub(crate) struct Reader<'a> {
    input: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(input: &'a [u8]) -> Self {
        Self { input, at: 0 }
    }

    /// Offset of the next byte.
    pub(crate) fn position(&self) -> usize {
        self.at
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.at == self.input.len()
    }

    /// The next byte, which stays.
    pub(crate) fn peek(&self) -> Option<u8> {
        self.input.get(self.at).copied()
    }

    fn left(&self) -> usize {
        self.input.len() - self.at
    }

    /// The next `len` bytes.
    pub(crate) fn bytes(&mut self, len: usize) -> Result<&'a [u8], ReadError> {
        let end = self.at.checked_add(len).ok_or(ReadError::Truncated)?;
        let bytes = self.input.get(self.at..end).ok_or(ReadError::Truncated)?;
        self.at = end;
        Ok(bytes)
    }

    fn fixed<const N: usize>(&mut self) -> Result<[u8; N], ReadError> {
        let bytes = self.bytes(N)?;
        bytes.try_into().map_err(|_| ReadError::Truncated)
    }

    fn u8(&mut self) -> Result<u8, ReadError> {
        Ok(u8::from_be_bytes(self.fixed()?))
    }

    fn len16(&mut self) -> Result<usize, ReadError> {
        Ok(usize::from(u16::from_be_bytes(self.fixed()?)))
    }

    fn len32(&mut self) -> Result<usize, ReadError> {
        Ok(u32::from_be_bytes(self.fixed()?) as usize)
    }

    /// The next head. What it announces is not read, but there are enough bytes for it: nothing has to be allocated on
    /// the word of a length.
    pub(crate) fn head(&mut self) -> Result<Head, ReadError> {
        let head = self.any_head()?;
        let least_bytes = match head {
            Head::Str(len) | Head::Bin(len) | Head::Ext(_, len) | Head::Array(len) => len,
            Head::Map(len) => len.saturating_mul(2),
            _ => 0,
        };
        if least_bytes > self.left() {
            Err(ReadError::Truncated)
        } else {
            Ok(head)
        }
    }

    fn any_head(&mut self) -> Result<Head, ReadError> {
        Ok(match self.u8()? {
            code @ 0x00..=0x7f => Head::Integer(Integer::Positive(code.into())),
            code @ 0x80..=0x8f => Head::Map((code & 0x0f).into()),
            code @ 0x90..=0x9f => Head::Array((code & 0x0f).into()),
            code @ 0xa0..=0xbf => Head::Str((code & 0x1f).into()),
            0xc0 => Head::Nil,
            0xc1 => return Err(ReadError::Reserved),
            0xc2 => Head::Bool(false),
            0xc3 => Head::Bool(true),
            0xc4 => Head::Bin(self.u8()?.into()),
            0xc5 => Head::Bin(self.len16()?),
            0xc6 => Head::Bin(self.len32()?),
            0xc7 => self.ext(|reader| reader.u8().map(usize::from))?,
            0xc8 => self.ext(Self::len16)?,
            0xc9 => self.ext(Self::len32)?,
            0xca => Head::Float32(f32::from_be_bytes(self.fixed()?)),
            0xcb => Head::Float64(f64::from_be_bytes(self.fixed()?)),
            0xcc => Head::Integer(Integer::Positive(self.u8()?.into())),
            0xcd => Head::Integer(Integer::Positive(u16::from_be_bytes(self.fixed()?).into())),
            0xce => Head::Integer(Integer::Positive(u32::from_be_bytes(self.fixed()?).into())),
            0xcf => Head::Integer(Integer::Positive(u64::from_be_bytes(self.fixed()?))),
            0xd0 => Head::Integer(i8::from_be_bytes(self.fixed()?).into()),
            0xd1 => Head::Integer(i16::from_be_bytes(self.fixed()?).into()),
            0xd2 => Head::Integer(i32::from_be_bytes(self.fixed()?).into()),
            0xd3 => Head::Integer(i64::from_be_bytes(self.fixed()?).into()),
            code @ 0xd4..=0xd8 => self.ext(|_| Ok(1 << (code - 0xd4)))?,
            0xd9 => Head::Str(self.u8()?.into()),
            0xda => Head::Str(self.len16()?),
            0xdb => Head::Str(self.len32()?),
            0xdc => Head::Array(self.len16()?),
            0xdd => Head::Array(self.len32()?),
            0xde => Head::Map(self.len16()?),
            0xdf => Head::Map(self.len32()?),
            code @ 0xe0..=0xff => Head::Integer(i64::from(code.cast_signed()).into()),
        })
    }

    fn ext(
        &mut self,
        len: impl FnOnce(&mut Self) -> Result<usize, ReadError>,
    ) -> Result<Head, ReadError> {
        let len = len(self)?;
        Ok(Head::Ext(i8::from_be_bytes(self.fixed()?), len))
    }

    /// Steps over one value that stands inside `outside` arrays and maps.
    pub(crate) fn skip(&mut self, outside: usize) -> Result<(), ReadError> {
        let mut left = [0_usize; DEPTH_MAX];
        let mut depth = outside;
        loop {
            let inside = match self.head()? {
                Head::Array(count) => Some(count),
                Head::Map(count) => Some(count.saturating_mul(2)),
                Head::Str(len) | Head::Bin(len) | Head::Ext(_, len) => {
                    self.bytes(len)?;
                    None
                }
                _ => None,
            };
            if let Some(inside) = inside {
                *left.get_mut(depth).ok_or(ReadError::TooDeep)? = inside;
                depth += 1;
            }
            while depth > outside && left[depth - 1] == 0 {
                depth -= 1;
            }
            if depth == outside {
                return Ok(());
            }
            left[depth - 1] -= 1;
        }
    }
}

macro_rules! from_signed {
    ($($signed:ty),*) => {$(
        impl From<$signed> for Integer {
            fn from(value: $signed) -> Self {
                let value = i64::from(value);
                u64::try_from(value).map_or(Self::Negative(value), Self::Positive)
            }
        }
    )*};
}

from_signed!(i8, i16, i32, i64);

impl Integer {
    pub(crate) fn to_i64(self) -> Option<i64> {
        match self {
            Self::Positive(value) => i64::try_from(value).ok(),
            Self::Negative(value) => Some(value),
        }
    }
}
