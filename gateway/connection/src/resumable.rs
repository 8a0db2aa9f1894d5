//! The outbound queue of a connection that may come back on another transport (reference signalr-core 17).

use std::time::Instant;

use bytes::Bytes;

use crate::queue::{Bound, Entry};
use crate::unacknowledged::{KeepLimits, Unacknowledged};
use crate::{Head, OutboundQueue, QueueLimits};

impl OutboundQueue {
    /// From now on messages are numbered and kept until they are acknowledged. Once more than `limit_bytes` are not, not
    /// counting frame headers, the next message waits for an acknowledgement. What waits is charged as before.
    pub fn keep_unacknowledged(&mut self, limit_bytes: usize, limits: &QueueLimits) {
        let limits = KeepLimits {
            open_bytes_max: limit_bytes,
            kept_bytes_max: limits.bytes_max.max(limit_bytes.saturating_mul(2)),
        };
        let unacknowledged = Unacknowledged::new(limits, self.charge.beside());
        self.unacknowledged = Some(Box::new(unacknowledged));
    }

    /// The connection ends: nothing is kept any more. What waits for room is written if the client still hears, and
    /// dropped if not.
    pub fn forget_unacknowledged(&mut self, hears: bool) {
        let Some(unacknowledged) = self.unacknowledged.take() else {
            return;
        };
        for entry in unacknowledged.held {
            if hears {
                self.entries.push_back(entry);
            } else {
                self.leaves(&entry);
            }
        }
    }

    /// The client has got everything up to this number.
    pub fn acknowledge(&mut self, through: u64, now: Instant) {
        if let Some(unacknowledged) = &mut self.unacknowledged
            && unacknowledged.acknowledge(through)
        {
            self.release();
            self.advances(now);
        }
    }

    /// While `lifted`, nothing waits for acknowledgements: the client's messages are not read, and its acknowledgements
    /// not either, so that who sends would wait for itself. More is kept then, the bound of sends to audiences, and what
    /// does not fit even there is gone ([`may_resume`](Self::may_resume)).
    pub fn lift(&mut self, lifted: bool) {
        if let Some(unacknowledged) = &mut self.unacknowledged
            && unacknowledged.lifted != lifted
        {
            unacknowledged.lifted = lifted;
            self.release();
        }
    }

    /// Whether another transport could go on where the last one ended.
    pub fn may_resume(&self) -> bool {
        let unacknowledged = self.unacknowledged.as_ref();
        unacknowledged.is_some_and(|it| it.is_whole())
    }

    /// Whether messages wait for another transport.
    pub fn is_detached(&self) -> bool {
        let unacknowledged = self.unacknowledged.as_ref();
        unacknowledged.is_some_and(|it| !it.attached)
    }

    /// Whether the transport has taken whole entries only.
    pub fn is_between_frames(&self) -> bool {
        self.taken_bytes == 0
    }

    /// The number of the first message that another transport would be sent (17.5). No higher than what the client
    /// expects, which may be less than it has acknowledged.
    pub fn first_unacknowledged(&self) -> u64 {
        self.unacknowledged.as_ref().map_or(1, |it| it.first())
    }

    /// The transport is gone. Messages go on being kept and waiting; all else is dropped. A queue that keeps nothing is
    /// cleared.
    pub fn detach(&mut self) {
        let Some(unacknowledged) = &mut self.unacknowledged else {
            return self.clear();
        };
        unacknowledged.attached = false;
        unacknowledged.lifted = false;
        for entry in std::mem::take(&mut self.entries) {
            self.leaves(&entry);
        }
        self.start_over();
        self.release();
    }

    /// There is another transport: it is sent `sequence`, then what is kept, then what waits. What the one before has not
    /// taken, if there still was one, is dropped.
    pub fn attach(&mut self, sequence: (Head, Bytes), now: Instant) {
        self.detach();
        let Some(unacknowledged) = &mut self.unacknowledged else {
            return;
        };
        unacknowledged.attached = true;
        unacknowledged.sent_before = unacknowledged.sent;
        let kept: Vec<_> = unacknowledged
            .kept
            .iter()
            .map(|entry| (entry.head, entry.body.clone()))
            .collect();
        for (head, body) in std::iter::once(sequence).chain(kept) {
            // What is sent again is bounded by what is kept.
            let bound = Bound::Elsewhere(0);
            self.append(Entry { head, body, bound }, now);
        }
        self.advances(now);
    }

    /// A message lines up for its number.
    pub(crate) fn hold(&mut self, entry: Entry, now: Instant) {
        self.comes(&entry, now);
        if let Some(unacknowledged) = &mut self.unacknowledged {
            unacknowledged.held.push_back(entry);
        }
        self.release();
    }

    /// What may be sent is. Without a transport it is kept alone, and its window is given back: the kept ones are bounded,
    /// and those that wait hold theirs.
    fn release(&mut self) {
        while let Some(unacknowledged) = &mut self.unacknowledged
            && let Some(entry) = unacknowledged.next()
        {
            if unacknowledged.attached {
                self.entries.push_back(entry);
            } else {
                self.leaves(&entry);
            }
        }
        if self.is_detached() {
            // Whoever is not there cannot take anything: how long that may last is bounded by itself.
            self.start_over();
        }
    }
}
