//! A gateway's end alone, with a router that says what the test wants.

use std::time::{Duration, Instant};

use hubplane_proto_ids::{Generation, NodeId};
use hubplane_router_directory::message::{
    Answer, Hello, Layout, Push, StreamKind, ToGateway, ToRouter,
};
use hubplane_router_directory::{
    CloseReason, GatewayDirectory, GatewayLimits, HASH_VERSION, Holders, Key, LookupId, Output,
    ReplicaId, Resolution, StreamId, Targets, Timers, Visibility,
};

use crate::plan::keys;

fn node(name: &str) -> NodeId {
    NodeId {
        name: name.parse().unwrap(),
        generation: Generation::from_raw(1),
    }
}

fn hello(layout: Layout) -> ToGateway {
    ToGateway::Hello(Hello {
        router: node("router-0"),
        layout,
        applied: None,
    })
}

struct Gateway {
    directory: GatewayDirectory,
    now: Instant,
    report: StreamId,
    watch: StreamId,
    /// What was written to either stream and not looked at.
    written: Vec<(StreamId, ToRouter)>,
    outputs: Vec<Output>,
}

impl Gateway {
    /// Connected, with a lease, and with one other gateway that is synced.
    fn new(limits: GatewayLimits) -> Self {
        let now = Instant::now();
        let mut directory =
            GatewayDirectory::with_limits(node("gateway-0"), Timers::default(), limits);
        let report = directory.connected(ReplicaId(0), StreamKind::Report, now);
        let watch = directory.connected(ReplicaId(0), StreamKind::Watch, now);
        let (written, outputs) = (Vec::new(), Vec::new());
        let mut gateway = Self {
            directory,
            now,
            report,
            watch,
            written,
            outputs,
        };
        gateway.say(report, hello(Layout::single()));
        gateway.say(watch, hello(Layout::single()));
        gateway.say(watch, ToGateway::Pong(1));
        let synced = true;
        let node = node("gateway-1");
        gateway.push(1, Push::Listed { node, synced });
        gateway
    }

    fn say(&mut self, stream: StreamId, message: ToGateway) {
        self.directory.handle(stream, message, self.now);
        self.flush();
    }

    fn push(&mut self, last: u64, push: Push) {
        let pushes = vec![push];
        self.say(self.watch, ToGateway::Pushes { last, pushes });
    }

    fn answer(&mut self, id: u64, holders: &[&str], watched: bool) {
        let holders = holders.iter().map(|name| node(name)).collect();
        let answer = Answer {
            id,
            holders,
            watched,
        };
        self.say(self.watch, ToGateway::Answers(vec![answer]));
    }

    fn flush(&mut self) {
        while let Some(output) = self.directory.poll_output() {
            match output {
                Output::ToRouter { stream, message } => self.written.push((stream, message)),
                Output::Close { .. } | Output::Visible(_) | Output::Resolved(..) => {
                    self.outputs.push(output);
                }
            }
        }
    }

    fn lookup(&mut self, key: &Key) -> LookupId {
        let Targets::Wait(lookup) = self.directory.targets(key, self.now) else {
            panic!("{key} is looked up");
        };
        self.flush();
        lookup
    }

    /// The ids of the questions asked since the last call.
    fn questions(&mut self) -> Vec<u64> {
        let written = std::mem::take(&mut self.written);
        let questions = written
            .into_iter()
            .filter_map(|(_, message)| match message {
                ToRouter::Lookup(questions) => Some(questions),
                _ => None,
            });
        questions.flatten().map(|question| question.id).collect()
    }

    fn resolution(&mut self, lookup: LookupId) -> Option<Resolution> {
        self.outputs.iter().find_map(|output| match output {
            Output::Resolved(id, resolution) if *id == lookup => Some(resolution.clone()),
            _ => None,
        })
    }

    fn report_everything(&mut self) {
        self.say(self.report, ToGateway::SnapshotTurn);
        self.say(self.report, ToGateway::Ping(1));
    }
}

