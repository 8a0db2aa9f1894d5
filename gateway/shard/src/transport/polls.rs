//! Long polling (reference signalr-core 8).

use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use hubplane_gateway_connection::{End, OutboundQueue, TransportClose};
use hubplane_proto_ids::ConnectionId;
use tokio::sync::oneshot;

use crate::entry::Entry;
use crate::shard::Shard;
use crate::transport::Wire;

/// One answer ends behind the message with which it reaches this length, in bytes; the next poll gets the rest.
const BODY_BYTES: usize = 64 * 1024;

/// What a poll is answered with (reference signalr-core 8.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PollAnswer {
    /// 200: whole hub messages, one behind the other.
    Messages(Bytes),
    /// 200 without a body: nothing came in time, and the client asks again.
    Nothing,
    /// 204: a newer poll has taken its place, or all is said.
    Over,
    /// 500: the application failed when the connection ended.
    Failed,
    /// 404: there is no such connection any more.
    Unknown,
}

/// A connection that its client asks for news now and then.
pub(crate) struct Polls {
    waiting: Option<Waiting>,
    /// Since when no poll waits, unless one does.
    idle_since: Instant,
    /// An answer that found nobody: the next poll gets it.
    unheard: Option<Bytes>,
    /// All has been said but what waits; how the poll behind it is answered.
    pub(crate) closing: Option<TransportClose>,
    /// The client has deleted it and asks for nothing more.
    deleted: bool,
}

/// A poll that waits for its answer.
struct Waiting {
    reply: oneshot::Sender<PollAnswer>,
    until: Instant,
}

impl Polls {
    /// Its first poll has been answered.
    pub(crate) const fn new(now: Instant) -> Self {
        Self {
            waiting: None,
            idle_since: now,
            unheard: None,
            closing: None,
            deleted: false,
        }
    }

    /// Until when the waiting poll waits, or the client may be gone.
    pub(crate) fn deadline(&self, idle: Duration) -> Instant {
        match &self.waiting {
            Some(waiting) => waiting.until,
            None => self.idle_since + idle,
        }
    }

    /// Whether all is said and nobody will ask any more; what is `queued` for a poll that waits comes first.
    pub(crate) const fn is_forsaken(&self, queued: bool) -> bool {
        self.deleted && self.closing.is_some() && !(queued && self.waiting.is_some())
    }

    /// Whether a waiting poll can be answered, if something is `queued` or not.
    pub(crate) const fn has_answer(&self, queued: bool) -> bool {
        self.waiting.is_some() && (queued || self.unheard.is_some() || self.closing.is_some())
    }

    /// Answers the waiting poll. `false`: it is gone, or there is none.
    fn answer(&mut self, answer: PollAnswer, now: Instant) -> bool {
        let Some(waiting) = self.waiting.take() else {
            return false;
        };
        self.idle_since = now;
        match waiting.reply.send(answer) {
            Ok(()) => true,
            Err(PollAnswer::Messages(bytes)) => {
                self.unheard = Some(bytes);
                false
            }
            Err(_) => false,
        }
    }

    /// What the waiting poll is answered with now.
    fn next(&mut self, queue: &mut OutboundQueue, now: Instant) -> Option<PollAnswer> {
        if let Some(bytes) = self.unheard.take() {
            return Some(PollAnswer::Messages(bytes));
        }
        if !queue.is_empty() {
            return Some(PollAnswer::Messages(gather(queue, now)));
        }
        self.closing.map(|close| match close {
            TransportClose::Normal => PollAnswer::Over,
            TransportClose::Failed => PollAnswer::Failed,
        })
    }
}

/// Takes messages until a body is long enough. One message alone is not copied.
fn gather(queue: &mut OutboundQueue, now: Instant) -> Bytes {
    let Some((_, first)) = queue.take(now) else {
        return Bytes::new();
    };
    if queue.is_empty() || first.len() >= BODY_BYTES {
        return first;
    }
    let mut body = BytesMut::from(first);
    while body.len() < BODY_BYTES
        && let Some((_, next)) = queue.take(now)
    {
        body.extend_from_slice(&next);
    }
    body.freeze()
}

