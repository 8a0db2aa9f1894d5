use std::fmt;

use hubplane_proto_ids::{ConnectionId, GroupName, HubName, UserId};
use serde::{Deserialize, Serialize};

/// Which hash [`Key::shard`] uses. A router says it in its hello; a layout that differs is refused.
pub const HASH_VERSION: u16 = 1;

/// What the directory knows gateways by: a connection, a user, a group, or the hub itself, always within a hub.
///
/// Cloning one is cheap: two reference counts at most.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Key {
    hub: HubName,
    subject: Subject,
}

/// What a [`Key`] names within its hub.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Subject {
    /// Every connection of the hub.
    Hub,
    /// One connection.
    Connection(ConnectionId),
    /// Every connection of one user.
    User(UserId),
    /// Every member of one group.
    Group(GroupName),
}

impl Key {
    /// The hub itself: every connection of it.
    pub fn hub(hub: &HubName) -> Self {
        Self::new(hub, Subject::Hub)
    }

    /// One connection of a hub.
    pub fn connection(hub: &HubName, id: &ConnectionId) -> Self {
        Self::new(hub, Subject::Connection(id.clone()))
    }

    /// One user of a hub.
    pub fn user(hub: &HubName, user: &UserId) -> Self {
        Self::new(hub, Subject::User(user.clone()))
    }

    /// One group of a hub.
    pub fn group(hub: &HubName, group: &GroupName) -> Self {
        Self::new(hub, Subject::Group(group.clone()))
    }

    /// Any subject of a hub.
    pub fn new(hub: &HubName, subject: Subject) -> Self {
        Self {
            hub: hub.clone(),
            subject,
        }
    }

    /// The hub that this key lies in.
    pub fn hub_name(&self) -> &HubName {
        &self.hub
    }

    /// What this key names within its hub.
    pub fn subject(&self) -> &Subject {
        &self.subject
    }

    /// The router shard that knows this key, below `shards`: the same on every node, for ever, under one
    /// [`HASH_VERSION`]. Everything has one shard when `shards` is 0 or 1.
    pub fn shard(&self, shards: u16) -> u16 {
        if shards <= 1 {
            return 0;
        }
        // The remainder is below `shards`, hence fits.
        (self.stable_hash() % u64::from(shards)) as u16
    }

    /// Whether nobody holding this key may be remembered. Nothing but an answer given now says that a connection or a
    /// user does not exist.
    pub(crate) fn absence_is_cached(&self) -> bool {
        match self.subject {
            Subject::Hub | Subject::Group(_) => true,
            Subject::Connection(_) | Subject::User(_) => false,
        }
    }

    /// Whether losing the last member may be announced a moment later, so that a key that comes and goes costs nothing.
    /// Interest may linger; existence may not.
    pub(crate) fn may_linger(&self) -> bool {
        self.absence_is_cached()
    }

    /// About how many bytes this key takes on a wire.
    pub(crate) fn len_bytes(&self) -> usize {
        const LENGTHS_AND_TAG: usize = 7;
        self.hub.as_str().len() + self.text().len() + LENGTHS_AND_TAG
    }

    fn tag(&self) -> u8 {
        match self.subject {
            Subject::Hub => 0,
            Subject::Connection(_) => 1,
            Subject::User(_) => 2,
            Subject::Group(_) => 3,
        }
    }

    fn text(&self) -> &str {
        match &self.subject {
            Subject::Hub => "",
            Subject::Connection(id) => id.as_str(),
            Subject::User(user) => user.as_str(),
            Subject::Group(group) => group.as_str(),
        }
    }

    /// FNV-1a, then a finaliser that spreads it to the low bits.
    fn stable_hash(&self) -> u64 {
        let hub = self.hub.as_str().bytes();
        // 0xff is in no UTF-8 text: it parts the hub from the subject.
        let bytes = hub.chain([0xff, self.tag()]).chain(self.text().bytes());
        let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        let hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
        hash ^ (hash >> 33)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.subject {
            Subject::Hub => write!(f, "{}", self.hub),
            Subject::Connection(id) => write!(f, "{}/connection/{id}", self.hub),
            Subject::User(user) => write!(f, "{}/user/{user}", self.hub),
            Subject::Group(group) => write!(f, "{}/group/{group}", self.hub),
        }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({self})")
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hub => f.write_str("Hub"),
            Self::Connection(id) => id.fmt(f),
            Self::User(user) => user.fmt(f),
            Self::Group(group) => group.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(text: &str) -> Key {
        Key::group(&"chat".parse().unwrap(), &text.parse().unwrap())
    }

    #[test]
    fn a_shard_is_the_same_on_every_node_and_in_every_release() {
        let hub: HubName = "chat".parse().unwrap();
        let keys = [
            Key::hub(&hub),
            Key::connection(&hub, &"c-1".parse().unwrap()),
            Key::user(&hub, &"ana".parse().unwrap()),
            group("g-1"),
        ];
        let shards: Vec<_> = keys.iter().map(|key| key.shard(1000)).collect();
        assert_eq!(HASH_VERSION, 1, "another hash is another version");
        assert_eq!(shards, SHARDS_OF_VERSION_1);
    }

    /// As another program computes them.
    const SHARDS_OF_VERSION_1: [u16; 4] = [373, 363, 924, 530];

    #[test]
    fn keys_spread_evenly_over_shards() {
        let mut counts = [0_u32; 7];
        for n in 0..7000 {
            counts[usize::from(group(&format!("room-{n}")).shard(7))] += 1;
        }
        assert!(
            counts.iter().all(|count| (850..1150).contains(count)),
            "{counts:?}"
        );
    }

    #[test]
    fn a_user_and_a_group_of_one_name_are_two_keys() {
        let hub: HubName = "chat".parse().unwrap();
        let user = Key::user(&hub, &"ana".parse().unwrap());
        assert_ne!(user, group("ana"));
        assert_ne!(user.stable_hash(), group("ana").stable_hash());
    }
}
