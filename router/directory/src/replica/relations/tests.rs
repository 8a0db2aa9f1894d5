use std::collections::BTreeSet;

use proptest::prelude::*;

use super::{Owner, Relations, Side};
use crate::Key;

fn key(n: u8) -> Key {
    Key::group(&"chat".parse().unwrap(), &n.to_string().parse().unwrap())
}

#[derive(Debug, Clone)]
enum Step {
    Add(u8, Owner, bool),
    Remove(u8, Owner, bool),
    RemoveAll(Owner, bool),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let pair = (0..8_u8, 0..4_u32, prop::bool::ANY);
    let step = prop_oneof![
        6 => pair.clone().prop_map(|(n, owner, side)| Step::Add(n, owner, side)),
        4 => pair.prop_map(|(n, owner, side)| Step::Remove(n, owner, side)),
        1 => (0..4_u32, prop::bool::ANY).prop_map(|(owner, side)| Step::RemoveAll(owner, side)),
    ];
    prop::collection::vec(step, 0..300)
}

fn side(holders: bool) -> Side {
    if holders {
        Side::Holders
    } else {
        Side::Watchers
    }
}

proptest! {
    #[test]
    fn both_directions_agree_with_a_set_of_pairs(steps in steps()) {
        let mut relations = Relations::default();
        let mut model: BTreeSet<(bool, u8, Owner)> = BTreeSet::new();
        for step in steps {
            match step {
                Step::Add(n, owner, holders) => {
                    relations.add(key(n), owner, side(holders));
                    model.insert((holders, n, owner));
                }
                Step::Remove(n, owner, holders) => {
                    let row = relations.find(&key(n));
                    let removed = row.is_some_and(|row| relations.remove(row, owner, side(holders)));
                    prop_assert_eq!(removed, model.remove(&(holders, n, owner)));
                }
                Step::RemoveAll(owner, holders) => {
                    while let Some(row) = relations.last_of(owner, side(holders)) {
                        prop_assert!(relations.remove(row, owner, side(holders)));
                    }
                    model.retain(|(it, _, by)| (*it, *by) != (holders, owner));
                }
            }
            let keys: BTreeSet<_> = model.iter().map(|(_, n, _)| *n).collect();
            prop_assert_eq!(relations.keys(), keys.len() as u64);
            for holders in [true, false] {
                let pairs = model.iter().filter(|pair| pair.0 == holders);
                prop_assert_eq!(relations.total(side(holders)), pairs.clone().count() as u64);
                for n in 0..8 {
                    let row = relations.find(&key(n));
                    prop_assert_eq!(row.is_some(), keys.contains(&n));
                    let owners = row.into_iter().flat_map(|row| relations.owners(row, side(holders)));
                    let owners: BTreeSet<_> = owners.collect();
                    let expected = pairs.clone().filter(|pair| pair.1 == n).map(|pair| pair.2);
                    prop_assert_eq!(owners, expected.collect());
                }
            }
        }
    }
}
