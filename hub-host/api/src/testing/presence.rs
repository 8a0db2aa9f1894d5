//! Who is there, as a hub of a test hears of it.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use hubplane_proto_ids::{ConnectionId, GroupName, UserId};

use super::world::{State, World};
use crate::Presence;

/// How long a user without connections counts as online, as in a gateway.
const LINGER: Duration = Duration::from_secs(1);

/// What a hub is still to be told.
#[derive(Default)]
pub(super) struct Changes {
    /// Whether the hub hears of any.
    pub(super) heard: bool,
    waiting: VecDeque<Presence>,
    /// Whether `on_presence` runs.
    busy: bool,
    online: BTreeSet<UserId>,
    /// Who has gone, and when that is told.
    lingering: Vec<(Duration, UserId)>,
}

impl State {
    fn tell(&mut self, change: Presence) {
        if self.presence.heard {
            self.presence.waiting.push_back(change);
        }
    }

    fn user_of(&self, connection: &ConnectionId) -> Option<UserId> {
        self.members.get(connection)?.connection.user().cloned()
    }

    pub(super) fn tell_joined(&mut self, connection: &ConnectionId, group: GroupName) {
        let (user, connection) = (self.user_of(connection), connection.clone());
        self.tell(Presence::Joined {
            group,
            connection,
            user,
        });
    }

    pub(super) fn tell_left(&mut self, connection: &ConnectionId, group: GroupName) {
        let (user, connection) = (self.user_of(connection), connection.clone());
        self.tell(Presence::Left {
            group,
            connection,
            user,
        });
    }

    pub(super) fn tell_came(&mut self, connection: &ConnectionId) {
        let Some(user) = self.user_of(connection) else {
            return;
        };
        self.presence.lingering.retain(|(_, other)| *other != user);
        if self.presence.online.insert(user.clone()) {
            self.tell(Presence::Online { user });
        }
    }

    pub(super) fn tell_went(&mut self, connection: &ConnectionId) {
        let Some(user) = self.user_of(connection) else {
            return;
        };
        let others = self.members.values().filter(|member| !member.gone);
        if others
            .filter_map(|member| member.connection.user())
            .all(|other| *other != user)
        {
            let due = self.now + LINGER;
            self.presence.lingering.push((due, user));
        }
    }

    /// The clock was moved.
    pub(super) fn tell_offline(&mut self) {
        let now = self.now;
        let lingering = std::mem::take(&mut self.presence.lingering);
        let (due, rest): (Vec<_>, Vec<_>) = lingering.into_iter().partition(|(at, _)| *at <= now);
        self.presence.lingering = rest;
        for (_, user) in due {
            self.presence.online.remove(&user);
            self.tell(Presence::Offline { user });
        }
    }
}

impl World {
    /// The next change, unless the hub is busy with the one before: [`told`](Self::told).
    pub(super) fn next_presence(&self) -> Option<Presence> {
        self.with(|state| {
            if state.presence.busy {
                return None;
            }
            let next = state.presence.waiting.pop_front();
            state.presence.busy = next.is_some();
            next
        })
    }

    /// The hub has been told.
    pub(super) fn told(&self) {
        self.with(|state| state.presence.busy = false);
    }
}
