//! Values of any shape.

use std::fmt;

use bytes::Bytes;
use hubplane_proto_link::Encoding;
use hubplane_proto_signalr::json_text;
use serde::de::{DeserializeOwned, DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};
use serde::ser::{Error as _, SerializeMap as _, SerializeSeq as _, SerializeTuple as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::messagepack_form::{self, Head};
use super::{DEPTH_MAX, Timestamp, ValueError, Writing, json_read, messagepack_read, read, write};

/// The name by which the bridge's readers and writers know such a value.
pub(super) const TOKEN: &str = "$hubplane::AnyValue";

/// A value of any shape, not parsed: for methods that pass on what they do not look into.
///
/// To a client of the same encoding it goes as it came, with number texts and duplicate members, but without white
/// space. To all others it crosses as its values do: bytes are base64 text in JSON, a timestamp is text.
///
/// ```
/// use hubplane_hub::AnyValue;
///
/// let value = AnyValue::new(&(1, "two")).unwrap();
/// assert_eq!(value.get::<(u8, String)>().unwrap(), (1, "two".to_owned()));
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct AnyValue {
    encoding: Encoding,
    bytes: Bytes,
}

impl AnyValue {
    /// Takes any value that serde writes.
    ///
    /// # Errors
    /// [`ValueError`] if there is no place for it in MessagePack.
    pub fn new<T: Serialize + ?Sized>(value: &T) -> Result<Self, ValueError> {
        let mut bytes = Vec::new();
        write(value, Writing::only(Encoding::MessagePack), &mut bytes)?;
        Ok(Self {
            encoding: Encoding::MessagePack,
            bytes: bytes.into(),
        })
    }

    /// Reads it as a value of this type.
    ///
    /// # Errors
    /// [`ValueError`] if it is none.
    pub fn get<T: DeserializeOwned>(&self) -> Result<T, ValueError> {
        read(self.encoding, &self.bytes)
    }

    /// Whether it is null or nil.
    pub fn is_null(&self) -> bool {
        match self.encoding {
            Encoding::Json => &*self.bytes == b"null",
            Encoding::MessagePack => *self.bytes == [0xc0],
        }
    }
}

impl fmt::Debug for AnyValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AnyValue")
            .field("encoding", &self.encoding)
            .field("bytes", &self.bytes)
            .finish()
    }
}

impl<'de> Deserialize<'de> for AnyValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(TOKEN, Raw)
    }
}

/// What the bridge's readers give: the text of a value in JSON, its bytes in MessagePack.
struct Raw;

impl Visitor<'_> for Raw {
    type Value = AnyValue;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value of a client")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<AnyValue, E> {
        Ok(AnyValue {
            encoding: Encoding::Json,
            bytes: Bytes::copy_from_slice(text.trim().as_bytes()),
        })
    }

    fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<AnyValue, E> {
        Ok(AnyValue {
            encoding: Encoding::MessagePack,
            bytes: Bytes::copy_from_slice(bytes),
        })
    }
}

impl Serialize for AnyValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(TOKEN, &Parts(self))
    }
}

/// The value as it is handed to the bridge's writers: a byte for the encoding, then the value.
struct Parts<'a>(&'a AnyValue);

const JSON: u8 = b'{';
const MESSAGE_PACK: u8 = 0x80;

impl Serialize for Parts<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let encoding = match self.0.encoding {
            Encoding::Json => JSON,
            Encoding::MessagePack => MESSAGE_PACK,
        };
        let mut parts = serializer.serialize_tuple(2)?;
        parts.serialize_element(&encoding)?;
        parts.serialize_element(&self.0.bytes)?;
        parts.end()
    }
}

/// Takes the parts apart again.
fn parts<T: Serialize + ?Sized>(value: &T) -> Result<(Encoding, Bytes), ValueError> {
    let mut packed = Vec::new();
    super::messagepack_write::write(value, false, &mut packed)?;
    let (encoding, bytes): (u8, Bytes) = messagepack_read::read(&packed)?;
    match encoding {
        JSON => Ok((Encoding::Json, bytes)),
        MESSAGE_PACK => Ok((Encoding::MessagePack, bytes)),
        _ => Err(ValueError::new("no value of any shape")),
    }
}

pub(super) fn write_json<T: Serialize + ?Sized>(
    value: &T,
    depth: usize,
    out: &mut Vec<u8>,
) -> Result<(), ValueError> {
    let (encoding, bytes) = parts(value)?;
    match encoding {
        Encoding::Json => tidy(&bytes, out),
        Encoding::MessagePack => {
            super::json_write::write_at(&Crossing(encoding, &bytes), depth, out)
        }
    }
}

pub(super) fn write_messagepack<T: Serialize + ?Sized>(
    value: &T,
    portable: bool,
    depth: usize,
    out: &mut Vec<u8>,
) -> Result<(), ValueError> {
    let (encoding, bytes) = parts(value)?;
    if encoding == Encoding::MessagePack {
        if portable {
            portable_messagepack(&bytes)?;
        }
        out.extend(bytes);
        return Ok(());
    }
    super::messagepack_write::write_at(&Crossing(encoding, &bytes), portable, depth, out)
}

