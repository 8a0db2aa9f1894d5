//! Values to MessagePack, in its shortest forms.

use serde::ser::{self, Serialize};

use super::messagepack_form::{
    NIL, write_array, write_header, write_map, write_signed, write_text, write_unsigned,
};
use super::{DEPTH_MAX, ValueError, any, timestamp};

/// Appends a value. `portable` refuses what JSON cannot carry.
pub(super) fn write<T: Serialize + ?Sized>(
    value: &T,
    portable: bool,
    out: &mut Vec<u8>,
) -> Result<(), ValueError> {
    write_at(value, portable, 0, out)
}

/// Appends a value that is inside `depth` arrays and maps.
pub(super) fn write_at<T: Serialize + ?Sized>(
    value: &T,
    portable: bool,
    depth: usize,
    out: &mut Vec<u8>,
) -> Result<(), ValueError> {
    value.serialize(Writer {
        out,
        portable,
        depth,
        bytes: Bytes::Bin,
    })
}

/// What bytes are written as.
#[derive(Clone, Copy)]
enum Bytes {
    Bin,
    Timestamp,
}

struct Writer<'a> {
    out: &'a mut Vec<u8>,
    portable: bool,
    depth: usize,
    bytes: Bytes,
}

impl<'a> Writer<'a> {
    fn byte(self, byte: u8) -> Result<(), ValueError> {
        self.out.push(byte);
        Ok(())
    }

    fn signed(self, v: i64) -> Result<(), ValueError> {
        write_signed(v, self.out);
        Ok(())
    }

    fn unsigned(self, v: u64) -> Result<(), ValueError> {
        write_unsigned(v, self.out);
        Ok(())
    }

    fn finite(&self, is: bool) -> Result<(), ValueError> {
        if is || !self.portable {
            return Ok(());
        }
        Err(ValueError::new(
            "NaN and infinities cannot be sent to an audience: JSON has no place for them",
        ))
    }

    fn open(self, kind: Kind, len: Option<usize>) -> Result<Container<'a>, ValueError> {
        if self.depth >= DEPTH_MAX {
            return Err(ValueError::too_deep());
        }
        let start = self.out.len();
        if let Some(len) = len {
            kind.header(len, self.out)?;
        }
        Ok(Container {
            out: self.out,
            portable: self.portable,
            depth: self.depth + 1,
            kind,
            start: len.is_none().then_some(start),
            count: 0,
        })
    }

    /// Enum variants with content are `{"variant": content}`.
    fn variant(&mut self, name: &str) -> Result<(), ValueError> {
        if self.depth >= DEPTH_MAX {
            return Err(ValueError::too_deep());
        }
        self.depth += 1;
        write_map(1, self.out)?;
        write_text(name, self.out)
    }
}

impl<'a> ser::Serializer for Writer<'a> {
    type Ok = ();
    type Error = ValueError;
    type SerializeSeq = Container<'a>;
    type SerializeTuple = Container<'a>;
    type SerializeTupleStruct = Container<'a>;
    type SerializeTupleVariant = Container<'a>;
    type SerializeMap = Container<'a>;
    type SerializeStruct = Container<'a>;
    type SerializeStructVariant = Container<'a>;

    fn is_human_readable(&self) -> bool {
        false
    }

    fn serialize_bool(self, v: bool) -> Result<(), ValueError> {
        self.byte(if v { 0xc3 } else { 0xc2 })
    }

    fn serialize_i8(self, v: i8) -> Result<(), ValueError> {
        self.signed(v.into())
    }

    fn serialize_i16(self, v: i16) -> Result<(), ValueError> {
        self.signed(v.into())
    }

    fn serialize_i32(self, v: i32) -> Result<(), ValueError> {
        self.signed(v.into())
    }

    fn serialize_i64(self, v: i64) -> Result<(), ValueError> {
        self.signed(v)
    }

    fn serialize_i128(self, v: i128) -> Result<(), ValueError> {
        match (u64::try_from(v), i64::try_from(v)) {
            (Ok(v), _) => self.unsigned(v),
            (_, Ok(v)) => self.signed(v),
            _ => Err(ValueError::new(
                "an integer of more than 64 bits has no place in MessagePack",
            )),
        }
    }

    fn serialize_u8(self, v: u8) -> Result<(), ValueError> {
        self.unsigned(v.into())
    }

    fn serialize_u16(self, v: u16) -> Result<(), ValueError> {
        self.unsigned(v.into())
    }

    fn serialize_u32(self, v: u32) -> Result<(), ValueError> {
        self.unsigned(v.into())
    }

    fn serialize_u64(self, v: u64) -> Result<(), ValueError> {
        self.unsigned(v)
    }

    fn serialize_u128(self, v: u128) -> Result<(), ValueError> {
        match u64::try_from(v) {
            Ok(v) => self.unsigned(v),
            Err(_) => Err(ValueError::new(
                "an integer of more than 64 bits has no place in MessagePack",
            )),
        }
    }

    fn serialize_f32(self, v: f32) -> Result<(), ValueError> {
        self.finite(v.is_finite())?;
        self.out.push(0xca);
        self.out.extend(v.to_be_bytes());
        Ok(())
    }

    fn serialize_f64(self, v: f64) -> Result<(), ValueError> {
        self.finite(v.is_finite())?;
        self.out.push(0xcb);
        self.out.extend(v.to_be_bytes());
        Ok(())
    }

