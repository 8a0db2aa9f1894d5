//! Groups, and waiting for the directory.

use hubplane_proto_ids::{ConnectionId, GroupName, HubName};
use hubplane_proto_link::AckOutcome;
use hubplane_router_directory::{ChangeId, Key, Visibility};

use crate::JoinReply;
use crate::sets::{Change, SetName};
use crate::shard::Shard;

/// What waits for a change to be visible.
#[derive(Debug)]
pub(crate) enum Waiter {
    /// A connection that wants to answer its handshake.
    Connection {
        /// Its place.
        place: usize,
        /// Which of those that have had that place.
        serial: u64,
    },
    /// Whoever added a connection to a group.
    Join(JoinReply),
}

impl Shard {
    pub(crate) fn join(&mut self, connection: &ConnectionId, group: GroupName, reply: JoinReply) {
        // One that is closing stays a member until it is over: its end takes it out of all groups.
        let Some((place, hub)) = self.member_to_be(connection) else {
            return self
                .links
                .answer(&reply.link, reply.frame(AckOutcome::UnknownConnection));
        };
        let key = Key::group(&hub, &group);
        let change = self.sets.join(place, &hub, &SetName::Group(group.clone()));
        let visibility = {
            let mut directory = self.directory.lock();
            match change {
                Change::Edge => directory.hold(&key, self.index, self.now),
                // Who comes later waits for the same change.
                Change::Inner | Change::None => directory.visibility(&key),
            }
        };
        if change == Change::Edge {
            self.directory.changed.notify_one();
        }
        if change != Change::None {
            // Behind the directory: whoever hears of it and asks finds it.
            self.tell_joined(place, group);
        }
        match visibility {
            Visibility::Visible => self
                .links
                .answer(&reply.link, reply.frame(AckOutcome::Done)),
            Visibility::Wait(change) => self
                .waiters
                .entry(change)
                .or_default()
                .push(Waiter::Join(reply)),
        }
    }

    pub(crate) fn leave(&mut self, connection: &ConnectionId, group: GroupName, reply: &JoinReply) {
        let outcome = match self.member_to_be(connection) {
            None => AckOutcome::UnknownConnection,
            Some((place, hub)) => {
                let key = Key::group(&hub, &group);
                let change = self.sets.leave(place, &hub, &SetName::Group(group.clone()));
                if change != Change::None {
                    self.tell_left(place, vec![group]);
                }
                if change == Change::Edge {
                    self.directory.lock().release(&key, self.index, self.now);
                    self.directory.changed.notify_one();
                }
                AckOutcome::Done
            }
        };
        self.links.answer(&reply.link, reply.frame(outcome));
    }

    /// A connection that hubs know of, with its hub.
    fn member_to_be(&self, connection: &ConnectionId) -> Option<(usize, HubName)> {
        let place = self.ids.get(connection).copied()?;
        let entry = self.entries.get(place).filter(|entry| entry.held)?;
        Some((place, entry.connection.info().hub.clone()))
    }

    /// These changes are known wherever they have to be.
    pub(crate) fn visible(&mut self, changes: &[ChangeId]) {
        for change in changes {
            for waiter in self.waiters.remove(change).unwrap_or_default() {
                match waiter {
                    Waiter::Join(reply) => self
                        .links
                        .answer(&reply.link, reply.frame(AckOutcome::Done)),
                    Waiter::Connection { place, serial } => self.key_visible(place, serial),
                }
            }
        }
    }

    fn key_visible(&mut self, place: usize, serial: u64) {
        let Some(entry) = self
            .entries
            .get_mut(place)
            .filter(|entry| entry.serial == serial)
        else {
            return;
        };
        entry.keys_on_their_way = entry.keys_on_their_way.saturating_sub(1);
        if entry.keys_on_their_way == 0 {
            entry.connection.handle_visible(self.now);
            self.user_came(place);
            self.pump(place);
        }
    }
}
