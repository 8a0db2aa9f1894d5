use std::collections::BTreeMap;

use smallvec::SmallVec;

use super::router::RouterRef;
use crate::table::Row;

/// Changes that are not visible yet, and the routers that each of them still waits for.
#[derive(Debug, Default)]
pub(crate) struct Waits {
    changes: BTreeMap<u64, Waiting>,
}

#[derive(Debug)]
struct Waiting {
    row: Row,
    on: SmallVec<[RouterRef; 4]>,
}

/// A change that waits for nobody any longer, and its row among the members.
pub(crate) type Done = (u64, Row);

impl Waits {
    pub(crate) fn len(&self) -> usize {
        self.changes.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    pub(crate) fn start(&mut self, change: u64, row: Row, on: SmallVec<[RouterRef; 4]>) {
        self.changes.insert(change, Waiting { row, on });
    }

    /// The key was given up: nobody has to be waited for.
    pub(crate) fn cancel(&mut self, change: u64) -> bool {
        self.changes.remove(&change).is_some()
    }

    /// A router said that the change is visible.
    pub(crate) fn visible(&mut self, change: u64, router: RouterRef) -> Option<Done> {
        let waiting = self.changes.get_mut(&change)?;
        waiting.on.retain(|it| *it != router);
        if !waiting.on.is_empty() {
            return None;
        }
        let row = waiting.row;
        self.changes.remove(&change);
        Some((change, row))
    }

    /// Changes below `end` no longer wait for the router.
    pub(crate) fn visible_below(&mut self, end: u64, router: RouterRef) -> Vec<Done> {
        let mut done = Vec::new();
        for (number, waiting) in self.changes.range_mut(..end) {
            waiting.on.retain(|it| *it != router);
            if waiting.on.is_empty() {
                done.push((*number, waiting.row));
            }
        }
        for (number, _) in &done {
            self.changes.remove(number);
        }
        done
    }

    /// Nothing waits for the router any longer.
    pub(crate) fn give_up(&mut self, router: RouterRef) -> Vec<Done> {
        self.visible_below(u64::MAX, router)
    }

    /// Changes up to this number that wait for the router.
    pub(crate) fn on(&self, router: RouterRef, through: u64) -> Vec<u64> {
        let changes = self.changes.range(..=through);
        changes
            .filter(|(_, waiting)| waiting.on.contains(&router))
            .map(|(number, _)| *number)
            .collect()
    }
}
