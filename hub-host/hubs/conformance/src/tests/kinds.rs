//! The recordings of values: what is written for each, and what arguments become.

use serde::Serialize;

use super::*;

#[test]
fn values_are_written_as_recorded() {
    let recorded: [(&str, &str, &[u8]); 13] = [
        ("sbyte", "-128", &[0xd0, 0x80]),
        ("ushort", "65535", &[0xcd, 0xff, 0xff]),
        ("long", "-9223372036854775808", &[0xd3, 0x80, 0, 0, 0, 0, 0, 0, 0]),
        ("128", "128", &[0xcc, 0x80]),
        ("-33", "-33", &[0xd0, 0xdf]),
        ("float", "1.5", &[0xca, 0x3f, 0xc0, 0, 0]),
        ("doublewhole", "3", &[0xcb, 0x40, 0x08, 0, 0, 0, 0, 0, 0]),
        ("escapes", r#""\u0022\\/\b\f\n\r\t\u0001\u007F\u003C\u003E\u0026\u0027\u002B\u0060""#, b"\xb0\"\\/\x08\x0c\n\r\t\x01\x7f<>&'+`"),
        ("datetimeutc", "\"2000-01-01T00:00:00Z\"", &[0xd6, 0xff, 0x38, 0x6d, 0x43, 0x80]),
        ("bytes", "\"AQID/w==\"", &[0xc4, 4, 1, 2, 3, 255]),
        ("map", r#"{"Key":1,"other key":null}"#, b"\x82\xa3Key\x01\xa9other key\xc0"),
        ("intmap", r#"{"1":"one"}"#, b"\x81\x01\xa3one"),
        ("null", "null", &[0xc0]),
    ];
    for (name, json, messagepack) in recorded {
        let value: AnyValue = client(Encoding::Json, false).invoke("Value", (name,)).unwrap();
        println!("{name} {json} {messagepack:?} {value:?}");
    }
}
