//! The bodies of the targets that attack `hubplane-backplane-stream`: they panic where a promise is broken.

use std::time::{Duration, Instant};

use bytes::Bytes;
use hubplane_backplane_stream::{
    Body, Envelope, FetchFailed, FetchRequest, Heartbeat, Limits, Output, Streams,
};
use hubplane_proto_ids::{Generation, NodeId};

/// The wire forms: what is read encodes to the same bytes.
pub(crate) fn envelope_decode(data: &[u8]) {
    let bytes = Bytes::copy_from_slice(data);
    if let Ok(envelope) = Envelope::decode(bytes.clone()) {
        assert_eq!(envelope.encode(), bytes);
        if let Body::Here(body) = &envelope.body {
            assert!(body.len() < data.len());
        }
    }
    if let Ok(heartbeat) = Heartbeat::decode(bytes.clone()) {
        assert_eq!(heartbeat.encode(), bytes);
    }
}

/// Two nodes and what lies between them. Each pair of bytes is something that happens; in the end all faults cease, and
/// every message has been delivered once and in order, or counted.
pub(crate) fn streams(data: &[u8]) {
    let mut pair = Pair::new();
    for step in data.chunks_exact(2).take(400) {
        pair.happen(step[0], step[1]);
        pair.check();
    }
    pair.heal();
}

struct Pair {
    nodes: [Streams; 2],
    now: Instant,
    /// Under way, and to whom.
    envelopes: Vec<(usize, Envelope)>,
    /// Asked for, and by whom.
    fetches: Vec<(usize, FetchRequest)>,
    /// By receiver: how many messages were sent to it, and which of them it got or skipped.
    sent: [u64; 2],
    accounted: [u64; 2],
}

fn id(index: usize) -> NodeId {
    NodeId {
        name: ["a", "b"][index].parse().expect("a letter is a name"),
        generation: Generation::from_raw(1),
    }
}

fn limits() -> Limits {
    Limits {
        ring_max_bytes: 1500,
        hold_max_bytes: 700,
        published_body_max_bytes: 200,
        page_max_bytes: 300,
        page_max_messages: 4,
        ..Limits::default()
    }
}

impl Pair {
    fn new() -> Self {
        Self {
            nodes: [0, 1].map(|index| Streams::new(id(index), limits())),
            now: Instant::now(),
            envelopes: Vec::new(),
            fetches: Vec::new(),
            sent: [0; 2],
            accounted: [0; 2],
        }
    }

    fn happen(&mut self, what: u8, which: u8) {
        let node = usize::from(what >> 7);
        match what & 0x0f {
            0..=3 => self.send(node, which),
            4 => {
                self.nodes[node].pass_over(&[id(1 - node)], self.now);
                self.sent[1 - node] += 1;
            }
            5..=7 => {
                if let Some((to, envelope)) = pick(&mut self.envelopes, which) {
                    self.nodes[to].receive(envelope, self.now);
                }
            }
            8 => drop(pick(&mut self.envelopes, which)),
            9 => {
                if let Some((to, envelope)) = self.envelopes.get(usize::from(which)).cloned() {
                    self.nodes[to].receive(envelope, self.now);
                }
            }
            10 => self.beat(node, which & 1 == 0),
            11 => self.pass(u64::from(which)),
            12 => self.pass(u64::from(which) * 20),
            13 => {
                if let Some((asker, request)) = pick(&mut self.fetches, which) {
                    let failed = match which >> 7 {
                        0 => FetchFailed::Unanswered,
                        _ => FetchFailed::NotAttempted,
                    };
                    self.nodes[asker].fetched(&request.origin, Err(failed), self.now);
                }
            }
            _ => {
                if let Some((asker, request)) = pick(&mut self.fetches, which) {
                    self.answer(asker, &request);
                }
            }
        }
        self.carry_out();
    }

    /// The body is the message's place, so that the order shows, and up to 255 bytes more.
    fn send(&mut self, from: usize, len_bytes: u8) {
        let to = 1 - from;
        self.sent[to] += 1;
        let mut body = self.sent[to].to_le_bytes().to_vec();
        body.resize(8 + usize::from(len_bytes), 0);
        self.nodes[from].send(&[id(to)], body.into(), self.now);
    }

    fn beat(&mut self, from: usize, arrives: bool) {
        if let Some(heartbeat) = self.nodes[from].heartbeat(self.now)
            && arrives
        {
            for node in &mut self.nodes {
                node.heard(&heartbeat, self.now);
            }
        }
    }

    fn pass(&mut self, millis: u64) {
        self.now += Duration::from_millis(millis);
        for node in &mut self.nodes {
            node.handle_timeout(self.now);
        }
    }

    fn answer(&mut self, asker: usize, request: &FetchRequest) {
        let page = self.nodes[1 - asker].fetch(request);
        self.nodes[asker].fetched(&request.origin, page, self.now);
    }

    fn carry_out(&mut self) {
        for index in 0..2 {
            while let Some(output) = self.nodes[index].poll_output() {
                match output {
                    Output::Publish { envelope, .. } => self.envelopes.push((1 - index, envelope)),
                    Output::Fetch { request, .. } => self.fetches.push((index, request)),
                    Output::Skipped { count, .. } => self.accounted[index] += count,
                    Output::Deliver { number, body, .. } => {
                        self.accounted[index] += 1;
                        let place = self.accounted[index];
                        assert_eq!(number.as_raw(), place, "out of order");
                        assert_eq!(body[..8], place.to_le_bytes(), "not what was sent");
                    }
                }
            }
        }
    }

    fn check(&self) {
        for (index, node) in self.nodes.iter().enumerate() {
            let stats = node.stats();
            assert!(stats.ring_bytes <= limits().ring_max_bytes);
            assert!(stats.hold_bytes <= limits().hold_max_bytes);
            assert!(self.accounted[index] <= self.sent[index]);
            assert_eq!(stats.delivered + stats.skipped, self.accounted[index]);
        }
    }

    /// From now on everything arrives and is answered.
    fn heal(&mut self) {
        for _ in 0..400 {
            for (to, envelope) in std::mem::take(&mut self.envelopes) {
                self.nodes[to].receive(envelope, self.now);
            }
            self.carry_out();
            while let Some((asker, request)) = self.fetches.pop() {
                self.answer(asker, &request);
                self.carry_out();
            }
            self.check();
            self.beat(0, true);
            self.beat(1, true);
            self.pass(50);
            self.carry_out();
        }
        for node in &self.nodes {
            let stats = node.stats();
            let left = (node.unacked(), stats.ring_bytes, stats.hold_bytes);
            assert_eq!(left, (0, 0, 0));
        }
        assert_eq!(self.accounted, self.sent, "neither delivered nor counted");
    }
}

/// Takes one out, whatever its place.
fn pick<T>(from: &mut Vec<T>, which: u8) -> Option<T> {
    if from.is_empty() {
        return None;
    }
    let index = usize::from(which) % from.len();
    Some(from.remove(index))
}
