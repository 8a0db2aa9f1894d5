//! The router's metrics. `docs/metrics.md` says what they tell.

use std::sync::{Arc, Mutex, PoisonError};

use hubplane_node::metrics::Metric;
use hubplane_router_directory::ReplicaCounts;
use opentelemetry::metrics::Meter;

/// What the metrics are read from. The actor leaves it behind after every turn.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Numbers {
    pub(crate) replica: ReplicaCounts,
    /// Streams that were closed because their gateway did not read them.
    pub(crate) overflows: u64,
}

type Read = fn(&Numbers) -> u64;

const ALL: &[(Metric, Read)] = &[
    (
        Metric::gauge(
            "hubplane_router_gateways",
            "{gateway}",
            "Gateways whose lease is not out.",
        ),
        |it| it.replica.gateways,
    ),
    (
        Metric::gauge(
            "hubplane_router_synced_gateways",
            "{gateway}",
            "Gateways of which this router knows all keys.",
        ),
        |it| it.replica.synced,
    ),
    (
        Metric::gauge(
            "hubplane_router_keys",
            "{key}",
            "Keys that a gateway holds or watches.",
        ),
        |it| it.replica.keys,
    ),
    (
        Metric::gauge(
            "hubplane_router_holdings",
            "{holding}",
            "Pairs of a key and a gateway that holds it.",
        ),
        |it| it.replica.holdings,
    ),
    (
        Metric::gauge(
            "hubplane_router_watches",
            "{watch}",
            "Pairs of a key and a gateway that is told about it.",
        ),
        |it| it.replica.watches,
    ),
    (
        Metric::gauge(
            "hubplane_router_untold_changes",
            "{change}",
            "Changes that some watcher has not acknowledged: an add waits for each.",
        ),
        |it| it.replica.untold,
    ),
    (
        Metric::counter(
            "hubplane_router_lookups_total",
            "{lookup}",
            "Questions of gateways that were answered.",
        ),
        |it| it.replica.lookups_total,
    ),
    (
        Metric::counter(
            "hubplane_router_changes_total",
            "{change}",
            "Changes of gateways that were applied.",
        ),
        |it| it.replica.changes_total,
    ),
    (
        Metric::counter(
            "hubplane_router_pushes_total",
            "{push}",
            "Changes that watchers were told, one per watcher.",
        ),
        |it| it.replica.pushes_total,
    ),
    (
        Metric::counter(
            "hubplane_router_snapshots_total",
            "{snapshot}",
            "Snapshots of gateways that were taken.",
        ),
        |it| it.replica.snapshots_total,
    ),
    (
        Metric::counter(
            "hubplane_router_overflows_total",
            "{stream}",
            "Streams that were closed because their gateway did not read them.",
        ),
        |it| it.overflows,
    ),
];

pub(crate) fn register(meter: &Meter, numbers: &Arc<Mutex<Numbers>>) {
    for (metric, read) in ALL {
        let numbers = Arc::clone(numbers);
        metric.observe(meter, move |number| {
            let numbers = *numbers.lock().unwrap_or_else(PoisonError::into_inner);
            number.observe(read(&numbers), &[]);
        });
    }
}

#[cfg(test)]
pub(crate) fn all() -> Vec<Metric> {
    ALL.iter().map(|(metric, _)| *metric).collect()
}
