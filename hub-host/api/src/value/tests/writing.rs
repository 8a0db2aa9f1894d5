use std::collections::BTreeMap;

use super::*;
use crate::{Bytes, Timestamp};

/// The `Value` recordings: name there, value here, JSON, MessagePack.
macro_rules! written {
    ($($name:literal: $value:expr => $json:literal, $hex:literal;)*) => {
        $({
            let value = $value;
            assert_eq!(json(&value).unwrap(), $json, "{} in JSON", $name);
            assert_eq!(hex(&messagepack(&value).unwrap()), $hex, "{} in MessagePack", $name);
        })*
    };
}

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[test]
fn scalars_are_written_as_the_reference_writes_them() {
    written! {
        "true": true => "true", "c3";
        "false": false => "false", "c2";
        "null": None::<i32> => "null", "c0";
        "void": () => "null", "c0";
        "sbyte": i8::MIN => "-128", "d0 80";
        "byte": u8::MAX => "255", "cc ff";
        "short": i16::MIN => "-32768", "d1 80 00";
        "ushort": u16::MAX => "65535", "cd ff ff";
        "int": i32::MIN => "-2147483648", "d2 80 00 00 00";
        "uint": u32::MAX => "4294967295", "ce ff ff ff ff";
        "long": i64::MIN => "-9223372036854775808", "d3 80 00 00 00 00 00 00 00";
        "longmax": i64::MAX => "9223372036854775807", "cf 7f ff ff ff ff ff ff ff";
        "ulong": u64::MAX => "18446744073709551615", "cf ff ff ff ff ff ff ff ff";
        "zero": 0 => "0", "00";
        "127": 127 => "127", "7f";
        "128": 128 => "128", "cc 80";
        "-32": -32 => "-32", "e0";
        "-33": -33 => "-33", "d0 df";
        "float": 1.5_f32 => "1.5", "ca 3f c0 00 00";
        "floatthird": 1.0_f32 / 3.0 => "0.33333334", "ca 3e aa aa ab";
        "double": 0.1 => "0.1", "cb 3f b9 99 99 99 99 99 9a";
        "doublewhole": 3.0 => "3", "cb 40 08 00 00 00 00 00 00";
        "doublebig": 1e300 => "1E+300", "cb 7e 37 e4 3c 88 00 75 9c";
        "doublesmall": 1e-7 => "1E-07", "cb 3e 7a d7 f2 9a bc af 48";
        "char": 'x' => "\"x\"", "78";
    }
    let more = [
        (0.0, "0"),
        (-0.0, "-0"),
        (0.0001, "0.0001"),
        (0.00012, "0.00012"),
        (1e-5, "1E-05"),
        (-2.5, "-2.5"),
    ];
    for (value, text) in more {
        assert_eq!(json(&value).unwrap(), text);
    }
    for (value, text) in [
        (100.0, "100"),
        (123.25, "123.25"),
        (1e15, "1000000000000000"),
        (1.5e20, "1.5E+20"),
    ] {
        assert_eq!(json(&value).unwrap(), text);
    }
}

#[test]
fn texts_are_escaped_as_the_reference_escapes_them() {
    written! {
        "emptystring": "" => "\"\"", "a0";
        "string": "plain" => "\"plain\"", "a5 70 6c 61 69 6e";
        "unicode": "é ß 漢 🎉 \u{2028}" => r#""é ß 漢 \uD83C\uDF89 \u2028""#,
            "b2 c3 a9 20 c3 9f 20 e6 bc a2 20 f0 9f 8e 89 20 e2 80 a8";
        "escapes": "\"\\/\u{8}\u{c}\n\r\t\u{1}\u{7f}<>&'+`" => r#""\"\\/\b\f\n\r\t\u0001\u007F<>&'+`""#,
            "b0 22 5c 2f 08 0c 0a 0d 09 01 7f 3c 3e 26 27 2b 60";
        "loneSurrogate": "a\u{fffd}b" => "\"a\u{fffd}b\"", "a5 61 ef bf bd 62";
    }
}

