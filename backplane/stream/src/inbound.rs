//! The receiving end of one stream: the cursor, what is held behind a gap, and the fetch that closes it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use bytes::Bytes;
use hubplane_proto_ids::NodeId;

use crate::limits::ENTRY_BYTES;
use crate::streams::Node;
use crate::{
    Body, FetchFailed, FetchRequest, FetchResponse, MessageId, Number, Output, SkipReason,
};

/// The longest time between fetches from an origin that is silent and does not answer either.
const SILENT_RETRY_MAX: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(crate) struct Inbound {
    origin: NodeId,
    /// The cursor: the next number to deliver. Everything below was delivered or skipped.
    next: Number,
    /// What came before its turn. The entry of `next` itself is here only while its body is to be fetched.
    held: BTreeMap<Number, Held>,
    /// Numbers that were heard of, beyond what is held.
    known: Option<Known>,
    /// The fetch under way.
    attempt: Option<Attempt>,
    failing: Option<Failing>,
    /// No fetch before this.
    retry_at: Option<Instant>,
    /// When the origin's heartbeat was last heard.
    heard_at: Instant,
    /// When to fetch without knowing of a gap, because the origin is silent.
    poll_at: Instant,
    /// The next heartbeat tells the origin what is expected next.
    ack_owed: bool,
    /// The origin's generation was declared dead.
    dead: bool,
}

#[derive(Debug)]
struct Held {
    message_id: MessageId,
    body: Body,
    since: Instant,
}

/// All numbers up to `through` exist; what is not here of them is missing at `due`.
#[derive(Debug)]
struct Known {
    through: Number,
    due: Instant,
}

#[derive(Debug)]
struct Attempt {
    at: Instant,
    from: Number,
    /// The last number known to exist when it was made.
    known: Number,
}

/// Fetches fail.
#[derive(Debug)]
struct Failing {
    /// For how long, counted from the first attempt made. Time in which this process stood still counts little.
    spent: Duration,
    counted_at: Instant,
    /// The last number known to exist at the first of these attempts: what is given up.
    through: Number,
}

impl Inbound {
    pub(crate) fn new(origin: NodeId, node: &Node, now: Instant) -> Self {
        Self {
            origin,
            next: Number::FIRST,
            held: BTreeMap::new(),
            known: None,
            attempt: None,
            failing: None,
            retry_at: None,
            heard_at: now,
            poll_at: now + node.limits.silent_after,
            ack_owed: false,
            dead: false,
        }
    }

    pub(crate) fn next(&self) -> Number {
        self.next
    }

    /// What to ack, once.
    pub(crate) fn take_ack(&mut self) -> Option<Number> {
        std::mem::take(&mut self.ack_owed).then_some(self.next)
    }

    /// An envelope of this stream.
    pub(crate) fn receive(
        &mut self,
        number: Number,
        message_id: MessageId,
        body: Body,
        node: &mut Node,
        now: Instant,
    ) {
        if self.dead {
            node.stats.from_dead += 1;
            return;
        }
        if number < self.next {
            node.stats.duplicates += 1;
            return;
        }
        match body {
            Body::Here(body) if number == self.next => {
                self.let_go(number, node);
                self.deliver(message_id, body, node);
                self.drain(node);
            }
            body => self.hold(number, message_id, body, node, now),
        }
    }

    /// The origin's heartbeat, with the last number that it says it sent.
    pub(crate) fn heard(&mut self, last_sent: Option<Number>, node: &Node, now: Instant) {
        self.heard_at = now;
        self.poll_at = now + node.limits.silent_after;
        if self.dead {
            return;
        }
        if let Some(last) = last_sent {
            self.know(last, now + node.limits.announced_gap_delay);
            // It tells what was not acked: if all of that is here, an ack was lost.
            self.ack_owed = true;
        }
    }

    /// The origin's generation is dead: nothing that lacks will come.
    pub(crate) fn forget(&mut self, node: &mut Node) {
        self.attempt = None;
        self.skip_through(self.last_known(), SkipReason::OriginDead, node);
        self.dead = true;
        self.ack_owed = false;
    }

    /// When something is to be done here next.
    pub(crate) fn deadline(&self, node: &Node) -> Option<Instant> {
        if self.dead {
            return None;
        }
        if let Some(attempt) = &self.attempt {
            return Some(attempt.at + node.limits.fetch_timeout);
        }
        let due = match self.gap_due(node) {
            Some(due) => due.min(self.poll_at),
            None => self.poll_at,
        };
        Some(self.retry_at.map_or(due, |retry_at| due.max(retry_at)))
    }

