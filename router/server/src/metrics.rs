//! The router's metrics. `docs/metrics.md` says what they tell.

use std::sync::{Arc, Mutex, PoisonError};

use hubplane_node::metrics::Metric;
use hubplane_router_directory::ReplicaCounts;
use opentelemetry::metrics::Meter;

type OfReplica = (Metric, fn(&ReplicaCounts) -> u64);

const REPLICA: &[OfReplica] = &[
    (
        Metric::gauge(
            "hubplane_router_gateways",
            "{gateway}",
            "Gateways whose lease is not out.",
        ),
        |counts| counts.gateways,
    ),
    (
        Metric::gauge(
            "hubplane_router_synced_gateways",
            "{gateway}",
            "Gateways of which this router knows all keys.",
        ),
        |counts| counts.synced,
    ),
    (
        Metric::gauge(
            "hubplane_router_keys",
            "{key}",
            "Keys that a gateway holds or watches.",
        ),
        |counts| counts.keys,
    ),
    (
        Metric::gauge(
            "hubplane_router_holdings",
            "{holding}",
            "Pairs of a key and a gateway that holds it.",
        ),
        |counts| counts.holdings,
    ),
];

pub(crate) fn register(meter: &Meter, counts: &Arc<Mutex<ReplicaCounts>>) {
    for (metric, read) in REPLICA {
        let counts = Arc::clone(counts);
        metric.observe(meter, move |number| {
            let counts = *counts.lock().unwrap_or_else(PoisonError::into_inner);
            number.observe(read(&counts), &[]);
        });
    }
}

#[cfg(test)]
pub(crate) fn all() -> Vec<Metric> {
    REPLICA.iter().map(|(metric, _)| *metric).collect()
}
