//! Properties of several nodes' streams over channels that lose, repeat, delay and overtake.

use proptest::prelude::*;

use super::net::{Faults, Net, id};
use crate::{Limits, SkipReason};

/// One send: who, to whom (bits), how much, and how long before the next.
type Send = (usize, u8, usize, u64);

fn faults() -> impl Strategy<Value = Faults> {
    (0..40u64, 0..30u64, 0..60u64, 0..50u64, 0..40u64).prop_map(
        |(lost, repeated, delay_max_millis, heartbeats_lost, fetches_lost)| Faults {
            lost,
            repeated,
            delay_max_millis,
            heartbeats_lost,
            fetches_lost,
        },
    )
}

fn sends(len_max_bytes: usize) -> impl Strategy<Value = Vec<Send>> {
    let send = (0..3usize, 0..8u8, 0..len_max_bytes, 0..20u64);
    prop::collection::vec(send, 1..80)
}

fn carry_out(net: &mut Net, sends: Vec<Send>) {
    for (origin, receivers, len_bytes, pause_millis) in sends {
        let others = (0..3).filter(|&node| node != origin);
        let receivers: Vec<_> = others.filter(|node| receivers >> node & 1 == 1).collect();
        net.send(origin, &receivers, len_bytes);
        net.run(pause_millis);
    }
}

/// Every number was delivered or skipped, none both, and what was delivered is in the order of sending.
fn check(net: &Net) -> Result<u64, TestCaseError> {
    let mut skipped = 0;
    for (&(origin, receiver), sent) in &net.sent {
        let got = net
            .got
            .get(&(receiver, origin))
            .cloned()
            .unwrap_or_default();
        let accounted = got.bodies.len() as u64 + got.skipped;
        prop_assert_eq!(accounted, sent.len() as u64, "{} to {}", origin, receiver);
        let mut rest = sent.iter();
        for body in &got.bodies {
            prop_assert!(rest.any(|sent| sent == body), "order of {}", origin);
        }
        let cursor = net.nodes[receiver].delivered_from(&id(origin));
        prop_assert_eq!(cursor, net.nodes[origin].last_number_to(&id(receiver)));
        skipped += got.skipped;
    }
    let counted: u64 = net.nodes.iter().map(|node| node.stats().skipped).sum();
    prop_assert_eq!(counted, skipped);
    prop_assert!(!net.over_limits, "a ring or a hold was over its limit");
    for node in &net.nodes {
        let stats = node.stats();
        prop_assert_eq!((stats.ring_bytes, stats.hold_bytes), (0, 0));
    }
    Ok(skipped)
}

proptest! {
    #[test]
    fn everything_is_delivered_once_and_in_order_while_the_ring_holds(
        faults in faults(),
        sends in sends(300),
        seed in any::<u64>(),
    ) {
        let limits = Limits { published_body_max_bytes: 250, page_max_bytes: 400, ..Limits::default() };
        let mut net = Net::new(3, limits, faults, seed);
        carry_out(&mut net, sends);
        // A fetch may fail for 5 s on end while the channels are this bad; that is another test's.
        net.faults.fetches_lost = 0;
        prop_assert!(net.settle());
        let unreachable: u64 = net.nodes.iter().map(|node| node.stats().skipped_unreachable).sum();
        prop_assert_eq!(check(&net)?, unreachable);
        prop_assert_eq!(unreachable, 0);
    }

    #[test]
    fn everything_is_delivered_once_and_in_order_with_hardly_any_hold(
        faults in faults(),
        sends in sends(300),
        seed in any::<u64>(),
    ) {
        let limits = Limits { hold_max_bytes: 400, page_max_messages: 2, ..Limits::default() };
        let mut net = Net::new(3, limits, faults, seed);
        carry_out(&mut net, sends);
        net.faults.fetches_lost = 0;
        prop_assert!(net.settle());
        prop_assert_eq!(check(&net)?, 0);
    }

    #[test]
    fn what_a_ring_overrun_costs_is_counted_exactly(
        faults in faults(),
        sends in sends(300),
        ring_max_bytes in 0..2000usize,
        seed in any::<u64>(),
    ) {
        let limits = Limits { ring_max_bytes, hold_max_bytes: 1000, published_body_max_bytes: 250, ..Limits::default() };
        let mut net = Net::new(3, limits, faults, seed);
        carry_out(&mut net, sends);
        net.faults.fetches_lost = 0;
        prop_assert!(net.settle());
        let skipped = check(&net)?;
        let gone: u64 = net.nodes.iter().map(|node| node.stats().skipped_gone).sum();
        let overrun: u64 = net.nodes.iter().map(|node| node.stats().overrun).sum();
        prop_assert_eq!(skipped, gone, "for no other reason than {:?}", SkipReason::GoneAtOrigin);
        prop_assert!(skipped <= overrun, "{} skipped, {} overrun", skipped, overrun);
    }

    #[test]
    fn all_of_a_dead_carrier_is_delivered_by_fetching(
        sends in sends(300),
        seed in any::<u64>(),
    ) {
        let faults = Faults { lost: 100, heartbeats_lost: 100, ..Faults::NONE };
        let mut net = Net::new(3, Limits::default(), faults, seed);
        for node in 0..3 {
            for other in 0..3 {
                net.introduce(node, other);
            }
        }
        carry_out(&mut net, sends);
        prop_assert!(net.settle());
        prop_assert_eq!(check(&net)?, 0);
    }

    #[test]
    fn good_channels_cost_no_fetch(
        sends in sends(300),
        seed in any::<u64>(),
    ) {
        let mut net = Net::new(3, Limits::default(), Faults::NONE, seed);
        carry_out(&mut net, sends);
        prop_assert!(net.settle());
        prop_assert_eq!(check(&net)?, 0);
        let fetches: u64 = net.nodes.iter().map(|node| node.stats().fetches).sum();
        prop_assert_eq!(fetches, 0);
    }

    #[test]
    fn whatever_happens_each_number_is_accounted_for(
        faults in faults(),
        fetches_lost in 0..=100u64,
        sends in sends(300),
        dies_after in 0..40usize,
        seed in any::<u64>(),
    ) {
        let limits = Limits { ring_max_bytes: 2000, hold_max_bytes: 1000, ..Limits::default() };
        let mut net = Net::new(3, limits, Faults { fetches_lost, ..faults }, seed);
        let mut before = sends;
        let after = before.split_off(dies_after.min(before.len()));
        carry_out(&mut net, before);
        net.run(8_000);
        net.nodes[1].forget(&id(0));
        net.nodes[2].forget(&id(0));
        net.nodes[0].forget(&id(1));
        carry_out(&mut net, after);
        net.run(20_000);
        for (&(origin, receiver), sent) in &net.sent {
            let got = net.got.get(&(receiver, origin)).cloned().unwrap_or_default();
            prop_assert!(got.bodies.len() as u64 + got.skipped <= sent.len() as u64);
            let mut rest = sent.iter();
            for body in &got.bodies {
                prop_assert!(rest.any(|sent| sent == body), "order of {}", origin);
            }
        }
        prop_assert!(!net.over_limits);
    }
}
