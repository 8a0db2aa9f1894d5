//! A router's end alone, with gateways that say what the test wants.

use std::time::{Duration, Instant};

use hubplane_proto_ids::{Generation, NodeId};
use hubplane_router_directory::message::{
    Answer, Change, Layout, Push, Question, StreamKind, ToGateway, ToRouter,
};
use hubplane_router_directory::{
    CloseReason, HASH_VERSION, Key, Replica, ReplicaOutput, SessionId, Timers,
};

use crate::plan::keys;

fn node(name: &str) -> NodeId {
    NodeId {
        name: name.parse().unwrap(),
        generation: Generation::from_raw(1),
    }
}

fn user() -> Key {
    keys(0)[2].clone()
}

fn group() -> Key {
    keys(0)[0].clone()
}

struct Router {
    replica: Replica,
    now: Instant,
    written: Vec<(SessionId, ToGateway)>,
    closed: Vec<(SessionId, CloseReason)>,
}

impl Router {
    fn new(layout: Layout) -> Self {
        Self {
            replica: Replica::new(node("router-0"), layout, Timers::default()),
            now: Instant::now(),
            written: Vec::new(),
            closed: Vec::new(),
        }
    }

    fn open(&mut self, gateway: &str, kind: StreamKind) -> SessionId {
        let session = self.replica.connected(node(gateway), kind, self.now);
        self.flush();
        session
    }

    fn say(&mut self, session: SessionId, message: ToRouter) {
        self.replica.handle(session, message, self.now);
        self.flush();
    }

    fn wait(&mut self, duration: Duration) {
        let until = self.now + duration;
        while let Some(due) = self.replica.poll_timeout().filter(|due| *due <= until) {
            self.now = self.now.max(due);
            self.replica.handle_timeout(self.now);
            self.flush();
        }
        self.now = until;
    }

    fn flush(&mut self) {
        while let Some(output) = self.replica.poll_output() {
            match output {
                ReplicaOutput::ToGateway { session, message } => {
                    self.written.push((session, message))
                }
                ReplicaOutput::Close { session, reason } => self.closed.push((session, reason)),
                ReplicaOutput::Drained => {}
            }
        }
    }

    /// What was written to the stream since the last look at it.
    fn read(&mut self, session: SessionId) -> Vec<ToGateway> {
        let (read, rest) = std::mem::take(&mut self.written)
            .into_iter()
            .partition(|it| it.0 == session);
        self.written = rest;
        let read: Vec<(SessionId, ToGateway)> = read;
        read.into_iter().map(|(_, message)| message).collect()
    }

    /// A gateway that is synced, for as long as it answers pings.
    fn synced(&mut self, gateway: &str) -> SessionId {
        let session = self.open(gateway, StreamKind::Report);
        self.say(session, ToRouter::SnapshotWanted);
        self.say(session, ToRouter::SnapshotBegin);
        self.say(session, ToRouter::SnapshotEnd { number: 1 });
        self.say(session, ToRouter::Pong(1));
        self.read(session);
        session
    }

    /// A gateway that watches a key, with a lease.
    fn watcher(&mut self, gateway: &str, key: &Key) -> SessionId {
        let session = self.open(gateway, StreamKind::Watch);
        self.say(session, ToRouter::Ping(1));
        let key = key.clone();
        self.say(session, ToRouter::Lookup(vec![Question { id: 1, key }]));
        session
    }

    fn hold(&mut self, session: SessionId, number: u64, key: &Key, held: bool) {
        let key = key.clone();
        let change = Change { number, key, held };
        self.say(session, ToRouter::Changes(vec![change]));
    }
}

fn router() -> Router {
    Router::new(Layout::single())
}

fn last_push(messages: &[ToGateway]) -> u64 {
    let pushes = messages.iter().filter_map(|message| match message {
        ToGateway::Pushes { last, .. } => Some(*last),
        _ => None,
    });
    pushes.max().unwrap()
}

fn is_visible(messages: &[ToGateway], number: u64) -> bool {
    let mut messages = messages.iter();
    messages.any(|it| matches!(it, ToGateway::Visible(numbers) if numbers.contains(&number)))
}

#[test]
fn a_change_is_visible_when_every_watcher_of_its_key_has_acknowledged() {
    let mut it = router();
    let report = it.synced("gateway-0");
    let watchers = ["gateway-1", "gateway-2"].map(|name| it.watcher(name, &group()));
    let of_another_key = it.watcher("gateway-3", &user());
    it.hold(report, 2, &group(), true);
    assert!(!is_visible(&it.read(report), 2));
    let pushes = watchers.map(|watcher| last_push(&it.read(watcher)));
    it.say(watchers[0], ToRouter::Ack { through: pushes[0] });
    assert!(!is_visible(&it.read(report), 2));
    it.say(
        watchers[1],
        ToRouter::Ack {
            through: pushes[1] - 1,
        },
    );
    assert!(!is_visible(&it.read(report), 2));
    it.say(watchers[1], ToRouter::Ack { through: pushes[1] });
    assert!(is_visible(&it.read(report), 2));
    let told = it.read(of_another_key);
    let gained = |push: &Push| matches!(push, Push::Gained { .. });
    assert!(
        !told
            .iter()
            .any(|it| matches!(it, ToGateway::Pushes { pushes, .. } if pushes.iter().any(gained)))
    );
}

