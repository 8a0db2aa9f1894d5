use std::collections::{BTreeSet, VecDeque};

use super::SessionId;

/// Who may send a snapshot now: a few at a time, in the order they asked.
#[derive(Debug, Default)]
pub(super) struct Turns {
    have: BTreeSet<SessionId>,
    want: VecDeque<SessionId>,
}

/// Snapshots that are taken at the same time.
const SNAPSHOTS_MAX: usize = 4;

impl Turns {
    pub(super) fn ask(&mut self, session: SessionId) {
        self.want.push_back(session);
    }

    pub(super) fn has(&self, session: SessionId) -> bool {
        self.have.contains(&session)
    }

    /// The session does not want a turn any longer, or has had it.
    pub(super) fn end(&mut self, session: SessionId) {
        self.have.remove(&session);
        self.want.retain(|it| *it != session);
    }

    /// Whose turn it is now, if somebody waits and there is room.
    pub(super) fn next(&mut self) -> Option<SessionId> {
        if self.have.len() >= SNAPSHOTS_MAX {
            return None;
        }
        let session = self.want.pop_front()?;
        self.have.insert(session);
        Some(session)
    }
}