/// Fails if JSON cannot carry it.
fn portable_messagepack(mut input: &[u8]) -> Result<(), ValueError> {
    let refused = |what: &str| {
        Err(ValueError::new(format!(
            "{what} cannot be sent to an audience: JSON has no place for it"
        )))
    };
    // What is left of each open array, or map with its keys in between.
    let mut open: Vec<(usize, bool)> = Vec::new();
    while !input.is_empty() {
        let is_key = open.last().is_some_and(|(left, map)| *map && left % 2 == 0);
        let head = messagepack_form::head(&mut input)?;
        if is_key && !matches!(head, Head::Text(_) | Head::Unsigned(_) | Head::Signed(_)) {
            return refused("a map key that is neither text nor an integer");
        }
        if let Some((left, _)) = open.last_mut() {
            *left -= 1;
        }
        match head {
            Head::Float32(v) if !v.is_finite() => return refused("NaN or an infinity"),
            Head::Float64(v) if !v.is_finite() => return refused("NaN or an infinity"),
            Head::Extension(-1, payload) if Timestamp::from_extension(payload).is_some() => {}
            Head::Extension(..) => return refused("an extension type"),
            Head::Text(text) if std::str::from_utf8(text).is_err() => {
                return refused("text that is no UTF-8");
            }
            Head::Array(len) => open.push((len, false)),
            Head::Map(len) => open.push((len.saturating_mul(2), true)),
            _ => {}
        }
        if open.len() > DEPTH_MAX {
            return Err(ValueError::too_deep());
        }
        while open.last().is_some_and(|(left, _)| *left == 0) {
            open.pop();
        }
    }
    Ok(())
}

/// JSON as it came, without white space and with the reference's escapes.
fn tidy(json: &[u8], out: &mut Vec<u8>) -> Result<(), ValueError> {
    let mut rest = json;
    while let Some((&first, after)) = rest.split_first() {
        match first {
            b' ' | b'\t' | b'\r' | b'\n' => rest = after,
            b'"' => {
                let len = string_len(rest);
                let (string, behind) = rest.split_at(len);
                let text: String = json_read::read(string)?;
                json_text::string(&text, out);
                rest = behind;
            }
            _ => {
                out.push(first);
                rest = after;
            }
        }
    }
    Ok(())
}

/// The length of the string that the input begins with, quotes included.
fn string_len(input: &[u8]) -> usize {
    let mut escaped = false;
    for (at, byte) in input.iter().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    input.len()
}

/// A value on its way from one encoding to the other, without a tree in between.
struct Crossing<'a>(Encoding, &'a [u8]);

impl Serialize for Crossing<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let pass = Pass(serializer);
        let crossed = match self.0 {
            Encoding::Json => json_read::read_with(self.1, |value| value.deserialize_any(pass)),
            Encoding::MessagePack => {
                messagepack_read::read_with(self.1, |value| value.deserialize_any(pass))
            }
        };
        crossed.map_err(S::Error::custom)
    }
}

/// Writes what is read.
struct Pass<S>(S);

macro_rules! pass {
    ($($visit:ident $write:ident($type:ty))*) => {
        $(fn $visit<E: serde::de::Error>(self, v: $type) -> Result<S::Ok, E> {
            self.0.$write(v).map_err(E::custom)
        })*
    };
}

impl<'de, S: Serializer> Visitor<'de> for Pass<S> {
    type Value = S::Ok;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    pass! {
        visit_bool serialize_bool(bool)
        visit_i64 serialize_i64(i64)
        visit_u64 serialize_u64(u64)
        visit_f32 serialize_f32(f32)
        visit_f64 serialize_f64(f64)
        visit_str serialize_str(&str)
        visit_bytes serialize_bytes(&[u8])
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<S::Ok, E> {
        self.0.serialize_unit().map_err(E::custom)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<S::Ok, A::Error> {
        let mut seq = self.0.serialize_seq(None).map_err(A::Error::custom)?;
        while elements.next_element_seed(Element(&mut seq))?.is_some() {}
        seq.end().map_err(A::Error::custom)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<S::Ok, A::Error> {
        let mut map = self.0.serialize_map(None).map_err(A::Error::custom)?;
        while members.next_key_seed(Key(&mut map))?.is_some() {
            members.next_value_seed(Value(&mut map))?;
        }
        map.end().map_err(A::Error::custom)
    }
}

macro_rules! seeds {
    ($($name:ident: $trait:ident $method:ident;)*) => {
        $(struct $name<'a, T>(&'a mut T);

        impl<'de, T: serde::ser::$trait> DeserializeSeed<'de> for $name<'_, T> {
            type Value = ();

            fn deserialize<D: Deserializer<'de>>(self, value: D) -> Result<(), D::Error> {
                // A writer takes something that serializes itself once, a reader is used up by being read.
                let once = Once(std::cell::Cell::new(Some(value)));
                self.0.$method(&once).map_err(D::Error::custom)
            }
        })*
    };
}

seeds! {
    Element: SerializeSeq serialize_element;
    Key: SerializeMap serialize_key;
    Value: SerializeMap serialize_value;
}

struct Once<D>(std::cell::Cell<Option<D>>);

impl<'de, D: Deserializer<'de>> Serialize for Once<D> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.take() {
            Some(value) => value
                .deserialize_any(Pass(serializer))
                .map_err(S::Error::custom),
            None => Err(S::Error::custom("a value that was read before")),
        }
    }
}