#[test]
fn bytes_are_base64_and_bin() {
    written! {
        "bytes": Bytes::from_static(&[1, 2, 3, 255]) => "\"AQID/w==\"", "c4 04 01 02 03 ff";
        "emptybytes": Bytes::new() => "\"\"", "c4 00";
    }
}

#[test]
fn timestamps_are_iso_text_and_the_extension_in_its_shortest_form() {
    written! {
        "datetimeutc": time("2000-01-01T00:00:00Z") => "\"2000-01-01T00:00:00Z\"", "d6 ff 38 6d 43 80";
        "datetimeutcticks": time("2002-04-01T10:20:15.1234567Z") => "\"2002-04-01T10:20:15.1234567Z\"",
            "d7 ff 1d 6f 32 f0 3c a8 34 5f";
        "datetimeearly": time("0001-01-01T00:00:00Z") => "\"0001-01-01T00:00:00Z\"",
            "c7 0c ff 00 00 00 00 ff ff ff f1 88 6e 09 00";
        "datetimelate": time("9999-12-31T23:59:59Z") => "\"9999-12-31T23:59:59Z\"",
            "c7 0c ff 00 00 00 00 00 00 00 3a ff f4 41 7f";
    }
}

#[test]
fn containers_and_structs_keep_their_names() {
    let map = BTreeMap::from([("Key", Some(1)), ("other key", None)]);
    let object = CustomObject {
        name: Some("n".into()),
        value: 7,
    };
    written! {
        "array": [1, 2, 3] => "[1,2,3]", "93 01 02 03";
        "emptyarray": Vec::<i32>::new() => "[]", "90";
        "map": map => r#"{"Key":1,"other key":null}"#,
            "82 a3 4b 65 79 01 a9 6f 74 68 65 72 20 6b 65 79 c0";
        "intmap": BTreeMap::from([(1, "one")]) => r#"{"1":"one"}"#, "81 01 a3 6f 6e 65";
        "object": object => r#"{"Name":"n","Value":7}"#, "82 a4 4e 61 6d 65 a1 6e a5 56 61 6c 75 65 07";
        "tuple": (1, "a") => r#"[1,"a"]"#, "92 01 a1 61";
        "enum": Colour::Green => "\"Green\"", "a5 47 72 65 65 6e";
        "newtype variant": Colour::Grey(1) => r#"{"Grey":1}"#, "81 a4 47 72 65 79 01";
        "tuple variant": Colour::Mixed(1, 2) => r#"{"Mixed":[1,2]}"#, "81 a5 4d 69 78 65 64 92 01 02";
        "struct variant": Colour::Named { name: "n".into() } => r#"{"Named":{"name":"n"}}"#,
            "81 a5 4e 61 6d 65 64 81 a4 6e 61 6d 65 a1 6e";
    }
}

#[test]
fn lengths_take_their_shortest_form() {
    for (len, header) in [(15, "9f"), (16, "dc 00 10"), (65_536, "dd 00 01 00 00")] {
        let written = messagepack(&vec![0_u8; len]).unwrap();
        assert!(hex(&written).starts_with(header), "{len} elements");
        assert_eq!(
            read::<Vec<u8>>(Encoding::MessagePack, &written)
                .unwrap()
                .len(),
            len
        );
    }
    for (len, header) in [
        (31, "bf"),
        (32, "d9 20"),
        (255, "d9 ff"),
        (256, "da 01 00"),
        (65_536, "db 00 01 00 00"),
    ] {
        let written = messagepack(&"x".repeat(len)).unwrap();
        assert!(hex(&written).starts_with(header), "{len} bytes of text");
        assert_eq!(
            read::<String>(Encoding::MessagePack, &written)
                .unwrap()
                .len(),
            len
        );
    }
    for (len, header) in [
        (255, "c4 ff"),
        (256, "c5 01 00"),
        (65_536, "c6 00 01 00 00"),
    ] {
        let value = Bytes::from(vec![7; len]);
        let written = messagepack(&value).unwrap();
        assert!(hex(&written).starts_with(header), "{len} bytes");
        assert_eq!(
            read::<Bytes>(Encoding::MessagePack, &written).unwrap(),
            value
        );
    }
    let map: BTreeMap<u32, ()> = (0..16).map(|key| (key, ())).collect();
    assert!(hex(&messagepack(&map).unwrap()).starts_with("de 00 10 00 c0"));
}

