use std::hash::BuildHasher as _;

use hashbrown::{DefaultHashBuilder, HashTable};
use slab::Slab;

use crate::Key;

/// The number of a row in a [`KeyTable`], reused after the row is removed.
pub(crate) type Row = u32;

/// Rows found by key in one hash lookup, and by number in none. The key is stored once; rows are walked by number, so
/// that nothing depends on the order of a hash.
#[derive(Debug)]
pub(crate) struct KeyTable<T> {
    hasher: DefaultHashBuilder,
    index: HashTable<Row>,
    rows: Slab<(Key, T)>,
}

impl<T> Default for KeyTable<T> {
    fn default() -> Self {
        Self {
            hasher: DefaultHashBuilder::default(),
            index: HashTable::new(),
            rows: Slab::new(),
        }
    }
}

impl<T> KeyTable<T> {
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(crate) fn find(&self, key: &Key) -> Option<Row> {
        let hash = self.hasher.hash_one(key);
        let is_it = |row: &Row| {
            self.rows
                .get(*row as usize)
                .is_some_and(|(it, _)| it == key)
        };
        self.index.find(hash, is_it).copied()
    }

    /// Adds a row for a key that has none.
    pub(crate) fn insert(&mut self, key: Key, value: T) -> Row {
        let hash = self.hasher.hash_one(&key);
        // Four billion rows do not fit into memory.
        let row = self.rows.insert((key, value)) as Row;
        let (hasher, rows) = (&self.hasher, &self.rows);
        self.index.insert_unique(hash, row, |row| {
            rows.get(*row as usize)
                .map_or(0, |(key, _)| hasher.hash_one(key))
        });
        row
    }

    pub(crate) fn remove(&mut self, row: Row) -> Option<(Key, T)> {
        let (key, value) = self.rows.try_remove(row as usize)?;
        let hash = self.hasher.hash_one(&key);
        if let Ok(entry) = self.index.find_entry(hash, |it| *it == row) {
            entry.remove();
        }
        Some((key, value))
    }

    pub(crate) fn get(&self, row: Row) -> Option<&T> {
        self.rows.get(row as usize).map(|(_, value)| value)
    }

    pub(crate) fn get_mut(&mut self, row: Row) -> Option<&mut T> {
        self.rows.get_mut(row as usize).map(|(_, value)| value)
    }

    pub(crate) fn key(&self, row: Row) -> Option<&Key> {
        self.rows.get(row as usize).map(|(key, _)| key)
    }

    /// No row has this number or a greater one.
    pub(crate) fn rows_end(&self) -> Row {
        self.rows.capacity() as Row
    }
}
