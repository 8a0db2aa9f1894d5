use std::collections::{BTreeMap, VecDeque};
use std::time::Instant;

use bytes::Bytes;
use hubplane_proto_ids::NodeId;

use crate::inbound::Inbound;
use crate::outbound::Outbound;
use crate::ring::Ring;
use crate::{
    Body, Destination, Envelope, FetchFailed, FetchRequest, FetchResponse, Heartbeat, Limits,
    MessageId, Number, Output, SkipReason, Stats, Told,
};

/// All streams of one node generation, both directions. Holds no socket, clock, task or channel.
///
/// Drain [`poll_output`](Self::poll_output) to `None` after every call that takes `&mut self`, and carry the outputs out in order.
#[derive(Debug)]
pub struct Streams {
    node: Node,
    last_message: MessageId,
    ring: Ring,
    outbound: BTreeMap<NodeId, Outbound>,
    inbound: BTreeMap<NodeId, Inbound>,
    heartbeat_at: Option<Instant>,
}

/// What all streams of a node share.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) me: NodeId,
    pub(crate) limits: Limits,
    pub(crate) stats: Stats,
    pub(crate) outputs: VecDeque<Output>,
}

impl Streams {
    /// The streams of this generation, with nothing sent and nothing received.
    pub fn new(me: NodeId, limits: Limits) -> Self {
        Self {
            node: Node {
                me,
                limits,
                stats: Stats::default(),
                outputs: VecDeque::new(),
            },
            last_message: MessageId::default(),
            ring: Ring::default(),
            outbound: BTreeMap::new(),
            inbound: BTreeMap::new(),
            heartbeat_at: None,
        }
    }

    /// Gives the body a number in the stream of each target and puts out one [`Output::Publish`] each. Returns what the message
    /// is called. A target that is named twice gets it once; this node itself gets nothing.
    ///
    /// The ring keeps `body` until all targets have acked it, and with it the whole allocation that it is a slice of: a
    /// small part of a large read buffer is better copied first.
    pub fn send(&mut self, targets: &[NodeId], body: Bytes, now: Instant) -> MessageId {
        self.arm(now);
        self.last_message = self.last_message.next();
        let message_id = self.last_message;
        self.node.stats.messages += 1;
        let mut waiting = 0;
        for target in targets {
            let given = give(&mut self.outbound, &mut self.node, target, message_id);
            let Some((number, stream)) = given else {
                continue;
            };
            if stream.is_dead() {
                self.node.stats.passed_over += 1;
                continue;
            }
            stream.keep();
            waiting += 1;
            let envelope = Envelope {
                origin: self.node.me.clone(),
                receiver: target.clone(),
                number,
                message_id,
                body: self.node.published(&body),
            };
            let to = Destination::Gateway(target.clone());
            let publish = Output::Publish { to, envelope };
            self.node.outputs.push_back(publish);
        }
        if waiting > 0 {
            self.ring.insert(message_id, body, waiting);
            self.keep_ring_in_bounds();
        }
        message_id
    }

    /// Gives a number of each target's stream to nothing: for what would have been sent to a generation that is not heard. If
    /// it comes back, it learns of the number, finds that it is gone, and counts it.
    pub fn pass_over(&mut self, targets: &[NodeId], now: Instant) -> MessageId {
        self.arm(now);
        self.last_message = self.last_message.next();
        let message_id = self.last_message;
        for target in targets {
            if give(&mut self.outbound, &mut self.node, target, message_id).is_some() {
                self.node.stats.passed_over += 1;
            }
        }
        message_id
    }

    /// An envelope from the carrier. Only the next number is delivered; lower ones are dropped, higher ones held; what is not
    /// for this very generation is dropped and counted.
    pub fn receive(&mut self, envelope: Envelope, now: Instant) {
        self.arm(now);
        if envelope.receiver != self.node.me || envelope.origin == self.node.me {
            self.node.stats.misaddressed += 1;
            return;
        }
        let (stream, node) = self.inbound(&envelope.origin, now);
        stream.receive(
            envelope.number,
            envelope.message_id,
            envelope.body,
            node,
            now,
        );
    }

