use std::collections::{BTreeMap, VecDeque};
use std::time::Instant;

use super::types::ShardSet;
use crate::Key;
use crate::message::Change;
use crate::table::{KeyTable, Row};

/// What this node holds, counted over its shards in one table, and the numbered changes of it.
#[derive(Debug, Default)]
pub(crate) struct Members {
    table: KeyTable<Held>,
    /// The number of the last change.
    last: u64,
    /// Changes that a replica may have missed, ascending.
    log: VecDeque<Change>,
    /// The greatest number that is no longer in the log.
    forgotten_through: u64,
    /// By when it ends, and the number of its place.
    lingering: BTreeMap<(Instant, u64), Row>,
    last_lingering: u64,
}

/// A key that this node announces.
#[derive(Debug)]
pub(crate) struct Held {
    /// Empty while it lingers.
    shards: ShardSet,
    /// The number of the change by which it was first held.
    pub(crate) change: u64,
    /// Whether that change is not visible yet.
    pub(crate) is_waiting: bool,
    /// Since it was released, the number of its place in the queue.
    lingering: Option<u64>,
}

/// What a release means.
pub(crate) enum Released {
    /// Others hold it, or it lingers, or nobody held it.
    Nothing,
    /// The key is gone: a change was numbered.
    Gone(Change, Held),
}

impl Members {
    pub(crate) fn len(&self) -> usize {
        self.table.len()
    }

    /// The number of the last change.
    pub(crate) fn last(&self) -> u64 {
        self.last
    }

    pub(crate) fn get(&self, key: &Key) -> Option<&Held> {
        self.table.get(self.table.find(key)?)
    }

    pub(crate) fn shards(&self, key: &Key) -> ShardSet {
        self.get(key)
            .map_or(ShardSet::default(), |held| held.shards)
    }

    /// Adds a shard to a key that is announced already.
    pub(crate) fn join(&mut self, key: &Key, shard: u8) -> Option<&Held> {
        let row = self.table.find(key)?;
        let held = self.table.get_mut(row)?;
        held.shards.insert(shard);
        held.lingering = None;
        Some(held)
    }

    /// Adds a key that is not announced: numbers a change.
    pub(crate) fn insert(&mut self, key: &Key, shard: u8) -> (Row, Change) {
        let change = self.number(key, true);
        let mut shards = ShardSet::default();
        shards.insert(shard);
        let held = Held {
            shards,
            change: change.number,
            is_waiting: false,
            lingering: None,
        };
        (self.table.insert(key.clone(), held), change)
    }

    /// Takes a shard away. A key that nobody is left of lingers until `linger_until`, or is gone.
    pub(crate) fn release(&mut self, key: &Key, shard: u8, linger_until: Instant) -> Released {
        self.let_go(key, shard, key.may_linger().then_some(linger_until))
    }

    /// The same; the key lingers whatever it is.
    pub(crate) fn release_later(
        &mut self,
        key: &Key,
        shard: u8,
        linger_until: Instant,
    ) -> Released {
        self.let_go(key, shard, Some(linger_until))
    }

    fn let_go(&mut self, key: &Key, shard: u8, linger_until: Option<Instant>) -> Released {
        let Some(row) = self.table.find(key) else {
            return Released::Nothing;
        };
        let Some(held) = self.table.get_mut(row) else {
            return Released::Nothing;
        };
        held.shards.remove(shard);
        if !held.shards.is_empty() || held.lingering.is_some() {
            return Released::Nothing;
        }
        let Some(due_at) = linger_until else {
            return self.remove(row);
        };
        self.last_lingering += 1;
        held.lingering = Some(self.last_lingering);
        self.lingering.insert((due_at, self.last_lingering), row);
        Released::Nothing
    }

    /// Ends the lingering of one key that is due, if there is one.
    pub(crate) fn end_lingering(&mut self, now: Instant) -> Option<Released> {
        let due = self.lingering.first_entry()?;
        let (due_at, number) = *due.key();
        if due_at > now {
            return None;
        }
        let row = due.remove();
        let lingers = self.table.get(row).and_then(|held| held.lingering);
        Some(if lingers == Some(number) {
            self.remove(row)
        } else {
            Released::Nothing
        })
    }

    pub(crate) fn due_at(&self) -> Option<Instant> {
        self.lingering
            .first_key_value()
            .map(|((due_at, _), _)| *due_at)
    }

    pub(crate) fn set_waiting(&mut self, row: Row, is_waiting: bool) {
        if let Some(held) = self.table.get_mut(row) {
            held.is_waiting = is_waiting;
        }
    }

    /// A number that stands for all changes before it.
    pub(crate) fn next_number(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// Keys of at most `bytes_max` bytes from a row on, of those that `wanted` takes; and the row to go on at, `None` at
    /// the end. What is added or removed between two calls is the business of changes.
    pub(crate) fn chunk(
        &self,
        from: Row,
        bytes_max: usize,
        wanted: impl Fn(&Key) -> bool,
    ) -> (Vec<Key>, Option<Row>) {
        let mut keys = Vec::new();
        let mut bytes = 0;
        for row in from..self.table.rows_end() {
            let Some(key) = self.table.key(row).filter(|key| wanted(key)) else {
                continue;
            };
            bytes += key.len_bytes();
            if bytes > bytes_max && !keys.is_empty() {
                return (keys, Some(row));
            }
            keys.push(key.clone());
        }
        (keys, None)
    }

    /// Whether every change after this number is in the log.
    pub(crate) fn remembers_after(&self, number: u64) -> bool {
        self.forgotten_through <= number
    }

    pub(crate) fn log_after(&self, number: u64) -> impl Iterator<Item = &Change> {
        let from = self.log.partition_point(|change| change.number <= number);
        self.log.range(from..)
    }

    /// Forgets changes up to this number, and more if the log is longer than it may be.
    pub(crate) fn forget(&mut self, through: u64, log_max: usize) {
        while let Some(change) = self.log.front() {
            if change.number > through && self.log.len() <= log_max {
                break;
            }
            self.forgotten_through = change.number;
            self.log.pop_front();
        }
    }

    fn remove(&mut self, row: Row) -> Released {
        let Some((key, held)) = self.table.remove(row) else {
            return Released::Nothing;
        };
        Released::Gone(self.number(&key, false), held)
    }

    fn number(&mut self, key: &Key, held: bool) -> Change {
        let change = Change {
            number: self.next_number(),
            key: key.clone(),
            held,
        };
        self.log.push_back(change.clone());
        change
    }
}
