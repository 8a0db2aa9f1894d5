use hubplane_proto_ids::NodeId;
use smallvec::SmallVec;

use super::types::StreamId;
use crate::Key;
use crate::table::{KeyTable, Row};

#[cfg(test)]
mod tests;

/// What watches told, by key; the least recently used entry makes room. Whether an entry may be used is the business of
/// its stream.
#[derive(Debug)]
pub(crate) struct Cache {
    table: KeyTable<Node>,
    entries_max: usize,
    newest: Option<Row>,
    oldest: Option<Row>,
}

#[derive(Debug, Clone)]
pub(crate) struct Entry {
    /// The stream that it came on, which tells its changes.
    pub(crate) stream: StreamId,
    /// Every holder, this gateway too.
    pub(crate) holders: SmallVec<[NodeId; 2]>,
}

#[derive(Debug)]
struct Node {
    entry: Entry,
    newer: Option<Row>,
    older: Option<Row>,
}

impl Cache {
    pub(crate) fn new(entries_max: usize) -> Self {
        Self {
            table: KeyTable::default(),
            entries_max: entries_max.max(1),
            newest: None,
            oldest: None,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.table.len()
    }

    /// The entry of a key, which is now the most recently used one.
    pub(crate) fn touch(&mut self, key: &Key) -> Option<&Entry> {
        let row = self.table.find(key)?;
        if self.newest != Some(row) {
            self.unlink(row);
            self.link_newest(row);
        }
        self.table.get(row).map(|node| &node.entry)
    }

    pub(crate) fn get(&self, key: &Key) -> Option<&Entry> {
        Some(&self.table.get(self.table.find(key)?)?.entry)
    }

    pub(crate) fn get_mut(&mut self, key: &Key) -> Option<&mut Entry> {
        let row = self.table.find(key)?;
        Some(&mut self.table.get_mut(row)?.entry)
    }

    /// Adds an entry for a key that has none. Gives back what had to make room.
    pub(crate) fn insert(&mut self, key: Key, entry: Entry) -> Option<(Key, Entry)> {
        let evicted = match self.oldest {
            Some(oldest) if self.table.len() >= self.entries_max => self.remove_row(oldest),
            _ => None,
        };
        let node = Node {
            entry,
            newer: None,
            older: None,
        };
        let row = self.table.insert(key, node);
        self.link_newest(row);
        evicted
    }

    pub(crate) fn remove(&mut self, key: &Key) -> Option<Entry> {
        let row = self.table.find(key)?;
        self.remove_row(row).map(|(_, entry)| entry)
    }

    fn remove_row(&mut self, row: Row) -> Option<(Key, Entry)> {
        self.unlink(row);
        self.table.remove(row).map(|(key, node)| (key, node.entry))
    }

    fn unlink(&mut self, row: Row) {
        let Some(node) = self.table.get(row) else {
            return;
        };
        let (newer, older) = (node.newer, node.older);
        match newer.and_then(|row| self.table.get_mut(row)) {
            Some(node) => node.older = older,
            None => self.newest = older,
        }
        match older.and_then(|row| self.table.get_mut(row)) {
            Some(node) => node.newer = newer,
            None => self.oldest = newer,
        }
    }

    fn link_newest(&mut self, row: Row) {
        let older = self.newest.replace(row);
        match older.and_then(|row| self.table.get_mut(row)) {
            Some(node) => node.newer = Some(row),
            None => self.oldest = Some(row),
        }
        if let Some(node) = self.table.get_mut(row) {
            node.newer = None;
            node.older = older;
        }
    }
}