fn gateway() -> Gateway {
    Gateway::new(GatewayLimits::default())
}

fn user() -> Key {
    keys(0)[2].clone()
}

fn group() -> Key {
    keys(0)[0].clone()
}

#[test]
fn a_send_joins_no_question_asked_before_it_unless_the_answer_is_watched() {
    let mut it = gateway();
    let first = it.lookup(&user());
    assert_eq!(it.questions(), [1]);
    let second = it.lookup(&user());
    assert_ne!(first, second);
    assert_eq!(it.lookup(&user()), second, "nothing was asked since");
    assert_eq!(it.questions(), [], "one question at a time");

    it.answer(1, &[], false);
    assert_eq!(it.resolution(first).unwrap().targets.len(), 0);
    assert_eq!(it.resolution(second), None);
    assert_eq!(it.questions(), [2]);
    it.answer(2, &["gateway-1"], true);
    assert_eq!(
        it.resolution(second).unwrap().targets.as_slice(),
        [node("gateway-1")]
    );

    let first = it.lookup(&group());
    let second = it.lookup(&group());
    assert_eq!(it.questions(), [3]);
    it.answer(3, &[], true);
    assert!(it.resolution(first).is_some() && it.resolution(second).is_some());
}

#[test]
fn an_answer_that_comes_too_late_fills_the_cache_all_the_same() {
    let mut it = gateway();
    let lookup = it.lookup(&group());
    it.now += Timers::default().lookup;
    it.directory.handle_timeout(it.now);
    it.flush();
    assert!(it.resolution(lookup).unwrap().untargeted);
    it.answer(1, &["gateway-1"], true);
    let targets = it.directory.targets(&group(), it.now);
    assert_eq!(
        targets,
        Targets::Known([node("gateway-1")].into_iter().collect())
    );
}

#[test]
fn pushes_change_what_is_cached_and_are_acknowledged() {
    let mut it = gateway();
    let lookup = it.lookup(&group());
    let question = it.questions()[0];
    it.answer(question, &[], true);
    assert_eq!(it.resolution(lookup).unwrap().targets.len(), 0);
    let (key, node) = (group(), node("gateway-1"));
    let (lost_key, lost_node) = (key.clone(), node.clone());
    it.push(
        2,
        Push::Gained {
            key,
            node: node.clone(),
        },
    );
    assert!(
        it.written
            .contains(&(it.watch, ToRouter::Ack { through: 2 }))
    );
    let targets = it.directory.targets(&group(), it.now);
    assert_eq!(targets, Targets::Known([node].into_iter().collect()));
    it.push(
        3,
        Push::Lost {
            key: lost_key,
            node: lost_node,
        },
    );
    let targets = it.directory.targets(&group(), it.now);
    assert_eq!(targets, Targets::Known([].into_iter().collect()));
}

#[test]
fn a_live_gateway_that_is_not_synced_is_a_target_of_everything() {
    let mut it = gateway();
    it.lookup(&group());
    let question = it.questions()[0];
    it.answer(question, &["gateway-1", "gateway-0"], true);
    it.directory.heard(&node("gateway-2"), it.now);
    let targets = it.directory.targets(&group(), it.now);
    let both = [node("gateway-1"), node("gateway-2")];
    assert_eq!(targets, Targets::Known(both.into_iter().collect()));
    let synced = true;
    let unknown = node("gateway-2");
    it.push(
        2,
        Push::Listed {
            node: unknown,
            synced,
        },
    );
    let targets = it.directory.targets(&group(), it.now);
    assert_eq!(
        targets,
        Targets::Known([node("gateway-1")].into_iter().collect())
    );
}

