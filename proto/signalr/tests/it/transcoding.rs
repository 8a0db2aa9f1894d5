//! Values that cross, against what the reference server writes for one value in both hub protocols.

use hubplane_proto_signalr::TranscodeError;
use hubplane_proto_signalr::transcode::{json_to_messagepack, messagepack_to_json};

use crate::{bytes, field, hex, rows};

fn to_json(packed: &str) -> Result<String, TranscodeError> {
    let mut out = Vec::new();
    messagepack_to_json(&bytes(packed), &mut out)?;
    Ok(String::from_utf8(out).expect("text"))
}

fn to_messagepack(json: &str) -> Result<String, TranscodeError> {
    let mut out = Vec::new();
    json_to_messagepack(json.as_bytes(), &mut out)?;
    Ok(hex(&out))
}

#[test]
fn messagepack_becomes_the_json_that_the_reference_writes() {
    let rows = rows(include_str!("../vectors/values.txt"));
    assert!(rows.len() > 35, "the vectors are there");
    for row in rows {
        let (packed, json) = (field(&row, 'M'), field(&row, 'J'));
        match json {
            "-" => assert_eq!(to_json(packed), Err(TranscodeError::NotFinite), "{row:?}"),
            _ => assert_eq!(to_json(packed).as_deref(), Ok(json), "{row:?}"),
        }
    }
}

#[test]
fn json_becomes_messagepack_in_its_smallest_form() {
    let long = format!("\"{}\"", "x".repeat(32));
    let table = [
        ("null", "c0"),
        (" true ", "c3"),
        ("false", "c2"),
        ("0", "00"),
        ("127", "7f"),
        ("128", "cc 80"),
        ("255", "cc ff"),
        ("256", "cd 01 00"),
        ("65536", "ce 00 01 00 00"),
        ("4294967296", "cf 00 00 00 01 00 00 00 00"),
        ("18446744073709551615", "cf ff ff ff ff ff ff ff ff"),
        ("-1", "ff"),
        ("-32", "e0"),
        ("-33", "d0 df"),
        ("-128", "d0 80"),
        ("-129", "d1 ff 7f"),
        ("-32769", "d2 ff ff 7f ff"),
        ("-2147483649", "d3 ff ff ff ff 7f ff ff ff"),
        ("-9223372036854775808", "d3 80 00 00 00 00 00 00 00"),
        ("1.0", "cb 3f f0 00 00 00 00 00 00"),
        ("1e2", "cb 40 59 00 00 00 00 00 00"),
        ("-0", "cb 80 00 00 00 00 00 00 00"),
        ("18446744073709551616", "cb 43 f0 00 00 00 00 00 00"),
        ("0.1", "cb 3f b9 99 99 99 99 99 9a"),
        ("\"\"", "a0"),
        ("\"h\\u00e9\\n\"", "a4 68 c3 a9 0a"),
        ("\"\\ud83c\\udf89\"", "a4 f0 9f 8e 89"),
        ("[ ]", "90"),
        ("[1,[2,[]],{}]", "93 01 92 02 90 80"),
        (
            "{\"a\":1,\"b\":[true,null],\"a\":{\"c\":\"d\"}}",
            "83 a1 61 01 a1 62 92 c3 c0 a1 61 81 a1 63 a1 64",
        ),
        (
            long.as_str(),
            "d9 20 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78",
        ),
    ];
    for (json, packed) in table {
        assert_eq!(to_messagepack(json).as_deref(), Ok(packed), "{json}");
    }
}

#[test]
fn containers_and_texts_of_every_length_class_have_the_right_head() {
    for count in [15, 16, 17, 255, 256, 65_535, 65_536] {
        let array = format!("[{}]", vec!["0"; count].join(","));
        let packed = bytes(&to_messagepack(&array).expect("it can be carried"));
        let head = match count {
            0..16 => vec![0x90 | count as u8],
            16..65_536 => vec![0xdc, (count >> 8) as u8, count as u8],
            _ => vec![0xdd, 0, 1, 0, 0],
        };
        assert!(
            packed.starts_with(&head) && packed.len() == head.len() + count,
            "{count}"
        );
        assert_eq!(to_json(&hex(&packed)), Ok(array));

        let map = format!(
            "{{{}}}",
            (0..count)
                .map(|name| format!("\"{name}\":0"))
                .collect::<Vec<_>>()
                .join(",")
        );
        let packed = to_messagepack(&map).expect("it can be carried");
        let head = match count {
            0..16 => format!("{:02x} ", 0x80 | count),
            16..65_536 => format!("de {:02x} {:02x} ", count >> 8, count & 0xff),
            _ => "df 00 01 00 00 ".into(),
        };
        assert!(packed.starts_with(&head), "{count}");
        assert_eq!(to_json(&packed), Ok(map));

        let text = format!("\"{}\"", "é".repeat(count / 2));
        assert_eq!(
            to_json(&to_messagepack(&text).expect("it can be carried")),
            Ok(text)
        );
    }
}

