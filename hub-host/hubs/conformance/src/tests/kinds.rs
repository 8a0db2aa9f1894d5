//! The recording `values`: what a value is to its reader, and what arguments become.

use super::*;

#[test]
fn values_are_read_as_they_were_written() {
    for encoding in ENCODINGS {
        let client = client(encoding, false);
        macro_rules! written {
            ($($name:literal: $value:expr;)*) => {
                $(assert_eq!(client.invoke("Value", ($name,)), Ok($value), $name);)*
            };
        }
        written! {
            "null": None::<i32>;
            "sbyte": i8::MIN;
            "longmax": i64::MAX;
            "ulong": u64::MAX;
            "floatthird": 1.0_f32 / 3.0;
            "doublebig": 1e300;
            "char": 'x';
            "unicode": "é ß 漢 🎉 \u{2028}".to_owned();
            "datetimeutcticks": "2002-04-01T10:20:15.1234567Z".parse::<Timestamp>().unwrap();
            "datetimeearly": "0001-01-01T00:00:00Z".parse::<Timestamp>().unwrap();
            "bytes": Bytes::from_static(&[1, 2, 3, 255]);
            "enum": crate::Colour::Green;
            "intmap": std::collections::BTreeMap::from([(1, "one".to_owned())]);
            "object": CustomObject { name: Some("n".to_owned()), value: 7 };
            "tuple": (1, "a".to_owned());
        }
        let none = client.invoke::<AnyValue>("Value", ("nothing",));
        assert!(none.unwrap_err().ends_with("No value is named 'nothing'"));
    }
}

/// What the argument became, in both encodings.
fn bound<T: serde::Serialize + Clone>(target: &str, value: T, expected: &str) {
    for encoding in ENCODINGS {
        let text = client(encoding, false).invoke::<String>(target, (value.clone(),));
        assert_eq!(text.as_deref(), Ok(expected), "{target}");
    }
}

#[test]
fn arguments_become_what_was_recorded() {
    let moment: Timestamp = "2002-04-01T10:20:15Z".parse().unwrap();
    bound("BindBool", true, "true");
    bound("BindByte", 255, "255");
    bound("BindULong", u64::MAX, "18446744073709551615");
    bound("BindFloat", 0.1_f32, "0.1");
    bound("BindDouble", 0.1, "0.1");
    bound("BindString", "é🎉", "string of 3: é🎉");
    bound("BindString", None::<&str>, "null");
    bound("BindDateTime", moment, "2002-04-01T10:20:15.0000000Z Utc");
    bound("BindBytes", Bytes::from_static(b"hello"), "68656C6C6F");
    bound("BindNullableInt", None::<i32>, "null");
    bound("BindInts", vec![1, 2], "1,2");
    bound(
        "BindMap",
        std::collections::BTreeMap::from([("A", 1), ("b", 2)]),
        "A=1,b=2",
    );
    bound(
        "BindCustomObject",
        CustomObject::default(),
        "Name=null Value=0",
    );
    for encoding in ENCODINGS {
        let refused = client(encoding, false).invoke::<String>("BindInt", ("5",));
        let error = "Failed to invoke 'BindInt' due to an error on the server.";
        assert_eq!(refused, Err(error.to_owned()));
    }
}
