use hubplane_backplane_stream::{Destination, Envelope, Heartbeat};

use crate::memory::{MemoryCarrier, MemoryInbound};

/// The end that a node publishes with. See the [crate] for what it promises.
#[derive(Debug)]
pub enum Carrier {
    /// To nodes of the same process.
    Memory(MemoryCarrier),
}

/// The carrier knows that nothing that is published now would get anywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the carrier is down")]
pub struct CarrierDown;

impl Carrier {
    /// Sends an envelope on its way. Returns before it is delivered; `Ok` does not say that it will be.
    ///
    /// Calls that are made one after the other arrive in that order at each destination.
    ///
    /// # Errors
    /// [`CarrierDown`]. The envelope is lost then, and its stream does what it does for a lost one: the receiver fetches it.
    pub fn publish(&self, to: &Destination, envelope: &Envelope) -> Result<(), CarrierDown> {
        match self {
            Self::Memory(carrier) => carrier.publish(to, envelope),
        }
    }

    /// Tells every node, this one too. As [`publish`](Self::publish) otherwise.
    ///
    /// # Errors
    /// [`CarrierDown`].
    pub fn beat(&self, heartbeat: &Heartbeat) -> Result<(), CarrierDown> {
        match self {
            Self::Memory(carrier) => carrier.beat(heartbeat),
        }
    }

    /// What this node's end has done since it joined.
    pub fn stats(&self) -> Stats {
        match self {
            Self::Memory(carrier) => carrier.stats(),
        }
    }
}

/// The end at which arrives what is for a node. Dropping it leaves the carrier.
#[derive(Debug)]
pub struct Inbound(pub(crate) Kind);

#[derive(Debug)]
pub(crate) enum Kind {
    Memory(MemoryInbound),
}

/// What arrives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Received {
    /// For this node's generation.
    Envelope(Envelope),
    /// Of any node, this one included.
    Heartbeat(Heartbeat),
}

impl Inbound {
    /// Waits for what arrives next; `None` when nothing ever will, because the node's place was taken (it joined again) or
    /// the carrier has ended. Cancel safe: what was not returned stays.
    pub async fn recv(&mut self) -> Option<Received> {
        match &mut self.0 {
            Kind::Memory(inbound) => inbound.recv().await,
        }
    }
}

/// Plain counters of one node's end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stats {
    /// Envelopes that were sent on their way.
    pub published: u64,
    /// Heartbeats that were sent on their way.
    pub beats: u64,
    /// Envelopes that came out of the inbound end.
    pub received: u64,
    /// Heartbeats that came out of the inbound end.
    pub heard: u64,
    /// What arrived and found the inbound queue full: dropped.
    pub overflowed: u64,
    /// What arrived and could not be read: dropped.
    pub malformed: u64,
}
