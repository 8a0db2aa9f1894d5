//! Streams from gateway to gateway: every message once and in order, over a carrier that may lose.
//!
//! A *stream* is one origin generation to one receiving generation, numbered 1, 2, 3, … [`Streams`] is the machine of one
//! node for all its streams, in both directions. It numbers what the node sends and keeps it in a *ring* until it is acked;
//! it delivers only the next number of each origin, *holds* higher ones, and *fetches* what a *gap* lacks from the
//! origin. *Heartbeats* carry acks and the last number sent, so that a lost last message is found too.
//!
//! What it deliberately does not do: it moves no bytes (a carrier does), makes no calls (the relay carries a [`Output::Fetch`]
//! to the origin and its answer back), reads no clock (`now` is an argument), knows no groups (an audience
//! became gateways before), and declares nobody dead ([`Streams::forget`] is told).
//!
//! Drive it as every machine here: feed it ([`send`](Streams::send), [`receive`](Streams::receive),
//! [`fetched`](Streams::fetched), [`heard`](Streams::heard)), drain [`poll_output`](Streams::poll_output) to `None` after
//! each, and call [`handle_timeout`](Streams::handle_timeout) when [`poll_timeout`](Streams::poll_timeout) passes.
//!
//! `sent = delivered + skipped + under way` holds exactly: a number is delivered once or counted as skipped, never neither
//! and never both.

mod envelope;
mod fetch;
mod heartbeat;
mod inbound;
mod limits;
mod number;
mod outbound;
mod output;
mod ring;
mod stats;
mod streams;
mod wire;

#[cfg(test)]
mod tests;

pub use envelope::{Body, Envelope};
pub use fetch::{FetchFailed, FetchRequest, FetchResponse, Fetched};
pub use heartbeat::{Heartbeat, Told};
pub use limits::Limits;
pub use number::{MessageId, Number};
pub use output::{Destination, Output, SkipReason};
pub use stats::Stats;
pub use streams::Streams;
pub use wire::DecodeError;
