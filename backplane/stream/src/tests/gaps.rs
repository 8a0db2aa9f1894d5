//! The receiving end of one stream: order, gaps, holding, fetching.

use bytes::Bytes;

use super::{Receiver, envelope, generation, node, number, quiet};
use crate::{Body, FetchFailed, Limits, Number};

#[test]
fn only_the_next_number_is_delivered() {
    let mut b = Receiver::new(quiet());
    b.arrives(1);
    b.arrives(3);
    b.arrives(4);
    assert_eq!(b.out(), ["1"]);
    assert_eq!(b.streams.delivered_from(&node("a")), number(1));
    b.arrives(2);
    assert_eq!(b.out(), ["2", "3", "4"]);
    let stats = b.streams.stats();
    assert_eq!((stats.delivered, stats.held, stats.hold_bytes), (4, 2, 0));
    assert_eq!(b.streams.delivered_from(&node("a")), number(4));
}

#[test]
fn what_comes_again_is_dropped_and_counted() {
    let mut b = Receiver::new(quiet());
    b.arrives(1);
    b.arrives(1);
    b.arrives(3);
    b.arrives(3);
    assert_eq!(b.out(), ["1"]);
    assert_eq!(b.streams.stats().duplicates, 2);
    b.arrives(2);
    b.arrives(3);
    assert_eq!(b.out(), ["2", "3"]);
    assert_eq!(b.streams.stats().duplicates, 3);
}

#[test]
fn a_gap_is_fetched_after_30_ms() {
    let mut b = Receiver::new(quiet());
    b.arrives(1);
    b.arrives(5);
    assert_eq!(b.due_in(), Some(30));
    b.pass(29);
    assert_eq!(b.out(), ["1"]);
    b.pass(1);
    assert_eq!(b.out(), ["fetch 2-4"]);
    b.answered(2, &[2, 3, 4], 4, 5);
    assert_eq!(b.out(), ["2", "3", "4", "5"]);
    b.hears(None);
    assert_eq!(b.due_in(), Some(1500), "nothing but its silence is due");
}

#[test]
fn a_gap_that_closes_in_time_is_not_fetched() {
    let mut b = Receiver::new(quiet());
    b.arrives(2);
    b.pass(29);
    b.arrives(1);
    b.pass(30);
    assert_eq!(b.out(), ["1", "2"]);
}

#[test]
fn a_lost_first_message_is_a_gap_like_any_other() {
    let mut b = Receiver::new(quiet());
    b.arrives(2);
    b.pass(30);
    assert_eq!(b.out(), ["fetch 1-1"]);
    b.answered(1, &[1], 1, 2);
    assert_eq!(b.out(), ["1", "2"]);
}

#[test]
fn the_second_gap_waits_from_its_own_beginning() {
    let mut b = Receiver::new(quiet());
    b.arrives(2);
    b.pass(20);
    b.arrives(4);
    b.pass(10);
    assert_eq!(b.out(), ["fetch 1-1"]);
    b.pass(5);
    b.answered(1, &[1], 1, 4);
    assert_eq!(b.out(), ["1", "2"]);
    assert_eq!(b.due_in(), Some(15));
    b.pass(15);
    assert_eq!(b.out(), ["fetch 3-3"]);
}

#[test]
fn an_announced_number_is_missing_100_ms_later() {
    let mut b = Receiver::new(quiet());
    b.arrives(1);
    b.hears(Some(3));
    assert_eq!(b.due_in(), Some(100));
    b.pass(60);
    b.hears(Some(4));
    assert_eq!(b.due_in(), Some(40), "a later announcement delays nothing");
    b.pass(40);
    assert_eq!(b.out(), ["1", "fetch 2-4"]);
    b.answered(2, &[2, 3, 4], 4, 4);
    assert_eq!(b.out(), ["2", "3", "4"]);
}

#[test]
fn an_announced_number_that_arrives_is_not_fetched() {
    let mut b = Receiver::new(quiet());
    b.hears(Some(2));
    b.arrives(1);
    b.arrives(2);
    b.pass(100);
    assert_eq!(b.out(), ["1", "2"]);
}

#[test]
fn one_fetch_is_in_flight_per_stream() {
    let mut b = Receiver::new(quiet());
    b.arrives(2);
    b.pass(30);
    b.arrives(4);
    b.pass(30);
    b.pass(30);
    assert_eq!(b.out(), ["fetch 1-1"]);
    b.answered(1, &[1], 1, 4);
    assert_eq!(b.out(), ["1", "2", "fetch 3-3"]);
}

#[test]
fn the_next_page_is_asked_for_at_once() {
    let mut b = Receiver::new(quiet());
    b.hears(Some(5));
    b.pass(100);
    b.answered(1, &[1, 2], 2, 5);
    assert_eq!(b.out(), ["fetch 1-5", "1", "2", "fetch 3-5"]);
}

#[test]
fn what_the_origin_no_longer_has_is_skipped_and_counted() {
    let mut b = Receiver::new(quiet());
    b.arrives(7);
    b.pass(30);
    b.answered(1, &[3, 5], 6, 7);
    let expected = [
        "fetch 1-6",
        "skip 2 gone",
        "3",
        "skip 1 gone",
        "5",
        "skip 1 gone",
        "7",
    ];
    assert_eq!(b.out(), expected);
    let stats = b.streams.stats();
    assert_eq!((stats.delivered, stats.skipped), (3, 4));
    assert_eq!(stats.skipped_gone, 4);
}

#[test]
fn what_arrives_during_a_fetch_is_not_skipped_by_its_answer() {
    let mut b = Receiver::new(quiet());
    b.arrives(4);
    b.pass(30);
    b.arrives(2);
    b.answered(1, &[], 3, 4);
    let expected = ["fetch 1-3", "skip 1 gone", "2", "skip 1 gone", "4"];
    assert_eq!(b.out(), expected);
}