    /// Answers a fetch, as the origin: one page. Acks everything below what is asked for.
    ///
    /// # Errors
    /// [`FetchFailed::OtherGeneration`] if it is another node's stream.
    pub fn fetch(&mut self, request: &FetchRequest) -> Result<FetchResponse, FetchFailed> {
        if request.origin != self.node.me {
            return Err(FetchFailed::OtherGeneration);
        }
        let Some(stream) = self.outbound.get_mut(&request.receiver) else {
            return Ok(FetchResponse {
                from: request.from,
                through: request.from.previous(),
                last: Number::ZERO,
                messages: Vec::new(),
            });
        };
        stream.ack(request.from, &mut self.ring);
        Ok(stream.page(request, &self.ring, &self.node.limits))
    }

    /// What came of an [`Output::Fetch`]. An answer that is late, or that comes twice, does no harm.
    pub fn fetched(
        &mut self,
        origin: &NodeId,
        response: Result<FetchResponse, FetchFailed>,
        now: Instant,
    ) {
        let Some(stream) = self.inbound.get_mut(origin) else {
            return;
        };
        match response {
            Ok(page) => stream.fetched(page, &mut self.node, now),
            Err(why) => stream.failed(why, &mut self.node, now),
        }
        // The next page is due at once.
        stream.handle_timeout(&mut self.node, now);
    }

    /// What to tell all nodes on the control subject, if it is time to ([`Limits::heartbeat_interval`]); at once the first time.
    /// It names the peers for whom there is something new; one that names nobody says that this node lives.
    pub fn heartbeat(&mut self, now: Instant) -> Option<Heartbeat> {
        let due = self.heartbeat_at.unwrap_or(now);
        if now < due {
            return None;
        }
        let interval = self.node.limits.heartbeat_interval;
        let next = due + interval;
        self.heartbeat_at = Some(if next > now { next } else { now + interval });
        let mut peers: BTreeMap<&NodeId, Told> = BTreeMap::new();
        for (node, stream) in &self.outbound {
            if stream.unacked() > 0 {
                told(&mut peers, node).last_sent = Some(stream.last());
            }
        }
        for (node, stream) in &mut self.inbound {
            if let Some(next_expected) = stream.take_ack() {
                told(&mut peers, node).next_expected = Some(next_expected);
            }
        }
        Some(Heartbeat {
            origin: self.node.me.clone(),
            peers: peers.into_values().collect(),
        })
    }

    /// A heartbeat from the carrier. This node's own is ignored.
    pub fn heard(&mut self, heartbeat: &Heartbeat, now: Instant) {
        self.arm(now);
        if heartbeat.origin == self.node.me {
            return;
        }
        let told = heartbeat.told(&self.node.me);
        let (stream, node) = self.inbound(&heartbeat.origin, now);
        stream.heard(told.and_then(|told| told.last_sent), node, now);
        if let Some(next_expected) = told.and_then(|told| told.next_expected)
            && let Some(stream) = self.outbound.get_mut(&heartbeat.origin)
        {
            stream.ack(next_expected, &mut self.ring);
        }
    }

    /// A node that somebody else says lives (a router lists it). If it stays silent on the carrier, it is fetched from.
    pub fn introduce(&mut self, node: &NodeId, now: Instant) {
        self.arm(now);
        if *node != self.node.me {
            self.inbound(node, now);
        }
    }

    /// This generation was declared dead. What lacks of its stream is skipped and what was held delivered; what still comes of
    /// it is dropped and counted; the ring keeps nothing for it. The places in both streams are kept, should it be named again.
    pub fn forget(&mut self, node: &NodeId) {
        if let Some(stream) = self.inbound.get_mut(node) {
            stream.forget(&mut self.node);
        }
        if let Some(stream) = self.outbound.get_mut(node) {
            stream.forget(&mut self.ring);
        }
    }