#[test]
fn one_slow_watcher_delays_the_changes_of_its_keys_alone() {
    let mut it = router();
    let report = it.synced("gateway-0");
    it.watcher("gateway-1", &group());
    it.hold(report, 2, &group(), true);
    it.hold(report, 3, &user(), true);
    let said = it.read(report);
    assert!(is_visible(&said, 3) && !is_visible(&said, 2));
    it.wait(Duration::from_secs(1));
    assert!(is_visible(&it.read(report), 2), "its lease is out");
}

#[test]
fn a_gateway_does_not_wait_for_itself() {
    let mut it = router();
    let report = it.synced("gateway-0");
    let watch = it.watcher("gateway-0", &group());
    it.read(watch);
    it.hold(report, 2, &group(), true);
    assert!(is_visible(&it.read(report), 2));
    assert!(last_push(&it.read(watch)) > 0, "but it is told");
}

#[test]
fn holders_are_pushed_before_the_gateway_is_said_to_be_synced() {
    let mut it = router();
    let watch = it.watcher("gateway-1", &group());
    let report = it.open("gateway-0", StreamKind::Report);
    it.read(watch);
    it.say(report, ToRouter::SnapshotWanted);
    it.say(report, ToRouter::SnapshotBegin);
    it.say(report, ToRouter::SnapshotChunk(vec![group()]));
    it.say(report, ToRouter::SnapshotEnd { number: 1 });
    it.say(report, ToRouter::Pong(1));
    let pushes: Vec<_> = it
        .read(watch)
        .into_iter()
        .filter_map(|message| match message {
            ToGateway::Pushes { pushes, .. } => Some(pushes),
            _ => None,
        })
        .flatten()
        .collect();
    let gained = Push::Gained {
        key: group(),
        node: node("gateway-0"),
    };
    let synced = Push::Listed {
        node: node("gateway-0"),
        synced: true,
    };
    assert_eq!(pushes, [gained, synced]);
    assert!(
        !is_visible(&it.read(report), 1),
        "the watcher has not acknowledged"
    );
}

#[test]
fn a_lookup_says_who_is_no_longer_synced_before_it_is_answered() {
    let mut it = router();
    it.synced("gateway-0");
    let watch = it.watcher("gateway-1", &group());
    it.read(watch);
    // No timer has fired: the lease is checked when it is used.
    it.now += Duration::from_millis(1500);
    let question = Question { id: 2, key: user() };
    it.say(watch, ToRouter::Lookup(vec![question]));
    let said = it.read(watch);
    let unsynced = Push::Listed {
        node: node("gateway-0"),
        synced: false,
    };
    assert!(
        matches!(&said[0], ToGateway::Pushes { pushes, .. } if pushes.contains(&unsynced)),
        "{said:?}"
    );
    let nobody = Answer {
        id: 2,
        holders: vec![],
        watched: false,
    };
    assert_eq!(said[1], ToGateway::Answers(vec![nobody]));
}

#[test]
fn a_ping_answered_late_does_not_make_a_gateway_synced() {
    let mut it = router();
    let report = it.synced("gateway-0");
    it.now += Duration::from_millis(1500);
    it.say(report, ToRouter::Pong(1));
    assert_eq!(it.replica.counts().synced, 0);
}

#[test]
fn the_last_holder_of_a_user_takes_the_watches_along() {
    let mut it = router();
    let report = it.synced("gateway-0");
    for (number, key) in [(2, user()), (3, group())] {
        it.hold(report, number, &key, true);
    }
    it.watcher("gateway-1", &user());
    it.watcher("gateway-2", &group());
    assert_eq!(it.replica.counts().watches, 2);
    for (number, key) in [(4, user()), (5, group())] {
        it.hold(report, number, &key, false);
    }
    let counts = it.replica.counts();
    assert_eq!((counts.watches, counts.holdings, counts.keys), (1, 0, 1));
}

#[test]
fn a_resumed_report_is_told_again_what_is_visible() {
    let mut it = router();
    let report = it.synced("gateway-0");
    let watch = it.watcher("gateway-1", &group());
    it.hold(report, 2, &group(), true);
    it.hold(report, 3, &user(), true);
    it.replica.disconnected(report, it.now);
    assert_eq!(
        it.replica.counts().synced,
        0,
        "the lease belongs to the stream"
    );

    let report = it.open("gateway-0", StreamKind::Report);
    let said = it.read(report);
    assert!(
        matches!(&said[0], ToGateway::Hello(hello) if hello.applied == Some(3)),
        "{said:?}"
    );
    let through = last_push(&it.read(watch));
    it.say(
        report,
        ToRouter::Resume {
            awaiting: vec![2, 3],
        },
    );
    let said = it.read(report);
    assert!(is_visible(&said, 3) && !is_visible(&said, 2));
    it.say(watch, ToRouter::Ack { through });
    assert!(is_visible(&it.read(report), 2));
    it.hold(report, 3, &user(), false);
    assert_eq!(it.replica.counts().holdings, 2, "3 is applied already");
}

