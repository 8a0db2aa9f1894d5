//! A value reads the same whether it was answered in JSON or sent in MessagePack and carried over by a gateway.

use std::collections::BTreeMap;

use hubplane_proto_signalr::transcode::{json_to_messagepack, messagepack_to_json};
use proptest::prelude::*;

use super::*;
use crate::{AnyValue, Bytes, Timestamp};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Value {
    Nothing,
    Bool(bool),
    Signed(i64),
    Unsigned(u64),
    Single(f32),
    Double(f64),
    Text(String),
    Bytes(Bytes),
    Moment(Timestamp),
    Optional(Option<Box<Value>>),
    List(Vec<Value>),
    Pair(Box<Value>, i8),
    Map(BTreeMap<String, Value>),
    Numbered(BTreeMap<i32, Value>),
    Struct {
        first: Box<Value>,
        second: Option<u8>,
    },
}

fn value() -> impl Strategy<Value = Value> {
    let moment = (-62_135_596_800_i64..=253_402_300_799, 0..10_000_000_u32);
    let leaf = prop_oneof![
        Just(Value::Nothing),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Signed),
        any::<u64>().prop_map(Value::Unsigned),
        any::<f32>()
            .prop_filter("finite", |v| v.is_finite())
            .prop_map(Value::Single),
        any::<f64>()
            .prop_filter("finite", |v| v.is_finite())
            .prop_map(Value::Double),
        any::<String>().prop_map(Value::Text),
        any::<Vec<u8>>().prop_map(|bytes| Value::Bytes(bytes.into())),
        // In JSON a moment has seven digits of a second.
        moment.prop_map(|(seconds, ticks)| Value::Moment(
            Timestamp::new(seconds, ticks * 100).unwrap()
        )),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let boxed = inner.clone().prop_map(Box::new);
        prop_oneof![
            proptest::option::of(boxed.clone()).prop_map(Value::Optional),
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::List),
            (boxed.clone(), any::<i8>()).prop_map(|(value, number)| Value::Pair(value, number)),
            proptest::collection::btree_map(any::<String>(), inner.clone(), 0..4)
                .prop_map(Value::Map),
            proptest::collection::btree_map(any::<i32>(), inner, 0..4).prop_map(Value::Numbered),
            (boxed, any::<Option<u8>>())
                .prop_map(|(first, second)| Value::Struct { first, second }),
        ]
    })
}

proptest! {
    #[test]
    fn answers_and_sends_read_the_same(value in value()) {
        let answered = json(&value).unwrap();
        let sent = portable(&value).unwrap();
        let mut carried = Vec::new();
        messagepack_to_json(&sent, &mut carried).unwrap();
        prop_assert_eq!(String::from_utf8(carried).unwrap(), answered.clone());

        // So does a value of any shape, whichever way it came.
        let from_packed: AnyValue = read(Encoding::MessagePack, &sent).unwrap();
        prop_assert_eq!(json(&from_packed).unwrap(), answered.clone());
        let from_json: AnyValue = read(Encoding::Json, answered.as_bytes()).unwrap();
        prop_assert_eq!(json(&from_json).unwrap(), answered.clone());
        let mut carried = Vec::new();
        json_to_messagepack(answered.as_bytes(), &mut carried).unwrap();
        prop_assert_eq!(portable(&from_json).unwrap(), carried);
    }

    #[test]
    fn values_come_back_as_they_were(value in value()) {
        let packed = messagepack(&value).unwrap();
        prop_assert_eq!(&read::<Value>(Encoding::MessagePack, &packed).unwrap(), &value);
        let text = json(&value).unwrap();
        prop_assert_eq!(&read::<Value>(Encoding::Json, text.as_bytes()).unwrap(), &value);
    }

    #[test]
    fn no_input_is_trouble(bytes in any::<Vec<u8>>()) {
        for encoding in [Encoding::Json, Encoding::MessagePack] {
            let _ = read::<Value>(encoding, &bytes);
            if let Ok(value) = read::<AnyValue>(encoding, &bytes) {
                let _ = json(&value);
                let _ = portable(&value);
            }
        }
    }
}
