use super::*;

#[test]
fn phases_are_in_the_order_of_a_life() {
    assert!(Phase::ALL.is_sorted());
    assert!(Phase::Unready < Phase::Draining);
}

#[test]
fn a_node_is_ready_when_it_has_started_and_nothing_holds_it_back() {
    let phases = Phases::new();
    let router = phases.not_ready("router");
    assert_eq!(phases.current(), Phase::Starting);
    phases.started();
    assert_eq!(phases.current(), Phase::Starting);
    assert_eq!(phases.waiting_for(), ["router"]);
    drop(router);
    assert_eq!(phases.current(), Phase::Ready);
    assert!(phases.waiting_for().is_empty());
}

#[test]
fn nothing_held_back_is_not_yet_started() {
    let phases = Phases::new();
    drop(phases.not_ready("router"));
    assert_eq!(phases.current(), Phase::Starting);
}

#[test]
fn a_node_that_was_ready_becomes_unready_and_ready_again() {
    let phases = Phases::new();
    phases.started();
    let one = phases.not_ready("router");
    let other = phases.not_ready("router");
    drop(one);
    assert_eq!(phases.current(), Phase::Unready);
    drop(other);
    assert_eq!(phases.current(), Phase::Ready);
}

#[test]
fn nothing_leads_back_from_the_drain() {
    let phases = Phases::new();
    phases.started();
    let latch = phases.not_ready("router");
    phases.closing();
    phases.draining();
    drop(latch);
    assert_eq!(phases.current(), Phase::Closing);
    phases.stopped();
    phases.started();
    assert_eq!(phases.current(), Phase::Stopped);
}

#[test]
fn a_degraded_node_stays_ready_and_says_by_what() {
    let phases = Phases::new();
    phases.started();
    let nats = phases.degraded("nats");
    assert_eq!(phases.current(), Phase::Ready);
    assert_eq!(phases.degraded_by(), ["nats"]);
    drop(nats);
    assert!(phases.degraded_by().is_empty());
}

#[tokio::test]
async fn one_can_wait_for_a_phase() {
    let phases = Phases::new();
    let ended = phases.wait_until(|phase| phase >= Phase::Draining);
    let run = async {
        phases.started();
        phases.draining();
    };
    let (phase, ()) = tokio::join!(ended, run);
    assert_eq!(phase, Phase::Draining);
}