#[test]
fn a_connection_is_nowhere_only_if_every_live_gateway_is_synced() {
    let mut it = gateway();
    let connection = keys(1)[4].clone();
    assert!(matches!(
        it.directory.holders(&connection, it.now),
        Holders::Wait(_)
    ));
    it.flush();
    it.answer(1, &[], false);
    let Some(Output::Resolved(_, resolution)) = it.outputs.pop() else {
        panic!("it is answered");
    };
    assert_eq!(resolution.connection(), Holders::Nobody);

    it.directory.heard(&node("gateway-2"), it.now);
    it.directory.holders(&connection, it.now);
    it.flush();
    it.answer(2, &[], false);
    let Some(Output::Resolved(_, resolution)) = it.outputs.pop() else {
        panic!("it is answered");
    };
    assert_eq!(resolution.connection(), Holders::Unknown);

    it.directory.hold(&connection, 3, it.now);
    assert_eq!(it.directory.holders(&connection, it.now), Holders::Local);
    let nobody_else = Targets::Known([].into_iter().collect());
    assert_eq!(it.directory.targets(&connection, it.now), nobody_else);
}

#[test]
fn the_entry_used_least_recently_makes_room_and_is_no_longer_watched() {
    let limits = GatewayLimits {
        cache_entries_max: 2,
        ..GatewayLimits::default()
    };
    let mut it = Gateway::new(limits);
    let keys = keys(0);
    for key in &keys[..2] {
        it.lookup(key);
        let question = it.questions()[0];
        it.answer(question, &["gateway-1"], true);
    }
    assert!(matches!(
        it.directory.targets(&keys[0], it.now),
        Targets::Known(_)
    ));
    it.lookup(&keys[2]);
    let question = it.questions()[0];
    it.answer(question, &["gateway-1"], true);
    let unwatched = ToRouter::Unwatch(vec![keys[1].clone()]);
    assert!(it.written.contains(&(it.watch, unwatched)));
    assert!(matches!(
        it.directory.targets(&keys[0], it.now),
        Targets::Known(_)
    ));
    it.lookup(&keys[1]);
    assert_eq!(it.directory.counts().cached, 2);
}

#[test]
fn a_gateway_is_live_for_ten_seconds_after_it_was_heard() {
    let mut directory = GatewayDirectory::new(node("gateway-0"), Timers::default());
    let heard_at = Instant::now();
    for name in ["gateway-0", "gateway-1"] {
        directory.heard(&node(name), heard_at);
    }
    let live = |it: &GatewayDirectory, now| it.live(now).cloned().collect::<Vec<_>>();
    let lease = Duration::from_secs(10);
    let almost = heard_at + lease - Duration::from_millis(1);
    assert_eq!(live(&directory, almost), [node("gateway-1")]);
    assert_eq!(live(&directory, heard_at + lease), []);
    assert_eq!(directory.poll_timeout(), Some(heard_at + lease));
    directory.handle_timeout(heard_at + lease);
    assert_eq!(directory.counts().live, 0);
    assert_eq!(directory.poll_timeout(), None);
}

#[test]
fn a_gateway_that_a_router_lists_is_live_and_has_a_lease_when_the_stream_ends() {
    let mut it = gateway();
    it.now += Duration::from_secs(60);
    assert_eq!(it.directory.live(it.now).count(), 1);
    it.directory.disconnected(it.watch, it.now);
    assert_eq!(it.directory.live(it.now).count(), 1);
    it.now += Duration::from_secs(10);
    assert_eq!(it.directory.live(it.now).count(), 0);
}

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
fn what_comes_on_an_older_stream_is_not_believed() {
    let mut it = gateway();
    it.lookup(&group());
    let older = it.watch;
    it.watch = it
        .directory
        .connected(ReplicaId(0), StreamKind::Watch, it.now);
    it.flush();
    let holders = vec![node("gateway-1")];
    let watched = true;
    let id = 1;
    let answer = Answer {
        id,
        holders,
        watched,
    };
    it.say(older, ToGateway::Answers(vec![answer]));
    assert_eq!(it.directory.counts().cached, 0);
    it.directory.disconnected(older, it.now);
    it.say(it.watch, hello(Layout::single()));
    assert_eq!(
        it.outputs.len(),
        1,
        "only the lookup ended, with its stream: {:?}",
        it.outputs
    );
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
