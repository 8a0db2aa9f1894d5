//! MessagePack to values.
//!
//! Lengths that the input declares are never believed: nothing is allocated for what is not there.

use serde::de::{
    self, DeserializeOwned, DeserializeSeed, EnumAccess, Error as _, IntoDeserializer as _,
    MapAccess, SeqAccess, Unexpected, VariantAccess, Visitor,
};

use super::{DEPTH_MAX, Timestamp, ValueError, any, timestamp};

/// Reads one whole value.
pub(super) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ValueError> {
    read_with(bytes, |value| T::deserialize(value))
}

/// Reads one whole value by whatever `read` asks of it.
pub(super) fn read_with<'de, T>(
    bytes: &'de [u8],
    read: impl FnOnce(&mut Reader<'de>) -> Result<T, ValueError>,
) -> Result<T, ValueError> {
    let mut reader = Reader {
        input: bytes,
        depth: 0,
    };
    let value = read(&mut reader)?;
    if reader.input.is_empty() {
        Ok(value)
    } else {
        Err(ValueError::new("more than one value"))
    }
}

/// How many elements the array has that the input begins with.
pub(super) fn array_len(bytes: &[u8]) -> Result<usize, ValueError> {
    match head(&mut &*bytes)? {
        Head::Array(len) => Ok(len),
        other => Err(other.instead_of("an array")),
    }
}

/// The part of a value that its first bytes say; of what has no parts, all of it.
#[derive(Clone, Copy)]
pub(super) enum Head<'de> {
    Nil,
    Bool(bool),
    Unsigned(u64),
    Signed(i64),
    Float32(f32),
    Float64(f64),
    Text(&'de [u8]),
    Bin(&'de [u8]),
    Extension(i8, &'de [u8]),
    Array(usize),
    Map(usize),
}

impl Head<'_> {
    fn unexpected(&self) -> Unexpected<'_> {
        match *self {
            Self::Nil => Unexpected::Unit,
            Self::Bool(v) => Unexpected::Bool(v),
            Self::Unsigned(v) => Unexpected::Unsigned(v),
            Self::Signed(v) => Unexpected::Signed(v),
            Self::Float32(v) => Unexpected::Float(v.into()),
            Self::Float64(v) => Unexpected::Float(v),
            Self::Text(_) => Unexpected::Other("text"),
            Self::Bin(_) => Unexpected::Other("bytes"),
            Self::Extension(..) => Unexpected::Other("an extension"),
            Self::Array(_) => Unexpected::Seq,
            Self::Map(_) => Unexpected::Map,
        }
    }

    fn instead_of(&self, expected: &str) -> ValueError {
        ValueError::invalid_type(self.unexpected(), &expected)
    }
}

fn cut() -> ValueError {
    ValueError::new("the value ends too early")
}

fn take<'de>(input: &mut &'de [u8], len: usize) -> Result<&'de [u8], ValueError> {
    let (taken, rest) = input.split_at_checked(len).ok_or_else(cut)?;
    *input = rest;
    Ok(taken)
}

/// An unsigned number of that many bytes.
fn big_endian(input: &mut &[u8], bytes: usize) -> Result<u64, ValueError> {
    let bytes = take(input, bytes)?;
    Ok(bytes
        .iter()
        .fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

fn length(input: &mut &[u8], bytes: usize) -> Result<usize, ValueError> {
    usize::try_from(big_endian(input, bytes)?).map_err(|_| cut())
}

fn sized<'de>(input: &mut &'de [u8], bytes: usize) -> Result<&'de [u8], ValueError> {
    let len = length(input, bytes)?;
    take(input, len)
}

fn extension<'de>(input: &mut &'de [u8], len: usize) -> Result<Head<'de>, ValueError> {
    let kind = take(input, 1)?.first().map_or(0, |kind| kind.cast_signed());
    Ok(Head::Extension(kind, take(input, len)?))
}

/// Sign-extends a number of that many bytes.
fn signed(number: u64, bytes: u32) -> i64 {
    let unused = 64 - 8 * bytes;
    (number << unused).cast_signed() >> unused
}