#[test]
fn floats_have_the_text_that_dotnet_gives_them() {
    // Listed by .NET 10's JsonSerializer.
    let doubles = [
        (1e14, "100000000000000"),
        (1e16, "10000000000000000"),
        (1e17, "1E+17"),
        (1.25e17, "1.25E+17"),
        (123456789012345680.0, "1.2345678901234568E+17"),
        (12345678901234567.0, "12345678901234568"),
        (f64::from_bits(0x4376_3457_85d8_9fff), "99999999999999980"),
        (1e-3, "0.001"),
        (1e-4, "0.0001"),
        (1e-5, "1E-05"),
        (0.00012345, "0.00012345"),
        (0.000012345, "1.2345E-05"),
        (-0.0, "-0"),
        (-1.5e20, "-1.5E+20"),
        (1e300, "1E+300"),
        (5e-324, "5E-324"),
        (f64::MAX, "1.7976931348623157E+308"),
        (123456789.125, "123456789.125"),
    ];
    for (value, text) in doubles {
        let packed = [&[0xcb], value.to_be_bytes().as_slice()].concat();
        assert_eq!(to_json(&hex(&packed)).as_deref(), Ok(text));
    }
    let singles = [
        (1e8_f32, "100000000"),
        (1e9, "1E+09"),
        (16777216.0, "16777216"),
        (0.33333334, "0.33333334"),
        (1e-4, "0.0001"),
        (1e-5, "1E-05"),
        (123456789.0, "123456790"),
        (f32::MAX, "3.4028235E+38"),
        (1e-45, "1E-45"),
    ];
    for (value, text) in singles {
        let packed = [&[0xca], value.to_be_bytes().as_slice()].concat();
        assert_eq!(to_json(&hex(&packed)).as_deref(), Ok(text));
    }
}

#[test]
fn timestamps_become_iso_8601() {
    let table = [
        ("d6 ff 00 00 00 00", "1970-01-01T00:00:00Z"),
        ("d6 ff ff ff ff ff", "2106-02-07T06:28:15Z"),
        ("d7 ff 00 00 00 00 38 6d 43 80", "2000-01-01T00:00:00Z"),
        (
            "d7 ff ee 6b 27 fc 00 00 00 00",
            "1970-01-01T00:00:00.9999999Z",
        ),
        (
            "d7 ff 00 00 01 90 00 00 00 00",
            "1970-01-01T00:00:00.0000001Z",
        ),
        ("d7 ff 00 00 01 8c 00 00 00 00", "1970-01-01T00:00:00Z"),
        ("d7 ff 1c 9c 38 00 38 ba 6b ff", "2000-02-28T12:37:19.12Z"),
        (
            "c7 0c ff 00 00 00 00 ff ff ff ff ff ff ff ff",
            "1969-12-31T23:59:59Z",
        ),
        (
            "c7 0c ff 1d cd 65 00 ff ff ff ff ff ff ff ff",
            "1969-12-31T23:59:59.5Z",
        ),
    ];
    for (packed, text) in table {
        assert_eq!(to_json(packed), Ok(format!("\"{text}\"")), "{packed}");
    }
    // Every day of 800 years, forth by counting.
    let (mut year, mut month, mut day) = (1600, 1, 1);
    for days in -135_140..157_060_i64 {
        let packed = [
            &[0xc7, 0x0c, 0xff, 0, 0, 0, 0],
            (days * 86_400).to_be_bytes().as_slice(),
        ]
        .concat();
        assert_eq!(
            to_json(&hex(&packed)),
            Ok(format!("\"{year:04}-{month:02}-{day:02}T00:00:00Z\""))
        );
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let last = [
            31,
            if leap { 29 } else { 28 },
            31,
            30,
            31,
            30,
            31,
            31,
            30,
            31,
            30,
            31,
        ][month - 1];
        (year, month, day) = match (month, day) {
            (12, 31) => (year + 1, 1, 1),
            (_, day) if day == last => (year, month + 1, 1),
            _ => (year, month, day + 1),
        };
    }
}

