//! Values to JSON.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::ser::{self, Serialize};

use hubplane_proto_signalr::json_text;

use super::{DEPTH_MAX, ValueError, any};

/// Appends a value as JSON text without white space.
pub(super) fn write<T: Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) -> Result<(), ValueError> {
    write_at(value, 0, out)
}

/// Appends a value that is inside `depth` arrays and objects.
pub(super) fn write_at<T: Serialize + ?Sized>(
    value: &T,
    depth: usize,
    out: &mut Vec<u8>,
) -> Result<(), ValueError> {
    value.serialize(Writer { out, depth })
}

struct Writer<'a> {
    out: &'a mut Vec<u8>,
    depth: usize,
}

impl<'a> Writer<'a> {
    fn put(self, text: &str) -> Result<(), ValueError> {
        self.out.extend(text.bytes());
        Ok(())
    }

    fn display(self, number: impl std::fmt::Display) -> Result<(), ValueError> {
        use std::io::Write as _;
        write!(self.out, "{number}").map_err(|error| ValueError::new(error.to_string()))
    }

    fn open(self, first: &str, last: &'static str) -> Result<Container<'a>, ValueError> {
        if self.depth >= DEPTH_MAX {
            return Err(ValueError::too_deep());
        }
        self.out.extend(first.bytes());
        Ok(Container {
            out: self.out,
            depth: self.depth + 1,
            empty: true,
            last,
        })
    }

    /// Enum variants with content are `{"variant":content}`.
    fn variant(&mut self, name: &str) -> Result<(), ValueError> {
        if self.depth >= DEPTH_MAX {
            return Err(ValueError::too_deep());
        }
        self.depth += 1;
        self.out.push(b'{');
        json_text::string(name, self.out);
        self.out.push(b':');
        Ok(())
    }
}

macro_rules! integers {
    ($($method:ident: $type:ty,)*) => {
        $(fn $method(self, v: $type) -> Result<(), ValueError> {
            self.display(v)
        })*
    };
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

    integers! {
        serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64, serialize_i128: i128,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64, serialize_u128: u128,
    }

    fn serialize_bool(self, v: bool) -> Result<(), ValueError> {
        self.put(if v { "true" } else { "false" })
    }

    fn serialize_f32(self, v: f32) -> Result<(), ValueError> {
        json_text::float32(v, self.out).map_err(|_| not_finite())
    }

    fn serialize_f64(self, v: f64) -> Result<(), ValueError> {
        json_text::float64(v, self.out).map_err(|_| not_finite())
    }

    fn serialize_char(self, v: char) -> Result<(), ValueError> {
        self.serialize_str(v.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, v: &str) -> Result<(), ValueError> {
        json_text::string(v, self.out);
        Ok(())
    }

    fn serialize_bytes(self, v: &[u8]) -> Result<(), ValueError> {
        let mut text = String::with_capacity(v.len().div_ceil(3) * 4 + 2);
        text.push('"');
        STANDARD.encode_string(v, &mut text);
        text.push('"');
        self.put(&text)
    }

    fn serialize_none(self) -> Result<(), ValueError> {
        self.put("null")
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), ValueError> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), ValueError> {
        self.put("null")
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), ValueError> {
        self.put("null")
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
        self,
        name: &'static str,
        value: &T,
    ) -> Result<(), ValueError> {
        if name == any::TOKEN {
            return any::write_json(value, self.depth, self.out);
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
        let (out, depth) = (self.out, self.depth);
        value.serialize(Writer { out, depth })?;
        out.push(b'}');
        Ok(())
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Container<'a>, ValueError> {
        self.open("[", "]")
    }

    fn serialize_tuple(self, _: usize) -> Result<Container<'a>, ValueError> {
        self.open("[", "]")
    }

    fn serialize_tuple_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Container<'a>, ValueError> {
        self.open("[", "]")
    }

    fn serialize_tuple_variant(
        mut self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Container<'a>, ValueError> {
        self.variant(variant)?;
        self.open("[", "]}")
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Container<'a>, ValueError> {
        self.open("{", "}")
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Container<'a>, ValueError> {
        self.open("{", "}")
    }

    fn serialize_struct_variant(
        mut self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Container<'a>, ValueError> {
        self.variant(variant)?;
        self.open("{", "}}")
    }
}

/// JSON has no text for the others; the reference closes the connection that would receive one.
fn not_finite() -> ValueError {
    ValueError::new("NaN and infinities have no place in JSON")
}

/// An array or object that is being written.
struct Container<'a> {
    out: &'a mut Vec<u8>,
    depth: usize,
    empty: bool,
    last: &'static str,
}

impl Container<'_> {
    fn next(&mut self) -> Writer<'_> {
        if !std::mem::take(&mut self.empty) {
            self.out.push(b',');
        }
        self.value()
    }

    fn value(&mut self) -> Writer<'_> {
        Writer {
            out: self.out,
            depth: self.depth,
        }
    }

    fn member<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<(), ValueError> {
        json_text::string(name, self.next().out);
        self.out.push(b':');
        value.serialize(self.value())
    }

    fn close(self) -> Result<(), ValueError> {
        self.out.extend(self.last.bytes());
        Ok(())
    }
}

macro_rules! elements {
    ($($trait:ident $method:ident,)*) => {
        $(impl ser::$trait for Container<'_> {
            type Ok = ();
            type Error = ValueError;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), ValueError> {
                value.serialize(self.next())
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
        let writer = self.next();
        let before = writer.out.len();
        key.serialize(Writer {
            out: &mut *writer.out,
            depth: writer.depth,
        })?;
        // A text is a name as it is, an integer becomes one.
        match self.out.get(before) {
            Some(b'"') => Ok(()),
            Some(b'-' | b'0'..=b'9')
                if !self.out[before..].iter().any(|b| matches!(b, b'.' | b'E')) =>
            {
                self.out.insert(before, b'"');
                self.out.push(b'"');
                Ok(())
            }
            _ => Err(ValueError::new(
                "a map key that is neither text nor an integer has no place in JSON",
            )),
        }
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), ValueError> {
        self.out.push(b':');
        value.serialize(self.value())
    }

    fn end(self) -> Result<(), ValueError> {
        self.close()
    }
}
