use hubplane_proto_ids::NodeId;
use smallvec::SmallVec;

use crate::message::{StreamKind, ToRouter};

/// Gateways, mostly few of them.
pub type NodeList = SmallVec<[NodeId; 4]>;

/// What the gateway's driver calls one replica: a router's address, of whatever shard and generation it turns out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ReplicaId(pub u32);

/// One life of one stream to a replica, from [`connected`](crate::GatewayDirectory::connected) to its end.
///
/// A stream that was dialled again has another id; what names the old one is ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StreamId {
    pub(crate) replica: ReplicaId,
    pub(crate) kind: StreamKind,
    pub(crate) life: u64,
}

impl StreamId {
    /// The replica at its other end.
    pub fn replica(self) -> ReplicaId {
        self.replica
    }

    /// Which of the two streams to that replica it is.
    pub fn kind(self) -> StreamKind {
        self.kind
    }
}

/// A change of what this gateway holds, as something to wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChangeId(pub(crate) u64);

/// A lookup, as something to wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LookupId(pub(crate) u64);

/// Whether every send that starts from now on, anywhere, reaches this gateway's members of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Visibility {
    /// Yes.
    Visible,
    /// Once [`Output::Visible`] of this change is out, which happens exactly once.
    Wait(ChangeId),
}

/// The shards (threads) of this node that have members of a key, as a set of indexes below 64.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct ShardSet(u64);

impl ShardSet {
    /// How many shards a node may have.
    pub const SHARDS_MAX: u8 = 64;

    /// Whether no shard has members.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// How many shards have members.
    pub fn len(self) -> u32 {
        self.0.count_ones()
    }

    /// Whether the shard has members. An index of 64 or more is in no set.
    pub fn contains(self, shard: u8) -> bool {
        self.0 & Self::bit(shard) != 0
    }

    /// The indexes in it, ascending.
    pub fn iter(self) -> impl Iterator<Item = u8> {
        (0..Self::SHARDS_MAX).filter(move |shard| self.contains(*shard))
    }

    /// The set as bits: bit *n* is shard *n*.
    pub fn bits(self) -> u64 {
        self.0
    }

    pub(crate) fn insert(&mut self, shard: u8) {
        debug_assert!(shard < Self::SHARDS_MAX, "a node has at most 64 shards");
        self.0 |= Self::bit(shard);
    }

    pub(crate) fn remove(&mut self, shard: u8) {
        self.0 &= !Self::bit(shard);
    }

    fn bit(shard: u8) -> u64 {
        1_u64.checked_shl(u32::from(shard)).unwrap_or(0)
    }
}

/// The other gateways that a send goes to. This gateway is never among them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Targets {
    /// The holders of the key, and who may hold it without the directory knowing.
    Known(NodeList),
    /// Every live gateway, because the directory has no answer now. They filter; such sends are counted and should have
    /// a rate limit of their own.
    Untargeted(NodeList),
    /// [`Output::Resolved`] of this lookup brings them, within [`Timers::lookup`](crate::Timers::lookup).
    Wait(LookupId),
}

/// Where a connection is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holders {
    /// On this gateway.
    Local,
    /// On another gateway.
    At(NodeId),
    /// Nowhere: said just now by a replica that counts every live gateway as synced. Never remembered.
    Nobody,
    /// The directory cannot say; the gateways can.
    Unknown,
    /// [`Output::Resolved`] of this lookup says.
    Wait(LookupId),
}

/// What a lookup found out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolution {
    /// The other gateways that a send goes to.
    pub targets: NodeList,
    /// Whether [`targets`](Self::targets) is every live gateway for want of a valid answer.
    pub untargeted: bool,
    /// The other gateways that the answering replica knows to hold the key.
    pub holders: NodeList,
    /// Whether there are no other holders than these: the replica counts every live gateway as synced.
    pub certain: bool,
    /// Whether this gateway holds the key.
    pub local: bool,
}

impl Resolution {
    /// Where the connection is that was asked for. Never [`Holders::Wait`].
    pub fn connection(&self) -> Holders {
        match self.holders.first() {
            _ if self.local => Holders::Local,
            Some(node) => Holders::At(node.clone()),
            None if self.certain => Holders::Nobody,
            None => Holders::Unknown,
        }
    }
}

/// What the directory wants from its driver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Write a message to a stream, after all that was written to it before.
    ToRouter {
        /// The stream.
        stream: StreamId,
        /// The message.
        message: ToRouter,
    },
    /// Close the stream and dial again, not at once: [`disconnected`](crate::GatewayDirectory::disconnected) was done.
    Close {
        /// The stream.
        stream: StreamId,
        /// Why.
        reason: CloseReason,
    },
    /// Who waits for this change may go on.
    Visible(ChangeId),
    /// Who waits for this lookup has its answer.
    Resolved(LookupId, Resolution),
}

/// Why a stream is closed by the machine at one of its ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum CloseReason {
    /// The other end was silent for too long.
    #[error("the other end was silent for too long")]
    Silent,
    /// The router's layout is not the one that other routers told.
    #[error("the router's layout differs from that of other routers")]
    Layout,
    /// A message came that has no place on the stream, or at this moment.
    #[error("a message came that has no place there")]
    Protocol,
    /// The gateway opened a newer stream of the kind.
    #[error("a newer stream took its place")]
    Superseded,
    /// A stream of the kind leads to the same router by another address.
    #[error("another address leads to the same router")]
    Duplicate,
    /// The router is about to end.
    #[error("the router is draining")]
    Draining,
    /// The other end does not acknowledge what it is told.
    #[error("the other end does not acknowledge what it is told")]
    Slow,
}

/// Numbers about a gateway's directory, for metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct GatewayCounts {
    /// Keys that this gateway announces.
    pub keys: u64,
    /// Entries in the watch cache.
    pub cached: u64,
    /// Changes that somebody may still wait for.
    pub waiting: u64,
    /// Lookups that are not resolved.
    pub lookups: u64,
    /// Questions asked of replicas, ever.
    pub asked_total: u64,
    /// Sends that found their targets in the cache, ever.
    pub hits_total: u64,
    /// Sends that went to every live gateway for want of a valid answer, ever.
    pub untargeted_total: u64,
    /// Changes numbered, ever.
    pub changes_total: u64,
    /// Gateways that are live, this one not counted.
    pub live: u64,
}
