use super::*;
use crate::{Account, OutboundQueue};

#[test]
fn a_client_that_sends_more_than_its_share_waits_and_loses_nothing() {
    let options = Options {
        parallel_invocations_max: NonZeroU32::new(8).unwrap(),
        ..Options::default()
    };
    let mut rig = Rig::open(options);
    assert_eq!(rig.client(PING), Vec::<String>::new());
    assert_eq!(rig.connection.take_messages(), 0, "pings are free");
    rig.connection.handle_bytes(call("1").as_bytes());
    rig.connection.handle_bytes(call("2").as_bytes());
    assert!(rig.connection.poll_output(rig.now).is_some());
    assert_eq!(rig.connection.take_messages(), 1);
    rig.connection
        .throttle(rig.now + Duration::from_millis(1500));
    assert_eq!(
        rig.connection.poll_output(rig.now),
        None,
        "the second waits"
    );
    let seen = rig.pass(2.0);
    assert_eq!(seen.len(), 1, "{seen:?}");
    assert!(seen[0].starts_with("1.5: "), "{seen:?}");
    assert_eq!(rig.connection.take_messages(), 1);
}

#[test]
fn silence_does_not_count_while_a_client_is_throttled() {
    let mut rig = Rig::open(Options::default());
    rig.client(PING);
    rig.connection.throttle(rig.now + Duration::from_secs(29));
    let seen = rig.pass(58.0);
    let closes = seen.iter().filter(|seen| seen.contains("\"type\":7"));
    assert_eq!(closes.count(), 0, "{seen:?}");
    assert!(rig.pass(2.0).iter().any(|seen| seen.contains("\"type\":7")));
}

#[test]
fn what_a_throttled_client_sent_before_it_left_is_still_carried_out() {
    let mut rig = Rig::open(Options::default());
    rig.connection.throttle(rig.now + Duration::from_secs(1));
    rig.client(call("1"));
    rig.connection.handle_end(crate::End::Closed, rig.now);
    let seen = rig.pass(1.0);
    assert!(seen[0].starts_with("1: "), "{seen:?}");
}

#[test]
fn a_connection_is_charged_for_what_it_has_not_read_and_what_its_hub_keeps_with_it() {
    let account = Account::default();
    let mut rig = Rig::open(Options::default());
    rig.connection.charge_to(&account);
    rig.client(&call("1")[..10]);
    assert_eq!(account.bytes(), 10);
    rig.connection
        .handle_item("key".into(), Some(bytes::Bytes::from_static(b"12345")))
        .unwrap();
    assert_eq!(account.bytes(), 18);
    rig.client(&call("1")[10..]);
    assert_eq!(account.bytes(), 8);
    drop(rig);
    assert_eq!(account.bytes(), 0);
}

#[test]
fn a_queue_is_charged_for_a_shared_body_only_its_place_in_the_line() {
    use crate::{Head, QueueLimits};
    let (account, now) = (Account::default(), Instant::now());
    let mut queue = OutboundQueue::charged_to(&account);
    let body = bytes::Bytes::from(vec![0; 1000]);
    queue
        .push(Head::empty(), body.clone(), &QueueLimits::default(), now)
        .unwrap();
    assert_eq!(account.bytes(), 64);
    queue.push_bounded_elsewhere(Head::empty(), body, 0, now);
    assert_eq!(account.bytes(), 64 + 1064);
    queue.advance(1000, now);
    assert_eq!(account.bytes(), 1064);
    queue.clear();
    assert_eq!(account.bytes(), 0);
}
