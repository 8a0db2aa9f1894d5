use hubplane_proto_ids::{Generation, HubName, NodeId};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::*;

fn node() -> NodeId {
    NodeId {
        name: "gateway-0".parse().unwrap(),
        generation: Generation::from_raw(7),
    }
}

fn keys() -> Vec<Key> {
    let hub: HubName = "chat".parse().unwrap();
    vec![
        Key::hub(&hub),
        Key::connection(&hub, &"c-1".parse().unwrap()),
        Key::user(&hub, &"".parse().unwrap()),
        Key::group(&hub, &"room 1".parse().unwrap()),
    ]
}

fn crosses_as_bytes<T>(message: &T)
where
    T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug,
{
    let bytes = postcard::to_stdvec(message).unwrap();
    assert_eq!(&postcard::from_bytes::<T>(&bytes).unwrap(), message);
}

#[test]
fn what_a_gateway_writes_crosses_as_bytes() {
    let changes = keys().into_iter().enumerate().map(|(n, key)| Change {
        number: n as u64,
        key,
        held: n % 2 == 0,
    });
    let questions = keys().into_iter().map(|key| Question { id: 3, key });
    let messages = [
        ToRouter::Ping(1),
        ToRouter::Pong(u64::MAX),
        ToRouter::SnapshotWanted,
        ToRouter::SnapshotBegin,
        ToRouter::SnapshotChunk(keys()),
        ToRouter::SnapshotEnd { number: 9 },
        ToRouter::Resume {
            awaiting: vec![1, 5],
        },
        ToRouter::Changes(changes.collect()),
        ToRouter::Lookup(questions.collect()),
        ToRouter::Unwatch(keys()),
        ToRouter::Ack { through: 4 },
    ];
    messages.iter().for_each(crosses_as_bytes);
}

#[test]
fn what_a_replica_writes_crosses_as_bytes() {
    let key = keys().remove(3);
    let pushes = vec![
        Push::Gained {
            key: key.clone(),
            node: node(),
        },
        Push::Lost { key, node: node() },
        Push::Listed {
            node: node(),
            synced: true,
        },
        Push::Unlisted { node: node() },
        Push::Released,
    ];
    let answer = Answer {
        id: 3,
        holders: vec![node()],
        watched: true,
    };
    let hello = Hello {
        router: node(),
        layout: Layout::single(),
        applied: Some(8),
    };
    let messages = [
        ToGateway::Hello(hello),
        ToGateway::Ping(1),
        ToGateway::Pong(2),
        ToGateway::SnapshotTurn,
        ToGateway::ChunkTaken,
        ToGateway::Applied { through: 6 },
        ToGateway::Visible(vec![6, 2]),
        ToGateway::Released,
        ToGateway::Answers(vec![answer]),
        ToGateway::Pushes { last: 5, pushes },
    ];
    messages.iter().for_each(crosses_as_bytes);
}

#[test]
fn a_key_with_an_impossible_name_is_refused() {
    #[derive(Serialize)]
    struct Raw<'a> {
        hub: &'a str,
        subject: u8,
    }
    let nameless = Raw {
        hub: "",
        subject: 0,
    };
    let bytes = postcard::to_stdvec(&nameless).unwrap();
    assert!(postcard::from_bytes::<Key>(&bytes).is_err());
}
