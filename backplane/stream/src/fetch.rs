use bytes::Bytes;
use hubplane_proto_ids::NodeId;

use crate::{MessageId, Number};

/// Asks an origin for numbers of one stream again. Travels over the relay, not over the carrier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchRequest {
    /// Whose stream it is, and who answers; another generation refuses.
    pub origin: NodeId,
    /// Who asks.
    pub receiver: NodeId,
    /// The first number that is wanted; everything below is acked by asking.
    pub from: Number,
    /// The last number that is wanted; [`Number::MAX`] for all there are.
    pub to: Number,
}

/// An origin's answer: one page, which speaks for every number from `from` to `through`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchResponse {
    /// As asked.
    pub from: Number,
    /// The last number that this page speaks for; below `from` when it speaks for none. A number of `from..=through` that is
    /// not among the messages is one that the origin no longer has.
    pub through: Number,
    /// The last number that the origin gave to this stream.
    pub last: Number,
    /// What the origin still has, by rising number.
    pub messages: Vec<Fetched>,
}

/// One message of a fetched page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// Its place in the stream.
    pub number: Number,
    /// What the origin calls it.
    pub message_id: MessageId,
    /// All of it, whatever its size.
    pub body: Bytes,
}

/// Why a fetch brought no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FetchFailed {
    /// Nothing was tried (no address is known, say): the time until numbers are given up does not start by it.
    #[error("the fetch was not attempted")]
    NotAttempted,
    /// It was tried, and no answer came.
    #[error("the origin did not answer")]
    Unanswered,
    /// Another generation than the origin's answered.
    #[error("another generation answered")]
    OtherGeneration,
}