#[test]
fn an_answer_that_came_too_late_still_counts() {
    let mut b = Receiver::new(quiet());
    b.arrives(2);
    b.pass(30);
    b.pass(1000);
    b.pass(250);
    assert_eq!(b.out(), ["fetch 1-1", "fetch 1-1"]);
    b.answered(1, &[1], 1, 2);
    b.answered(1, &[1], 1, 2);
    assert_eq!(b.out(), ["1", "2"]);
    assert_eq!(b.streams.stats().duplicates, 1);
}

#[test]
fn what_does_not_fit_the_hold_is_dropped_and_fetched_again() {
    let limits = Limits {
        hold_max_bytes: 2 * 65,
        ..quiet()
    };
    let mut b = Receiver::new(limits);
    for raw in 2..=5 {
        b.arrives(raw);
    }
    let stats = b.streams.stats();
    let counted = (stats.held, stats.hold_overflow, stats.hold_bytes);
    assert_eq!(counted, (2, 2, 130));
    b.pass(30);
    assert_eq!(b.out(), ["fetch 1-1"]);
    b.answered(1, &[1], 1, 5);
    assert_eq!(b.out(), ["1", "2", "3", "fetch 4-5"]);
    b.answered(4, &[4, 5], 5, 5);
    assert_eq!(b.out(), ["4", "5"]);
    assert_eq!(b.streams.stats().hold_bytes, 0);
}

#[test]
fn the_hold_is_one_account_for_all_origins() {
    let limits = Limits {
        hold_max_bytes: 65,
        ..quiet()
    };
    let mut b = Receiver::new(limits);
    b.arrives(2);
    let other = envelope(&node("c"), &node("b"), 2, "x");
    b.streams.receive(other, b.now);
    assert_eq!(b.streams.stats().hold_overflow, 1);
}

#[test]
fn an_envelope_for_another_generation_is_dropped_and_counted() {
    let mut b = Receiver::new(quiet());
    let older = envelope(&node("a"), &generation("b", 0), 1, "x");
    b.streams.receive(older, b.now);
    let elsewhere = envelope(&node("a"), &node("c"), 1, "x");
    b.streams.receive(elsewhere, b.now);
    let mine = envelope(&node("b"), &node("b"), 1, "x");
    b.streams.receive(mine, b.now);
    assert!(b.out().is_empty());
    assert_eq!(b.streams.stats().misaddressed, 3);
}

#[test]
fn two_generations_of_an_origin_have_two_streams() {
    let mut b = Receiver::new(quiet());
    b.arrives(1);
    b.arrives(2);
    let restarted = envelope(&generation("a", 2), &node("b"), 1, "new");
    b.streams.receive(restarted, b.now);
    assert_eq!(b.out(), ["1", "2", "new"]);
}

#[test]
fn a_body_that_was_not_published_is_fetched_in_its_turn_without_delay() {
    let mut b = Receiver::new(quiet());
    b.arrives(1);
    let mut large = envelope(&node("a"), &node("b"), 2, "");
    large.body = Body::AtOrigin { len_bytes: 1 << 20 };
    b.streams.receive(large.clone(), b.now);
    b.streams.receive(large, b.now);
    b.arrives(3);
    b.pass(0);
    assert_eq!(b.out(), ["1", "fetch 2-2"]);
    b.answered(2, &[2], 2, 3);
    assert_eq!(b.out(), ["2", "3"]);
    let stats = b.streams.stats();
    assert_eq!((stats.duplicates, stats.hold_bytes), (1, 0));
}

#[test]
fn a_large_body_that_the_origin_dropped_is_skipped_with_its_gap() {
    let mut b = Receiver::new(quiet());
    let mut large = envelope(&node("a"), &node("b"), 2, "");
    large.body = Body::AtOrigin { len_bytes: 1 << 20 };
    b.streams.receive(large, b.now);
    b.pass(30);
    b.answered(1, &[], 2, 2);
    assert_eq!(b.out(), ["fetch 1-2", "skip 2 gone"]);
    assert_eq!(b.streams.stats().hold_bytes, 0);
}

#[test]
fn an_answer_that_makes_no_sense_skips_nothing() {
    let mut b = Receiver::new(quiet());
    b.arrives(3);
    b.pass(30);
    b.answered(3, &[3], 9, 9);
    assert_eq!(b.out(), ["fetch 1-2"]);
    b.pass(250);
    b.answered(1, &[], 0, 0);
    assert_eq!(b.out(), ["fetch 1-2"]);
    b.streams
        .fetched(&node("z"), Err(FetchFailed::Unanswered), b.now);
    assert_eq!(b.streams.stats().skipped, 0);
}

#[test]
fn the_highest_numbers_end_a_stream_and_no_process() {
    let mut b = Receiver::new(quiet());
    let mut last = envelope(&node("a"), &node("b"), u64::MAX, "");
    b.streams.receive(last.clone(), b.now);
    last.body = Body::AtOrigin { len_bytes: 1 };
    last.number = Number::MAX.previous();
    b.streams.receive(last, b.now);
    b.hears(Some(u64::MAX));
    b.pass(100);
    b.answered(1, &[u64::MAX], u64::MAX, u64::MAX);
    b.streams.forget(&node("a"));
    assert_eq!(b.streams.stats().skipped, u64::MAX - 1);
}

#[test]
fn an_empty_body_is_a_message() {
    let mut b = Receiver::new(quiet());
    let empty = envelope(&node("a"), &node("b"), 1, "");
    assert_eq!(empty.body, Body::Here(Bytes::new()));
    b.streams.receive(empty, b.now);
    assert_eq!(b.out(), [""]);
}