    /// What is to be done next, in order; `None` when all is done.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.node.outputs.pop_front()
    }

    /// When to call [`handle_timeout`](Self::handle_timeout) and [`heartbeat`](Self::heartbeat) next; `None` before anything
    /// happened.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let streams = self.inbound.values();
        let deadlines = streams.filter_map(|stream| stream.deadline(&self.node));
        deadlines.chain(self.heartbeat_at).min()
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.arm(now);
        for stream in self.inbound.values_mut() {
            stream.handle_timeout(&mut self.node, now);
        }
    }

    /// The last number given to the stream to that generation; [`Number::ZERO`] if none was.
    pub fn last_number_to(&self, node: &NodeId) -> Number {
        self.outbound.get(node).map_or(Number::ZERO, Outbound::last)
    }

    /// The highest number of that generation's stream up to which everything was delivered or skipped.
    pub fn delivered_from(&self, origin: &NodeId) -> Number {
        let stream = self.inbound.get(origin);
        stream.map_or(Number::ZERO, |stream| stream.next().previous())
    }

    /// The generations that were heard of, dead ones too, in the order of their ids.
    pub fn origins(&self) -> impl Iterator<Item = &NodeId> {
        self.inbound.keys()
    }

    /// Numbers that receivers have not acked, but for dead ones. A node that drains may go when this is 0.
    pub fn unacked(&self) -> u64 {
        self.outbound.values().map(Outbound::unacked).sum()
    }

    /// The counters.
    pub fn stats(&self) -> Stats {
        Stats {
            ring_bytes: self.ring.bytes(),
            ..self.node.stats
        }
    }

    fn arm(&mut self, now: Instant) {
        self.heartbeat_at.get_or_insert(now);
    }

    fn inbound(&mut self, origin: &NodeId, now: Instant) -> (&mut Inbound, &mut Node) {
        let stream = self.inbound.entry(origin.clone());
        let stream = stream.or_insert_with(|| Inbound::new(origin.clone(), &self.node, now));
        (stream, &mut self.node)
    }

    fn keep_ring_in_bounds(&mut self) {
        while self.ring.bytes() > self.node.limits.ring_max_bytes {
            let Some(id) = self.ring.drop_oldest() else {
                return;
            };
            for stream in self.outbound.values_mut() {
                self.node.stats.overrun += u64::from(stream.lose(id));
            }
        }
    }
}

impl Node {
    /// A body as it is published: all of it, or its size.
    fn published(&self, body: &Bytes) -> Body {
        if body.len() <= self.limits.published_body_max_bytes {
            return Body::Here(body.clone());
        }
        Body::AtOrigin {
            len_bytes: body.len() as u64,
        }
    }

    /// Counts the numbers from `next` up to below `stop` as skipped.
    pub(crate) fn skip(&mut self, origin: &NodeId, next: Number, stop: Number, reason: SkipReason) {
        let count = stop.as_raw() - next.as_raw();
        if count == 0 {
            return;
        }
        self.stats.skipped += count;
        *match reason {
            SkipReason::GoneAtOrigin => &mut self.stats.skipped_gone,
            SkipReason::OriginDead => &mut self.stats.skipped_dead,
            SkipReason::Unreachable => &mut self.stats.skipped_unreachable,
        } += count;
        self.outputs.push_back(Output::Skipped {
            origin: origin.clone(),
            count,
            reason,
        });
    }
}

/// The next number of the stream to this target, unless the message has one there.
fn give<'a>(
    outbound: &'a mut BTreeMap<NodeId, Outbound>,
    node: &mut Node,
    target: &NodeId,
    id: MessageId,
) -> Option<(Number, &'a mut Outbound)> {
    if *target == node.me {
        return None;
    }
    let stream = outbound.entry(target.clone()).or_default();
    let number = stream.give(id)?;
    node.stats.sent += 1;
    Some((number, stream))
}

fn told<'a, 'n>(peers: &'a mut BTreeMap<&'n NodeId, Told>, node: &'n NodeId) -> &'a mut Told {
    peers.entry(node).or_insert_with(|| Told {
        node: node.clone(),
        last_sent: None,
        next_expected: None,
    })
}
