use std::collections::BTreeMap;
use std::fmt::Debug;

use super::*;
use crate::{Bytes, Timestamp};

/// What binds, and as what; the recordings of `Bind…`.
macro_rules! read_as {
    ($($ty:ty: $($json:literal)|* ; $($hex:literal)|* => $value:expr;)*) => {
        $({
            let value: $ty = $value;
            $(assert_eq!(from_json::<$ty>($json).unwrap(), value, "{} from {}", stringify!($ty), $json);)*
            $(assert_eq!(from_hex::<$ty>($hex).unwrap(), value, "{} from {}", stringify!($ty), $hex);)*
        })*
    };
}

/// What does not.
macro_rules! refused_as {
    ($($ty:ty: $($json:literal)* ; $($hex:literal)*;)*) => {
        $(
            $(refused::<$ty>($json, from_json::<$ty>($json));)*
            $(refused::<$ty>($hex, from_hex::<$ty>($hex));)*
        )*
    };
}

#[track_caller]
fn refused<T: Debug>(input: &str, read: Result<T, ValueError>) {
    if let Ok(value) = read {
        panic!("{input} is read as {value:?}");
    }
}

#[test]
fn numbers_and_booleans_are_read_as_strictly_as_the_reference_reads_them() {
    read_as! {
        bool: "true" ; "c3" => true;
        u8: "255" ; "cc ff" | "cd 00 ff" | "cf 00 00 00 00 00 00 00 ff" => 255;
        i32: "5" ; "05" | "cc 05" | "d3 00 00 00 00 00 00 00 05" => 5;
        i64: "9007199254740993" ; "cf 00 20 00 00 00 00 00 01" => 9_007_199_254_740_993;
        i64: "-1" ; "ff" | "d0 ff" | "d3 ff ff ff ff ff ff ff ff" => -1;
        u64: "18446744073709551615" ; "cf ff ff ff ff ff ff ff ff" => u64::MAX;
        f32: "1.5" ; "cb 3f f8 00 00 00 00 00 00" | "ca 3f c0 00 00" => 1.5;
        f32: "1" ; "01" => 1.0;
        f32: "1e+300" ; "cb 7e 37 e4 3c 88 00 75 9c" => f32::INFINITY;
        f64: "1e400" ; "cb 7f f0 00 00 00 00 00 00" => f64::INFINITY;
        f64: "0.1" ; "cb 3f b9 99 99 99 99 99 9a" => 0.1;
        f64: "1" ; "01" => 1.0;
        f64: "1.5" ; "ca 3f c0 00 00" => 1.5;
        Option<i32>: "null" ; "c0" => None;
        Option<i32>: "5" ; "05" => Some(5);
    }
    refused_as! {
        bool: "1" "\"true\"" "null" ; "01" "a4 74 72 75 65" "c0";
        u8: "256" "-1" "\"5\"" "1.0" "1.5" "null" ; "cd 01 00" "ff" "a1 35" "cb 3f f0 00 00 00 00 00 00" "c0";
        i32: "5.0" "5.5" "1e2" "\"5\"" "2147483648" "true" "null" "[5]" ;
            "cb 40 14 00 00 00 00 00 00" "a1 35" "ce 80 00 00 00" "c3" "c0" "91 05";
        u64: "-1" ; "ff";
        f32: "\"1.5\"" ; "a3 31 2e 35";
        f64: "\"NaN\"" "\"1.5\"" "NaN" "null" "[1]" "1." "01" "- 1" ; "a3 31 2e 35";
    }
}

#[test]
fn texts_and_characters_are_nothing_else() {
    read_as! {
        String: "\"x\"" ; "a1 78" | "d9 01 78" => "x".to_owned();
        String: r#""\uD83C\uDF89""# ; "a4 f0 9f 8e 89" => "🎉".to_owned();
        String: r#""\u0000""# ; "a1 00" => "\0".to_owned();
        Option<String>: "null" ; "c0" => None;
        char: "\"x\"" ; "78" => 'x';
        char: "\"é\"" ; "cc e9" => 'é';
    }
    refused_as! {
        String: "5" "true" "[\"x\"]" "null" "\"\\ud800\"" ; "05" "c4 01 78" "a1 ff" "c0";
        char: "\"xy\"" "\"\"" "120" ; "a1 78" "a2 78 79" "cd d8 00" "ce 00 01 f3 89";
    }
}