impl Shard {
    /// A poll has come; an older one that still waits is over.
    pub(crate) fn poll(&mut self, connection: &ConnectionId, reply: oneshot::Sender<PollAnswer>) {
        let place = self.place_of_parted(connection);
        let Some(entry) = place.and_then(|place| self.entries.get_mut(place)) else {
            return tell(reply, PollAnswer::Unknown);
        };
        let until = self.now + entry.connection.options().poll_timeout;
        let Some(Wire::Polls(polls)) = &mut entry.wire else {
            return tell(reply, PollAnswer::Unknown);
        };
        polls.answer(PollAnswer::Over, self.now);
        polls.waiting = Some(Waiting { reply, until });
        entry.blocked = false;
        if let Some(place) = place {
            self.mark_dirty(place);
            // Its client may go away without a word: that wakes the shard.
            self.look_at_polls(place);
            self.watch_clock(place);
        }
    }

    /// The client wants no more: what it has sent is carried out, and a poll that waits is told of the end.
    pub(crate) fn delete(&mut self, connection: &ConnectionId) {
        let Some(place) = self.place_of_parted(connection) else {
            return;
        };
        if let Some(entry) = self.entries.get_mut(place) {
            if let Some(Wire::Polls(polls)) = &mut entry.wire {
                polls.deleted = true;
            }
            entry.connection.handle_end(End::Deleted, self.now);
            self.pump(place);
        }
    }

    /// Answers the poll that waits, if there is an answer.
    pub(crate) fn flush_polls(&mut self, place: usize) {
        let Some(entry) = self.entries.get_mut(place) else {
            return;
        };
        let Entry { wire, queue, .. } = entry;
        let Some(Wire::Polls(polls)) = wire else {
            return;
        };
        if polls.waiting.is_some()
            && let Some(answer) = polls.next(queue, self.now)
        {
            let bytes = match &answer {
                PollAnswer::Messages(bytes) => bytes.len() as u64,
                _ => 0,
            };
            let is_over = answer == PollAnswer::Over;
            if polls.answer(answer, self.now) {
                self.metrics.writes += 1;
                self.metrics.bytes_out += bytes;
                if is_over {
                    entry.drop_wire();
                    return self.remove_if_over(place);
                }
            }
        }
        entry.blocked = !matches!(&entry.wire, Some(Wire::Polls(polls)) if polls.waiting.is_some());
        self.written(place);
    }

    /// The client of a waiting poll may have gone: the connection stays, and waits for its next poll.
    pub(crate) fn look_at_polls(&mut self, place: usize) {
        let Some(entry) = self.entries.get_mut(place) else {
            return;
        };
        let Some(Wire::Polls(polls)) = &mut entry.wire else {
            return;
        };
        let mut cx = std::task::Context::from_waker(&entry.waker);
        if let Some(waiting) = &mut polls.waiting
            && waiting.reply.poll_closed(&mut cx).is_ready()
        {
            polls.waiting = None;
            polls.idle_since = self.now;
            entry.blocked = true;
            self.watch_clock(place);
        }
    }

    /// The time of a waiting poll is over, or of a client that does not poll.
    pub(crate) fn polls_are_due(&mut self, place: usize) {
        let Some(entry) = self.entries.get_mut(place) else {
            return;
        };
        match &mut entry.wire {
            Some(Wire::Polls(polls)) if polls.waiting.is_some() => {
                polls.answer(PollAnswer::Nothing, self.now);
                entry.blocked = true;
                self.pump(place);
            }
            _ => self.lose_wire(place),
        }
    }
}

/// Whoever asked may have gone.
fn tell(reply: oneshot::Sender<PollAnswer>, answer: PollAnswer) {
    drop(reply.send(answer));
}