#[test]
fn bytes_become_base64_and_integer_keys_become_text() {
    assert_eq!(
        to_json("c4 05 68 65 6c 6c 6f").as_deref(),
        Ok("\"aGVsbG8=\"")
    );
    assert_eq!(
        to_json("83 01 c0 d1 ff 00 02 cf ff ff ff ff ff ff ff ff a1 61").as_deref(),
        Ok(r#"{"1":null,"-256":2,"18446744073709551615":"a"}"#)
    );
    assert_eq!(
        to_json("92 d6 ff 38 6d ec 40 78").as_deref(),
        Ok(r#"["2000-01-01T12:00:00Z",120]"#)
    );
}

#[test]
fn what_cannot_be_carried_is_named() {
    let packed = [
        ("", TranscodeError::Malformed),
        ("c1", TranscodeError::Malformed),
        ("92 01", TranscodeError::Malformed),
        ("01 02", TranscodeError::Malformed),
        ("dd ff ff ff ff", TranscodeError::Malformed),
        ("c6 ff ff ff ff 00", TranscodeError::Malformed),
        ("a2 ff fe", TranscodeError::NotUnicode),
        ("81 c0 01", TranscodeError::Key),
        ("81 90 01", TranscodeError::Key),
        ("81 cb 3f f0 00 00 00 00 00 00 01", TranscodeError::Key),
        ("d6 05 61 62 63 64", TranscodeError::Extension),
        ("d5 ff 00 00", TranscodeError::Extension),
        ("d7 ff ff ff ff ff 00 00 00 00", TranscodeError::Extension),
        (
            "c7 0c ff 00 00 00 00 7f ff ff ff ff ff ff ff",
            TranscodeError::Extension,
        ),
        (
            "c7 0c ff 00 00 00 00 80 00 00 00 00 00 00 00",
            TranscodeError::Extension,
        ),
        ("ca 7f 80 00 00", TranscodeError::NotFinite),
    ];
    for (hex, error) in packed {
        assert_eq!(to_json(hex), Err(error), "{hex}");
    }
    let json = [
        ("", TranscodeError::Malformed),
        ("[1,]", TranscodeError::Malformed),
        ("1 2", TranscodeError::Malformed),
        ("{\"a\"}", TranscodeError::Malformed),
        ("nul", TranscodeError::Malformed),
        ("\"\\ud800\"", TranscodeError::NotUnicode),
        ("{\"\\udc00\":1}", TranscodeError::NotUnicode),
        ("1e999", TranscodeError::NotFinite),
    ];
    for (text, error) in json {
        assert_eq!(to_messagepack(text), Err(error), "{text}");
    }
    assert_eq!(
        json_to_messagepack(b"\"\xff\"", &mut Vec::new()),
        Err(TranscodeError::NotUnicode)
    );
}

#[test]
fn nothing_is_left_behind_when_a_value_cannot_be_carried() {
    let mut out = b"before".to_vec();
    assert!(json_to_messagepack(b"[1,2,\"\\ud800\"]", &mut out).is_err());
    assert!(messagepack_to_json(&bytes("92 01 c1"), &mut out).is_err());
    assert_eq!(out, b"before");
}

#[test]
fn nesting_is_limited_to_64_both_ways() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let packed = |depth: usize| format!("{}90", "91 ".repeat(depth - 1));
    assert_eq!(to_messagepack(&nested(64)), Ok(packed(64)));
    assert_eq!(to_json(&packed(64)), Ok(nested(64)));
    assert_eq!(to_messagepack(&nested(65)), Err(TranscodeError::TooDeep));
    assert_eq!(to_json(&packed(65)), Err(TranscodeError::TooDeep));
}

#[test]
fn every_character_crosses_and_only_what_the_reference_escapes_is_escaped() {
    for character in (0..=0x10_ffff).filter_map(char::from_u32) {
        let text = character.to_string();
        let mut json = Vec::new();
        let packed = [&[0xa0 | text.len() as u8], text.as_bytes()].concat();
        messagepack_to_json(&packed, &mut json).expect("it can be carried");
        let mut back = Vec::new();
        json_to_messagepack(&json, &mut back).expect("our json is json");
        assert_eq!(back, packed, "{character:?}");
        let raw = json.len() == text.len() + 2;
        match character {
            '"' | '\\' | '\0'..='\u{1f}' | '\u{7f}'..='\u{a0}' => assert!(!raw, "{character:?}"),
            ' '..='~'
            | '\u{a1}'..='\u{377}'
            | '\u{4e00}'..='\u{9fff}'
            | '\u{ac00}'..='\u{d7a3}' => assert!(raw, "{character:?}"),
            '\u{2028}'
            | '\u{2029}'
            | '\u{3000}'
            | '\u{378}'
            | '\u{e000}'..='\u{f8ff}'
            | '\u{10000}'.. => assert!(!raw),
            '\u{feff}' => assert!(!raw),
            _ => {}
        }
    }
}
