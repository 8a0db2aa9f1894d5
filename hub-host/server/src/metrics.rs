//! The metrics of hosted hubs. `docs/metrics.md` says what they tell.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hubplane_hub::HubName;
use hubplane_hub::host::Run;
use hubplane_node::metrics::Metric;
use opentelemetry::KeyValue;
use opentelemetry::metrics::{Histogram, Meter};

const CONNECTIONS: Metric = Metric::gauge(
    "hubplane_hub_host_connections",
    "{connection}",
    "Connections that hubs here look after, by hub.",
);
const INVOCATIONS: Metric = Metric::counter(
    "hubplane_hub_host_invocations_total",
    "{invocation}",
    "Invocations that ended, by hub and outcome.",
);
const RUNNING: Metric = Metric::gauge(
    "hubplane_hub_host_running_invocations",
    "{invocation}",
    "Invocations that run, by hub.",
);
const DURATION: Metric = Metric::histogram(
    "hubplane_hub_host_invocation_duration_seconds",
    "s",
    "How long invocations ran, by hub.",
);

const MISSED: Metric = Metric::counter(
    "hubplane_hub_host_missed_presence_changes_total",
    "{change}",
    "Changes of presence that found no room because `on_presence` did not keep up, by hub.",
);

/// What this crate declares.
pub const ALL: &[Metric] = &[CONNECTIONS, INVOCATIONS, RUNNING, DURATION, MISSED];

/// Upper bounds of the duration's buckets, in seconds.
const BOUNDS: [f64; 11] = [
    0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0,
];

const RUNS: [Run; 5] = [
    Run::Returned,
    Run::Refused,
    Run::Failed,
    Run::Panicked,
    Run::Unbound,
];

/// How one hub fares.
#[derive(Debug)]
pub(crate) struct Counts {
    /// Its label, made once.
    hub: KeyValue,
    connections: AtomicU64,
    running: AtomicU64,
    ended: [AtomicU64; RUNS.len()],
    missed: AtomicU64,
}

impl Counts {
    pub(crate) fn new(hub: &HubName) -> Arc<Self> {
        let hub: Arc<str> = hub.as_str().into();
        Arc::new(Self {
            hub: KeyValue::new("hub", hub),
            connections: AtomicU64::new(0),
            running: AtomicU64::new(0),
            ended: Default::default(),
            missed: AtomicU64::new(0),
        })
    }

    fn label(&self) -> &[KeyValue] {
        std::slice::from_ref(&self.hub)
    }

    pub(crate) fn connected(&self) {
        self.connections.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn disconnected(&self) {
        self.connections.fetch_sub(1, Ordering::Relaxed);
    }

    /// A change of presence found no room.
    pub(crate) fn missed(&self) {
        self.missed.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn started(&self) {
        self.running.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn stopped(&self) {
        self.running.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Where durations go; everything else is read from [`Counts`].
#[derive(Debug)]
pub(crate) struct Metrics {
    duration: Histogram<f64>,
}

impl Metrics {
    pub(crate) fn new(meter: &Meter, hubs: Vec<Arc<Counts>>) -> Self {
        let hubs: Arc<[_]> = hubs.into();
        let of_hubs = Arc::clone(&hubs);
        CONNECTIONS.observe(meter, move |number| {
            for counts in &*of_hubs {
                number.observe(counts.connections.load(Ordering::Relaxed), counts.label());
            }
        });
        let of_hubs = Arc::clone(&hubs);
        RUNNING.observe(meter, move |number| {
            for counts in &*of_hubs {
                number.observe(counts.running.load(Ordering::Relaxed), counts.label());
            }
        });
        let of_hubs = Arc::clone(&hubs);
        MISSED.observe(meter, move |number| {
            for counts in &*of_hubs {
                number.observe(counts.missed.load(Ordering::Relaxed), counts.label());
            }
        });
        INVOCATIONS.observe(meter, move |number| {
            for counts in &*hubs {
                for (run, ended) in RUNS.iter().zip(&counts.ended) {
                    let labels = [counts.hub.clone(), KeyValue::new("outcome", run.name())];
                    number.observe(ended.load(Ordering::Relaxed), &labels);
                }
            }
        });
        Self {
            duration: DURATION.to_histogram(meter, BOUNDS.to_vec()),
        }
    }

    pub(crate) fn ended(&self, counts: &Counts, run: Run, took: Duration) {
        let of_run = RUNS
            .iter()
            .zip(&counts.ended)
            .find(|(other, _)| **other == run);
        if let Some((_, ended)) = of_run {
            ended.fetch_add(1, Ordering::Relaxed);
        }
        self.duration.record(took.as_secs_f64(), counts.label());
    }
}
