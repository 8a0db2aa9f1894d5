//! The promise of visible adds, whatever happens to streams and routers; and that the check of it finds mistakes.

use std::time::Duration;

use hubplane_router_directory::Timers;
use hubplane_router_directory::message::StreamKind;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::cluster::{Cluster, Mutant, Shape};
use crate::plan::{keys, plans};

proptest! {
    #![proptest_config(Config { max_shrink_iters: 4000, ..Config::default() })]

    /// When an add has returned, every send that starts after it reaches the member, or every live gateway.
    #[test]
    fn a_send_after_an_add_reaches_the_member(plan in plans(120)) {
        let timers = Timers::default();
        let mut run = plan.run(Mutant::None, timers, timers);
        prop_assert_eq!(&run.cluster.truth.violations, &Vec::<String>::new());
        run.heal();
        let now = run.cluster.now;
        run.cluster.truth.check_patience(now, Duration::from_secs(5), Duration::from_millis(100));
        prop_assert_eq!(&run.cluster.truth.violations, &Vec::<String>::new());
        if let Err(error) = run.check_convergence() {
            prop_assert!(false, "{}", error);
        }
        prop_assert_eq!(&run.cluster.truth.violations, &Vec::<String>::new());
    }
}

/// How many runs it takes to see the mistake.
fn found(mutant: Mutant, timers: Timers, replica_timers: Timers) {
    let config = Config {
        cases: 2000,
        max_shrink_iters: 0,
        failure_persistence: None,
        ..Config::default()
    };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let outcome = runner.run(&plans(160), |plan| {
        let run = plan.run(mutant, timers, replica_timers);
        let violations = run.cluster.truth.violations;
        let missed = violations.iter().any(|it| it.contains("misses"));
        prop_assert!(!missed);
        Ok(())
    });
    assert!(outcome.is_err(), "{mutant:?} was not found");
}

fn found_mutant(mutant: Mutant) {
    let timers = Timers::default();
    found(mutant, timers, timers);
}

#[test]
fn an_ack_before_the_watcher_is_told_is_found() {
    found_mutant(Mutant::AckBeforeTold);
}

/// A router and gateway 0 do not reach each other, and gateway 1 hears from the router late. Gateway 0 gives the router up:
/// does gateway 1 still believe it?
fn believes_too_long(mutant: Mutant, replica_timers: Timers, late: Duration) -> bool {
    let shape = Shape {
        gateways: 2,
        shards: 1,
        replicas: 1,
    };
    let timers = Timers::default();
    let mut cluster = Cluster::with(&shape, 3, mutant, timers, replica_timers);
    let key = &keys(0)[0];
    cluster.run_until_ready();
    cluster.run(Duration::from_secs(1));
    cluster.send(1, key);
    cluster.run(Duration::from_millis(100));
    let stuck = Some(cluster.now + Duration::from_secs(60));
    let report = cluster.link(0, 0, StreamKind::Report);
    report.up.stuck_until = stuck;
    report.down.stuck_until = stuck;
    cluster.link(1, 0, StreamKind::Watch).down.slower_by = late;
    cluster.hold(0, key, 0);
    cluster.run_until("the add returns", |it| it.counts(0).waiting == 0);
    cluster.send(1, key);
    cluster.run(Duration::from_secs(1));
    !cluster.truth.violations.is_empty()
}

#[test]
fn a_watchers_ping_answered_beside_the_queue_is_found() {
    let timers = Timers::default();
    let late = Duration::from_secs(4);
    assert!(believes_too_long(Mutant::WatchPongOvertakes, timers, late));
    assert!(!believes_too_long(Mutant::None, timers, late));
}

#[test]
fn a_sync_that_outlives_its_lease_is_found() {
    let timers = Timers::default();
    let unsound = Timers {
        sync_lease: Duration::from_secs(3600),
        silent_replica: Duration::from_secs(3600),
        ..timers
    };
    assert!(believes_too_long(Mutant::None, unsound, Duration::ZERO));
    assert!(!believes_too_long(Mutant::None, timers, Duration::ZERO));
}

#[test]
fn visible_before_the_watchers_are_told_is_found() {
    found_mutant(Mutant::VisibleWhenApplied);
}

#[test]
fn a_lost_sync_that_nobody_is_told_of_is_found() {
    found_mutant(Mutant::UnsyncedNotTold);
}

#[test]
fn answers_behind_the_pushes_are_found() {
    found_mutant(Mutant::AnswersLate);
}

#[test]
fn a_cache_used_without_a_lease_is_found() {
    let timers = Timers::default();
    let cache_lease = Duration::from_secs(3600);
    found(
        Mutant::None,
        Timers {
            cache_lease,
            ..timers
        },
        timers,
    );
}

#[test]
fn a_replica_that_is_given_up_too_early_is_found() {
    let timers = Timers::default();
    let silent_replica = Duration::from_millis(500);
    found(
        Mutant::None,
        Timers {
            silent_replica,
            ..timers
        },
        timers,
    );
}
