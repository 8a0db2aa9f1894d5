/// What a node's streams have done since its start, and what they hold now. Plain counters; reading them costs nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stats {
    /// Messages sent, each counted once, however many its targets.
    pub messages: u64,
    /// Numbers given: one per message and target, with those of [`passed_over`](Self::passed_over).
    pub sent: u64,
    /// Numbers given without anything being sent.
    pub passed_over: u64,
    /// Numbers that the ring dropped before they were acked. Not a loss in itself: most have long arrived.
    pub overrun: u64,
    /// Messages delivered.
    pub delivered: u64,
    /// Numbers skipped, whatever the reason: messages that this node will never deliver.
    pub skipped: u64,
    /// Of those: the origin no longer had them.
    pub skipped_gone: u64,
    /// Of those: the origin's generation is dead.
    pub skipped_dead: u64,
    /// Of those: fetching failed for too long.
    pub skipped_unreachable: u64,
    /// Messages that came again and were dropped.
    pub duplicates: u64,
    /// Messages that came before their turn and were held.
    pub held: u64,
    /// Messages that came before their turn and found no room; they are fetched later.
    pub hold_overflow: u64,
    /// Fetches asked for.
    pub fetches: u64,
    /// Fetches that were tried and failed.
    pub fetches_failed: u64,
    /// Messages that a fetch brought, wanted or not.
    pub fetched: u64,
    /// Envelopes for another node or another generation of this one, dropped.
    pub misaddressed: u64,
    /// Envelopes of a generation that was declared dead, dropped.
    pub from_dead: u64,
    /// Now in the ring, in bytes.
    pub ring_bytes: usize,
    /// Now held behind gaps, in bytes.
    pub hold_bytes: usize,
}
