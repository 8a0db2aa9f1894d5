//! What crosses the two streams between a gateway and a replica, as plain types.
//!
//! Each stream keeps its order in both directions, and everything travels in that one queue, pings and their answers
//! too: an answer to a ping says that all that was written before it has arrived. The gateway opens both streams and
//! says who it is (its [`NodeId`]) when it opens them; the replica speaks first, with a [`Hello`].

use hubplane_proto_ids::NodeId;
use serde::{Deserialize, Serialize};

use crate::Key;

#[cfg(test)]
mod tests;

/// The two streams that a gateway opens to each replica.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum StreamKind {
    /// The gateway announces what it holds.
    Report,
    /// The gateway asks who holds what, and is told when that changes.
    Watch,
}

/// How the keys of the cluster are spread over routers, and which of them a router knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layout {
    /// In how many shards the keys are divided, 1 at least.
    pub shards: u16,
    /// This router's number. Its shard is `ordinal` modulo `shards`; routers of one shard are replicas of each other.
    pub ordinal: u16,
    /// Which hash spreads the keys: [`HASH_VERSION`](crate::HASH_VERSION).
    pub hash_version: u16,
}

impl Layout {
    /// The layout of a cluster whose keys are not divided.
    pub fn single() -> Self {
        Self {
            shards: 1,
            ordinal: 0,
            hash_version: crate::HASH_VERSION,
        }
    }

    /// The shard that this router knows.
    pub fn shard(self) -> u16 {
        self.ordinal % self.shards.max(1)
    }
}

/// The first message on either stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// The router and its generation: another generation knows nothing of what the one before it knew.
    pub router: NodeId,
    /// Its place among the routers.
    pub layout: Layout,
    /// On a report stream: the number of the last change of this gateway's generation that the replica applied. The
    /// report goes on after it. `None`: the replica needs a snapshot.
    pub applied: Option<u64>,
}

/// A key that was first held, or last held, on the reporting gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Grows with every change of a gateway; a replica of one shard among several sees only some numbers.
    pub number: u64,
    /// What changed.
    pub key: Key,
    /// Whether the gateway now holds the key.
    pub held: bool,
}

/// One question of a [`ToRouter::Lookup`]. It asks for a watch too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// Chosen by the gateway, given back in the [`Answer`]; unique on its stream.
    pub id: u64,
    /// Who holds this key?
    pub key: Key,
}

/// The answer to one [`Question`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The question's id.
    pub id: u64,
    /// Every gateway that the replica knows to hold the key, the asking one too.
    pub holders: Vec<NodeId>,
    /// Whether changes of this key are pushed from now on. Not so for a connection or a user that nobody holds.
    pub watched: bool,
}

/// Something that a watcher is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Push {
    /// A gateway now holds a watched key.
    Gained {
        /// The watched key.
        key: Key,
        /// The gateway, maybe the watcher itself.
        node: NodeId,
    },
    /// A gateway no longer holds a watched key. When it was the last holder of a connection or a user, the watch ends
    /// with this push.
    Lost {
        /// The watched key.
        key: Key,
        /// The gateway, maybe the watcher itself.
        node: NodeId,
    },
    /// The replica knows of this gateway, and counts it as synced or not.
    Listed {
        /// The gateway.
        node: NodeId,
        /// Whether the replica knows all that the gateway holds. Follows the holders that its snapshot brought.
        synced: bool,
    },
    /// The gateway's lease at the replica is out.
    Unlisted {
        /// The gateway.
        node: NodeId,
    },
    /// The replica is about to end: nothing that it said may be used from now on.
    Released,
}

/// What a gateway writes to a replica.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToRouter {
    /// On both streams. The other end answers with the same number.
    Ping(u64),
    /// On both streams: the answer to a ping. On the report stream never before the snapshot or the backlog.
    Pong(u64),
    /// Report: the gateway cannot go on after [`Hello::applied`] and waits for its turn to send a snapshot.
    SnapshotWanted,
    /// Report: what was reported before is void, a snapshot follows. Changes may come between its chunks; everything
    /// takes effect in the order of the stream.
    SnapshotBegin,
    /// Report: keys that the gateway holds, in at most 256 KiB.
    SnapshotChunk(Vec<Key>),
    /// Report: the snapshot is complete. The number takes its place among the changes: `visible` of it says that
    /// everything before it is visible.
    SnapshotEnd {
        /// Greater than the number of every change before it.
        number: u64,
    },
    /// Report: no snapshot is needed, the changes after [`Hello::applied`] follow.
    Resume {
        /// Changes that were applied before, of which the gateway has not heard that they are visible.
        awaiting: Vec<u64>,
    },
    /// Report: changes, in order.
    Changes(Vec<Change>),
    /// Watch: questions, each answered and registered in one step.
    Lookup(Vec<Question>),
    /// Watch: the gateway no longer cares for these keys.
    Unwatch(Vec<Key>),
    /// Watch: every push up to this number has taken effect.
    Ack {
        /// The number of the last push.
        through: u64,
    },
}

/// What a replica writes to a gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToGateway {
    /// The first message on both streams.
    Hello(Hello),
    /// On both streams. The other end answers with the same number.
    Ping(u64),
    /// On both streams: the answer to a ping.
    Pong(u64),
    /// Report: send the snapshot now. Only a few gateways at a time have their turn.
    SnapshotTurn,
    /// Report: one chunk of the snapshot was taken, another may be sent.
    ChunkTaken,
    /// Report: every change up to this number is in the replica's table.
    Applied {
        /// The number of the last change applied.
        through: u64,
    },
    /// Report: these changes are applied and every watcher of their keys was told. In any order.
    Visible(Vec<u64>),
    /// Report: the replica is about to end, nobody uses what it said any longer, and nobody has to wait for it.
    Released,
    /// Watch: answers, each in its place among the pushes.
    Answers(Vec<Answer>),
    /// Watch: what changed, in order.
    Pushes {
        /// The number of the last of them; pushes of a stream are numbered 1, 2, 3, …
        last: u64,
        /// The pushes.
        pushes: Vec<Push>,
    },
}
