//! Each timer rule by itself: who waits for whom, for how long, and who believes what.

use std::time::{Duration, Instant};

use hubplane_router_directory::message::StreamKind;
use hubplane_router_directory::{Key, Targets};

use crate::cluster::{Cluster, Shape};
use crate::plan::keys;

const PING: Duration = Duration::from_millis(300);
/// What a message takes at most on an idle stream.
const WAY: Duration = Duration::from_millis(11);

fn cluster(gateways: usize, replicas: u16) -> Cluster {
    let shape = Shape {
        gateways,
        shards: 1,
        replicas,
    };
    let mut cluster = Cluster::new(&shape, 1);
    cluster.run_until_ready();
    // Every gateway is counted as synced, and knows it of the others.
    cluster.run(Duration::from_secs(1));
    cluster
}

fn group() -> Key {
    keys(0)[0].clone()
}

fn user() -> Key {
    keys(0)[2].clone()
}

/// How long an add takes that begins now.
fn add(cluster: &mut Cluster, gateway: usize, key: &Key) -> Duration {
    let began_at = cluster.now;
    if cluster.hold(gateway, key, 0) {
        return Duration::ZERO;
    }
    cluster.run_until("the add returns", |it| it.counts(gateway).waiting == 0);
    cluster.now - began_at
}

fn far(cluster: &Cluster) -> Option<Instant> {
    Some(cluster.now + Duration::from_secs(60))
}

/// Where a send goes at once; `None`: it waits.
fn known(cluster: &mut Cluster, gateway: usize, key: &Key) -> Option<usize> {
    let now = cluster.now;
    match cluster.gateways[gateway].directory.targets(key, now) {
        Targets::Known(targets) => Some(targets.len()),
        Targets::Untargeted(_) | Targets::Wait(_) => None,
    }
}

#[test]
fn with_no_replica_an_add_returns_at_once_and_a_send_goes_to_every_live_gateway() {
    let shape = Shape {
        gateways: 3,
        shards: 1,
        replicas: 0,
    };
    let mut cluster = Cluster::new(&shape, 1);
    cluster.run(Duration::from_secs(1));
    assert_eq!(add(&mut cluster, 0, &group()), Duration::ZERO);
    let now = cluster.now;
    let targets = cluster.gateways[1].directory.targets(&group(), now);
    let others = [cluster.nodes[0].clone(), cluster.nodes[2].clone()];
    assert_eq!(targets, Targets::Untargeted(others.into_iter().collect()));
}

#[test]
fn an_add_returns_when_the_replicas_have_answered() {
    let mut cluster = cluster(2, 2);
    let took = add(&mut cluster, 0, &group());
    assert!(took > Duration::ZERO && took <= 2 * WAY, "{took:?}");
}

#[test]
fn a_silent_replica_is_waited_for_three_seconds_after_the_last_answer_to_its_ping() {
    let mut cluster = cluster(2, 2);
    cluster.routers[1].frozen_until = far(&cluster);
    let took = add(&mut cluster, 0, &group());
    let silent = Duration::from_secs(3);
    assert!(took <= silent + WAY, "{took:?}");
    assert!(took >= silent - PING - 2 * WAY, "{took:?}");
    let took = add(&mut cluster, 0, &user());
    assert!(took <= 2 * WAY, "it is not waited for again: {took:?}");
}

#[test]
fn a_replica_that_comes_back_is_waited_for_again() {
    let mut cluster = cluster(2, 1);
    cluster.routers[0].frozen_until = Some(cluster.now + Duration::from_secs(6));
    cluster.run(Duration::from_secs(5));
    assert_eq!(add(&mut cluster, 0, &group()), Duration::ZERO);
    cluster.run(Duration::from_secs(4));
    let took = add(&mut cluster, 0, &user());
    assert!(took > Duration::ZERO && took <= 2 * WAY, "{took:?}");
}

#[test]
fn a_killed_router_stalls_adds_once() {
    let mut cluster = cluster(2, 2);
    cluster.kill_router(0, Duration::from_secs(60));
    let took = add(&mut cluster, 0, &group());
    assert!(
        took > Duration::from_secs(2) && took <= Duration::from_secs(3) + WAY,
        "{took:?}"
    );
    assert!(add(&mut cluster, 0, &user()) <= 2 * WAY);
}

