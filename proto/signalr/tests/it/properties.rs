//! Promises that hold for all messages and values, not only for those in tables.

use bytes::{Bytes, BytesMut};
use hubplane_proto_signalr::{
    Arguments, Completion, CompletionResult, Encoding, Invocation, Message, StreamIds, StreamItem,
    transcode,
};
use proptest::prelude::*;

/// A value that both hub protocols can carry.
#[derive(Debug, Clone, PartialEq)]
enum Value {
    Null,
    Bool(bool),
    Integer(i128),
    Float(f64),
    Text(String),
    Array(Vec<Value>),
    Map(Vec<(String, Value)>),
}

impl Value {
    /// As `serde_json` writes it: another hand than the one that is tested.
    fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Null => serde_json::Value::Null,
            Self::Bool(value) => (*value).into(),
            Self::Integer(value) => match u64::try_from(*value) {
                Ok(value) => value.into(),
                Err(_) => i64::try_from(*value).expect("64 bits").into(),
            },
            Self::Float(value) => (*value).into(),
            Self::Text(value) => value.as_str().into(),
            Self::Array(values) => values.iter().map(Self::to_json).collect(),
            Self::Map(members) => serde_json::Value::Object(
                members
                    .iter()
                    .map(|(name, value)| (name.clone(), value.to_json()))
                    .collect(),
            ),
        }
    }

    fn in_encoding(&self, encoding: Encoding) -> Bytes {
        let json = serde_json::to_vec(&self.to_json()).expect("json");
        match encoding {
            Encoding::Json => json.into(),
            Encoding::MessagePack => {
                let mut packed = Vec::new();
                transcode::json_to_messagepack(&json, &mut packed).expect("it can be carried");
                packed.into()
            }
        }
    }
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-zA-Z0-9_]{1,12}",
        any::<String>(),
        "\\PC{0,40}",
        "[\u{0}-\u{ff}]{0,40}",
        "[a-z]{30,300}"
    ]
}

fn id() -> impl Strategy<Value = String> {
    text().prop_filter("never empty", |id| !id.is_empty())
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(|value| Value::Integer(value.into())),
        any::<u64>().prop_map(|value| Value::Integer(value.into())),
        (-300_i64..70_000).prop_map(|value| Value::Integer(value.into())),
        any::<f64>()
            .prop_filter("finite", |value| value.is_finite())
            .prop_map(Value::Float),
        text().prop_map(Value::Text),
    ];
    leaf.prop_recursive(6, 48, 20, |inner| {
        let members = prop::collection::btree_map(text(), inner.clone(), 0..20);
        prop_oneof![
            prop::collection::vec(inner, 0..20).prop_map(Value::Array),
            members.prop_map(|members| Value::Map(members.into_iter().collect())),
        ]
    })
}

fn invocation(
    id: impl Strategy<Value = Option<String>>,
) -> impl Strategy<Value = (Option<String>, String, Vec<Value>, Vec<String>)> {
    let target = text().prop_filter("messagepack has no empty targets", |target| {
        !target.is_empty()
    });
    (
        id,
        target,
        prop::collection::vec(value(), 0..5),
        prop::collection::vec(self::id(), 0..3),
    )
}

