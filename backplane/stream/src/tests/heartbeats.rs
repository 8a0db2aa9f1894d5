//! What heartbeats tell, to whom, and for how long.

use std::time::{Duration, Instant};

use super::{node, number};
use crate::{Heartbeat, Limits, Output, Streams, Told};

/// "a" and "b", and a clock.
struct Pair {
    a: Streams,
    b: Streams,
    now: Instant,
}

impl Pair {
    fn new() -> Self {
        Self {
            a: Streams::new(node("a"), Limits::default()),
            b: Streams::new(node("b"), Limits::default()),
            now: Instant::now(),
        }
    }

    /// "a" sends to "b", and it arrives.
    fn sends(&mut self) {
        self.a.send(&[node("b")], "body".into(), self.now);
        while let Some(Output::Publish { envelope, .. }) = self.a.poll_output() {
            self.b.receive(envelope, self.now);
        }
    }

    /// Half a second later, the heartbeats of both.
    fn beat(&mut self) -> (Heartbeat, Heartbeat) {
        self.now += Duration::from_millis(500);
        let a = self.a.heartbeat(self.now).expect("a beats");
        let b = self.b.heartbeat(self.now).expect("b beats");
        (a, b)
    }
}

fn last_sent(node: hubplane_proto_ids::NodeId, raw: u64) -> Told {
    Told {
        node,
        last_sent: Some(number(raw)),
        next_expected: None,
    }
}

fn next_expected(node: hubplane_proto_ids::NodeId, raw: u64) -> Told {
    Told {
        node,
        last_sent: None,
        next_expected: Some(number(raw)),
    }
}

#[test]
fn a_node_beats_every_500_ms_and_first_at_once() {
    let now = Instant::now();
    let mut a = Streams::new(node("a"), Limits::default());
    assert_eq!(a.poll_timeout(), None);
    let beat = a.heartbeat(now).unwrap();
    assert_eq!((beat.origin, beat.peers), (node("a"), vec![]));
    assert_eq!(a.heartbeat(now), None);
    let next = now + Duration::from_millis(500);
    assert_eq!(a.poll_timeout(), Some(next));
    let late = next + Duration::from_millis(40);
    assert!(a.heartbeat(late).is_some());
    let next = next + Duration::from_millis(500);
    assert_eq!(a.poll_timeout(), Some(next), "lateness does not add up");
    let frozen = next + Duration::from_secs(30);
    assert!(a.heartbeat(frozen).is_some());
    assert_eq!(
        a.heartbeat(frozen),
        None,
        "what was missed is not made up for"
    );
}

#[test]
fn what_was_acked_is_not_told_again() {
    let mut pair = Pair::new();
    pair.sends();
    let (a, b) = pair.beat();
    assert_eq!(a.peers, [last_sent(node("b"), 1)]);
    assert_eq!(b.peers, [next_expected(node("a"), 2)]);
    pair.a.heard(&b, pair.now);
    assert_eq!(pair.a.unacked(), 0);
    let (a, b) = pair.beat();
    assert!(a.peers.is_empty() && b.peers.is_empty(), "quiet when idle");
}

#[test]
fn a_lost_ack_is_told_again() {
    let mut pair = Pair::new();
    pair.sends();
    pair.beat(); // both lost
    let (a, b) = pair.beat();
    assert!(b.peers.is_empty());
    pair.b.heard(&a, pair.now);
    let (_, b) = pair.beat();
    assert_eq!(b.peers, [next_expected(node("a"), 2)]);
    pair.a.heard(&b, pair.now);
    assert_eq!((pair.a.unacked(), pair.a.stats().ring_bytes), (0, 0));
}

#[test]
fn acks_are_not_answered_by_acks() {
    let mut pair = Pair::new();
    pair.sends();
    for _ in 0..3 {
        let (a, b) = pair.beat();
        pair.a.heard(&b, pair.now);
        pair.b.heard(&a, pair.now);
    }
    let (a, b) = pair.beat();
    assert!(a.peers.is_empty() && b.peers.is_empty());
}

#[test]
fn the_own_heartbeat_and_what_it_tells_others_are_ignored() {
    let mut pair = Pair::new();
    pair.a.send(&[node("b")], "body".into(), pair.now);
    let (a, _) = pair.beat();
    pair.a.heard(&a, pair.now);
    let mut c = Streams::new(node("c"), Limits::default());
    c.heard(&a, pair.now);
    pair.now += Duration::from_millis(500);
    c.handle_timeout(pair.now);
    assert_eq!(c.poll_output(), None);
    assert_eq!(pair.a.unacked(), 1);
}

#[test]
fn the_dead_are_told_nothing() {
    let mut pair = Pair::new();
    pair.sends();
    pair.a.forget(&node("b"));
    pair.b.forget(&node("a"));
    let (a, b) = pair.beat();
    assert!(a.peers.is_empty() && b.peers.is_empty());
}