#[test]
fn another_generation_is_another_gateway() {
    let mut it = router();
    let report = it.synced("gateway-0");
    it.hold(report, 2, &group(), true);
    let generation = Generation::from_raw(2);
    let restarted = NodeId {
        generation,
        ..node("gateway-0")
    };
    let session = it.replica.connected(restarted, StreamKind::Report, it.now);
    it.flush();
    let said = it.read(session);
    assert!(matches!(&said[0], ToGateway::Hello(hello) if hello.applied.is_none()));
    assert_eq!(it.replica.counts().gateways, 2);
}

#[test]
fn four_gateways_at_a_time_send_their_snapshots() {
    let mut it = router();
    let sessions: Vec<_> = (0..6)
        .map(|n| {
            let session = it.open(&format!("gateway-{n}"), StreamKind::Report);
            it.say(session, ToRouter::SnapshotWanted);
            session
        })
        .collect();
    let turns = |it: &mut Router| -> Vec<_> {
        let written = std::mem::take(&mut it.written);
        let turns = written
            .into_iter()
            .filter(|(_, message)| *message == ToGateway::SnapshotTurn);
        turns.map(|(session, _)| session).collect()
    };
    assert_eq!(turns(&mut it), &sessions[..4]);
    it.say(sessions[0], ToRouter::SnapshotBegin);
    it.say(sessions[0], ToRouter::SnapshotEnd { number: 1 });
    assert_eq!(turns(&mut it), &sessions[4..5]);
    it.replica.disconnected(sessions[1], it.now);
    it.flush();
    assert_eq!(turns(&mut it), &sessions[5..]);
    it.say(sessions[5], ToRouter::SnapshotBegin);
    assert!(it.closed.is_empty(), "{:?}", it.closed);
}

#[test]
fn what_has_no_place_closes_its_stream_and_no_other() {
    let chunk = || ToRouter::SnapshotChunk(vec![group()]);
    let change = || Change {
        number: 1,
        key: group(),
        held: true,
    };
    let cases = [
        (StreamKind::Report, vec![chunk()]),
        (StreamKind::Report, vec![ToRouter::SnapshotBegin]),
        (StreamKind::Report, vec![ToRouter::Pong(1)]),
        (StreamKind::Report, vec![ToRouter::Changes(vec![change()])]),
        (
            StreamKind::Report,
            vec![ToRouter::Resume { awaiting: vec![] }],
        ),
        (
            StreamKind::Report,
            vec![
                ToRouter::SnapshotWanted,
                ToRouter::SnapshotBegin,
                ToRouter::Pong(1),
            ],
        ),
        (StreamKind::Watch, vec![ToRouter::SnapshotWanted]),
        (StreamKind::Watch, vec![ToRouter::Ack { through: 99 }]),
    ];
    for (kind, messages) in cases {
        let mut it = router();
        let other = it.watcher("gateway-1", &group());
        let session = it.open("gateway-0", kind);
        for message in messages.clone() {
            it.say(session, message);
        }
        assert_eq!(
            it.closed,
            [(session, CloseReason::Protocol)],
            "{messages:?}"
        );
        it.read(other);
        it.say(other, ToRouter::Ping(2));
        assert!(it.read(other).contains(&ToGateway::Pong(2)));
    }
}

#[test]
fn a_key_of_another_shard_closes_its_stream() {
    let key = keys(0).into_iter().find(|key| key.shard(2) == 1).unwrap();
    let mut it = Router::new(Layout {
        shards: 2,
        ordinal: 2,
        hash_version: HASH_VERSION,
    });
    let watch = it.watcher("gateway-0", &key);
    assert_eq!(it.closed, [(watch, CloseReason::Protocol)]);
}

#[test]
fn a_newer_report_takes_the_place_of_the_older() {
    let mut it = router();
    let older = it.synced("gateway-0");
    it.open("gateway-0", StreamKind::Report);
    assert_eq!(it.closed, [(older, CloseReason::Superseded)]);
    it.hold(older, 2, &group(), true);
    assert_eq!(it.replica.counts().holdings, 0);
}

#[test]
fn a_watcher_that_acknowledges_nothing_is_cut_off() {
    let mut it = router();
    let report = it.synced("gateway-0");
    let watch = it.watcher("gateway-1", &group());
    for number in 0..70_000 {
        it.hold(report, 2 + number, &group(), number % 2 == 0);
        it.written.clear();
    }
    it.wait(Duration::from_millis(300));
    assert!(
        it.closed.contains(&(watch, CloseReason::Slow)),
        "{:?}",
        it.closed
    );
}
