//! What a gateway's end makes of answers and pushes.

use std::time::{Duration, Instant};

use hubplane_router_directory::message::{Answer, Layout, Push, StreamKind, ToGateway, ToRouter};
use hubplane_router_directory::{
    GatewayDirectory, GatewayLimits, Holders, Output, ReplicaId, Targets, Timers,
};

use crate::alone::{Gateway, gateway, group, hello, node, user};
use crate::plan::keys;

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