#[test]
fn bytes_come_as_padded_base64_or_in_any_of_three_forms() {
    let hello = || Bytes::from_static(b"hello");
    read_as! {
        Bytes: "\"aGVsbG8=\"" ; "c4 05 68 65 6c 6c 6f" | "a5 68 65 6c 6c 6f" | "95 68 65 6c 6c 6f" => hello();
        Bytes: "\"\"" ; "c4 00" => Bytes::new();
        Option<Bytes>: "null" ; "c0" => None;
        Vec<Bytes>: "[\"aGVsbG8=\"]" ; "91 c4 05 68 65 6c 6c 6f" => vec![hello()];
        BTreeMap<String, Option<Bytes>>: "{\"a\":\"aGVsbG8=\"}" ; "81 a1 61 c4 05 68 65 6c 6c 6f" =>
            BTreeMap::from([("a".to_owned(), Some(hello()))]);
        // Base64 is of JSON: here it is a text like any other.
        Bytes: ; "a8 61 47 56 73 62 47 38 3d" => Bytes::from_static(b"aGVsbG8=");
    }
    refused_as! {
        Bytes: "\"aGVsbG8\"" "[1,2]" "\"!!\"" "5" "null" ; "05" "c0" "81 01 02" "91 cd 01 00";
    }
}

#[test]
fn timestamps_come_as_text_or_as_the_extension() {
    let moment = |text: &str| text.parse::<Timestamp>().unwrap();
    read_as! {
        Timestamp: "\"2002-04-01T10:23:27Z\"" | "\"2002-04-01T10:23:27\"" | "\"2002-04-01T12:23:27+02:00\"" ;
            "d6 ff 3c a8 35 1f" => moment("2002-04-01T10:23:27Z");
        Timestamp: "\"2002-04-01T10:23:27.123456788Z\"" ; "d7 ff 1d 6f 34 50 3c a8 35 1f" =>
            Timestamp::new(1_017_656_607, 123_456_788).unwrap();
        Timestamp: "\"2002-04-01\"" ; "d6 ff 3c a7 a3 00" => moment("2002-04-01T00:00:00Z");
        Timestamp: "\"0001-01-01T00:00:00Z\"" ; "c7 0c ff 00 00 00 00 ff ff ff f1 88 6e 09 00" =>
            moment("0001-01-01T00:00:00Z");
        Option<Timestamp>: "null" ; "c0" => None;
    }
    refused_as! {
        Timestamp: "\"x\"" "5" "\"\"" "null" "\"2001-02-29\"" "\"2002-13-01\"" "\"2002-04-01T24:00:00Z\""
            "\"2002-04-01T10:20:15Zx\"" "\"2002-04-01 10:20:15\"" ;
            "b4 32 30 30 32 2d 30 34 2d 30 31 54 31 30 3a 32 30 3a 31 35 5a" "05" "d4 ff 00" "d6 05 00 00 00 00" "c0"
            "d7 ff ff ff ff ff ff ff ff ff";
    }
    assert_eq!(
        from_json::<Timestamp>("\"9999-12-31T23:59:59.9999999Z\"")
            .unwrap()
            .to_string(),
        "9999-12-31T23:59:59.9999999Z"
    );
}

#[test]
fn timestamps_are_moments_of_the_system_clock() {
    use std::time::{Duration, SystemTime};
    for text in [
        "1969-12-31T23:59:59.5Z",
        "1970-01-01T00:00:00Z",
        "2024-02-29T12:00:00.0000001Z",
        "1600-03-01T00:00:00Z",
    ] {
        let moment: Timestamp = text.parse().unwrap();
        assert_eq!(Timestamp::from(SystemTime::from(moment)), moment);
        assert_eq!(moment.to_string(), text);
    }
    let far = SystemTime::UNIX_EPOCH + Duration::from_secs(400_000_000_000);
    assert_eq!(Timestamp::from(far).to_string(), "9999-12-31T23:59:59Z");
}