    pub(crate) fn handle_timeout(&mut self, node: &mut Node, now: Instant) {
        if self.deadline(node).is_none_or(|deadline| now < deadline) {
            return;
        }
        if self.attempt.is_some() {
            self.failed(FetchFailed::Unanswered, node, now);
        } else {
            self.fetch(node, now);
        }
    }

    /// A page from the origin.
    pub(crate) fn fetched(&mut self, page: FetchResponse, node: &mut Node, now: Instant) {
        if self.dead {
            return;
        }
        node.stats.fetched += page.messages.len() as u64;
        let last = page.last;
        self.apply(page, node);
        let silent = self.is_silent(node, now);
        let due = if silent {
            now
        } else {
            now + node.limits.announced_gap_delay
        };
        self.know(last, due);
        // An answer that came too late was counted as a failure; what it brought counts.
        let Some(attempt) = &self.attempt else {
            return;
        };
        if attempt.known >= attempt.from && self.next <= attempt.from {
            return self.failed(FetchFailed::Unanswered, node, now);
        }
        self.attempt = None;
        self.failing = None;
        self.retry_at = None;
        if silent {
            self.poll_at = now + node.limits.silent_interval;
        }
    }

    /// No answer to the fetch under way.
    pub(crate) fn failed(&mut self, why: FetchFailed, node: &mut Node, now: Instant) {
        let Some(attempt) = self.attempt.take() else {
            return;
        };
        self.retry_at = Some(now + node.limits.fetch_retry);
        if self.is_silent(node, now) {
            let silence = now.duration_since(self.heard_at);
            self.poll_at = now + (silence / 10).min(SILENT_RETRY_MAX);
        }
        if why == FetchFailed::NotAttempted {
            if let Some(failing) = &mut self.failing {
                failing.counted_at = now;
            }
            return;
        }
        node.stats.fetches_failed += 1;
        // A process that stood still has made no attempts meanwhile.
        let step_max = node.limits.fetch_timeout + node.limits.fetch_retry;
        let failing = match self.failing.take() {
            Some(failing) if failing.through >= self.next => Failing {
                spent: failing.spent + now.duration_since(failing.counted_at).min(step_max),
                counted_at: now,
                through: failing.through,
            },
            _ => Failing {
                spent: now.duration_since(attempt.at).min(step_max),
                counted_at: now,
                through: attempt.known,
            },
        };
        if failing.spent < node.limits.give_up {
            self.failing = Some(failing);
        } else {
            self.skip_through(failing.through, SkipReason::Unreachable, node);
        }
    }

    fn fetch(&mut self, node: &mut Node, now: Instant) {
        self.attempt = Some(Attempt {
            at: now,
            from: self.next,
            known: self.last_known(),
        });
        let gap_is_due = self.gap_due(node).is_some_and(|due| due <= now);
        let to = if gap_is_due && !self.is_silent(node, now) {
            self.gap_end()
        } else {
            Number::MAX
        };
        node.stats.fetches += 1;
        node.outputs.push_back(Output::Fetch {
            origin: self.origin.clone(),
            request: FetchRequest {
                origin: self.origin.clone(),
                receiver: node.me.clone(),
                from: self.next,
                to,
            },
        });
    }

    fn apply(&mut self, page: FetchResponse, node: &mut Node) {
        // An origin echoes `from`, which is never above the cursor; a page that begins above it says nothing about the gap.
        if page.from > self.next {
            return;
        }
        let through = page.through.min(page.last);
        for message in page.messages {
            if message.number > through {
                break;
            }
            let before = message.number.previous();
            self.skip_through(before, SkipReason::GoneAtOrigin, node);
            if message.number < self.next {
                node.stats.duplicates += 1;
                continue;
            }
            self.let_go(message.number, node);
            self.deliver(message.message_id, message.body, node);
            self.drain(node);
        }
        self.skip_through(through, SkipReason::GoneAtOrigin, node);
    }

