use std::collections::VecDeque;

use crate::ring::Ring;
use crate::{FetchRequest, FetchResponse, Fetched, Limits, MessageId, Number};

/// The sending end of one stream.
#[derive(Debug, Default)]
pub(crate) struct Outbound {
    /// The last number given. It outlives everything else here: a stream never restarts.
    last: Number,
    /// The highest number that the receiver acked, with all below it.
    acked: Number,
    /// The message that `last` was given to.
    last_message: MessageId,
    /// What the ring keeps for this stream, by rising number. A number above `acked` that is not here is gone.
    kept: VecDeque<(Number, MessageId)>,
    /// The receiver's generation was declared dead.
    dead: bool,
}

impl Outbound {
    /// The next number, for a message; `None` if this message has one already.
    pub(crate) fn give(&mut self, id: MessageId) -> Option<Number> {
        if self.last_message == id {
            return None;
        }
        self.last_message = id;
        self.last = self.last.next();
        Some(self.last)
    }

    /// The ring keeps what the last number was given to.
    pub(crate) fn keep(&mut self) {
        self.kept.push_back((self.last, self.last_message));
    }

    pub(crate) fn is_dead(&self) -> bool {
        self.dead
    }

    pub(crate) fn last(&self) -> Number {
        self.last
    }

    /// Numbers that a receiver thought alive has not acked.
    pub(crate) fn unacked(&self) -> u64 {
        if self.dead {
            return 0;
        }
        self.last.as_raw() - self.acked.as_raw()
    }

    /// The receiver has everything below `next_expected`.
    pub(crate) fn ack(&mut self, next_expected: Number, ring: &mut Ring) {
        self.acked = self.acked.max(next_expected.previous().min(self.last));
        while let Some((_, id)) = self.kept.pop_front_if(|(number, _)| *number <= self.acked) {
            ring.release(id);
        }
    }

    /// The ring dropped this message. Returns whether this stream still needed it.
    pub(crate) fn lose(&mut self, id: MessageId) -> bool {
        // The ring drops its oldest, and numbers rise with message ids: only the first can be it.
        self.kept.pop_front_if(|(_, kept)| *kept == id).is_some()
    }

    pub(crate) fn forget(&mut self, ring: &mut Ring) {
        self.dead = true;
        for (_, id) in self.kept.drain(..) {
            ring.release(id);
        }
    }

    /// One page of what is asked for.
    pub(crate) fn page(
        &self,
        request: &FetchRequest,
        ring: &Ring,
        limits: &Limits,
    ) -> FetchResponse {
        let mut messages = Vec::new();
        let mut page_bytes = 0;
        let mut through = request.to.min(self.last);
        let start = self
            .kept
            .partition_point(|(number, _)| *number < request.from);
        for (number, id) in self.kept.range(start..) {
            if *number > request.to {
                break;
            }
            if page_bytes >= limits.page_max_bytes || messages.len() >= limits.page_max_messages {
                through = number.previous();
                break;
            }
            if let Some(body) = ring.get(*id) {
                page_bytes += body.len();
                messages.push(Fetched {
                    number: *number,
                    message_id: *id,
                    body: body.clone(),
                });
            }
        }
        FetchResponse {
            from: request.from,
            through,
            last: self.last,
            messages,
        }
    }
}
