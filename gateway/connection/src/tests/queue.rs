use std::io::IoSlice;
use std::time::{Duration, Instant};

use bytes::Bytes;
use hubplane_proto_link::WINDOW_BYTES;
use proptest::prelude::*;

use crate::{Head, OutboundQueue, Overflow, QueueLimits};

const LIMITS: QueueLimits = QueueLimits {
    bytes_max: 1000,
    age_max: Duration::from_secs(30),
    pause_reading_bytes: 500,
};

fn body(len: usize) -> Bytes {
    Bytes::from(vec![b'x'; len])
}

#[test]
fn one_entry_always_has_room_and_then_the_bound_holds() {
    let (mut queue, now) = (OutboundQueue::new(), Instant::now());
    assert_eq!(queue.push(Head::empty(), body(5000), &LIMITS, now), Ok(()));
    assert_eq!(
        queue.push(Head::empty(), body(1), &LIMITS, now),
        Err(Overflow)
    );
    queue.advance(5000, now);
    assert!(queue.is_empty());
    for _ in 0..10 {
        assert_eq!(
            queue.push(Head::empty(), body(36), &LIMITS, now),
            Ok(()),
            "36 + 64 each"
        );
    }
    assert_eq!(queue.charged_bytes(), 1000);
    assert_eq!(
        queue.push(Head::empty(), body(0), &LIMITS, now),
        Err(Overflow)
    );
    queue.push_bounded_elsewhere(Head::empty(), body(1), 0, now);
}

#[test]
fn age_is_the_time_without_a_byte_taken() {
    let (mut queue, start) = (OutboundQueue::new(), Instant::now());
    let after = |seconds| start + Duration::from_secs(seconds);
    assert_eq!(queue.expires_at(&LIMITS), None);
    queue.push(Head::empty(), body(10), &LIMITS, start).unwrap();
    queue
        .push(Head::empty(), body(10), &LIMITS, after(20))
        .unwrap();
    assert_eq!(queue.expires_at(&LIMITS), Some(after(30)));
    assert_eq!(queue.advance(1, after(25)), 0);
    assert_eq!(queue.expires_at(&LIMITS), Some(after(55)));
    assert_eq!(queue.advance(19, after(26)), 2);
    assert_eq!(queue.expires_at(&LIMITS), None);
}

#[test]
fn an_entry_that_is_partly_written_survives_the_dropping_of_the_rest() {
    let (mut queue, now) = (OutboundQueue::new(), Instant::now());
    for _ in 0..3 {
        queue
            .push(Head::empty().with(b"h"), body(9), &LIMITS, now)
            .unwrap();
    }
    queue.advance(13, now);
    queue.drop_unsent();
    assert_eq!((queue.len(), queue.charged_bytes()), (1, 74));
    queue.advance(7, now);
    queue.push(Head::empty(), body(9), &LIMITS, now).unwrap();
    queue.drop_unsent();
    assert_eq!(
        (
            queue.len(),
            queue.charged_bytes(),
            queue.expires_at(&LIMITS)
        ),
        (0, 0, None)
    );
}

#[test]
fn what_is_bounded_elsewhere_takes_no_room_of_what_is_bounded_here() {
    let (mut queue, now) = (OutboundQueue::new(), Instant::now());
    queue.push_bounded_elsewhere(Head::empty(), body(5000), 5000, now);
    for _ in 0..10 {
        assert_eq!(
            queue.push(Head::empty(), body(36), &LIMITS, now),
            Ok(()),
            "36 + 64 each"
        );
    }
    let full = queue.push(Head::empty(), body(36), &LIMITS, now);
    assert_eq!(full, Err(Overflow));
    queue.advance(5000, now);
    let full = queue.push(Head::empty(), body(36), &LIMITS, now);
    assert_eq!(full, Err(Overflow), "it was never charged for that");
}

#[test]
fn a_window_is_given_back_in_halves_as_entries_leave() {
    let (mut queue, now) = (OutboundQueue::new(), Instant::now());
    let half = WINDOW_BYTES / 2;
    for _ in 0..2 {
        queue.push_bounded_elsewhere(Head::empty(), body(10), half - 1, now);
    }
    assert_eq!(queue.take_window_bytes(), None, "nothing is written");
    queue.advance(15, now);
    assert_eq!(queue.take_window_bytes(), None, "less than half");
    queue.advance(5, now);
    assert_eq!(queue.take_window_bytes(), Some(2 * half - 2));
    assert_eq!(queue.take_window_bytes(), None);
    queue.push_bounded_elsewhere(Head::empty(), body(10), half, now);
    queue.clear();
    assert_eq!(
        queue.take_window_bytes(),
        Some(half),
        "what is dropped is no more to be waited for"
    );
    queue.give_back(half);
    assert_eq!(queue.take_window_bytes(), Some(half));
    assert_eq!((queue.len(), queue.charged_bytes()), (0, 0));
}

proptest! {
    #[test]
    fn what_is_written_is_what_was_pushed(
        entries in proptest::collection::vec((0_usize..15, 0_usize..40), 1..20),
        writes in proptest::collection::vec((1_usize..8, 1_usize..60), 1..200),
    ) {
        let (mut queue, now) = (OutboundQueue::new(), Instant::now());
        let mut pushed = Vec::new();
        for (n, (head, body)) in entries.iter().enumerate() {
            let (head, body) = (vec![n as u8; *head], vec![100 + n as u8; *body]);
            pushed.extend_from_slice(&head);
            pushed.extend_from_slice(&body);
            queue.push_bounded_elsewhere(Head::empty().with(&head), body.into(), 0, now);
        }
        let mut written = Vec::new();
        for (slices, bytes) in writes.into_iter().cycle().take(1000) {
            let mut room = vec![IoSlice::new(&[]); slices];
            let filled = queue.slices(&mut room);
            let offered: Vec<u8> = room[..filled].iter().flat_map(|slice| slice.iter().copied()).collect();
            prop_assert!(room[..filled].iter().all(|slice| !slice.is_empty()));
            let taken = bytes.min(offered.len());
            written.extend_from_slice(&offered[..taken]);
            queue.advance(taken, now);
        }
        prop_assert_eq!(written, pushed);
        prop_assert!(queue.is_empty());
        prop_assert_eq!(queue.charged_bytes(), 0);
    }
}
