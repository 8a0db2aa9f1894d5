//! What is kept, what waits, and what is sent again.

use std::io::IoSlice;

use bytes::Bytes;

use super::*;
use crate::{Head, Overflow};

const LIMITS: QueueLimits = QueueLimits {
    bytes_max: 1000,
    age_max: Duration::from_secs(30),
    pause_reading_bytes: 500,
};

struct Queue {
    queue: OutboundQueue,
    now: Instant,
}

impl Queue {
    fn new(limit_bytes: usize) -> Self {
        let mut queue = OutboundQueue::new();
        queue.keep_unacknowledged(limit_bytes, &LIMITS);
        Self {
            queue,
            now: Instant::now(),
        }
    }

    /// A message of one letter, in a frame of its own.
    fn own(&mut self, letter: u8, len: u8, window_bytes: u32) {
        let head = Head::empty().with(&[0x81, len]);
        let body = Bytes::from(vec![letter; len.into()]);
        self.queue.push_own(head, body, window_bytes, self.now);
    }

    /// A message that others get too.
    fn shared(&mut self, letter: u8, len: u8) -> Result<(), Overflow> {
        let body = [&[0x81, len], &vec![letter; len.into()][..]].concat();
        self.queue
            .push(Head::empty(), Bytes::from(body), &LIMITS, self.now)
    }

    fn control(&mut self, bytes: &'static [u8]) {
        let body = Bytes::from_static(bytes);
        self.queue
            .push_bounded_elsewhere(Head::empty(), body, 0, self.now);
    }

    fn attach(&mut self) {
        let first = self.queue.first_unacknowledged();
        let sequence = Bytes::from(format!("<{first}>"));
        self.queue.attach((Head::empty(), sequence), self.now);
    }

    /// What a socket that takes `bytes_max` bytes gets.
    fn written(&mut self, bytes_max: usize) -> String {
        let mut written = Vec::new();
        while written.len() < bytes_max && !self.queue.is_empty() {
            let mut slices = [IoSlice::new(&[]); 3];
            let filled = self.queue.slices(&mut slices);
            let all: Vec<u8> = slices[..filled]
                .iter()
                .flat_map(|slice| slice.iter().copied())
                .collect();
            let taken = all.len().min(bytes_max - written.len());
            written.extend_from_slice(&all[..taken]);
            self.queue.advance(taken, self.now);
        }
        let mut shown = String::new();
        for letter in written.into_iter().map(char::from) {
            let is_shown = letter.is_ascii_lowercase() || "<0123456789>!?".contains(letter);
            if is_shown && !shown.ends_with(letter) {
                shown.push(letter);
            }
        }
        shown
    }
}

#[test]
fn the_next_message_waits_once_more_than_the_limit_is_not_acknowledged() {
    // 44 bytes each and a limit of 500, as recorded: 12 come, and one more when one of them has arrived.
    let mut queue = Queue::new(500);
    for letter in b'a'..=b'z' {
        queue.own(letter, 44, 0);
    }
    assert_eq!(queue.written(usize::MAX), "abcdefghijkl");
    assert_eq!(queue.queue.len(), 0);
    queue.queue.acknowledge(1, queue.now);
    assert_eq!(queue.written(usize::MAX), "m");
    queue.queue.acknowledge(13, queue.now);
    assert_eq!(queue.written(usize::MAX), "nopqrstuvwxy");
}

#[test]
fn what_has_no_number_passes_what_waits() {
    let mut queue = Queue::new(5);
    queue.own(b'a', 10, 0);
    queue.own(b'b', 10, 0);
    queue.control(b"!");
    assert_eq!(queue.written(usize::MAX), "a!");
    queue.queue.acknowledge(1, queue.now);
    assert_eq!(queue.written(usize::MAX), "b");
}

#[test]
fn a_connection_that_ends_is_written_all_that_waits_in_front_of_its_close() {
    let mut queue = Queue::new(5);
    queue.own(b'a', 10, 100);
    queue.own(b'b', 10, WINDOW_TAKEN_BYTES);
    queue.shared(b'c', 10).unwrap();
    queue.queue.forget_unacknowledged(true);
    queue.control(b"!");
    assert_eq!(queue.written(usize::MAX), "abc!");
    assert_eq!(queue.queue.charged_bytes(), 0);
    assert!(!queue.queue.may_resume());
}

#[test]
fn a_new_transport_gets_the_sequence_what_was_not_acknowledged_and_what_waits() {
    let mut queue = Queue::new(25);
    for letter in b'a'..=b'e' {
        queue.own(letter, 10, 0);
    }
    assert_eq!(queue.written(usize::MAX), "abc");
    queue.control(b"?");
    queue.queue.acknowledge(1, queue.now);
    assert_eq!(queue.written(5), "?d", "cut in the middle");
    queue.queue.detach();
    assert!(queue.queue.is_detached() && queue.queue.is_empty());
    queue.shared(b'f', 10).unwrap();
    queue.attach();
    assert_eq!(queue.written(usize::MAX), "<2>bcd");
    queue.queue.acknowledge(3, queue.now);
    assert_eq!(queue.written(usize::MAX), "ef");
    queue.queue.acknowledge(6, queue.now);
    // A second one while the first is alive.
    queue.attach();
    assert_eq!(queue.written(usize::MAX), "<7>");
}

