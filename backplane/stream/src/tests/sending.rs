//! The sending end: numbers, the ring, answers to fetches.

use std::time::Instant;

use bytes::Bytes;

use super::{generation, node, number, short};
use crate::{Body, FetchFailed, FetchRequest, Heartbeat, Limits, Number, Output, Streams, Told};

/// Node "a", which sends.
fn sender(limits: Limits) -> (Streams, Instant) {
    (Streams::new(node("a"), limits), Instant::now())
}

/// A body whose entry in the ring is charged this much.
fn charged(bytes: usize) -> Bytes {
    vec![b'x'; bytes - 64].into()
}

fn out(streams: &mut Streams) -> Vec<String> {
    let outputs = std::iter::from_fn(|| streams.poll_output());
    outputs.map(short).collect()
}

fn request(receiver: &str, from: u64, to: Number) -> FetchRequest {
    FetchRequest {
        origin: node("a"),
        receiver: node(receiver),
        from: number(from),
        to,
    }
}

/// "a" hears that `receiver` expects this number next.
fn acked(streams: &mut Streams, receiver: &str, next: u64, now: Instant) {
    let told = Told {
        node: node("a"),
        last_sent: None,
        next_expected: Some(number(next)),
    };
    let heartbeat = Heartbeat {
        origin: node(receiver),
        peers: vec![told],
    };
    streams.heard(&heartbeat, now);
}

/// The numbers that a fetch of everything brings, and the last that it speaks for.
fn fetched(streams: &mut Streams, receiver: &str, from: u64) -> (Vec<u64>, u64) {
    let page = streams
        .fetch(&request(receiver, from, Number::MAX))
        .unwrap();
    let messages = page.messages.iter();
    let numbers = messages.map(|message| message.number.as_raw()).collect();
    (numbers, page.through.as_raw())
}

#[test]
fn each_target_has_its_own_numbers_and_all_have_the_message_id() {
    let (mut a, now) = sender(Limits::default());
    let first = a.send(&[node("b"), node("c")], "one".into(), now);
    let second = a.send(&[node("c")], "two".into(), now);
    assert!(first < second);
    let mut ids = Vec::new();
    while let Some(Output::Publish { envelope, .. }) = a.poll_output() {
        ids.push((envelope.receiver, envelope.number, envelope.message_id));
    }
    let expected = [
        (node("b"), number(1), first),
        (node("c"), number(1), first),
        (node("c"), number(2), second),
    ];
    assert_eq!(ids, expected);
    assert_eq!(a.last_number_to(&node("c")), number(2));
    assert_eq!(a.last_number_to(&node("d")), Number::ZERO);
    assert_eq!((a.stats().messages, a.stats().sent), (2, 3));
}

#[test]
fn a_target_named_twice_gets_it_once_and_the_sender_not_at_all() {
    let (mut a, now) = sender(Limits::default());
    a.send(&[node("b"), node("a"), node("b")], "one".into(), now);
    assert_eq!(out(&mut a), ["1 to b"]);
    assert_eq!(a.stats().sent, 1);
}

#[test]
fn a_message_to_nobody_is_not_kept() {
    let (mut a, now) = sender(Limits::default());
    a.send(&[], "one".into(), now);
    assert_eq!(a.stats().ring_bytes, 0);
}

#[test]
fn generations_of_a_receiver_have_streams_of_their_own() {
    let (mut a, now) = sender(Limits::default());
    a.send(&[node("b")], "one".into(), now);
    a.send(&[generation("b", 2)], "two".into(), now);
    assert_eq!(out(&mut a), ["1 to b", "1 to b"]);
}

#[test]
fn a_body_is_in_the_ring_once_and_freed_by_the_last_ack() {
    let (mut a, now) = sender(Limits::default());
    a.send(&[node("b"), node("c")], charged(1000), now);
    a.send(&[node("c")], charged(500), now);
    assert_eq!(a.stats().ring_bytes, 1500);
    acked(&mut a, "b", 2, now);
    assert_eq!(a.stats().ring_bytes, 1500);
    acked(&mut a, "c", 2, now);
    assert_eq!(a.stats().ring_bytes, 500);
    acked(&mut a, "c", 1, now);
    acked(&mut a, "c", 99, now);
    assert_eq!((a.stats().ring_bytes, a.unacked()), (0, 0));
}

#[test]
fn a_fetch_acks_everything_below_it() {
    let (mut a, now) = sender(Limits::default());
    for _ in 0..3 {
        a.send(&[node("b")], charged(100), now);
    }
    assert_eq!(fetched(&mut a, "b", 3), (vec![3], 3));
    assert_eq!((a.stats().ring_bytes, a.unacked()), (100, 1));
}

