mod codec;
mod gaps;
mod giving_up;
mod heartbeats;
mod model;
mod net;
mod sending;

use std::time::{Duration, Instant};

use bytes::Bytes;
use hubplane_proto_ids::{Generation, NodeId};

use crate::{
    Body, Envelope, FetchRequest, FetchResponse, Fetched, Heartbeat, Limits, MessageId, Number,
    Output, SkipReason, Streams, Told,
};

/// A node by its name, in generation 1.
fn node(name: &str) -> NodeId {
    generation(name, 1)
}

fn generation(name: &str, generation: u64) -> NodeId {
    NodeId {
        name: name.parse().unwrap(),
        generation: Generation::from_raw(generation),
    }
}

fn number(raw: u64) -> Number {
    Number::from_raw(raw)
}

fn envelope(origin: &NodeId, receiver: &NodeId, raw: u64, body: &str) -> Envelope {
    Envelope {
        origin: origin.clone(),
        receiver: receiver.clone(),
        number: number(raw),
        message_id: MessageId::from_raw(raw),
        body: Body::Here(Bytes::copy_from_slice(body.as_bytes())),
    }
}

/// Node "b", which receives from "a", under a clock that the test moves.
struct Receiver {
    streams: Streams,
    now: Instant,
}

impl Receiver {
    fn new(limits: Limits) -> Self {
        Self {
            streams: Streams::new(node("b"), limits),
            now: Instant::now(),
        }
    }

    /// Lets this many milliseconds pass in one step.
    fn pass(&mut self, millis: u64) {
        self.now += Duration::from_millis(millis);
        self.streams.handle_timeout(self.now);
    }

    /// Message `raw` of "a" arrives; its body is its number.
    fn arrives(&mut self, raw: u64) {
        let envelope = envelope(&node("a"), &node("b"), raw, &raw.to_string());
        self.streams.receive(envelope, self.now);
    }

    /// The heartbeat of "a" is heard, and tells the last number sent, if any.
    fn hears(&mut self, last_sent: Option<u64>) {
        let told = Told {
            node: node("b"),
            last_sent: last_sent.map(number),
            next_expected: None,
        };
        let heartbeat = Heartbeat {
            origin: node("a"),
            peers: vec![told],
        };
        self.streams.heard(&heartbeat, self.now);
    }

    /// "a" answers with these of the numbers up to `through`, of which it gave `last`.
    fn answered(&mut self, from: u64, has: &[u64], through: u64, last: u64) {
        let messages = has.iter().map(|&raw| Fetched {
            number: number(raw),
            message_id: MessageId::from_raw(raw),
            body: raw.to_string().into(),
        });
        let page = FetchResponse {
            from: number(from),
            through: number(through),
            last: number(last),
            messages: messages.collect(),
        };
        self.streams.fetched(&node("a"), Ok(page), self.now);
    }

    /// What came out since the last look, in short.
    fn out(&mut self) -> Vec<String> {
        let outputs = std::iter::from_fn(|| self.streams.poll_output());
        outputs.map(short).collect()
    }

    /// How many milliseconds from now something is due, but for heartbeats.
    fn due_in(&mut self) -> Option<u64> {
        // Heartbeats are put far away.
        while self.streams.heartbeat(self.now).is_some() {}
        let due = self.streams.poll_timeout()?;
        Some(due.saturating_duration_since(self.now).as_millis() as u64)
    }
}

/// `limits` without heartbeats, so that `due_in` says when a stream is due.
fn quiet() -> Limits {
    Limits {
        heartbeat_interval: Duration::from_secs(1 << 20),
        ..Limits::default()
    }
}

/// An output in a few letters: what was delivered, fetch from-to, what was skipped and why.
fn short(output: Output) -> String {
    match output {
        Output::Deliver { body, .. } => String::from_utf8_lossy(&body).into_owned(),
        Output::Fetch { request, .. } => short_fetch(&request),
        Output::Skipped { count, reason, .. } => {
            let why = match reason {
                SkipReason::GoneAtOrigin => "gone",
                SkipReason::OriginDead => "dead",
                SkipReason::Unreachable => "unreachable",
            };
            format!("skip {count} {why}")
        }
        Output::Publish { envelope, .. } => {
            format!("{} to {}", envelope.number, envelope.receiver.name)
        }
    }
}

fn short_fetch(request: &FetchRequest) -> String {
    let to = match request.to {
        Number::MAX => "all".to_owned(),
        to => to.to_string(),
    };
    format!("fetch {}-{to}", request.from)
}