pub(super) fn head<'de>(input: &mut &'de [u8]) -> Result<Head<'de>, ValueError> {
    let marker = take(input, 1)?.first().copied().ok_or_else(cut)?;
    Ok(match marker {
        0x00..=0x7f => Head::Unsigned(marker.into()),
        0x80..=0x8f => Head::Map(usize::from(marker & 0x0f)),
        0x90..=0x9f => Head::Array(usize::from(marker & 0x0f)),
        0xa0..=0xbf => Head::Text(take(input, usize::from(marker & 0x1f))?),
        0xc0 => Head::Nil,
        0xc1 => return Err(ValueError::new("no MessagePack")),
        0xc2 | 0xc3 => Head::Bool(marker == 0xc3),
        0xc4 => Head::Bin(sized(input, 1)?),
        0xc5 => Head::Bin(sized(input, 2)?),
        0xc6 => Head::Bin(sized(input, 4)?),
        0xc7 => length(input, 1).and_then(|len| extension(input, len))?,
        0xc8 => length(input, 2).and_then(|len| extension(input, len))?,
        0xc9 => length(input, 4).and_then(|len| extension(input, len))?,
        0xca => Head::Float32(f32::from_bits(
            u32::try_from(big_endian(input, 4)?).map_err(|_| cut())?,
        )),
        0xcb => Head::Float64(f64::from_bits(big_endian(input, 8)?)),
        0xcc => Head::Unsigned(big_endian(input, 1)?),
        0xcd => Head::Unsigned(big_endian(input, 2)?),
        0xce => Head::Unsigned(big_endian(input, 4)?),
        0xcf => Head::Unsigned(big_endian(input, 8)?),
        0xd0 => Head::Signed(signed(big_endian(input, 1)?, 1)),
        0xd1 => Head::Signed(signed(big_endian(input, 2)?, 2)),
        0xd2 => Head::Signed(signed(big_endian(input, 4)?, 4)),
        0xd3 => Head::Signed(signed(big_endian(input, 8)?, 8)),
        0xd4..=0xd8 => extension(input, 1 << (marker - 0xd4))?,
        0xd9 => Head::Text(sized(input, 1)?),
        0xda => Head::Text(sized(input, 2)?),
        0xdb => Head::Text(sized(input, 4)?),
        0xdc => Head::Array(length(input, 2)?),
        0xdd => Head::Array(length(input, 4)?),
        0xde => Head::Map(length(input, 2)?),
        0xdf => Head::Map(length(input, 4)?),
        0xe0..=0xff => Head::Signed(marker.cast_signed().into()),
    })
}

/// Skips one value, whatever is inside it.
pub(super) fn skip(input: &mut &[u8]) -> Result<(), ValueError> {
    let mut pending = 1_u64;
    while pending > 0 {
        pending -= 1;
        let inside = match head(input)? {
            Head::Array(len) => len as u64,
            Head::Map(len) => 2 * len as u64,
            _ => 0,
        };
        pending = pending.saturating_add(inside);
    }
    Ok(())
}

pub(super) struct Reader<'de> {
    input: &'de [u8],
    depth: usize,
}

impl<'de> Reader<'de> {
    fn head(&mut self) -> Result<Head<'de>, ValueError> {
        head(&mut self.input)
    }

    fn peek(&self) -> Result<Head<'de>, ValueError> {
        head(&mut &*self.input)
    }

    fn text(bytes: &'de [u8]) -> Result<&'de str, ValueError> {
        std::str::from_utf8(bytes).map_err(|_| ValueError::new("text that is no UTF-8"))
    }

    /// Reads what is inside an array or map.
    fn inside<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, ValueError>,
    ) -> Result<T, ValueError> {
        if self.depth >= DEPTH_MAX {
            return Err(ValueError::too_deep());
        }
        self.depth += 1;
        let value = read(self);
        self.depth -= 1;
        value
    }

    fn array<V: Visitor<'de>>(&mut self, len: usize, visitor: V) -> Result<V::Value, ValueError> {
        self.inside(|reader| {
            let mut elements = Elements { reader, left: len };
            let value = visitor.visit_seq(&mut elements)?;
            elements.end(value)
        })
    }

    fn map<V: Visitor<'de>>(&mut self, len: usize, visitor: V) -> Result<V::Value, ValueError> {
        self.inside(|reader| {
            let mut members = Elements { reader, left: len };
            let value = visitor.visit_map(&mut members)?;
            members.end(value)
        })
    }
}

macro_rules! any {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
            self.deserialize_any(visitor)
        })*
    };
}

