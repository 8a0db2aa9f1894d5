use std::time::Duration;

/// The bounds and delays of a node's streams. The defaults are the design's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// What the ring holds until it is acked, in bytes, for all streams together. Beyond it the oldest is dropped. 64 MiB.
    pub ring_max_bytes: usize,
    /// What is held behind gaps, in bytes, for all streams together. What does not fit is dropped and fetched. 16 MiB.
    pub hold_max_bytes: usize,
    /// A longer body is not published but fetched by each receiver. 512 KiB.
    pub published_body_max_bytes: usize,
    /// A page of a fetch ends after the body that reaches this many bytes. 512 KiB.
    pub page_max_bytes: usize,
    /// A page of a fetch has at most this many messages. 4,096.
    pub page_max_messages: usize,
    /// A gap is fetched this long after a higher number showed it. 30 ms.
    pub gap_delay: Duration,
    /// A number that a heartbeat announced is missing this long after. 100 ms.
    pub announced_gap_delay: Duration,
    /// Time between heartbeats. 500 ms.
    pub heartbeat_interval: Duration,
    /// An origin whose heartbeat was not heard for this long is fetched from, whether or not a gap is known. 1.5 s.
    pub silent_after: Duration,
    /// Time between such fetches while they succeed and bring nothing. 100 ms.
    pub silent_interval: Duration,
    /// A fetch unanswered for this long has failed. 1 s.
    pub fetch_timeout: Duration,
    /// Time from a failed fetch to the next on that stream. 250 ms.
    pub fetch_retry: Duration,
    /// Missing numbers are skipped when attempts to fetch them have failed for this long. 5 s.
    pub give_up: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            ring_max_bytes: 64 << 20,
            hold_max_bytes: 16 << 20,
            published_body_max_bytes: 512 << 10,
            page_max_bytes: 512 << 10,
            page_max_messages: 4096,
            gap_delay: Duration::from_millis(30),
            announced_gap_delay: Duration::from_millis(100),
            heartbeat_interval: Duration::from_millis(500),
            silent_after: Duration::from_millis(1500),
            silent_interval: Duration::from_millis(100),
            fetch_timeout: Duration::from_secs(1),
            fetch_retry: Duration::from_millis(250),
            give_up: Duration::from_secs(5),
        }
    }
}

/// What one entry of a ring or a hold is charged beyond its body, in bytes (DESIGN 9 charges queue entries the same).
pub(crate) const ENTRY_BYTES: usize = 64;
