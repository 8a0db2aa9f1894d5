use std::collections::VecDeque;
use std::time::Instant;

use hashbrown::HashMap;
use smallvec::SmallVec;

use super::types::{LookupId, StreamId};
use crate::Key;

/// Lookups that somebody waits for. Of one key at most one question is on its way; sends that begin after it was asked
/// wait for the next one, unless its answer registered a watch.
#[derive(Debug, Default)]
pub(crate) struct Lookups {
    by_key: HashMap<Key, InFlight>,
    deadlines: VecDeque<(Instant, LookupId, Key)>,
    last: u64,
    open: usize,
}

/// One question on its way.
#[derive(Debug)]
pub(crate) struct InFlight {
    pub(crate) stream: StreamId,
    pub(crate) question: u64,
    /// Lookups that began before the question was asked.
    pub(crate) asked: LookupIds,
    /// The lookup that began after it was asked.
    pub(crate) next: Option<LookupId>,
}

pub(crate) type LookupIds = SmallVec<[LookupId; 2]>;

impl Lookups {
    /// How many are not resolved.
    pub(crate) fn open(&self) -> usize {
        self.open
    }

    pub(crate) fn get(&self, key: &Key) -> Option<&InFlight> {
        self.by_key.get(key)
    }

    pub(crate) fn is_on(&self, key: &Key, stream: StreamId) -> bool {
        self.get(key).is_some_and(|it| it.stream == stream)
    }

    pub(crate) fn begin(&mut self, key: &Key, deadline: Instant) -> LookupId {
        self.last += 1;
        self.open += 1;
        let id = LookupId(self.last);
        self.deadlines.push_back((deadline, id, key.clone()));
        id
    }

    /// Joins the question on its way. `was_asked`: it was written already.
    pub(crate) fn join(
        &mut self,
        key: &Key,
        was_asked: bool,
        deadline: Instant,
    ) -> Option<LookupId> {
        let in_flight = self.by_key.get(key)?;
        let joined = if was_asked {
            in_flight.next
        } else {
            in_flight.asked.first().copied()
        };
        if joined.is_some() {
            return joined;
        }
        let id = self.begin(key, deadline);
        let in_flight = self.by_key.get_mut(key)?;
        if was_asked {
            in_flight.next = Some(id);
        } else {
            in_flight.asked.push(id);
        }
        Some(id)
    }

    pub(crate) fn put(&mut self, key: Key, in_flight: InFlight) {
        self.by_key.insert(key, in_flight);
    }

    /// Takes the question out, if it is the one on its way for the key.
    pub(crate) fn take(&mut self, key: &Key, stream: StreamId, question: u64) -> Option<InFlight> {
        let in_flight = self.by_key.get(key)?;
        if in_flight.stream != stream || in_flight.question != question {
            return None;
        }
        self.by_key.remove(key)
    }

    /// Takes out whatever question is on its way for the key.
    pub(crate) fn take_any(&mut self, key: &Key) -> Option<InFlight> {
        self.by_key.remove(key)
    }

    /// One lookup is resolved.
    pub(crate) fn end(&mut self) {
        self.open -= 1;
    }

    /// A lookup that nobody answered in time. Its question stays on its way.
    pub(crate) fn expire(&mut self, now: Instant) -> Option<(LookupId, Key)> {
        loop {
            let (_, id, key) = self.deadlines.pop_front_if(|(due, _, _)| *due <= now)?;
            let Some(in_flight) = self.by_key.get_mut(&key) else {
                continue;
            };
            let waited = in_flight.asked.contains(&id) || in_flight.next == Some(id);
            if waited {
                in_flight.asked.retain(|it| *it != id);
                in_flight.next = in_flight.next.filter(|it| *it != id);
                return Some((id, key));
            }
        }
    }

    pub(crate) fn due_at(&self) -> Option<Instant> {
        self.deadlines.front().map(|(due, _, _)| *due)
    }
}
