//! The promise of visible adds, whatever happens to streams and routers; and that the check of it finds mistakes.

use std::time::Duration;

use hubplane_router_directory::Timers;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::cluster::Mutant;
use crate::plan::plans;

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

#[test]
fn a_watchers_ping_answered_beside_the_queue_is_found() {
    found_mutant(Mutant::WatchPongOvertakes);
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
fn a_sync_that_outlives_its_lease_is_found() {
    let timers = Timers::default();
    let sync_lease = Duration::from_secs(3600);
    found(
        Mutant::None,
        timers,
        Timers {
            sync_lease,
            ..timers
        },
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
