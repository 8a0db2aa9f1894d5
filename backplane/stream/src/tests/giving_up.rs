//! When numbers are skipped, and when they are not: failing fetches, dead generations, silent origins.

use super::{Receiver, envelope, node, number, quiet};
use crate::FetchFailed;

/// Fails the fetch under way, if one is.
fn fail(b: &mut Receiver, why: FetchFailed) {
    b.streams.fetched(&node("a"), Err(why), b.now);
}

/// Lets time pass in small steps, each fetch failing at once, until a number is skipped. In milliseconds.
fn time_until_skipped(b: &mut Receiver, why: FetchFailed, limit_millis: u64) -> Option<u64> {
    for millis in 0..limit_millis {
        fail(b, why);
        if b.streams.stats().skipped > 0 {
            return Some(millis);
        }
        if millis % 500 == 0 {
            b.hears(None);
        }
        b.pass(1);
    }
    None
}

#[test]
fn numbers_are_given_up_when_fetches_have_failed_for_5_s() {
    let mut b = Receiver::new(quiet());
    b.arrives(2);
    b.arrives(5);
    let millis = time_until_skipped(&mut b, FetchFailed::Unanswered, 20_000).unwrap();
    // 30 ms until the first attempt, 5 s, and at most one retry.
    assert!(
        (5030..=5280).contains(&millis),
        "given up after {millis} ms"
    );
    let skips: Vec<_> = b
        .out()
        .into_iter()
        .filter(|out| !out.starts_with("fetch"))
        .collect();
    let expected = ["skip 1 unreachable", "2", "skip 2 unreachable", "5"];
    assert_eq!(skips, expected);
    assert_eq!(b.streams.stats().skipped_unreachable, 3);
}

#[test]
fn an_origin_that_never_answers_is_given_up_by_its_timeouts() {
    let mut b = Receiver::new(quiet());
    b.arrives(2);
    for _ in 0..6_500 {
        b.pass(1);
    }
    assert_eq!(b.streams.stats().skipped_unreachable, 1);
    assert_eq!(b.out().last().map(String::as_str), Some("2"));
}

#[test]
fn attempts_that_were_not_made_give_nothing_up() {
    let mut b = Receiver::new(quiet());
    b.arrives(2);
    let skipped = time_until_skipped(&mut b, FetchFailed::NotAttempted, 20_000);
    assert_eq!(skipped, None);
    assert!(b.streams.stats().fetches > 70, "it goes on trying");
}

#[test]
fn time_in_which_the_process_stood_still_gives_nothing_up() {
    let mut b = Receiver::new(quiet());
    b.arrives(2);
    b.pass(30);
    b.pass(30_000);
    fail(&mut b, FetchFailed::Unanswered);
    b.pass(30_000);
    fail(&mut b, FetchFailed::Unanswered);
    assert_eq!(b.streams.stats().skipped, 0);
    b.pass(250);
    b.answered(1, &[1], 1, 2);
    assert!(b.out().ends_with(&["1".into(), "2".into()]));
}

#[test]
fn a_success_starts_the_time_anew() {
    let mut b = Receiver::new(quiet());
    b.arrives(2);
    for _ in 0..4_500 {
        fail(&mut b, FetchFailed::Unanswered);
        b.pass(1);
    }
    b.pass(250);
    b.answered(1, &[1], 1, 2);
    b.arrives(4);
    for _ in 0..4_500 {
        fail(&mut b, FetchFailed::Unanswered);
        b.pass(1);
    }
    assert_eq!(b.streams.stats().skipped, 0);
}

#[test]
fn a_number_that_was_missed_later_is_given_up_later() {
    let mut b = Receiver::new(quiet());
    b.arrives(2);
    for millis in 0..6_000 {
        fail(&mut b, FetchFailed::Unanswered);
        if millis == 4_000 {
            b.arrives(4);
        }
        b.pass(1);
    }
    assert_eq!(b.streams.stats().skipped, 1, "only number 1");
    for _ in 0..4_500 {
        fail(&mut b, FetchFailed::Unanswered);
        b.pass(1);
    }
    assert_eq!(b.streams.stats().skipped, 2);
}

