//! Values of every kind, written and read, for comparison with the reference's.
//!
//! Of the names and types of test application B, those that Rust has: no decimals, GUIDs, spans or URIs.

use std::collections::BTreeMap;

use hubplane_hub::{Bytes, HubError, Timestamp, hub};
use serde::Serialize;

use crate::Conformance;
use crate::values::{Colour, CustomObject, Empty};

/// One value; its own type decides how it is written.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Kind {
    Nothing,
    Bool(bool),
    SByte(i8),
    Byte(u8),
    Short(i16),
    UShort(u16),
    Int(i32),
    UInt(u32),
    Long(i64),
    ULong(u64),
    Float(f32),
    Double(f64),
    Char(char),
    Text(&'static str),
    Moment(Timestamp),
    Bytes(Bytes),
    Enum(Colour),
    Ints(Vec<i32>),
    List(Vec<Kind>),
    Map(BTreeMap<&'static str, Kind>),
    IntMap(BTreeMap<i32, &'static str>),
    Object(CustomObject),
    Anonymous(Anonymous),
    Empty(Empty),
    Tuple((i32, &'static str)),
}

/// Members whose names show how names travel.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Anonymous {
    first_name: &'static str,
    last_name: &'static str,
    #[serde(rename = "urlValue")]
    url_value: i32,
    nothing: Option<&'static str>,
}

fn moment(seconds: i64, nanoseconds: u32) -> Kind {
    Timestamp::new(seconds, nanoseconds).map_or(Kind::Nothing, Kind::Moment)
}

fn number(name: &str) -> Option<Kind> {
    Some(match name {
        "sbyte" => Kind::SByte(i8::MIN),
        "byte" => Kind::Byte(u8::MAX),
        "short" => Kind::Short(i16::MIN),
        "ushort" => Kind::UShort(u16::MAX),
        "int" => Kind::Int(i32::MIN),
        "uint" => Kind::UInt(u32::MAX),
        "long" => Kind::Long(i64::MIN),
        "longmax" => Kind::Long(i64::MAX),
        "ulong" => Kind::ULong(u64::MAX),
        "zero" => Kind::Int(0),
        "127" => Kind::Int(127),
        "128" => Kind::Int(128),
        "-32" => Kind::Int(-32),
        "-33" => Kind::Int(-33),
        "float" => Kind::Float(1.5),
        "floatthird" => Kind::Float(1.0 / 3.0),
        "double" => Kind::Double(0.1),
        "doublewhole" => Kind::Double(3.0),
        "doublebig" => Kind::Double(1e300),
        "doublesmall" => Kind::Double(1e-7),
        // With its sign set, as .NET's is.
        "nan" => Kind::Double(-f64::NAN),
        "infinity" => Kind::Double(f64::INFINITY),
        _ => return None,
    })
}

fn text(name: &str) -> Option<Kind> {
    Some(match name {
        "char" => Kind::Char('x'),
        "emptystring" => Kind::Text(""),
        "string" => Kind::Text("plain"),
        "unicode" => Kind::Text("é ß 漢 🎉 \u{2028}"),
        "escapes" => Kind::Text("\"\\/\u{8}\u{c}\n\r\t\u{1}\u{7f}<>&'+`"),
        _ => return None,
    })
}

fn other(name: &str) -> Option<Kind> {
    Some(match name {
        "true" => Kind::Bool(true),
        "false" => Kind::Bool(false),
        "null" => Kind::Nothing,
        // 2000-01-01, 2002-04-01 with ticks of 100 ns, the first day of the calendar and its last second.
        "datetimeutc" => moment(946_684_800, 0),
        "datetimeutcticks" => moment(1_017_656_415, 123_456_700),
        "datetimeearly" => moment(-62_135_596_800, 0),
        "datetimelate" => moment(253_402_300_799, 0),
        "bytes" => Kind::Bytes(Bytes::from_static(&[1, 2, 3, 255])),
        "emptybytes" => Kind::Bytes(Bytes::new()),
        "enum" => Kind::Enum(Colour::Green),
        "array" => Kind::Ints(vec![1, 2, 3]),
        "emptyarray" => Kind::Ints(Vec::new()),
        "list" => Kind::List(vec![
            Kind::Int(1),
            Kind::Text("two"),
            Kind::Nothing,
            Kind::Double(3.5),
        ]),
        "map" => Kind::Map([("Key", Kind::Int(1)), ("other key", Kind::Nothing)].into()),
        "intmap" => Kind::IntMap([(1, "one")].into()),
        "object" => Kind::Object(CustomObject {
            name: Some("n".to_owned()),
            value: 7,
        }),
        "anonymous" => Kind::Anonymous(Anonymous {
            first_name: "a",
            last_name: "b",
            url_value: 1,
            nothing: None,
        }),
        "empty" => Kind::Empty(Empty {}),
        "tuple" => Kind::Tuple((1, "a")),
        _ => return None,
    })
}

/// What an argument became, or that it is null.
fn shown<T>(value: Option<T>, show: impl FnOnce(T) -> String) -> String {
    value.map_or_else(|| "null".to_owned(), show)
}

fn joined(texts: impl Iterator<Item = String>) -> String {
    texts.collect::<Vec<_>>().join(",")
}

#[hub(part = kinds)]
impl Conformance {
    /// One value of each kind, chosen by name.
    fn value(&self, name: String) -> Result<Kind, HubError> {
        number(&name)
            .or_else(|| text(&name))
            .or_else(|| other(&name))
            .ok_or_else(|| HubError::new(format!("No value is named '{name}'")))
    }

    fn bind_bool(&self, value: bool) -> String {
        value.to_string()
    }

    fn bind_byte(&self, value: u8) -> String {
        value.to_string()
    }

    fn bind_int(&self, value: i32) -> String {
        value.to_string()
    }

    fn bind_long(&self, value: i64) -> String {
        value.to_string()
    }

    #[method(name = "BindULong")]
    fn bind_u_long(&self, value: u64) -> String {
        value.to_string()
    }

    fn bind_float(&self, value: f32) -> String {
        value.to_string().replace("inf", "Infinity")
    }

    fn bind_double(&self, value: f64) -> String {
        value.to_string().replace("inf", "Infinity")
    }

    fn bind_char(&self, value: char) -> String {
        value.to_string()
    }

    /// Lengths are counted in UTF-16, as the reference counts them.
    fn bind_string(&self, value: Option<String>) -> String {
        shown(value, |text| {
            format!("string of {}: {text}", text.encode_utf16().count())
        })
    }

    fn bind_date_time(&self, value: Timestamp) -> String {
        let text = value.to_string();
        let text = text.trim_end_matches('Z');
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        format!("{whole}.{fraction:0<7}Z Utc")
    }

    fn bind_bytes(&self, value: Option<Bytes>) -> String {
        shown(value, |bytes| {
            bytes.iter().map(|byte| format!("{byte:02X}")).collect()
        })
    }

    fn bind_enum(&self, value: Colour) -> String {
        format!("{value:?}")
    }

    fn bind_nullable_int(&self, value: Option<i32>) -> String {
        shown(value, |number| number.to_string())
    }

    fn bind_ints(&self, value: Option<Vec<i32>>) -> String {
        shown(value, |numbers| {
            joined(numbers.iter().map(ToString::to_string))
        })
    }

    fn bind_map(&self, value: Option<BTreeMap<String, i32>>) -> String {
        shown(value, |map| {
            joined(map.iter().map(|(key, value)| format!("{key}={value}")))
        })
    }

    fn bind_custom_object(&self, value: Option<CustomObject>) -> String {
        shown(value, |object| {
            let name = object.name.as_deref().unwrap_or("null");
            format!("Name={name} Value={}", object.value)
        })
    }
}
