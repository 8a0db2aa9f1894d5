//! MessagePack to values.
//!
//! Lengths that the input declares are never believed: nothing is allocated for what is not there.

use serde::de::{
    self, DeserializeOwned, DeserializeSeed, EnumAccess, Error as _, IntoDeserializer as _,
    MapAccess, SeqAccess, Unexpected, VariantAccess, Visitor,
};

use super::messagepack_form::{Head, head, skip};
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