#[test]
fn a_drained_router_stalls_nobody() {
    let mut cluster = cluster(3, 2);
    for gateway in 0..3 {
        cluster.send(gateway, &group());
    }
    cluster.run(Duration::from_millis(100));
    cluster.drain_router(0);
    cluster.run_until("it is drained", |it| it.routers[0].is_drained);
    cluster.run(WAY);
    cluster.kill_router(0, Duration::from_secs(1));
    let took = add(&mut cluster, 0, &group());
    assert!(took <= 4 * WAY, "{took:?}");
    for gateway in 1..3 {
        cluster.send(gateway, &group());
    }
    cluster.run(Duration::from_millis(100));
    assert!(
        cluster.truth.violations.is_empty(),
        "{:?}",
        cluster.truth.violations
    );
}

#[test]
fn a_drain_is_over_when_the_watchers_have_acknowledged_or_their_lease_is_out() {
    let mut quick = cluster(2, 1);
    let began_at = quick.now;
    quick.drain_router(0);
    quick.run_until("it is drained", |it| it.routers[0].is_drained);
    assert!(quick.now - began_at <= 2 * WAY);

    let mut slow = cluster(2, 1);
    slow.gateways[1].frozen_until = far(&slow);
    let began_at = slow.now;
    slow.drain_router(0);
    slow.run_until("it is drained", |it| it.routers[0].is_drained);
    let took = slow.now - began_at;
    assert!(took <= Duration::from_secs(1) + WAY, "{took:?}");
    assert!(took > Duration::from_millis(500), "{took:?}");
}

#[test]
fn a_cache_is_used_for_one_second_after_the_ping_that_was_answered_last() {
    let mut cluster = cluster(2, 1);
    cluster.send(0, &group());
    cluster.run(Duration::from_millis(100));
    assert_eq!(known(&mut cluster, 0, &group()), Some(0));
    let stuck = far(&cluster);
    cluster.link(0, 0, StreamKind::Watch).down.stuck_until = stuck;
    cluster.run(Duration::from_secs(1) - PING - 2 * WAY);
    assert_eq!(known(&mut cluster, 0, &group()), Some(0));
    cluster.run(PING + 2 * WAY);
    assert_eq!(known(&mut cluster, 0, &group()), None);
}

#[test]
fn a_gateway_is_synced_for_one_and_a_half_seconds_after_the_ping_that_it_answered_last() {
    let mut cluster = cluster(2, 1);
    assert_eq!(cluster.routers[0].replica.counts().synced, 2);
    cluster.gateways[1].frozen_until = far(&cluster);
    cluster.run(Duration::from_millis(1500) - PING - 2 * WAY);
    assert_eq!(cluster.routers[0].replica.counts().synced, 2);
    cluster.run(PING + 3 * WAY);
    assert_eq!(cluster.routers[0].replica.counts().synced, 1);
    cluster.run(WAY);
    let targets = cluster.targets(0, &group()).unwrap();
    assert_eq!(
        targets.as_slice(),
        [cluster.nodes[1].clone()],
        "it may hold anything"
    );
}

#[test]
fn a_watcher_that_stands_still_delays_an_add_by_its_cache_lease() {
    let mut cluster = cluster(2, 1);
    cluster.send(1, &group());
    cluster.run(Duration::from_millis(100));
    cluster.gateways[1].frozen_until = far(&cluster);
    let took = add(&mut cluster, 0, &group());
    assert!(took <= Duration::from_secs(1) + 2 * WAY, "{took:?}");
    assert!(took >= Duration::from_secs(1) - PING - 2 * WAY, "{took:?}");
}

#[test]
fn a_watcher_that_pings_and_acknowledges_nothing_delays_an_add_by_two_cache_leases() {
    let mut cluster = cluster(2, 1);
    cluster.send(1, &group());
    cluster.run(Duration::from_millis(100));
    let stuck = far(&cluster);
    cluster.link(1, 0, StreamKind::Watch).down.stuck_until = stuck;
    let took = add(&mut cluster, 0, &group());
    assert!(took <= Duration::from_secs(2) + 2 * WAY, "{took:?}");
    assert!(
        took > Duration::from_secs(1),
        "its pings were answered meanwhile: {took:?}"
    );
}