#[test]
fn containers_structs_and_enums_are_read_by_their_exact_names() {
    let object = || CustomObject {
        name: Some("n".into()),
        value: 1,
    };
    read_as! {
        Vec<i32>: "[1,2]" ; "92 01 02" | "dc 00 02 01 02" => vec![1, 2];
        Vec<u8>: "[1,2]" ; "92 01 02" | "c4 02 01 02" => vec![1, 2];
        Option<Vec<i32>>: "null" ; "c0" => None;
        (i32, String): "[1,\"a\"]" ; "92 01 a1 61" => (1, "a".to_owned());
        BTreeMap<String, i32>: "{\"A\":1,\"b\":2}" ; "82 a1 41 01 a1 62 02" =>
            BTreeMap::from([("A".to_owned(), 1), ("b".to_owned(), 2)]);
        BTreeMap<i32, String>: "{\"1\":\"one\"}" ; "81 01 a3 6f 6e 65" => BTreeMap::from([(1, "one".to_owned())]);
        CustomObject: "{\"Name\":\"n\",\"Value\":1}" | "{\"Value\":1,\"other\":[1,{}],\"Name\":\"n\"}" ;
            "82 a4 4e 61 6d 65 a1 6e a5 56 61 6c 75 65 01"
            | "83 a4 4e 61 6d 65 a1 6e a5 56 61 6c 75 65 01 a5 6f 74 68 65 72 92 01 80"
            | "83 00 a1 7a a4 4e 61 6d 65 a1 6e a5 56 61 6c 75 65 01" => object();
        CustomObject: "{}" | "{\"name\":\"n\",\"value\":1}" ; "80" | "82 a4 6e 61 6d 65 a1 6e a5 76 61 6c 75 65 01" =>
            CustomObject { name: None, value: 0 };
        Option<CustomObject>: "null" ; "c0" => None;
        Colour: "\"Green\"" ; "a5 47 72 65 65 6e" => Colour::Green;
        Colour: "{\"Grey\":1}" ; "81 a4 47 72 65 79 01" => Colour::Grey(1);
        Colour: "{\"Mixed\":[1,2]}" ; "81 a5 4d 69 78 65 64 92 01 02" => Colour::Mixed(1, 2);
        Colour: "{\"Named\":{\"name\":\"n\"}}" ; "81 a5 4e 61 6d 65 64 81 a4 6e 61 6d 65 a1 6e" =>
            Colour::Named { name: "n".into() };
        (): "null" ; "c0" => ();
    }
    refused_as! {
        Vec<i32>: "\"1\"" "[1,null]" "[1,\"2\"]" "null" "[1,]" ; "01" "92 01 c0" "92 01 a1 32" "c0" "92 01";
        (i32, String): "[1]" "[1,\"a\",2]" ; "91 01" "93 01 a1 61 02";
        BTreeMap<String, i32>: "[1]" ; "91 01" "81 01 01";
        CustomObject: "\"x\"" "{\"Name\":5}" "[\"n\",1]" "null" ; "a1 78" "81 a4 4e 61 6d 65 05" "92 a1 6e 01" "c0";
        Colour: "\"green\"" "5" "\"None\"" ; "a5 67 72 65 65 6e" "05" "a4 4e 6f 70 65";
    }
}

#[test]
fn untagged_flattened_and_renamed_fields_work_in_both() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Outer {
        #[serde(rename = "type")]
        kind: String,
        #[serde(flatten)]
        rest: BTreeMap<String, i64>,
        either: Either,
    }
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(untagged)]
    enum Either {
        Number(i64),
        Text(String),
    }
    let value = Outer {
        kind: "k".into(),
        rest: BTreeMap::from([("more".into(), -7)]),
        either: Either::Text("t".into()),
    };
    let text = json(&value).unwrap();
    assert_eq!(text, r#"{"type":"k","more":-7,"either":"t"}"#);
    assert_eq!(from_json::<Outer>(&text).unwrap(), value);
    let packed = messagepack(&value).unwrap();
    assert_eq!(
        read::<Outer>(Encoding::MessagePack, &packed).unwrap(),
        value
    );
}

#[test]
fn declared_lengths_allocate_nothing() {
    for input in [
        "dd ff ff ff ff",
        "df ff ff ff ff",
        "db ff ff ff ff",
        "c6 ff ff ff ff",
        "c9 ff ff ff ff ff",
    ] {
        refused::<Vec<u64>>(input, from_hex(input));
        refused::<BTreeMap<u64, u64>>(input, from_hex(input));
        refused::<Bytes>(input, from_hex(input));
        refused::<crate::AnyValue>(input, from_hex(input));
    }
}

#[test]
fn nesting_has_an_end() {
    #[derive(Debug, Deserialize)]
    struct Nested(#[allow(dead_code)] Vec<Nested>);
    let mut deep = vec![0x91; 100];
    deep.push(0x90);
    assert!(read::<Nested>(Encoding::MessagePack, &deep).is_err());
    assert!(read::<Nested>(Encoding::MessagePack, &deep[50..]).is_ok());
    // What nobody looks into costs no stack.
    let mut endless = vec![0x91; 1_000_000];
    endless.push(0x90);
    assert!(read::<serde::de::IgnoredAny>(Encoding::MessagePack, &endless).is_ok());
}

#[test]
fn one_value_and_no_more() {
    refused::<i32>("two", from_json("1 2"));
    refused::<i32>("two", from_hex("01 02"));
    refused::<i32>("none", from_json(""));
    refused::<i32>("none", from_hex(""));
    refused::<i32>("no such byte", from_hex("c1"));
}
