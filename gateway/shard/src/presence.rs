//! What a hub that hears of presence is told by a shard.

use hubplane_proto_ids::{ConnectionId, GroupName, UserId};
use hubplane_proto_link::{PRESENCE_CHANGES_MAX, PresenceChange, PresenceChanges, ToHubHost};

use crate::links::Handed;
use crate::online::HubUser;
use crate::shard::Shard;

impl Shard {
    /// A connection became a member of a group.
    pub(crate) fn tell_joined(&mut self, place: usize, group: GroupName) {
        self.tell(place, vec![group], |group, connection, user| {
            PresenceChange::Joined {
                group,
                connection,
                user,
            }
        });
    }

    /// A connection left these groups.
    pub(crate) fn tell_left(&mut self, place: usize, groups: Vec<GroupName>) {
        self.tell(place, groups, |group, connection, user| {
            PresenceChange::Left {
                group,
                connection,
                user,
            }
        });
    }

    /// At most one frame waits on a full link for each change that its hub-host asked for itself, and a few for the end
    /// of a connection: fewer than what is said of them anyway.
    fn tell(
        &mut self,
        place: usize,
        groups: Vec<GroupName>,
        change: impl Fn(GroupName, ConnectionId, Option<UserId>) -> PresenceChange,
    ) {
        let Some(entry) = self.entries.get(place).filter(|entry| entry.presence) else {
            return;
        };
        let info = entry.connection.info();
        let user = entry.connection.user();
        let mut changes = groups
            .into_iter()
            .map(|group| change(group, info.connection.clone(), user.cloned()));
        loop {
            let some: Vec<_> = changes.by_ref().take(PRESENCE_CHANGES_MAX).collect();
            if some.is_empty() {
                return;
            }
            let frame = ToHubHost::Presence(PresenceChanges {
                hub: info.hub.clone(),
                changes: some,
            });
            if self.links.send(entry.link, None, frame) == Handed::Lost {
                tracing::debug!("a change of presence of a link that has ended");
            }
        }
    }

    /// A connection is visible: its user is online from now on.
    pub(crate) fn user_came(&mut self, place: usize) {
        let Some(entry) = self.entries.get_mut(place).filter(|it| it.presence) else {
            return;
        };
        let Some(user) = entry.connection.user().cloned() else {
            return;
        };
        entry.is_online = true;
        let hub = entry.connection.info().hub.clone();
        self.presence.came(HubUser { hub, user });
    }

    /// A connection has gone.
    pub(crate) fn user_went(&mut self, place: usize) {
        let Some(entry) = self.entries.get_mut(place).filter(|it| it.is_online) else {
            return;
        };
        entry.is_online = false;
        if let Some(user) = entry.connection.user().cloned() {
            let hub = entry.connection.info().hub.clone();
            self.presence.went(&HubUser { hub, user }, self.now);
        }
    }
}