    /// A character is its code unit, as in the reference; what needs two of them is text.
    fn serialize_char(self, v: char) -> Result<(), ValueError> {
        match u16::try_from(u32::from(v)) {
            // To an audience it is text: as a number, receivers in JSON would see that.
            Ok(unit) if !self.portable => self.unsigned(unit.into()),
            _ => self.serialize_str(v.encode_utf8(&mut [0; 4])),
        }
    }

    fn serialize_str(self, v: &str) -> Result<(), ValueError> {
        write_text(v, self.out)
    }

    fn serialize_bytes(self, v: &[u8]) -> Result<(), ValueError> {
        match (self.bytes, v.len()) {
            (Bytes::Bin, len) => {
                write_header(len, 0, 0, [Some(0xc4), Some(0xc5), Some(0xc6)], self.out)?
            }
            (Bytes::Timestamp, 4) => self.out.extend([0xd6, 0xff]),
            (Bytes::Timestamp, 8) => self.out.extend([0xd7, 0xff]),
            (Bytes::Timestamp, _) => self.out.extend([0xc7, 12, 0xff]),
        }
        self.out.extend(v);
        Ok(())
    }

    fn serialize_none(self) -> Result<(), ValueError> {
        self.byte(NIL)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), ValueError> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), ValueError> {
        self.byte(NIL)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), ValueError> {
        self.byte(NIL)
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), ValueError> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), ValueError> {
        match name {
            any::TOKEN => {
                return any::write_messagepack(value, self.portable, self.depth, self.out);
            }
            timestamp::TOKEN => self.bytes = Bytes::Timestamp,
            _ => {}
        }
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        mut self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), ValueError> {
        self.variant(variant)?;
        value.serialize(self)
    }

    fn serialize_seq(self, len: Option<usize>) -> Result<Container<'a>, ValueError> {
        self.open(Kind::Array, len)
    }

    fn serialize_tuple(self, len: usize) -> Result<Container<'a>, ValueError> {
        self.open(Kind::Array, Some(len))
    }

    fn serialize_tuple_struct(
        self,
        _: &'static str,
        len: usize,
    ) -> Result<Container<'a>, ValueError> {
        self.open(Kind::Array, Some(len))
    }

    fn serialize_tuple_variant(
        mut self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Container<'a>, ValueError> {
        self.variant(variant)?;
        self.open(Kind::Array, Some(len))
    }

    fn serialize_map(self, len: Option<usize>) -> Result<Container<'a>, ValueError> {
        self.open(Kind::Map, len)
    }

    fn serialize_struct(self, _: &'static str, len: usize) -> Result<Container<'a>, ValueError> {
        self.open(Kind::Map, Some(len))
    }

    fn serialize_struct_variant(
        mut self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Container<'a>, ValueError> {
        self.variant(variant)?;
        self.open(Kind::Map, Some(len))
    }
}

#[derive(Clone, Copy)]
enum Kind {
    Array,
    Map,
}

impl Kind {
    fn header(self, len: usize, out: &mut Vec<u8>) -> Result<(), ValueError> {
        match self {
            Self::Array => write_array(len, out),
            Self::Map => write_map(len, out),
        }
    }
}

/// An array or map that is being written.
struct Container<'a> {
    out: &'a mut Vec<u8>,
    portable: bool,
    depth: usize,
    kind: Kind,
    /// Where it begins, if its length was not known there.
    start: Option<usize>,
    count: usize,
}

impl Container<'_> {
    fn value(&mut self) -> Writer<'_> {
        Writer {
            out: self.out,
            portable: self.portable,
            depth: self.depth,
            bytes: Bytes::Bin,
        }
    }

    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), ValueError> {
        self.count += 1;
        value.serialize(self.value())
    }

    fn member<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<(), ValueError> {
        self.count += 1;
        write_text(name, self.out)?;
        value.serialize(self.value())
    }

    fn close(self) -> Result<(), ValueError> {
        let Some(start) = self.start else {
            return Ok(());
        };
        let mut header = Vec::with_capacity(5);
        self.kind.header(self.count, &mut header)?;
        self.out.splice(start..start, header);
        Ok(())
    }
}

macro_rules! elements {
    ($($trait:ident $method:ident,)*) => {
        $(impl ser::$trait for Container<'_> {
            type Ok = ();
            type Error = ValueError;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), ValueError> {
                self.element(value)
            }

            fn end(self) -> Result<(), ValueError> {
                self.close()
            }
        })*
    };
}

elements! {
    SerializeSeq serialize_element,
    SerializeTuple serialize_element,
    SerializeTupleStruct serialize_field,
    SerializeTupleVariant serialize_field,
}

macro_rules! members {
    ($($trait:ident,)*) => {
        $(impl ser::$trait for Container<'_> {
            type Ok = ();
            type Error = ValueError;

            fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), ValueError> {
                self.member(name, value)
            }

            fn end(self) -> Result<(), ValueError> {
                self.close()
            }
        })*
    };
}

members! { SerializeStruct, SerializeStructVariant, }

impl ser::SerializeMap for Container<'_> {
    type Ok = ();
    type Error = ValueError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), ValueError> {
        self.count += 1;
        let before = self.out.len();
        key.serialize(self.value())?;
        // Integers, then texts.
        let is_name = matches!(
            self.out.get(before),
            Some(0x00..=0x7f | 0xe0..=0xff | 0xcc..=0xd3 | 0xa0..=0xbf | 0xd9..=0xdb)
        );
        if self.portable && !is_name {
            return Err(ValueError::new(
                "a map key that is neither text nor an integer cannot be sent to an audience: JSON has no place for it",
            ));
        }
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), ValueError> {
        value.serialize(self.value())
    }

    fn end(self) -> Result<(), ValueError> {
        self.close()
    }
}
