use proptest::prelude::*;
use smallvec::SmallVec;

use super::{Cache, Entry};
use crate::Key;
use crate::gateway::types::{ReplicaId, StreamId};
use crate::message::StreamKind;

fn key(n: u8) -> Key {
    Key::group(&"chat".parse().unwrap(), &n.to_string().parse().unwrap())
}

fn entry(life: u64) -> Entry {
    Entry {
        stream: StreamId {
            replica: ReplicaId(0),
            kind: StreamKind::Watch,
            life,
        },
        holders: SmallVec::new(),
    }
}

#[derive(Debug, Clone)]
enum Use {
    Touch(u8),
    Insert(u8),
    Remove(u8),
}

fn uses() -> impl Strategy<Value = Vec<Use>> {
    let n = 0..12_u8;
    let it = prop_oneof![
        n.clone().prop_map(Use::Touch),
        n.clone().prop_map(Use::Insert),
        n.prop_map(Use::Remove),
    ];
    prop::collection::vec(it, 0..200)
}

proptest! {
    #[test]
    fn the_least_recently_used_entry_makes_room(uses in uses(), entries_max in 1..6_usize) {
        let mut cache = Cache::new(entries_max);
        // Least recently used first.
        let mut model: Vec<(u8, u64)> = Vec::new();
        for (life, it) in uses.into_iter().enumerate() {
            let life = life as u64;
            match it {
                Use::Touch(n) => {
                    let found = cache.touch(&key(n)).map(|entry| entry.stream.life);
                    let at = model.iter().position(|(key, _)| *key == n);
                    let expected = at.map(|at| model.remove(at));
                    model.extend(expected);
                    prop_assert_eq!(found, expected.map(|(_, life)| life));
                }
                Use::Insert(n) => {
                    if cache.get(&key(n)).is_some() {
                        continue;
                    }
                    let evicted = cache.insert(key(n), entry(life)).map(|(key, _)| key);
                    let expected = (model.len() == entries_max).then(|| model.remove(0));
                    model.push((n, life));
                    prop_assert_eq!(evicted, expected.map(|(n, _)| key(n)));
                }
                Use::Remove(n) => {
                    let removed = cache.remove(&key(n)).map(|entry| entry.stream.life);
                    let at = model.iter().position(|(key, _)| *key == n);
                    prop_assert_eq!(removed, at.map(|at| model.remove(at).1));
                }
            }
            prop_assert_eq!(cache.len(), model.len());
        }
    }
}
