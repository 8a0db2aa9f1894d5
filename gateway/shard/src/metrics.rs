use std::sync::atomic::{AtomicU64, Ordering};

use hubplane_proto_link::CloseReason;

/// The names of the reasons for which connections end, in the order of [`Metrics::closes`]: those of
/// [`CloseReason::name`].
pub const CLOSE_REASONS: [&str; 12] = [
    "client_closed",
    "client_error",
    "transport_lost",
    "aborted",
    "client_timeout",
    "protocol_error",
    "unserializable",
    "slow_consumer",
    "opening_failed",
    "draining",
    "closed_by_hub",
    "authentication_expired",
];

/// What one shard, or all of them, have done so far. Counters only grow, but for the two that say *now*.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Metrics {
    /// Connections now, from their attachment to their end.
    pub connections: u64,
    /// Group memberships now.
    pub memberships: u64,
    /// Connections attached.
    pub attached: u64,
    /// Other WebSockets that connections went on over.
    pub resumed: u64,
    /// Messages given to the queue of one connection each, out of sends to audiences.
    pub deliveries: u64,
    /// Invocations handed to hub-hosts.
    pub invocations: u64,
    /// Items of streams that hubs answered with.
    pub stream_items: u64,
    /// Items of streams that clients sent.
    pub upload_items: u64,
    /// Clients asked for a result.
    pub client_results: u64,
    /// WebSocket frames written whole.
    pub frames_written: u64,
    /// Vectored writes.
    pub writes: u64,
    /// Bytes read from sockets.
    pub bytes_in: u64,
    /// Bytes that sockets took.
    pub bytes_out: u64,
    /// Messages that had no form in the protocol of one receiver each.
    pub unserializable: u64,
    /// Connections that ended, by reason, in the order of [`CLOSE_REASONS`].
    pub closes: [u64; CLOSE_REASONS.len()],
    /// Turns of the loop.
    pub turns: u64,
}

const FIXED: usize = 15;
const NUMBERS: usize = FIXED + CLOSE_REASONS.len();

impl Metrics {
    /// Connections that ended for this reason, by its name.
    pub fn closed(&self, reason: &str) -> u64 {
        CLOSE_REASONS
            .iter()
            .zip(self.closes)
            .filter(|(name, _)| **name == reason)
            .map(|(_, count)| count)
            .sum()
    }

    pub(crate) fn count_close(&mut self, reason: &CloseReason) {
        let position = CLOSE_REASONS.iter().position(|name| *name == reason.name());
        debug_assert!(position.is_some(), "every reason is listed");
        if let Some(count) = position.and_then(|position| self.closes.get_mut(position)) {
            *count += 1;
        }
    }

    pub(crate) fn plus(self, other: Self) -> Self {
        let (a, b) = (self.numbers(), other.numbers());
        Self::from_numbers(std::array::from_fn(|n| a[n] + b[n]))
    }

    fn numbers(self) -> [u64; NUMBERS] {
        let mut numbers = [0; NUMBERS];
        let (fixed, closes) = numbers.split_at_mut(FIXED);
        fixed.copy_from_slice(&[
            self.connections,
            self.memberships,
            self.attached,
            self.deliveries,
            self.invocations,
            self.stream_items,
            self.upload_items,
            self.client_results,
            self.frames_written,
            self.writes,
            self.bytes_in,
            self.bytes_out,
            self.unserializable,
            self.turns,
            self.resumed,
        ]);
        closes.copy_from_slice(&self.closes);
        numbers
    }

    fn from_numbers(numbers: [u64; NUMBERS]) -> Self {
        Self {
            connections: numbers[0],
            memberships: numbers[1],
            attached: numbers[2],
            deliveries: numbers[3],
            invocations: numbers[4],
            stream_items: numbers[5],
            upload_items: numbers[6],
            client_results: numbers[7],
            frames_written: numbers[8],
            writes: numbers[9],
            bytes_in: numbers[10],
            bytes_out: numbers[11],
            unserializable: numbers[12],
            turns: numbers[13],
            resumed: numbers[14],
            closes: std::array::from_fn(|n| numbers[FIXED + n]),
        }
    }
}

/// Where a shard puts its plain integers at the end of a turn, for instruments to read.
#[derive(Debug)]
pub(crate) struct Published([AtomicU64; NUMBERS]);

impl Default for Published {
    fn default() -> Self {
        Self(std::array::from_fn(|_| AtomicU64::new(0)))
    }
}

impl Published {
    pub(crate) fn write(&self, metrics: Metrics) {
        for (cell, number) in self.0.iter().zip(metrics.numbers()) {
            cell.store(number, Ordering::Relaxed);
        }
    }

    pub(crate) fn read(&self) -> Metrics {
        Metrics::from_numbers(std::array::from_fn(|n| self.0[n].load(Ordering::Relaxed)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_published_is_read_again() {
        let metrics = Metrics::from_numbers(std::array::from_fn(|n| n as u64 + 1));
        let published = Published::default();
        published.write(metrics);
        assert_eq!(published.read(), metrics);
        let last = CLOSE_REASONS[CLOSE_REASONS.len() - 1];
        assert_eq!(metrics.plus(metrics).closed(last), 2 * NUMBERS as u64);
    }

    #[test]
    fn every_reason_for_an_end_is_counted_under_its_name() {
        let text = || "x".to_owned();
        let reasons = [
            CloseReason::ClientClosed,
            CloseReason::ClientError(text()),
            CloseReason::TransportLost,
            CloseReason::Aborted,
            CloseReason::ClientTimeout,
            CloseReason::ProtocolError(text()),
            CloseReason::Unserializable(text()),
            CloseReason::SlowConsumer,
            CloseReason::OpeningFailed,
            CloseReason::Draining,
            CloseReason::ByHub(text()),
            CloseReason::AuthenticationExpired,
        ];
        for reason in reasons {
            let mut metrics = Metrics::default();
            metrics.count_close(&reason);
            assert_eq!(metrics.closed(reason.name()), 1, "{reason:?}");
        }
    }
}
