//! The metrics that every node has.

use opentelemetry::KeyValue;
use opentelemetry::metrics::Meter;

use super::{Metric, process};
use crate::phases::{Phase, Phases};
use crate::tasks::Tasks;

const INFO: Metric = Metric::gauge(
    "hubplane_node_info",
    "1",
    "The version that runs; always 1.",
);
const PHASE: Metric = Metric::gauge(
    "hubplane_node_phase",
    "1",
    "1 for the phase that the node is in, 0 for the others.",
);
const DEGRADED: Metric = Metric::gauge(
    "hubplane_node_degraded",
    "1",
    "1 for each thing that the node makes do without.",
);
const TASKS: Metric = Metric::gauge(
    "hubplane_node_tasks",
    "{task}",
    "Named tasks and threads that live, by name.",
);
const TASK_FAILURES: Metric = Metric::counter(
    "hubplane_node_task_failures_total",
    "{failure}",
    "Named tasks and threads that returned an error or panicked, by name.",
);
const RUNTIME_TASKS: Metric = Metric::gauge(
    "hubplane_node_runtime_tasks",
    "{task}",
    "All tasks that live on the node's ordinary runtime, named or not.",
);
const THREADS: Metric = Metric::gauge(
    "hubplane_node_threads",
    "{thread}",
    "Threads of the process.",
);
const MEMORY: Metric = Metric::gauge(
    "hubplane_node_resident_memory_bytes",
    "By",
    "Memory of the process that is resident.",
);
const DESCRIPTORS: Metric = Metric::gauge(
    "hubplane_node_open_descriptors",
    "{descriptor}",
    "File descriptors that the process has open, sockets included.",
);

/// What this crate declares.
pub const ALL: &[Metric] = &[
    INFO,
    PHASE,
    DEGRADED,
    TASKS,
    TASK_FAILURES,
    RUNTIME_TASKS,
    THREADS,
    MEMORY,
    DESCRIPTORS,
];

/// Has all of them read from one node.
pub(crate) fn register(meter: &Meter, phases: &Phases, tasks: &Tasks) {
    INFO.observe(meter, |info| {
        info.observe(1, &[KeyValue::new("version", env!("CARGO_PKG_VERSION"))]);
    });
    of_the_phase(meter, phases);
    of_the_tasks(meter, tasks);
    of_the_process(meter);
}

fn of_the_phase(meter: &Meter, phases: &Phases) {
    let of = phases.clone();
    PHASE.observe(meter, move |gauge| {
        let current = of.current();
        for phase in Phase::ALL {
            let label = KeyValue::new("phase", phase.name());
            gauge.observe(u64::from(phase == current), &[label]);
        }
    });
    let of = phases.clone();
    DEGRADED.observe(meter, move |gauge| {
        for reason in of.degraded_by() {
            gauge.observe(1, &[KeyValue::new("reason", reason)]);
        }
    });
}

fn of_the_tasks(meter: &Meter, tasks: &Tasks) {
    let of = tasks.clone();
    TASKS.observe(meter, move |gauge| {
        for (name, live) in of.live() {
            gauge.observe(live as u64, &[KeyValue::new("name", name)]);
        }
    });
    let of = tasks.clone();
    TASK_FAILURES.observe(meter, move |counter| {
        for (name, failures) in of.failures() {
            counter.observe(failures, &[KeyValue::new("name", name)]);
        }
    });
    let runtime = tasks.runtime().clone();
    RUNTIME_TASKS.observe(meter, move |gauge| {
        gauge.observe(runtime.metrics().num_alive_tasks() as u64, &[]);
    });
}

fn of_the_process(meter: &Meter) {
    observe_if_known(meter, THREADS, process::threads);
    observe_if_known(meter, MEMORY, process::resident_memory_bytes);
    observe_if_known(meter, DESCRIPTORS, process::open_descriptors);
}

fn observe_if_known(meter: &Meter, metric: Metric, read: fn() -> Option<u64>) {
    metric.observe(meter, move |gauge| {
        if let Some(value) = read() {
            gauge.observe(value, &[]);
        }
    });
}
