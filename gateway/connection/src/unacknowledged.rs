//! What a client may ask for again (reference signalr-core 17.2 to 17.5).

use std::collections::VecDeque;

use crate::account::Charge;
use crate::queue::Entry;

/// Messages that were sent under a number and may have to be sent again, and those that wait for acknowledgements.
///
/// Numbers are implicit: each message sent takes the next one. What is kept shares its bytes with the queue and with all
/// other receivers.
///
/// An Ack frees room, but not always the message. A client acknowledges the highest number that it has ever taken, and
/// believes a Sequence only up to the number that it expects next, which every Sequence sets back: an Ack in the middle of
/// a replay that is cut off there says more than the client will believe of the next Sequence. So what was sent to an
/// earlier transport is kept until something that was not is acknowledged.
#[derive(Debug)]
pub(crate) struct Unacknowledged {
    /// The number of the last message that was sent.
    pub(crate) sent: u64,
    /// The highest number that the client has acknowledged; it may acknowledge what was never sent (17.3).
    pub(crate) acknowledged: u64,
    /// The last number that was sent when the present transport came.
    pub(crate) sent_before: u64,
    /// The last messages that were sent, without a gap.
    pub(crate) kept: VecDeque<Entry>,
    /// What they cost in memory, as whoever keeps the account sees it.
    pub(crate) charge: Charge,
    /// What they count, in bytes.
    kept_bytes: usize,
    /// What those of them count that are not acknowledged, in bytes.
    open_bytes: usize,
    limits: KeepLimits,
    /// The limit was exceeded and no acknowledgement has brought it below since.
    full: bool,
    /// Nothing waits: the acknowledgements that it would wait for are not read either.
    pub(crate) lifted: bool,
    /// Messages up to this number are gone without being acknowledged.
    gone: u64,
    /// What waits for room, in order.
    pub(crate) held: VecDeque<Entry>,
    /// Whether there is a transport.
    pub(crate) attached: bool,
}

/// The bounds of what is kept, in bytes of hub messages.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KeepLimits {
    /// How much may not be acknowledged before the next message waits.
    pub(crate) open_bytes_max: usize,
    /// How much is kept at most, acknowledged or not. What is not is dropped only where nothing waits.
    pub(crate) kept_bytes_max: usize,
}

impl Unacknowledged {
    pub(crate) fn new(limits: KeepLimits, charge: Charge) -> Self {
        Self {
            sent: 0,
            acknowledged: 0,
            sent_before: 0,
            kept: VecDeque::new(),
            charge,
            kept_bytes: 0,
            open_bytes: 0,
            limits,
            full: false,
            lifted: false,
            gone: 0,
            held: VecDeque::new(),
            attached: true,
        }
    }

    /// The next message that may be sent now, with its number taken and itself kept.
    pub(crate) fn next(&mut self) -> Option<Entry> {
        if self.full && !self.lifted {
            return None;
        }
        let entry = self.held.pop_front()?;
        self.keep(entry.copy());
        Some(entry)
    }

    /// Takes the next number for a message.
    pub(crate) fn keep(&mut self, entry: Entry) {
        self.sent += 1;
        if self.sent <= self.acknowledged {
            return;
        }
        let bytes = payload_bytes(&entry);
        self.kept_bytes += bytes;
        self.open_bytes += bytes;
        self.charge.add(entry.own_bytes());
        self.kept.push_back(entry);
        self.full |= self.open_bytes > self.limits.open_bytes_max;
        while self.kept_bytes > self.limits.kept_bytes_max {
            let first = self.first();
            if first > self.acknowledged {
                if !self.lifted {
                    break;
                }
                self.gone = first;
            }
            self.drop_first();
        }
    }

    /// Everything up to `through` has arrived. True if that was news.
    pub(crate) fn acknowledge(&mut self, through: u64) -> bool {
        if through <= self.acknowledged {
            return false;
        }
        for (number, entry) in (self.first()..).zip(&self.kept) {
            if number > self.acknowledged && number <= through {
                self.open_bytes -= payload_bytes(entry);
            }
        }
        self.acknowledged = through;
        if through > self.sent_before {
            while !self.kept.is_empty() && self.first() <= through {
                self.drop_first();
            }
        }
        if self.open_bytes < self.limits.open_bytes_max || self.open_bytes == 0 {
            self.full = false;
        }
        if self.kept.is_empty() {
            // An idle connection keeps no room.
            self.kept = VecDeque::new();
        }
        true
    }

    fn drop_first(&mut self) {
        let is_open = self.first() > self.acknowledged;
        if let Some(entry) = self.kept.pop_front() {
            let bytes = payload_bytes(&entry);
            self.charge.take_away(entry.own_bytes());
            self.kept_bytes -= bytes;
            if is_open {
                self.open_bytes -= bytes;
            }
        }
    }

    /// The number of the first message that is kept, or of the next one if none is: what a Sequence names.
    pub(crate) fn first(&self) -> u64 {
        self.sent + 1 - self.kept.len() as u64
    }

    /// Whether all that the client may ask for is there.
    pub(crate) fn is_whole(&self) -> bool {
        self.gone <= self.acknowledged
    }
}

/// The length of the hub message in a whole, unmasked WebSocket frame, the only transport that can be resumed: the limit
/// is the reference's, which knows no frames.
fn payload_bytes(entry: &Entry) -> usize {
    let mut start = entry.head.as_slice().iter().chain(&entry.body).copied();
    let header_bytes = match start.nth(1).map(|byte| byte & 0x7f) {
        Some(127) => 10,
        Some(126) => 4,
        _ => 2,
    };
    (entry.head.as_slice().len() + entry.body.len()).saturating_sub(header_bytes)
}