/// A sequence and a map that do not know their length in front.
struct Unsized;

impl Serialize for Unsized {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::{SerializeMap as _, SerializeSeq as _};

        struct Seq;
        impl Serialize for Seq {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let mut seq = serializer.serialize_seq(None)?;
                for number in 0..20 {
                    seq.serialize_element(&number)?;
                }
                seq.end()
            }
        }
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("a", &Seq)?;
        map.serialize_entry("b", &1)?;
        map.end()
    }
}

#[test]
fn unknown_lengths_are_counted() {
    let written = messagepack(&Unsized).unwrap();
    assert!(hex(&written).starts_with("82 a1 61 dc 00 14 00 01 02"));
    let back: BTreeMap<String, crate::AnyValue> = read(Encoding::MessagePack, &written).unwrap();
    assert_eq!(
        back["a"].get::<Vec<i32>>().unwrap(),
        (0..20).collect::<Vec<_>>()
    );
    assert_eq!(json(&back["b"]).unwrap(), "1");
}

#[test]
fn what_json_cannot_carry_is_refused_there_and_for_audiences() {
    let not_a_number = messagepack(&f64::NAN).unwrap();
    assert_eq!(hex(&not_a_number), "cb 7f f8 00 00 00 00 00 00");
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert!(json(&value).is_err());
        assert!(portable(&value).is_err());
        assert!(portable(&[value as f32]).is_err());
        assert!(messagepack(&value).is_ok());
    }
    let odd_key = BTreeMap::from([(true, 1)]);
    assert!(json(&odd_key).is_err());
    assert!(portable(&odd_key).is_err());
    assert!(messagepack(&odd_key).is_ok());
    let float_key = crate::AnyValue::new(&BTreeMap::from([([1], 1)])).unwrap();
    assert!(json(&float_key).is_err());
    assert!(portable(&float_key).is_err());
    assert!(portable(&BTreeMap::from([(-1, 1)])).is_ok());
    assert_eq!(json(&BTreeMap::from([(-1, 1)])).unwrap(), r#"{"-1":1}"#);
}

#[test]
fn a_character_for_an_audience_is_text() {
    assert_eq!(hex(&portable(&'x').unwrap()), "a1 78");
    assert_eq!(hex(&messagepack(&'🎉').unwrap()), "a4 f0 9f 8e 89");
}

#[test]
fn integers_of_more_than_64_bits_have_no_place_in_messagepack() {
    assert_eq!(json(&u128::MAX).unwrap(), u128::MAX.to_string());
    assert!(messagepack(&u128::MAX).is_err());
    assert!(messagepack(&i128::MIN).is_err());
    assert_eq!(hex(&messagepack(&5_u128).unwrap()), "05");
    assert_eq!(hex(&messagepack(&-5_i128).unwrap()), "fb");
}

#[test]
fn nesting_has_an_end() {
    #[derive(Serialize)]
    struct Nested(Option<Box<Nested>>, [u8; 0]);
    let nested = |depth| {
        (1..depth).fold(Nested(None, []), |inner, _| {
            Nested(Some(Box::new(inner)), [])
        })
    };
    // Each level is an array, the innermost has one more inside.
    assert!(json(&nested(63)).is_ok());
    assert!(messagepack(&nested(63)).is_ok());
    assert!(json(&nested(64)).is_err());
    assert!(messagepack(&nested(64)).is_err());
}