#[test]
fn a_watcher_whose_stream_ended_still_counts_until_its_lease_is_out() {
    let mut cluster = cluster(2, 1);
    cluster.send(1, &group());
    cluster.run(Duration::from_millis(100));
    // The router hears of the end at once, the gateway does not.
    let session = cluster
        .link(1, 0, StreamKind::Watch)
        .session
        .take()
        .unwrap();
    let now = cluster.now;
    cluster.routers[0].replica.disconnected(session, now);
    cluster.hold(0, &group(), 0);
    cluster.run(2 * WAY);
    assert_eq!(cluster.counts(0).waiting, 1, "gateway 1 may use its cache");
    assert_eq!(known(&mut cluster, 1, &group()), Some(0), "and does");
    cluster.run_until("the add returns", |it| it.counts(0).waiting == 0);
    assert_eq!(known(&mut cluster, 1, &group()), None);
}

#[test]
fn a_lookup_is_waited_for_fifty_milliseconds() {
    let mut cluster = cluster(2, 1);
    let stuck = far(&cluster);
    cluster.link(0, 0, StreamKind::Watch).up.stuck_until = stuck;
    cluster.send(0, &group());
    cluster.run(Duration::from_millis(49));
    assert_eq!(cluster.counts(0).lookups, 1);
    assert_eq!(cluster.counts(0).untargeted_total, 0);
    cluster.run(Duration::from_millis(1));
    assert_eq!(cluster.counts(0).lookups, 0);
    assert_eq!(cluster.counts(0).untargeted_total, 1);
}

#[test]
fn lookups_delayed_by_forty_milliseconds_are_targeted() {
    let mut cluster = cluster(2, 1);
    add(&mut cluster, 1, &group());
    cluster.link(0, 0, StreamKind::Watch).down.slower_by = Duration::from_millis(20);
    let targets = cluster.targets(0, &group()).unwrap();
    assert_eq!(targets.as_slice(), [cluster.nodes[1].clone()]);
    assert_eq!(cluster.truth.untargeted, 0);
}

#[test]
fn interest_lingers_for_a_second_and_existence_does_not() {
    let mut cluster = cluster(2, 1);
    for key in [group(), user()] {
        add(&mut cluster, 1, &key);
        cluster.release(1, &key, 0);
    }
    cluster.run(2 * WAY);
    assert_eq!(cluster.targets(0, &user()).unwrap().len(), 0);
    assert_eq!(cluster.targets(0, &group()).unwrap().len(), 1);
    let changes = cluster.counts(1).changes_total;
    assert!(cluster.hold(1, &group(), 0), "it is still visible");
    cluster.release(1, &group(), 0);
    assert_eq!(cluster.counts(1).changes_total, changes, "and cost nothing");
    cluster.run(Duration::from_secs(1) + 2 * WAY);
    assert_eq!(cluster.targets(0, &group()).unwrap().len(), 0);
}

#[test]
fn a_router_forgets_a_gateway_ten_seconds_after_it_heard_it() {
    let mut cluster = cluster(2, 1);
    add(&mut cluster, 1, &group());
    cluster.gateways[1].frozen_until = far(&cluster);
    cluster.run(Duration::from_secs(10) - PING - 2 * WAY);
    assert_eq!(cluster.routers[0].replica.counts().holdings, 1);
    cluster.run(PING + 3 * WAY);
    let counts = cluster.routers[0].replica.counts();
    assert_eq!((counts.gateways, counts.holdings), (1, 0));
}

#[test]
fn a_router_that_stood_still_does_not_blame_the_gateways() {
    let mut cluster = cluster(2, 1);
    add(&mut cluster, 1, &group());
    cluster.routers[0].frozen_until = Some(cluster.now + Duration::from_secs(30));
    cluster.run(Duration::from_secs(30) + WAY);
    assert_eq!(cluster.routers[0].replica.counts().holdings, 1);
}

#[test]
fn a_user_that_is_released_for_later_is_found_for_two_seconds_and_heard_by_nobody() {
    let mut cluster = cluster(2, 1);
    add(&mut cluster, 1, &user());
    cluster.release_later(1, &user(), 0);
    cluster.hold(1, &group(), 0);
    cluster.release(1, &group(), 0);
    let local = cluster.gateways[1].directory.local_shards(&user());
    assert!(local.is_empty());
    cluster.run(Duration::from_secs(2) - PING);
    assert_eq!(cluster.targets(0, &user()).unwrap().len(), 1);
    assert_eq!(
        cluster.targets(0, &group()).unwrap().len(),
        0,
        "it kept its second"
    );
    cluster.run(PING + 2 * WAY);
    assert_eq!(cluster.targets(0, &user()).unwrap().len(), 0);
}
