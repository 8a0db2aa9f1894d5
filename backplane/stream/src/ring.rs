use std::collections::BTreeMap;

use bytes::Bytes;

use crate::MessageId;
use crate::limits::ENTRY_BYTES;

/// What the node sent and not all targets have acked, oldest first. A body is here once, however many streams it is in.
#[derive(Debug, Default)]
pub(crate) struct Ring {
    entries: BTreeMap<MessageId, Entry>,
    bytes: usize,
}

#[derive(Debug)]
struct Entry {
    body: Bytes,
    /// Streams that have not acked it.
    waiting: usize,
}

impl Ring {
    /// Keeps a body until as many streams have released it.
    pub(crate) fn insert(&mut self, id: MessageId, body: Bytes, waiting: usize) {
        self.bytes += charge(&body);
        self.entries.insert(id, Entry { body, waiting });
    }

    pub(crate) fn get(&self, id: MessageId) -> Option<&Bytes> {
        self.entries.get(&id).map(|entry| &entry.body)
    }

    /// One stream needs it no longer; the last one frees it.
    pub(crate) fn release(&mut self, id: MessageId) {
        let Some(entry) = self.entries.get_mut(&id) else {
            return;
        };
        entry.waiting -= 1;
        if entry.waiting == 0
            && let Some(entry) = self.entries.remove(&id)
        {
            self.bytes -= charge(&entry.body);
        }
    }

    /// Drops the oldest, whoever waits for it.
    pub(crate) fn drop_oldest(&mut self) -> Option<MessageId> {
        let (id, entry) = self.entries.pop_first()?;
        self.bytes -= charge(&entry.body);
        Some(id)
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }
}

fn charge(body: &Bytes) -> usize {
    body.len() + ENTRY_BYTES
}
