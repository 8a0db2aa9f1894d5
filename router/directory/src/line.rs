use std::collections::VecDeque;
use std::time::Instant;

use crate::Timers;
use crate::message::{ToGateway, ToRouter};

/// One end of one stream: what is to be written, in order, and the pings that travel in the same queue.
#[derive(Debug)]
pub(crate) struct Line<M> {
    outbox: VecDeque<M>,
    /// When something last came from the other end.
    heard_at: Instant,
    ping_due_at: Instant,
    last_ping: u64,
    /// Pings that may still be answered, with the time they were sent.
    pings: VecDeque<(u64, Instant)>,
}

/// How many pings are remembered; one that is answered later renews no lease anyway.
const PINGS_MAX: usize = 64;

/// How many changes, questions or pushes go into one message.
const BATCH_MAX: usize = 1024;

impl<M: Message> Line<M> {
    /// A stream that opens now. Its first ping is due at once.
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            outbox: VecDeque::new(),
            heard_at: now,
            ping_due_at: now,
            last_ping: 0,
            pings: VecDeque::new(),
        }
    }

    /// Writes after all that was written before, into the message before it where that keeps the order.
    pub(crate) fn write(&mut self, message: M) {
        let rest = match self.outbox.back_mut() {
            Some(back) => back.append(message),
            None => Some(message),
        };
        self.outbox.extend(rest);
    }

    pub(crate) fn pop(&mut self) -> Option<M> {
        self.outbox.pop_front()
    }

    pub(crate) fn has_output(&self) -> bool {
        !self.outbox.is_empty()
    }

    pub(crate) fn heard(&mut self, now: Instant) {
        self.heard_at = now;
    }

    pub(crate) fn is_silent(&self, now: Instant, timers: &Timers) -> bool {
        now >= self.heard_at + timers.silent_replica
    }

    pub(crate) fn ping_if_due(&mut self, now: Instant, timers: &Timers) {
        if now < self.ping_due_at {
            return;
        }
        self.last_ping += 1;
        self.ping_due_at = now + timers.ping;
        if self.pings.len() == PINGS_MAX {
            self.pings.pop_front();
        }
        self.pings.push_back((self.last_ping, now));
        self.write(M::ping(self.last_ping));
    }

    /// When the ping was sent that is answered now, unless it was never sent or a later one was answered already.
    pub(crate) fn answered(&mut self, number: u64) -> Option<Instant> {
        let place = self.pings.iter().position(|(ping, _)| *ping == number)?;
        let (_, sent_at) = self.pings.drain(..=place).next_back()?;
        Some(sent_at)
    }

    pub(crate) fn due_at(&self, timers: &Timers) -> Instant {
        self.ping_due_at.min(self.heard_at + timers.silent_replica)
    }
}

/// What a [`Line`] has to know about its messages.
pub(crate) trait Message: Sized {
    fn ping(number: u64) -> Self;

    /// Takes the next message into this one, or gives it back.
    fn append(&mut self, next: Self) -> Option<Self>;
}

fn append_all<T>(to: &mut Vec<T>, more: Vec<T>) -> Option<Vec<T>> {
    if to.len() + more.len() > BATCH_MAX {
        return Some(more);
    }
    to.extend(more);
    None
}

impl Message for ToRouter {
    fn ping(number: u64) -> Self {
        Self::Ping(number)
    }

    fn append(&mut self, next: Self) -> Option<Self> {
        match (self, next) {
            (Self::Changes(to), Self::Changes(more)) => append_all(to, more).map(Self::Changes),
            (Self::Lookup(to), Self::Lookup(more)) => append_all(to, more).map(Self::Lookup),
            (Self::Unwatch(to), Self::Unwatch(more)) => append_all(to, more).map(Self::Unwatch),
            (Self::Ack { through }, Self::Ack { through: later }) => {
                *through = later;
                None
            }
            (_, next) => Some(next),
        }
    }
}

impl Message for ToGateway {
    fn ping(number: u64) -> Self {
        Self::Ping(number)
    }

    fn append(&mut self, next: Self) -> Option<Self> {
        match (self, next) {
            (Self::Visible(to), Self::Visible(more)) => append_all(to, more).map(Self::Visible),
            (Self::Answers(to), Self::Answers(more)) => append_all(to, more).map(Self::Answers),
            (Self::Applied { through }, Self::Applied { through: later }) => {
                *through = later;
                None
            }
            (
                Self::Pushes { last, pushes },
                Self::Pushes {
                    last: later,
                    pushes: more,
                },
            ) => match append_all(pushes, more) {
                None => {
                    *last = later;
                    None
                }
                Some(pushes) => Some(Self::Pushes {
                    last: later,
                    pushes,
                }),
            },
            (_, next) => Some(next),
        }
    }
}