#[test]
fn a_dead_generation_is_skipped_at_once_and_what_it_left_is_delivered() {
    let mut b = Receiver::new(quiet());
    b.arrives(1);
    b.arrives(3);
    b.hears(Some(6));
    b.streams.forget(&node("a"));
    let expected = ["1", "skip 1 dead", "3", "skip 3 dead"];
    assert_eq!(b.out(), expected);
    let stats = b.streams.stats();
    assert_eq!((stats.skipped_dead, stats.hold_bytes), (4, 0));
    assert_eq!(b.streams.delivered_from(&node("a")), number(6));
}

#[test]
fn nothing_of_a_dead_generation_is_believed() {
    let mut b = Receiver::new(quiet());
    b.arrives(2);
    b.pass(30);
    b.streams.forget(&node("a"));
    assert_eq!(b.out(), ["fetch 1-1", "skip 1 dead", "2"]);
    b.arrives(3);
    b.answered(1, &[1], 1, 9);
    b.hears(Some(9));
    b.pass(10_000);
    assert!(b.out().is_empty());
    assert_eq!(b.streams.stats().from_dead, 1);
    assert_eq!(b.due_in(), Some((1 << 20) * 1000 - 10_030));
}

#[test]
fn forgetting_who_was_never_heard_is_nothing() {
    let mut b = Receiver::new(quiet());
    b.streams.forget(&node("z"));
    assert!(b.out().is_empty());
}

#[test]
fn a_silent_origin_is_fetched_from_without_a_gap() {
    let mut b = Receiver::new(quiet());
    b.arrives(1);
    assert_eq!(b.due_in(), Some(1500));
    b.pass(1000);
    b.hears(None);
    b.pass(1499);
    assert_eq!(b.out(), ["1"]);
    b.pass(1);
    assert_eq!(b.out(), ["fetch 2-all"]);
    b.answered(2, &[2, 3], 3, 5);
    assert_eq!(b.out(), ["2", "3", "fetch 4-all"], "the next page at once");
    b.answered(4, &[4, 5], 5, 5);
    b.pass(99);
    assert_eq!(b.out(), ["4", "5"]);
    b.pass(1);
    assert_eq!(b.out(), ["fetch 6-all"]);
    b.answered(6, &[], 5, 5);
    b.hears(None);
    assert_eq!(b.due_in(), Some(1500));
    assert_eq!(b.streams.stats().fetches_failed, 0);
}

#[test]
fn a_gap_of_a_silent_origin_asks_for_all_that_it_has() {
    let mut b = Receiver::new(quiet());
    b.arrives(1);
    b.pass(1490);
    b.arrives(3);
    b.pass(10);
    assert_eq!(b.out(), ["1", "fetch 2-all"]);
    b.answered(2, &[2, 3, 4], 4, 4);
    assert_eq!(b.out(), ["2", "3", "4"]);
    assert_eq!(b.streams.stats().duplicates, 1);
}

#[test]
fn an_origin_that_was_only_introduced_is_fetched_from_when_silent() {
    let mut b = Receiver::new(quiet());
    b.streams.introduce(&node("a"), b.now);
    b.streams.introduce(&node("b"), b.now);
    b.pass(1500);
    assert_eq!(b.out(), ["fetch 1-all"]);
}

#[test]
fn a_silent_origin_that_does_not_answer_is_asked_less_and_less() {
    let mut b = Receiver::new(quiet());
    b.arrives(1);
    for _ in 0..600_000 {
        fail(&mut b, FetchFailed::Unanswered);
        b.pass(1);
    }
    let fetches = b.streams.stats().fetches;
    assert!((120..200).contains(&fetches), "{fetches} in 10 minutes");
    assert_eq!(b.streams.stats().skipped, 0, "nothing is known to lack");
}

#[test]
fn after_long_silence_a_new_gap_still_has_its_5_s() {
    let mut b = Receiver::new(quiet());
    b.arrives(1);
    for _ in 0..20_000 {
        fail(&mut b, FetchFailed::Unanswered);
        b.pass(1);
    }
    b.streams
        .receive(envelope(&node("a"), &node("b"), 3, "3"), b.now);
    let millis = time_until_skipped(&mut b, FetchFailed::Unanswered, 20_000).unwrap();
    assert!(
        (5000..=5600).contains(&millis),
        "given up after {millis} ms"
    );
}
