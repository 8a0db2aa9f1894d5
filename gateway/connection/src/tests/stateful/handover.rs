//! A connection becomes a value and a connection again.

use bytes::Bytes;

use super::*;
use crate::{Exported, Head, NotExportable};

/// A queue as a shard would have it, with all that a connection has put out so far.
fn queue() -> OutboundQueue {
    let mut queue = OutboundQueue::new();
    queue.keep_unacknowledged(100_000, &QueueLimits::default());
    queue
}

fn through_bytes(exported: &Exported) -> Exported {
    let bytes = exported.to_bytes().unwrap();
    assert!(Exported::from_bytes(&bytes[..bytes.len() - 1]).is_err());
    assert!(Exported::from_bytes(&[&bytes[..], b"x"].concat()).is_err());
    Exported::from_bytes(&bytes).unwrap()
}

fn moved(rig: &mut Rig, queue: &OutboundQueue) -> OutboundQueue {
    let exported = rig.connection.export(queue, rig.now).unwrap();
    let exported = through_bytes(&exported);
    let again = exported.clone();
    let options = Arc::clone(rig.connection.options());
    let (connection, queue) = Connection::import(exported, options, rig.now).unwrap();
    rig.connection = connection;
    assert_eq!(
        rig.connection.export(&queue, rig.now).unwrap(),
        again,
        "what was imported is what was exported"
    );
    queue
}

#[test]
fn identity_items_numbers_and_what_waits_move_along() {
    let mut rig = open();
    rig.connection
        .handle_item("room".into(), Some(Bytes::from_static(b"\x01")))
        .unwrap();
    rig.client(PING.to_owned() + &quiet(1));
    rig.connection.handle_slot_released(rig.now);
    rig.pass(1.0);
    rig.client("{\"type\":1,\"tar");
    let mut queue = queue();
    for letter in *b"abc" {
        let head = Head::empty().with(&[0x81, 1]);
        queue.push_own(head, vec![letter].into(), 0, rig.now);
    }
    queue.acknowledge(1, rig.now);

    let mut queue = moved(&mut rig, &queue);
    assert_eq!(rig.connection.info().connection, id());
    assert!(rig.connection.items().unwrap().get("room").is_some());
    assert!(rig.connection.is_detached() && rig.connection.hears());
    assert_eq!(queue.first_unacknowledged(), 2);
    let first = rig.connection.handle_resumed(2, rig.now).unwrap();
    queue.attach((Head::empty(), first), rig.now);
    assert_eq!(queue.len(), 3, "the sequence, b and c");
    assert_eq!(
        rig.client(sequence(1) + &quiet(1) + &quiet(2)),
        ["hub Call - Say"]
    );
    assert!(
        rig.pass(1.0)[0].contains("{\"type\":8,\"sequenceId\":2}"),
        "and acknowledgements go on"
    );
}

#[test]
fn what_came_whole_is_carried_out_by_the_next_gateway_if_the_client_does_not_come_back() {
    let mut rig = open();
    rig.connection.pause(true, rig.now);
    rig.client(quiet(1) + &quiet(2) + "{\"ty");
    moved(&mut rig, &queue());
    assert_eq!(rig.outputs(), ["hub Call - Say"]);
    assert_eq!(rig.pass(15.0), ["15: forget", "15: hub closed None"]);
}

#[test]
fn the_silence_of_a_client_counts_on() {
    let mut rig = open();
    rig.client(PING);
    rig.pass(20.0);
    moved(&mut rig, &queue());
    let seen = rig.pass(15.0);
    assert!(
        seen.iter()
            .any(|output| output.starts_with("30: hub closed Some(\"OperationCanceled")),
        "{seen:?}"
    );
}

#[test]
fn a_token_expires_when_it_would_have() {
    let mut rig = open();
    let expires_at = rig.now + Duration::from_secs(12);
    rig.connection.expire_at(Some(expires_at));
    rig.pass(2.0);
    moved(&mut rig, &queue());
    assert_eq!(rig.pass(9.0), none());
    assert_eq!(rig.pass(2.0)[0], "12: forget");
}

#[test]
fn what_opens_ends_or_has_something_under_way_stays_where_it_is() {
    let refused = |rig: &Rig| rig.connection.export(&queue(), rig.now).unwrap_err();
    let mut rig = Rig::open(Options::default());
    assert_eq!(refused(&rig), NotExportable::NotResumable, "not stateful");
    rig.connection.handle_end(End::Lost, rig.now);

    let mut rig = granted(VERSION_2);
    assert_eq!(
        refused(&rig),
        NotExportable::NotResumable,
        "on_connected runs"
    );
    rig.opened();
    assert!(
        rig.connection
            .export(&OutboundQueue::new(), rig.now)
            .is_err()
    );
    rig.client(quiet(1));
    assert_eq!(refused(&rig), NotExportable::Busy);
    rig.connection.handle_slot_released(rig.now);
    rig.client(stream("s"));
    assert_eq!(refused(&rig), NotExportable::Busy);
    rig.complete_slotless("s", Outcome::Void);
    assert!(rig.connection.export(&queue(), rig.now).is_ok());
    rig.client("{\"type\":7}\x1e");
    assert_eq!(refused(&rig), NotExportable::NotResumable, "closing");
}

#[test]
fn a_gateway_that_does_not_allow_it_imports_nothing() {
    let rig = open();
    let exported = rig.connection.export(&queue(), rig.now).unwrap();
    let import = Connection::import(exported, Arc::default(), rig.now);
    assert!(matches!(import, Err(crate::NotImportable::NotAllowed)));
}
