use bytes::Bytes;
use hubplane_proto_ids::NodeId;

use crate::{Envelope, FetchRequest, MessageId, Number};

/// What the machine wants done. Carry outputs out in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Give this to the carrier. Whether it gets there is the stream's concern.
    Publish {
        /// Where to.
        to: Destination,
        /// What.
        envelope: Envelope,
    },
    /// The next message of an origin's stream, whole.
    Deliver {
        /// Who sent it.
        origin: NodeId,
        /// Its place in the stream.
        number: Number,
        /// What the origin calls it.
        message_id: MessageId,
        /// What it sent.
        body: Bytes,
    },
    /// Ask the origin over the relay, and hand its answer to [`Streams::fetched`](crate::Streams::fetched). At most one per
    /// origin is under way.
    Fetch {
        /// Who is asked.
        origin: NodeId,
        /// What for.
        request: FetchRequest,
    },
    /// Messages of this origin that will never be delivered, at this point of its stream.
    Skipped {
        /// Whose messages.
        origin: NodeId,
        /// How many.
        count: u64,
        /// Why.
        reason: SkipReason,
    },
}

/// Where an envelope goes: the subject that carries it.
///
/// There is one kind today, the subject of one gateway (`gw`). Many targets will be served by the subject of a hub, once it
/// is measured from how many on that pays; heartbeats have the control subject and are no envelopes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// One gateway's generation.
    Gateway(NodeId),
}

/// Why numbers are skipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SkipReason {
    /// The origin says that it no longer has them, or that it never kept them.
    GoneAtOrigin,
    /// The origin's generation is dead.
    OriginDead,
    /// Fetching them has failed for [`Limits::give_up`](crate::Limits).
    Unreachable,
}