    fn hold(
        &mut self,
        number: Number,
        message_id: MessageId,
        body: Body,
        node: &mut Node,
        now: Instant,
    ) {
        let news = match (self.held.get(&number), &body) {
            (None, _) => true,
            (Some(held), Body::Here(_)) => matches!(held.body, Body::AtOrigin { .. }),
            (Some(_), Body::AtOrigin { .. }) => false,
        };
        if !news {
            node.stats.duplicates += 1;
            return;
        }
        self.let_go(number, node);
        if node.stats.hold_bytes + charge(&body) > node.limits.hold_max_bytes {
            node.stats.hold_overflow += 1;
            self.know(number, now + node.limits.gap_delay);
            return;
        }
        node.stats.held += 1;
        node.stats.hold_bytes += charge(&body);
        let held = Held {
            message_id,
            body,
            since: now,
        };
        self.held.insert(number, held);
    }

    /// Frees what is held under this number.
    fn let_go(&mut self, number: Number, node: &mut Node) -> Option<Held> {
        let held = self.held.remove(&number)?;
        node.stats.hold_bytes -= charge(&held.body);
        Some(held)
    }

    /// Delivers the message whose turn it is.
    fn deliver(&mut self, message_id: MessageId, body: Bytes, node: &mut Node) {
        let number = self.next;
        self.next = number.next();
        self.ack_owed = true;
        node.stats.delivered += 1;
        node.outputs.push_back(Output::Deliver {
            origin: self.origin.clone(),
            number,
            message_id,
            body,
        });
    }

    /// Delivers what is held from the cursor on, up to the next gap.
    fn drain(&mut self, node: &mut Node) {
        while let Some(entry) = self.held.first_entry() {
            if *entry.key() != self.next || matches!(entry.get().body, Body::AtOrigin { .. }) {
                break;
            }
            let held = entry.remove();
            node.stats.hold_bytes -= charge(&held.body);
            if let Body::Here(body) = held.body {
                self.deliver(held.message_id, body, node);
            }
        }
    }

    /// Moves the cursor past `limit`: delivers what is held on the way, and skips the rest.
    fn skip_through(&mut self, limit: Number, reason: SkipReason, node: &mut Node) {
        while self.next <= limit {
            // The next body that is here ends what is skipped; entries without one are skipped with the gap around them.
            let mut bodies = self.held.range(self.next..=limit);
            let here = bodies
                .find(|(_, held)| matches!(held.body, Body::Here(_)))
                .map(|(number, _)| *number);
            let stop = here.unwrap_or(limit.next());
            while let Some(number) = self.held.first_key_value().map(|(number, _)| *number)
                && number < stop
            {
                self.let_go(number, node);
            }
            node.skip(&self.origin, self.next, stop, reason);
            let stuck = stop == self.next;
            self.next = stop;
            self.ack_owed = true;
            self.drain(node);
            if stuck && here.is_none() {
                break;
            }
        }
    }

    /// All numbers up to `through` exist, and what is not here of them is missing at `due`.
    fn know(&mut self, through: Number, due: Instant) {
        if through < self.next {
            return;
        }
        match &mut self.known {
            Some(known) if known.through >= self.next => {
                known.through = known.through.max(through);
                known.due = known.due.min(due);
            }
            known => *known = Some(Known { through, due }),
        }
    }

    /// The last number that is known to exist.
    fn last_known(&self) -> Number {
        let held = self.held.last_key_value().map(|(number, _)| *number);
        let known = self.known.as_ref().map(|known| known.through);
        let known = known.max(held).unwrap_or_default();
        known.max(self.next.previous())
    }

    /// When the gap at the cursor is to be fetched, if there is one.
    fn gap_due(&self, node: &Node) -> Option<Instant> {
        let shown = self.held.first_key_value().map(|(number, held)| {
            if *number == self.next {
                held.since // only its body lacks: nothing to wait for
            } else {
                held.since + node.limits.gap_delay
            }
        });
        let known = self.known.as_ref();
        let told = known.filter(|known| known.through >= self.next);
        match (shown, told.map(|known| known.due)) {
            (Some(shown), Some(told)) => Some(shown.min(told)),
            (shown, told) => shown.or(told),
        }
    }

    /// The last number of the gap at the cursor.
    fn gap_end(&self) -> Number {
        let mut held = self.held.iter();
        match held.find(|(_, held)| matches!(held.body, Body::Here(_))) {
            Some((number, _)) => number.previous(),
            None => self.last_known(),
        }
    }

    fn is_silent(&self, node: &Node, now: Instant) -> bool {
        now >= self.heard_at + node.limits.silent_after
    }
}

fn charge(body: &Body) -> usize {
    match body {
        Body::Here(body) => body.len() + ENTRY_BYTES,
        Body::AtOrigin { .. } => ENTRY_BYTES,
    }
}
