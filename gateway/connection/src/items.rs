use std::collections::BTreeMap;

use bytes::Bytes;

/// What hub code keeps with a connection. It moves along when another hub-host adopts the connection, so that it is the
/// connection's gateway that holds it (DESIGN 3.1).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ItemBag {
    items: BTreeMap<String, Bytes>,
    len_bytes: usize,
}

/// The values of a connection would outgrow the bound of its item bag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the item bag of a connection holds {max_bytes} bytes at most")]
pub struct ItemBagFull {
    /// The bound in bytes, keys included.
    pub max_bytes: usize,
}

impl ItemBag {
    /// The most that a bag holds, in bytes, keys included.
    pub const MAX_BYTES: usize = 16 * 1024;

    /// Keeps a value, or drops it. The last writer wins.
    ///
    /// # Errors
    /// [`ItemBagFull`]; the bag is then as before.
    pub fn set(&mut self, key: String, value: Option<Bytes>) -> Result<(), ItemBagFull> {
        let old_bytes = self.items.get(&key).map_or(0, |old| key.len() + old.len());
        let new_bytes = value.as_ref().map_or(0, |new| key.len() + new.len());
        let len_bytes = self.len_bytes - old_bytes + new_bytes;
        if len_bytes > Self::MAX_BYTES {
            return Err(ItemBagFull {
                max_bytes: Self::MAX_BYTES,
            });
        }
        self.len_bytes = len_bytes;
        match value {
            Some(value) => {
                // A value of its own, which keeps no larger frame alive.
                self.items.insert(key, Bytes::copy_from_slice(&value));
            }
            None => {
                self.items.remove(&key);
            }
        }
        Ok(())
    }

    /// What is kept under a key.
    pub fn get(&self, key: &str) -> Option<&Bytes> {
        self.items.get(key)
    }

    /// Everything that is kept, in the order of its keys.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Bytes)> {
        self.items.iter().map(|(key, value)| (key.as_str(), value))
    }

    /// What is kept, in bytes, keys included.
    pub fn len_bytes(&self) -> usize {
        self.len_bytes
    }

    /// Whether nothing is kept.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_writer_wins_and_the_bound_holds_with_keys() {
        let mut bag = ItemBag::default();
        bag.set("a".into(), Some(Bytes::from_static(b"1"))).unwrap();
        bag.set("a".into(), Some(Bytes::from_static(b"22")))
            .unwrap();
        let rest = Bytes::from(vec![0; ItemBag::MAX_BYTES - 4]);
        bag.set("b".into(), Some(rest.clone())).unwrap();
        let full = bag.set("c".into(), Some(Bytes::new()));
        assert!(full.is_err(), "not even the key has room");
        assert_eq!(bag.get("a"), Some(&Bytes::from_static(b"22")));
        bag.set("a".into(), None).unwrap();
        bag.set("missing".into(), None).unwrap();
        bag.set("c".into(), Some(Bytes::new())).unwrap();
        let kept: Vec<_> = bag.iter().map(|(key, value)| (key, value.len())).collect();
        assert_eq!(kept, [("b", rest.len()), ("c", 0)]);
        for key in ["b", "c"] {
            bag.set(key.into(), None).unwrap();
        }
        assert_eq!(bag, ItemBag::default());
    }
}