#[test]
fn a_full_ring_drops_its_oldest_and_says_so() {
    let limits = Limits {
        ring_max_bytes: 300,
        ..Limits::default()
    };
    let (mut a, now) = sender(limits);
    a.send(&[node("b"), node("c")], charged(100), now);
    a.send(&[node("b")], charged(100), now);
    a.send(&[node("c")], charged(100), now);
    assert_eq!((a.stats().ring_bytes, a.stats().overrun), (300, 0));
    acked(&mut a, "c", 2, now);
    a.send(&[node("c")], charged(101), now);
    let stats = a.stats();
    assert_eq!(
        (stats.ring_bytes, stats.overrun),
        (301 - 100, 2),
        "1 and 2 of b"
    );
    assert_eq!(fetched(&mut a, "b", 1), (vec![], 2));
    assert_eq!(fetched(&mut a, "c", 2), (vec![2, 3], 3));
}

#[test]
fn a_body_larger_than_the_ring_is_published_and_not_kept() {
    let limits = Limits {
        ring_max_bytes: 300,
        ..Limits::default()
    };
    let (mut a, now) = sender(limits);
    a.send(&[node("b")], charged(200), now);
    a.send(&[node("b")], charged(301), now);
    assert_eq!(out(&mut a), ["1 to b", "2 to b"]);
    assert_eq!((a.stats().ring_bytes, a.stats().overrun), (0, 2));
}

#[test]
fn a_large_body_is_fetched_and_not_published() {
    let (mut a, now) = sender(Limits::default());
    let body = Bytes::from(vec![b'x'; (512 << 10) + 1]);
    a.send(&[node("b")], body.clone(), now);
    let Some(Output::Publish { envelope, .. }) = a.poll_output() else {
        panic!("nothing is published");
    };
    let len_bytes = body.len() as u64;
    assert_eq!(envelope.body, Body::AtOrigin { len_bytes });
    let page = a.fetch(&request("b", 1, Number::FIRST)).unwrap();
    assert_eq!(page.messages[0].body, body);
    a.send(&[node("b")], body.slice(1..), now);
    let Some(Output::Publish { envelope, .. }) = a.poll_output() else {
        panic!("nothing is published");
    };
    assert_eq!(envelope.body, Body::Here(body.slice(1..)));
}

#[test]
fn answers_come_in_pages() {
    let limits = Limits {
        page_max_bytes: 10,
        page_max_messages: 3,
        ..Limits::default()
    };
    let (mut a, now) = sender(limits);
    for body in [
        "12345",
        "12345",
        "1",
        "a body of 20 bytes..",
        "1",
        "1",
        "1",
        "1",
    ] {
        a.send(&[node("b")], body.into(), now);
    }
    assert_eq!(fetched(&mut a, "b", 1), (vec![1, 2], 2));
    assert_eq!(fetched(&mut a, "b", 3), (vec![3, 4], 4));
    assert_eq!(fetched(&mut a, "b", 5), (vec![5, 6, 7], 7));
    let page = a.fetch(&request("b", 6, number(6))).unwrap();
    assert_eq!((page.messages.len(), page.through), (1, number(6)));
    assert_eq!(fetched(&mut a, "b", 8), (vec![8], 8));
    assert_eq!(fetched(&mut a, "b", 9), (vec![], 8));
}

#[test]
fn only_the_origin_answers_for_its_stream() {
    let (mut a, now) = sender(Limits::default());
    a.send(&[node("b")], "one".into(), now);
    let mut older = request("b", 1, Number::MAX);
    older.origin = generation("a", 0);
    assert_eq!(a.fetch(&older), Err(FetchFailed::OtherGeneration));
    assert_eq!(
        fetched(&mut a, "z", 1),
        (vec![], 0),
        "nothing was sent there"
    );
}

#[test]
fn numbers_that_were_passed_over_are_told_as_gone() {
    let (mut a, now) = sender(Limits::default());
    a.send(&[node("b")], "one".into(), now);
    a.pass_over(&[node("b"), node("a"), node("b")], now);
    a.send(&[node("b")], "three".into(), now);
    assert_eq!(out(&mut a), ["1 to b", "3 to b"]);
    assert_eq!((a.stats().sent, a.stats().passed_over), (3, 1));
    assert_eq!(fetched(&mut a, "b", 1), (vec![1, 3], 3));
}

#[test]
fn a_dead_receiver_frees_the_ring_and_its_stream_never_restarts() {
    let (mut a, now) = sender(Limits::default());
    a.send(&[node("b"), node("c")], charged(100), now);
    a.send(&[node("b")], charged(100), now);
    out(&mut a);
    a.forget(&node("b"));
    assert_eq!(
        (a.stats().ring_bytes, a.unacked()),
        (100, 1),
        "what c lacks"
    );
    a.send(&[node("b")], charged(100), now);
    assert!(out(&mut a).is_empty());
    assert_eq!(a.last_number_to(&node("b")), number(3));
    assert_eq!(a.stats().passed_over, 1);
    assert_eq!(fetched(&mut a, "b", 1), (vec![], 3));
    acked(&mut a, "c", 2, now);
    assert_eq!(a.stats().ring_bytes, 0);
}