/// A message in each hub protocol.
fn message() -> impl Strategy<Value = [(Encoding, Message); 2]> {
    fn both(message: impl Fn(Encoding) -> Message) -> [(Encoding, Message); 2] {
        Encoding::ALL.map(|encoding| (encoding, message(encoding)))
    }
    type Parts = (Option<String>, String, Vec<Value>, Vec<String>);
    fn whole(encoding: Encoding, (id, target, arguments, stream_ids): &Parts) -> Invocation {
        Invocation {
            invocation_id: id.clone(),
            target: target.clone(),
            arguments: Arguments::Raw(Value::Array(arguments.clone()).in_encoding(encoding)),
            stream_ids: StreamIds::from_vec(stream_ids.clone()),
        }
    }
    let completion = |result: fn(Encoding, &Value, &str) -> CompletionResult| {
        (id(), value(), text()).prop_map(move |(id, value, error)| {
            both(|encoding| {
                let result = result(encoding, &value, &error);
                Message::Completion(Completion {
                    invocation_id: id.clone(),
                    result,
                })
            })
        })
    };
    prop_oneof![
        invocation(prop::option::of(id()))
            .prop_map(|parts| both(|encoding| Message::Invocation(whole(encoding, &parts)))),
        invocation(id().prop_map(Some))
            .prop_map(|parts| both(|encoding| Message::StreamInvocation(whole(encoding, &parts)))),
        (id(), value()).prop_map(|(id, value)| both(|encoding| {
            Message::StreamItem(StreamItem {
                invocation_id: id.clone(),
                item: value.in_encoding(encoding),
            })
        })),
        completion(|encoding, value, _| CompletionResult::Value(value.in_encoding(encoding))),
        completion(|_, _, error| CompletionResult::Error(error.into())),
        completion(|_, _, _| CompletionResult::Void),
        id().prop_map(|id| both(|_| Message::CancelInvocation {
            invocation_id: id.clone()
        })),
        Just(both(|_| Message::Ping)),
        (prop::option::of(text()), any::<bool>()).prop_map(|(error, allow_reconnect)| both(|_| {
            Message::Close {
                error: error.clone(),
                allow_reconnect,
            }
        })),
        any::<i64>().prop_map(|sequence_id| both(|_| Message::Ack { sequence_id })),
        any::<i64>().prop_map(|sequence_id| both(|_| Message::Sequence { sequence_id })),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn what_is_written_is_read_the_same(messages in prop::collection::vec(message(), 1..6)) {
        for index in 0..2 {
            let mut written = Vec::new();
            for message in &messages {
                let (encoding, message) = &message[index];
                encoding.encode(message, &mut written);
            }
            let mut input = Bytes::from(written);
            for message in &messages {
                let (encoding, message) = &message[index];
                let read = encoding.decode(&mut input, None);
                prop_assert_eq!(read.as_ref(), Ok(&Some(message.clone())));
            }
            prop_assert!(input.is_empty());
        }
    }

    #[test]
    fn any_split_of_the_input_gives_the_same_messages(
        messages in prop::collection::vec(message(), 1..5),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        for index in 0..2 {
            let encoding = messages[0][index].0;
            let mut written = Vec::new();
            for message in &messages {
                encoding.encode(&message[index].1, &mut written);
            }
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(written.len() + 1)).collect();
            cuts.sort_unstable();
            cuts.push(written.len());
            let (mut input, mut read, mut from) = (BytesMut::new(), Vec::new(), 0);
            for cut in cuts {
                input.extend_from_slice(&written[from..cut]);
                from = cut;
                while let Some(message) = encoding.decode(&mut input, Some(written.len())).expect("readable") {
                    read.push(message);
                }
            }
            let expected: Vec<_> = messages.iter().map(|message| message[index].1.clone()).collect();
            prop_assert_eq!(read, expected);
        }
    }

    #[test]
    fn arguments_come_apart_and_together_again(values in prop::collection::vec(value(), 0..20)) {
        for encoding in Encoding::ALL {
            let raw = Value::Array(values.clone()).in_encoding(encoding);
            let elements = encoding.arguments(&raw).expect("an array");
            let expected: Vec<_> = values.iter().map(|value| value.in_encoding(encoding)).collect();
            prop_assert_eq!(elements.as_slice(), expected.as_slice());
            let mut together = Vec::new();
            encoding.write_arguments(elements.iter().map(|element| element.as_ref()), &mut together);
            prop_assert_eq!(together, raw.to_vec());
        }
    }

    #[test]
    fn values_keep_their_meaning_when_they_cross_both_ways(value in value()) {
        let mut json = Vec::new();
        transcode::messagepack_to_json(&value.in_encoding(Encoding::MessagePack), &mut json).expect("it can be carried");
        let read: serde_json::Value = serde_json::from_slice(&json).expect("json");
        prop_assert!(same(&read, &value.to_json()), "{} is not {}", read, value.to_json());
    }

    #[test]
    fn floats_cross_without_losing_a_bit(double in any::<f64>(), single in any::<f32>()) {
        prop_assume!(double.is_finite() && single.is_finite());
        let text = |code: u8, value: &[u8]| {
            let mut json = Vec::new();
            transcode::messagepack_to_json(&[&[code], value].concat(), &mut json).expect("finite");
            String::from_utf8(json).expect("text")
        };
        let written = text(0xcb, &double.to_be_bytes());
        prop_assert_eq!(written.parse::<f64>().expect("a number").to_bits(), double.to_bits(), "{}", written);
        let written = text(0xca, &single.to_be_bytes());
        prop_assert_eq!(written.parse::<f32>().expect("a number").to_bits(), single.to_bits(), "{}", written);
    }
}

/// Equal, where a float without fraction may have become an integer, and `serde_json` may read a float one bit off.
fn same(left: &serde_json::Value, right: &serde_json::Value) -> bool {
    use serde_json::Value::{Array, Number, Object};
    match (left, right) {
        (Number(left), Number(right)) if right.is_f64() => {
            let (left, right) = (left.as_f64(), right.as_f64());
            let (left, right) = (left.unwrap_or(f64::NAN), right.unwrap_or(f64::NAN));
            (left - right).abs() <= right.abs() * 1e-15
        }
        (Array(left), Array(right)) => {
            left.len() == right.len()
                && left
                    .iter()
                    .zip(right)
                    .all(|(left, right)| same(left, right))
        }
        (Object(left), Object(right)) => {
            left.len() == right.len()
                && left
                    .iter()
                    .all(|(name, value)| right.get(name).is_some_and(|other| same(value, other)))
        }
        _ => left == right,
    }
}
