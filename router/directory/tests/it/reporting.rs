//! What a gateway's end tells routers, and when it believes that it was heard.

use hubplane_router_directory::message::{Layout, StreamKind, ToGateway, ToRouter};
use hubplane_router_directory::{
    CloseReason, GatewayLimits, HASH_VERSION, Key, Output, ReplicaId, Timers, Visibility,
};

use crate::alone::{Gateway, gateway, group, hello, user};
use crate::plan::keys;

#[test]
fn pings_are_answered_only_after_the_snapshot() {
    let mut it = gateway();
    it.directory.hold(&group(), 0, it.now);
    it.written.clear();
    it.say(it.report, ToGateway::Ping(1));
    it.say(it.report, ToGateway::Ping(2));
    assert_eq!(it.written, []);
    it.say(it.report, ToGateway::SnapshotTurn);
    let written: Vec<_> = it
        .written
        .iter()
        .map(|(_, message)| message.clone())
        .collect();
    let expected = [
        ToRouter::SnapshotBegin,
        ToRouter::SnapshotChunk(vec![group()]),
        ToRouter::SnapshotEnd { number: 2 },
        ToRouter::Pong(2),
    ];
    assert_eq!(written, expected);
}

#[test]
fn a_snapshot_comes_in_chunks_that_are_taken_one_by_one_with_changes_between_them() {
    let limits = GatewayLimits {
        chunk_bytes_max: 1,
        ..GatewayLimits::default()
    };
    let mut it = Gateway::new(limits);
    for key in &keys(0) {
        it.directory.hold(key, 0, it.now);
    }
    it.flush();
    it.written.clear();
    it.say(it.report, ToGateway::SnapshotTurn);
    assert_eq!(it.written.len(), 3, "a beginning, and two chunks ahead");
    it.directory.release(&user(), 0, it.now);
    it.flush();
    it.say(it.report, ToGateway::ChunkTaken);
    it.say(it.report, ToGateway::ChunkTaken);
    let keys = keys(0);
    let written: Vec<_> = it
        .written
        .iter()
        .map(|(_, message)| message.clone())
        .collect();
    let chunk = |n: usize| ToRouter::SnapshotChunk(vec![keys[n].clone()]);
    assert_eq!(written[1..3], [chunk(0), chunk(1)]);
    assert!(matches!(&written[3], ToRouter::Changes(changes) if changes[0].key == user()));
    assert_eq!(
        written[4..],
        [chunk(3), ToRouter::SnapshotEnd { number: 6 }]
    );
}

#[test]
fn a_change_waits_for_a_replica_from_the_first_ping_answered_on() {
    let mut it = gateway();
    assert_eq!(it.directory.hold(&group(), 0, it.now), Visibility::Visible);
    it.report_everything();
    let held = it.directory.hold(&user(), 0, it.now);
    let Visibility::Wait(change) = held else {
        panic!("the replica may count this gateway as synced");
    };
    assert_eq!(it.directory.visibility(&user()), held);
    assert_eq!(it.directory.hold(&user(), 1, it.now), held);
    it.flush();
    assert!(
        !it.directory.is_ready(it.now),
        "the snapshot is not visible"
    );
    it.say(it.report, ToGateway::Visible(vec![2]));
    assert!(it.directory.is_ready(it.now));
    it.say(it.report, ToGateway::Visible(vec![3]));
    assert_eq!(it.outputs, [Output::Visible(change)]);
    assert_eq!(it.directory.visibility(&user()), Visibility::Visible);
}

#[test]
fn who_waits_for_a_key_that_is_given_up_goes_on() {
    let mut it = gateway();
    it.report_everything();
    let Visibility::Wait(change) = it.directory.hold(&user(), 0, it.now) else {
        panic!("the replica may count this gateway as synced");
    };
    it.directory.release(&user(), 0, it.now);
    it.flush();
    assert_eq!(it.outputs, [Output::Visible(change)]);
    it.say(it.report, ToGateway::Visible(vec![change_number(&it)]));
    assert_eq!(it.outputs.len(), 1, "only once");
}

fn change_number(it: &Gateway) -> u64 {
    let changes = it
        .written
        .iter()
        .rev()
        .filter_map(|(_, message)| match message {
            ToRouter::Changes(changes) => changes.iter().find(|change| change.held),
            _ => None,
        });
    changes.map(|change| change.number).next().unwrap()
}