impl<'de> de::Deserializer<'de> for &mut Reader<'de> {
    type Error = ValueError;

    fn is_human_readable(&self) -> bool {
        false
    }

    any! {
        deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128
        deserialize_f32 deserialize_f64 deserialize_unit deserialize_map
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        match self.head()? {
            Head::Nil => visitor.visit_unit(),
            Head::Bool(v) => visitor.visit_bool(v),
            Head::Unsigned(v) => visitor.visit_u64(v),
            Head::Signed(v) => visitor.visit_i64(v),
            Head::Float32(v) => visitor.visit_f32(v),
            Head::Float64(v) => visitor.visit_f64(v),
            Head::Text(v) => visitor.visit_borrowed_str(Reader::text(v)?),
            Head::Bin(v) => visitor.visit_borrowed_bytes(v),
            Head::Array(len) => self.array(len, visitor),
            Head::Map(len) => self.map(len, visitor),
            Head::Extension(-1, payload) => match Timestamp::from_extension(payload) {
                Some(time) => visitor.visit_string(time.to_string()),
                None => Err(ValueError::new("a timestamp outside the years 1 to 9999")),
            },
            other @ Head::Extension(..) => {
                Err(ValueError::invalid_type(other.unexpected(), &visitor))
            }
        }
    }

    /// A character is its code unit, and nothing else (reference signalr-core 11.4).
    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        match self.head()? {
            Head::Unsigned(unit) => match u16::try_from(unit)
                .ok()
                .and_then(|unit| char::from_u32(unit.into()))
            {
                Some(c) => visitor.visit_char(c),
                None => Err(ValueError::invalid_value(
                    Unexpected::Unsigned(unit),
                    &visitor,
                )),
            },
            other => Err(ValueError::invalid_type(other.unexpected(), &visitor)),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        match self.head()? {
            Head::Text(v) => visitor.visit_borrowed_str(Reader::text(v)?),
            // serde would take bytes that are UTF-8.
            other => Err(ValueError::invalid_type(other.unexpected(), &visitor)),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        match self.head()? {
            Head::Bin(v) | Head::Text(v) => visitor.visit_borrowed_bytes(v),
            Head::Array(len) => self.array(len, visitor),
            other => Err(ValueError::invalid_type(other.unexpected(), &visitor)),
        }
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        if let Head::Nil = self.peek()? {
            self.head()?;
            return visitor.visit_none();
        }
        visitor.visit_some(self)
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        self.deserialize_any(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        if name == any::TOKEN {
            let whole = self.input;
            skip(&mut self.input)?;
            let len = whole.len() - self.input.len();
            return visitor.visit_borrowed_bytes(whole.get(..len).unwrap_or_default());
        }
        if name == timestamp::TOKEN {
            return match self.head()? {
                Head::Extension(-1, payload) => visitor.visit_bytes(payload),
                other => Err(ValueError::invalid_type(other.unexpected(), &visitor)),
            };
        }
        visitor.visit_newtype_struct(self)
    }

    /// A list of numbers may come as bytes.
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        match self.head()? {
            Head::Array(len) => self.array(len, visitor),
            Head::Bin(bytes) => {
                visitor.visit_seq(de::value::SeqDeserializer::new(bytes.iter().copied()))
            }
            other => Err(ValueError::invalid_type(other.unexpected(), &visitor)),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        self.deserialize_seq(visitor)
    }

    /// serde reads structs from arrays too; the reference does not.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        match self.head()? {
            Head::Map(len) => self.map(len, visitor),
            other => Err(ValueError::invalid_type(other.unexpected(), &visitor)),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        match self.head()? {
            Head::Text(name) => visitor.visit_enum(Reader::text(name)?.into_deserializer()),
            Head::Map(1) => self.inside(|reader| visitor.visit_enum(reader)),
            other => Err(ValueError::invalid_type(other.unexpected(), &visitor)),
        }
    }

    /// The name of a member. What is no text is a name that no struct has.
    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        match self.peek()? {
            Head::Text(_) => self.deserialize_str(visitor),
            _ => {
                skip(&mut self.input)?;
                visitor.visit_str("")
            }
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        skip(&mut self.input)?;
        visitor.visit_unit()
    }
}

/// What is left of an array or a map.
struct Elements<'a, 'de> {
    reader: &'a mut Reader<'de>,
    left: usize,
}

impl Elements<'_, '_> {
    fn end<T>(&self, value: T) -> Result<T, ValueError> {
        if self.left == 0 {
            Ok(value)
        } else {
            Err(ValueError::new("more elements than expected"))
        }
    }

    fn next(&mut self) -> bool {
        let more = self.left > 0;
        self.left -= usize::from(more);
        more
    }

    fn hint(&self) -> Option<usize> {
        Some(self.left.min(self.reader.input.len()))
    }
}

impl<'de> SeqAccess<'de> for Elements<'_, 'de> {
    type Error = ValueError;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, ValueError> {
        if !self.next() {
            return Ok(None);
        }
        seed.deserialize(&mut *self.reader).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        self.hint()
    }
}

impl<'de> MapAccess<'de> for Elements<'_, 'de> {
    type Error = ValueError;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, ValueError> {
        if !self.next() {
            return Ok(None);
        }
        seed.deserialize(&mut *self.reader).map(Some)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<T::Value, ValueError> {
        seed.deserialize(&mut *self.reader)
    }

    fn size_hint(&self) -> Option<usize> {
        self.hint()
    }
}

impl<'de> EnumAccess<'de> for &mut Reader<'de> {
    type Error = ValueError;
    type Variant = Self;

    fn variant_seed<T: DeserializeSeed<'de>>(
        self,
        seed: T,
    ) -> Result<(T::Value, Self), ValueError> {
        let name = seed.deserialize(&mut *self)?;
        Ok((name, self))
    }
}

impl<'de> VariantAccess<'de> for &mut Reader<'de> {
    type Error = ValueError;

    fn unit_variant(self) -> Result<(), ValueError> {
        match self.head()? {
            Head::Nil => Ok(()),
            other => Err(other.instead_of("nil")),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(
        self,
        seed: T,
    ) -> Result<T::Value, ValueError> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, ValueError> {
        de::Deserializer::deserialize_seq(self, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        de::Deserializer::deserialize_struct(self, "", fields, visitor)
    }
}
