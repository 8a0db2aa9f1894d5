//! What things cost in messages, and what a stream that breaks costs.

use std::time::Duration;

use hubplane_router_directory::message::StreamKind;

use crate::cluster::{Cluster, Shape};
use crate::plan::keys;

fn cluster(gateways: usize, shards: u16, replicas: u16) -> Cluster {
    let shape = Shape {
        gateways,
        shards,
        replicas,
    };
    let mut cluster = Cluster::new(&shape, 7);
    cluster.run_until_ready();
    cluster.run(Duration::from_secs(1));
    cluster
}

#[test]
fn a_join_of_a_key_that_the_node_has_costs_no_message() {
    let mut cluster = cluster(2, 1, 2);
    let key = &keys(0)[0];
    cluster.hold(0, key, 0);
    let counts = cluster.counts(0);
    assert_eq!((counts.waiting, counts.changes_total), (1, 1));
    assert!(!cluster.hold(0, key, 1), "it waits for the same change");
    assert_eq!(cluster.counts(0).waiting, 1);
    cluster.run(Duration::from_millis(50));

    let messages = cluster.messages;
    assert!(cluster.hold(0, key, 2));
    cluster.release(0, key, 1);
    assert_eq!(cluster.messages, messages);
    assert_eq!(cluster.counts(0).changes_total, 1);
    assert_eq!(
        cluster.gateways[0].directory.local_shards(key).bits(),
        0b101
    );
}

#[test]
fn a_send_to_a_cached_key_costs_no_message_and_goes_to_its_holders_alone() {
    let mut cluster = cluster(4, 2, 2);
    let key = &keys(0)[0];
    cluster.hold(1, key, 0);
    cluster.hold(2, key, 0);
    cluster.run(Duration::from_millis(50));
    cluster.targets(0, key).unwrap();
    let messages = cluster.messages;
    let mut targets = cluster.targets(0, key).unwrap();
    targets.sort();
    assert_eq!(targets.as_slice(), &cluster.nodes[1..3]);
    assert_eq!(cluster.messages, messages);
    assert_eq!(cluster.counts(0).hits_total, 1);
}

#[test]
fn sends_that_begin_together_share_one_question() {
    let mut cluster = cluster(2, 1, 1);
    let key = &keys(0)[0];
    let now = cluster.now;
    let directory = &mut cluster.gateways[0].directory;
    let first = directory.targets(key, now);
    assert_eq!(directory.targets(key, now), first);
    assert_eq!(directory.counts().asked_total, 1);
}

#[test]
fn a_gateway_alone_asks_nobody() {
    let mut cluster = cluster(1, 1, 1);
    let key = &keys(0)[0];
    cluster.hold(0, key, 0);
    assert_eq!(cluster.targets(0, key).unwrap().len(), 0);
    assert_eq!(cluster.counts(0).asked_total, 0);
}

#[test]
fn a_report_that_broke_goes_on_after_the_last_change_applied() {
    let mut cluster = cluster(2, 2, 1);
    for key in keys(2) {
        cluster.hold(1, &key, 0);
    }
    cluster.run(Duration::from_millis(50));
    let snapshots = |it: &Cluster| -> u64 {
        it.routers
            .iter()
            .map(|router| router.replica.counts().snapshots_total)
            .sum()
    };
    let before = snapshots(&cluster);
    for link in 0..cluster.links.len() {
        if cluster.links[link].kind == StreamKind::Report {
            cluster.break_link(link);
        }
    }
    let gone = keys(2)[2].clone();
    cluster.release(1, &gone, 0);
    cluster.run(Duration::from_secs(4));
    assert_eq!(snapshots(&cluster), before);
    assert_eq!(cluster.targets(0, &gone).unwrap().len(), 0);
    assert_eq!(cluster.targets(0, &keys(2)[0]).unwrap().len(), 1);
}

#[test]
fn a_new_generation_of_a_router_takes_a_snapshot() {
    let mut cluster = cluster(2, 1, 1);
    for key in keys(2) {
        cluster.hold(1, &key, 0);
    }
    cluster.run(Duration::from_millis(50));
    cluster.kill_router(0, Duration::from_millis(100));
    cluster.run(Duration::from_secs(5));
    let counts = cluster.routers[0].replica.counts();
    assert_eq!((counts.snapshots_total, counts.holdings), (2, 6));
    assert_eq!(cluster.targets(0, &keys(2)[0]).unwrap().len(), 1);
}

#[test]
fn a_connection_is_found_where_it_is_and_nowhere_when_it_is_gone() {
    let mut cluster = cluster(2, 1, 1);
    let connection = keys(2)[5].clone();
    cluster.hold(1, &connection, 0);
    cluster.run(Duration::from_millis(50));
    assert_eq!(
        cluster.targets(0, &connection).unwrap().as_slice(),
        &cluster.nodes[1..]
    );
    cluster.release(1, &connection, 0);
    cluster.run(Duration::from_millis(50));
    for asked in 2..5 {
        assert_eq!(cluster.targets(0, &connection).unwrap().len(), 0);
        assert_eq!(
            cluster.counts(0).asked_total,
            asked,
            "absence is not remembered"
        );
    }
    assert_eq!(cluster.routers[0].replica.counts().watches, 0);
}

#[test]
fn what_nobody_holds_or_watches_leaves_nothing_behind() {
    let mut cluster = cluster(3, 1, 1);
    for key in keys(3) {
        cluster.hold(0, &key, 0);
        cluster.send(1, &key);
    }
    cluster.run(Duration::from_millis(100));
    for key in keys(3) {
        cluster.release(0, &key, 0);
    }
    for link in 0..cluster.links.len() {
        if cluster.links[link].kind == StreamKind::Watch {
            cluster.break_link(link);
        }
    }
    cluster.run(Duration::from_secs(5));
    let counts = cluster.routers[0].replica.counts();
    assert_eq!((counts.keys, counts.holdings, counts.watches), (0, 0, 0));
    assert_eq!((counts.gateways, counts.synced, counts.untold), (3, 3, 0));
}