#[test]
fn a_router_whose_layout_differs_is_refused() {
    let mut it = gateway();
    let refused = |it: &mut Gateway, replica: u32, layout: Layout| {
        let stream = it
            .directory
            .connected(ReplicaId(replica), StreamKind::Watch, it.now);
        it.say(stream, hello(layout));
        let reason = CloseReason::Layout;
        it.outputs.contains(&Output::Close { stream, reason })
    };
    let two = Layout {
        shards: 2,
        ..Layout::single()
    };
    assert!(refused(&mut it, 1, two));
    let hashed_otherwise = Layout {
        hash_version: HASH_VERSION + 1,
        ..Layout::single()
    };
    assert!(refused(&mut it, 2, hashed_otherwise));
    assert!(!refused(&mut it, 3, Layout::single()));

    // When no router is left, the next one decides.
    for stream in [it.report, it.watch] {
        it.directory.disconnected(stream, it.now);
    }
    it.directory
        .connected(ReplicaId(3), StreamKind::Watch, it.now);
    assert!(!refused(&mut it, 1, two));
}

#[test]
fn one_router_behind_two_addresses_is_reported_to_once() {
    let mut it = gateway();
    let stream = it
        .directory
        .connected(ReplicaId(1), StreamKind::Report, it.now);
    it.say(stream, hello(Layout::single()));
    let reason = CloseReason::Duplicate;
    assert_eq!(it.outputs, [Output::Close { stream, reason }]);
}

#[test]
fn a_silent_stream_is_closed_and_dialled_again() {
    let mut it = gateway();
    let heard_at = it.now;
    while it.outputs.is_empty() {
        it.now = it.directory.poll_timeout().unwrap();
        it.directory.handle_timeout(it.now);
        it.flush();
    }
    assert_eq!(it.now, heard_at + Timers::default().silent_replica);
    let reason = CloseReason::Silent;
    let closed = [it.report, it.watch].map(|stream| Output::Close { stream, reason });
    assert_eq!(it.outputs, closed);
}

#[test]
fn a_message_that_has_no_place_closes_its_stream() {
    for message in [
        ToGateway::SnapshotTurn,
        ToGateway::Visible(vec![1]),
        hello(Layout::single()),
    ] {
        let mut it = gateway();
        let stream = it.watch;
        it.say(stream, message);
        let reason = CloseReason::Protocol;
        assert_eq!(it.outputs, [Output::Close { stream, reason }]);
    }
}

#[test]
fn a_snapshot_that_broke_off_settles_nothing() {
    let limits = GatewayLimits {
        chunk_bytes_max: 1,
        log_max: 2,
        ..GatewayLimits::default()
    };
    let mut it = Gateway::new(limits);
    for stream in [it.report, it.watch] {
        it.directory.disconnected(stream, it.now);
    }
    let open = |it: &mut Gateway, applied: Option<u64>| {
        it.report = it
            .directory
            .connected(ReplicaId(1), StreamKind::Report, it.now);
        it.written.clear();
        let mut greeting = hello(Layout {
            shards: 2,
            ..Layout::single()
        });
        if let ToGateway::Hello(hello) = &mut greeting {
            hello.applied = applied;
        }
        it.say(it.report, greeting);
        it.written.contains(&(it.report, ToRouter::SnapshotWanted))
    };
    assert!(open(&mut it, None));
    it.say(it.report, ToGateway::SnapshotTurn);
    it.say(it.report, ToGateway::Applied { through: 1 });
    it.say(it.report, ToGateway::Visible(vec![1]));
    it.directory.disconnected(it.report, it.now);

    let (of_its_shard, of_another): (Vec<_>, Vec<_>) =
        (0..16).map(numbered).partition(|key| key.shard(2) == 0);
    for key in &of_its_shard[..3] {
        it.directory.hold(key, 0, it.now);
    }
    assert!(open(&mut it, Some(1)), "it missed more than is remembered");
    it.say(it.report, ToGateway::SnapshotTurn);
    it.directory.hold(&of_another[0], 0, it.now);
    it.directory.disconnected(it.report, it.now);
    assert!(open(&mut it, Some(1)), "it still misses all that");
}

fn numbered(n: u8) -> Key {
    Key::group(&"chat".parse().unwrap(), &n.to_string().parse().unwrap())
}
