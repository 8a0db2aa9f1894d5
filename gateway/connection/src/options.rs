use std::num::NonZeroU32;
use std::time::Duration;

use hubplane_proto_signalr::Encoding;

/// What may be set per hub for its Core connections; the defaults are the reference's (signalr-core 12.1) and DESIGN 9's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Until the handshake is answered.
    pub handshake_timeout: Duration,
    /// From one ping to the client to the next.
    pub keep_alive_interval: Duration,
    /// How long a client may be silent once it has pinged.
    pub client_timeout: Duration,
    /// The longest hub message from a client in bytes, framing included; `None` is without limit.
    pub message_bytes_max: Option<usize>,
    /// Whether Close messages and handshake errors tell the client what was wrong.
    pub detailed_errors: bool,
    /// How many ordinary invocations of one connection run at a time.
    pub parallel_invocations_max: NonZeroU32,
    /// The hub protocols that the hub speaks.
    pub encodings: Vec<Encoding>,
    /// How many streams of one connection may be under way, in both directions together; one more is refused.
    pub streams_max: usize,
    /// How many bytes of a client wait unread by the machine, while it opens or an invocation waits for its slot,
    /// before reading stops.
    pub read_ahead_bytes_max: usize,
    /// How long a Close that the client brought about waits for the answers to what it had invoked before.
    pub answers_timeout: Duration,
    /// How long what a client sent before it left is still carried out.
    pub drain_timeout: Duration,
    /// How long `on_disconnected` is waited for before the connection is forgotten.
    pub closing_timeout: Duration,
    /// How long the transport waits for the client to close it too.
    pub transport_close_timeout: Duration,
    /// How long a client that polls may go without one before it counts as gone (reference signalr-core 5.2).
    pub disconnect_timeout: Duration,
    /// How long a poll waits for something to answer (reference signalr-core 8.1).
    pub poll_timeout: Duration,
    /// Whether a connection may go on over another WebSocket when its own is lost, and how.
    pub stateful_reconnect: Option<StatefulOptions>,
    /// The bounds of the outbound queue.
    pub queue: QueueLimits,
}

/// What may be set for stateful reconnect (reference signalr-core 12.1, 17).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatefulOptions {
    /// How much may be sent without being acknowledged before the next message waits, in bytes of hub messages.
    pub buffer_bytes: usize,
    /// How long a connection waits for its client after it has lost its WebSocket.
    pub detached_timeout: Duration,
}

impl Default for StatefulOptions {
    fn default() -> Self {
        Self {
            buffer_bytes: 100_000,
            detached_timeout: Duration::from_secs(15),
        }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            handshake_timeout: Duration::from_secs(15),
            keep_alive_interval: Duration::from_secs(15),
            client_timeout: Duration::from_secs(30),
            message_bytes_max: Some(32 * 1024),
            detailed_errors: false,
            parallel_invocations_max: NonZeroU32::MIN,
            encodings: Encoding::ALL.to_vec(),
            streams_max: 1000,
            read_ahead_bytes_max: 64 * 1024,
            answers_timeout: Duration::from_millis(100),
            drain_timeout: Duration::from_secs(5),
            closing_timeout: Duration::from_secs(60),
            transport_close_timeout: Duration::from_secs(5),
            disconnect_timeout: Duration::from_secs(15),
            poll_timeout: Duration::from_secs(90),
            stateful_reconnect: None,
            queue: QueueLimits::default(),
        }
    }
}

/// The bounds of an [`OutboundQueue`](crate::OutboundQueue) (DESIGN 9).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueLimits {
    /// The most that may wait of sends to audiences, in bytes, each entry charged its length and 64 bytes.
    pub bytes_max: usize,
    /// How long the transport may go without taking a byte while something waits.
    pub age_max: Duration,
    /// Above this many bytes no further message of the client is taken: its answers would only add to the queue. More
    /// than twice what a full window charges, so that a stream to a slow client does not keep its cancellation unread.
    pub pause_reading_bytes: usize,
}

impl Default for QueueLimits {
    fn default() -> Self {
        Self {
            bytes_max: 1024 * 1024,
            age_max: Duration::from_secs(30),
            pause_reading_bytes: 256 * 1024,
        }
    }
}