#[test]
fn what_was_sent_to_an_earlier_transport_is_kept_until_something_newer_is_acknowledged() {
    let mut queue = Queue::new(25);
    queue.own(b'a', 10, 0);
    queue.own(b'b', 10, 0);
    queue.attach();
    queue.written(usize::MAX);
    // It may have taken both from the first transport, and only one of them again from this one.
    queue.queue.acknowledge(2, queue.now);
    for letter in *b"cde" {
        queue.own(letter, 10, 0);
    }
    assert_eq!(queue.written(usize::MAX), "cde", "but there is room");
    queue.attach();
    assert_eq!(queue.written(usize::MAX), "<1>abcde");
    queue.own(b'f', 10, 0);
    assert_eq!(queue.written(usize::MAX), "");
    queue.queue.acknowledge(3, queue.now);
    assert_eq!(queue.written(usize::MAX), "f");
    queue.queue.acknowledge(6, queue.now);
    queue.attach();
    assert_eq!(queue.written(usize::MAX), "<7>");
}

#[test]
fn an_ack_beyond_what_was_sent_counts_for_what_is_sent_later() {
    let mut queue = Queue::new(100);
    queue.queue.acknowledge(1000, queue.now);
    queue.own(b'a', 10, 0);
    assert_eq!(queue.written(usize::MAX), "a");
    for repeated in [3, 0, 1000] {
        queue.queue.acknowledge(repeated, queue.now);
    }
    queue.attach();
    assert_eq!(queue.written(usize::MAX), "<2>");
}

#[test]
fn the_window_is_given_back_once_the_socket_or_the_buffer_of_an_absent_client_has_the_message() {
    let half = hubplane_proto_link::WINDOW_BYTES / 2;
    let mut queue = Queue::new(15);
    queue.own(b'a', 10, half);
    assert_eq!(queue.queue.take_window_bytes(), None);
    queue.written(usize::MAX);
    assert_eq!(queue.queue.take_window_bytes(), Some(half));
    queue.own(b'b', 10, half);
    queue.own(b'c', 10, half);
    queue.queue.detach();
    assert_eq!(
        queue.queue.take_window_bytes(),
        Some(half),
        "b is kept, c waits"
    );
    queue.queue.acknowledge(2, queue.now);
    assert_eq!(queue.queue.take_window_bytes(), Some(half));
    queue.attach();
    queue.written(usize::MAX);
    assert_eq!(queue.queue.take_window_bytes(), None, "never twice");
    assert_eq!(queue.queue.charged_bytes(), 0);
}

#[test]
fn what_waits_is_bounded_with_and_without_a_transport() {
    for attached in [true, false] {
        let mut queue = Queue::new(10);
        queue.own(b'a', 20, 0);
        queue.written(usize::MAX);
        if !attached {
            queue.queue.detach();
        }
        let sent = (0..20).filter(|_| queue.shared(b'b', 34).is_ok()).count();
        assert_eq!(sent, 10, "36 + 64 each");
        assert_eq!(queue.queue.charged_bytes(), 1000);
    }
}

#[test]
fn a_client_that_never_acknowledges_is_too_slow_and_one_that_is_away_is_not() {
    let mut queue = Queue::new(5);
    let start = queue.now;
    queue.own(b'a', 10, 0);
    queue.written(usize::MAX);
    assert_eq!(queue.queue.expires_at(&LIMITS), None, "nothing waits");
    queue.now += Duration::from_secs(10);
    queue.own(b'b', 10, 0);
    queue.own(b'c', 10, 0);
    let expires = |queue: &Queue| {
        queue
            .queue
            .expires_at(&LIMITS)
            .map(|at| (at - start).as_secs())
    };
    assert_eq!(expires(&queue), Some(40));
    queue.now += Duration::from_secs(10);
    queue.queue.acknowledge(1, queue.now);
    assert_eq!(expires(&queue), Some(50));
    queue.queue.detach();
    assert_eq!(expires(&queue), None);
    queue.own(b'd', 10, 0);
    assert_eq!(expires(&queue), None);
    queue.now += Duration::from_secs(10);
    queue.attach();
    assert_eq!(expires(&queue), Some(60));
}

#[test]
fn while_acknowledgements_cannot_be_read_nothing_waits_for_them() {
    let mut queue = Queue::new(100);
    for letter in b'a'..=b'e' {
        queue.own(letter, 90, 0);
    }
    assert_eq!(queue.written(usize::MAX), "ab");
    queue.queue.lift(true);
    assert_eq!(queue.written(usize::MAX), "cde");
    queue.queue.lift(false);
    queue.own(b'f', 90, 0);
    assert_eq!(queue.written(usize::MAX), "");
    assert!(queue.queue.may_resume());
    queue.queue.lift(true);
    for letter in b'g'..=b'n' {
        queue.own(letter, 90, 0);
    }
    // 14 of 90 bytes each: the first three no longer fit into 1000.
    assert!(
        !queue.queue.may_resume(),
        "what the client may ask for is gone"
    );
    queue.queue.acknowledge(2, queue.now);
    assert!(!queue.queue.may_resume());
    queue.queue.acknowledge(3, queue.now);
    assert!(queue.queue.may_resume());
    assert_eq!(queue.queue.first_unacknowledged(), 4);
}
