//! Values of any shape, and the binding of arguments.

use std::collections::BTreeMap;

use hubplane_proto_link::Arguments;

use super::super::{BindError, bind};
use super::*;
use crate::{AnyValue, Bytes, Timestamp};

#[test]
fn any_value_goes_back_as_it_came() {
    // The recordings of `EchoObject` in JSON.
    let cases = [
        ("1.0", "1.0"),
        ("1e2", "1e2"),
        ("0.1", "0.1"),
        ("-0", "-0"),
        ("12345678901234567890123", "12345678901234567890123"),
        (r#""\u0041""#, "\"A\""),
        (r#"{"b":1,"a":2,"b":3}"#, r#"{"b":1,"a":2,"b":3}"#),
        ("[ 1 , 2 ]", "[1,2]"),
        ("\"<>&'+é🎉\u{2028}\"", r#""<>&'+é\uD83C\uDF89\u2028""#),
        (r#"{"Camel" : "a \" b\\"}"#, r#"{"Camel":"a \" b\\"}"#),
        ("null", "null"),
    ];
    for (input, expected) in cases {
        assert_eq!(
            json(&from_json::<AnyValue>(input).unwrap()).unwrap(),
            expected
        );
        let inside: Vec<AnyValue> = from_json(&format!("[{input}]")).unwrap();
        assert_eq!(json(&inside).unwrap(), format!("[{expected}]"));
    }
    let packed = [
        "01",
        "ff",
        "cc c8",
        "ca 3f c0 00 00",
        "d3 00 00 00 00 00 00 00 05",
        "c4 01 01",
        "c0",
        "92 01 91 02",
    ];
    for input in packed {
        let value: AnyValue = from_hex(input).unwrap();
        assert_eq!(hex(&messagepack(&value).unwrap()), input);
        assert_eq!(hex(&portable(&value).unwrap()), input);
    }
    assert!(from_json::<AnyValue>("null").unwrap().is_null());
    assert!(from_hex::<AnyValue>("c0").unwrap().is_null());
}

#[test]
fn any_value_crosses_from_messagepack_to_json() {
    // The broadcast of the recordings, HH-66.
    let value: AnyValue = from_hex(
        "86 a4 4e 61 6d 65 a1 6e a5 42 79 74 65 73 c4 02 01 02 a4 57 68 65 6e d6 ff 38 6d 43 80 a1 46 cb 3f f8 00 00 00 \
         00 00 00 a3 42 69 67 cf 80 00 00 00 00 00 00 00 a6 4e 65 73 74 65 64 81 a1 61 91 01",
    )
    .unwrap();
    let expected = concat!(
        r#"{"Name":"n","Bytes":"AQI=","When":"2000-01-01T00:00:00Z","F":1.5,"#,
        r#""Big":9223372036854775808,"Nested":{"a":[1]}}"#
    );
    assert_eq!(json(&value).unwrap(), expected);
    assert_eq!(
        json(&from_hex::<AnyValue>("81 01 a1 61").unwrap()).unwrap(),
        r#"{"1":"a"}"#
    );
    assert!(
        json(&from_hex::<AnyValue>("d4 05 00").unwrap()).is_err(),
        "an extension of somebody's own"
    );
    assert!(portable(&from_hex::<AnyValue>("91 d4 05 00").unwrap()).is_err());
    assert!(portable(&from_hex::<AnyValue>("91 cb 7f f8 00 00 00 00 00 00").unwrap()).is_err());
}

#[test]
fn any_value_crosses_from_json_to_messagepack() {
    let value: AnyValue = from_json(r#"{"Name":"n","List":[1,null,2.5,-3,true,"x",{}]}"#).unwrap();
    assert_eq!(
        hex(&portable(&value).unwrap()),
        "82 a4 4e 61 6d 65 a1 6e a4 4c 69 73 74 97 01 c0 cb 40 04 00 00 00 00 00 00 fd c3 a1 78 80"
    );
}

#[test]
fn any_value_is_made_of_and_read_as_any_type() {
    let made = AnyValue::new(&(Bytes::from_static(b"x"), Timestamp::UNIX_EPOCH)).unwrap();
    assert_eq!(json(&made).unwrap(), r#"["eA==","1970-01-01T00:00:00Z"]"#);
    let map: BTreeMap<String, AnyValue> = from_json(r#"{"a":[1,2],"b":{"Name":null}}"#).unwrap();
    assert_eq!(map["a"].get::<(u8, u8)>().unwrap(), (1, 2));
    assert_eq!(
        map["b"].get::<CustomObject>().unwrap(),
        CustomObject {
            name: None,
            value: 0
        }
    );
    assert!(map["b"].get::<i32>().is_err());
}

fn arguments(encoding: Encoding, bytes: &[u8]) -> Arguments {
    Arguments {
        encoding,
        bytes: bytes.to_vec().into(),
    }
}

fn count(given: usize, expected: usize) -> Result<(), BindError> {
    Err(BindError::Count { given, expected })
}

#[test]
fn arguments_are_exactly_as_many_as_parameters() {
    let json =
        |text: &str| bind::<(i32, String)>(&arguments(Encoding::Json, text.as_bytes())).map(drop);
    assert_eq!(json(r#"[1,"a"]"#), Ok(()));
    assert_eq!(json(r#" [ 1 , "a" ] "#), Ok(()));
    assert_eq!(json("[]"), count(0, 2));
    assert_eq!(json("[1]"), count(1, 2));
    assert_eq!(json(r#"[1,"a",{"x":[1]}]"#), count(3, 2));
    // The reference reads JSON arguments in order and counts at the end, and knows MessagePack's number in front.
    assert!(matches!(json(r#"["a"]"#), Err(BindError::Type(_))));
    assert!(matches!(json(r#"[1,"a",]"#), Err(BindError::Type(_))));
    assert!(matches!(json(""), Err(BindError::Type(_))));
    assert!(matches!(json("{}"), Err(BindError::Type(_))));

    let packed = |text: &str| {
        bind::<(i32, String)>(&arguments(Encoding::MessagePack, &bytes(text))).map(drop)
    };
    assert_eq!(packed("92 01 a1 61"), Ok(()));
    assert_eq!(packed("90"), count(0, 2));
    assert_eq!(packed("93 a1 61 01 01"), count(3, 2));
    assert!(matches!(packed("92 a1 61 01"), Err(BindError::Type(_))));
    assert!(matches!(packed("92 01"), Err(BindError::Type(_))));
    assert!(matches!(packed("c0"), Err(BindError::Type(_))));
    assert!(matches!(packed(""), Err(BindError::Type(_))));

    for (encoding, none) in [
        (Encoding::Json, &b"[]"[..]),
        (Encoding::MessagePack, &[0x90]),
    ] {
        assert_eq!(bind::<()>(&arguments(encoding, none)), Ok(()));
    }
}
