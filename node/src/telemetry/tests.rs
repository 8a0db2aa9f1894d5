use std::collections::BTreeSet;
use std::io;
use std::sync::{Arc, Mutex};

use tokio::runtime::Handle;
use tracing_subscriber::fmt::MakeWriter;

use super::*;
use crate::config::{Log, LogFormat};
use crate::metrics::{self, Metric};
use crate::phases::Phases;
use crate::tasks::{OnFailure, Tasks};

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

fn logged(format: LogFormat, filter: &str) -> String {
    let lines = Lines::default();
    let log = Log {
        filter: filter.to_owned(),
        format,
    };
    let subscriber = logging::subscriber(&log, lines.clone(), false).unwrap();
    tracing::subscriber::with_default(subscriber, || {
        tracing::info_span!("connection", id = "c1").in_scope(|| {
            tracing::info!(hub = "chat", "opened");
            tracing::debug!("not at this level");
        });
    });
    lines.text()
}

#[test]
fn text_lines_are_for_people() {
    let text = logged(LogFormat::Text, "info");
    assert_eq!(text.lines().count(), 1);
    let end = "INFO connection{id=\"c1\"}: hubplane_node::telemetry::tests: opened hub=\"chat\"\n";
    assert!(text.ends_with(end), "{text}");
}

#[test]
fn json_lines_are_one_object_each() {
    let text = logged(LogFormat::Json, "info");
    let line: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(line["level"], "INFO");
    assert_eq!(line["message"], "opened");
    assert_eq!(line["hub"], "chat");
    assert_eq!(line["span"]["id"], "c1");
}

#[test]
fn directives_choose_what_is_logged() {
    assert_eq!(logged(LogFormat::Text, "debug").lines().count(), 2);
    assert_eq!(logged(LogFormat::Text, "debug,hubplane_node=off"), "");
}

#[tokio::test]
async fn a_metric_is_shown_by_the_name_it_is_declared_with() {
    const SENT: Metric = Metric::counter("hubplane_test_sent_bytes_total", "By", "Bytes sent.");
    const OPEN: Metric = Metric::gauge("hubplane_test_open", "{connection}", "Connections.");
    const TOOK: Metric = Metric::histogram("hubplane_test_took_seconds", "s", "Time.");

    let telemetry = Telemetry::new(&Phases::new(), &Tasks::current()).unwrap();
    let meter = telemetry.meter("hubplane-test");
    SENT.to_counter(&meter).add(5, &[]);
    OPEN.observe(&meter, |gauge| gauge.observe(3, &[]));
    TOOK.to_histogram(&meter, vec![0.5, 1.0]).record(0.7, &[]);

    let text = telemetry.to_text().unwrap();
    let shown: Vec<_> = text
        .lines()
        .filter(|line| line.contains("_test_"))
        .collect();
    assert_eq!(
        shown,
        [
            "# HELP hubplane_test_open Connections.",
            "# TYPE hubplane_test_open gauge",
            "hubplane_test_open 3",
            "# HELP hubplane_test_sent_bytes_total Bytes sent.",
            "# TYPE hubplane_test_sent_bytes_total counter",
            "hubplane_test_sent_bytes_total 5",
            "# HELP hubplane_test_took_seconds Time.",
            "# TYPE hubplane_test_took_seconds histogram",
            "hubplane_test_took_seconds_bucket{le=\"0.5\"} 0",
            "hubplane_test_took_seconds_bucket{le=\"1\"} 1",
            "hubplane_test_took_seconds_bucket{le=\"+Inf\"} 1",
            "hubplane_test_took_seconds_sum 0.7",
            "hubplane_test_took_seconds_count 1",
        ]
    );
    assert_eq!(
        telemetry.value("hubplane_test_sent_bytes_total", &[]),
        Some(5.0)
    );
    assert_eq!(telemetry.value("hubplane_test_absent", &[]), None);
}

#[tokio::test]
async fn a_node_shows_its_phase_its_tasks_and_what_degrades_it() {
    let (phases, tasks) = (Phases::new(), Tasks::current());
    let telemetry = Telemetry::new(&phases, &tasks).unwrap();
    phases.started();
    let _nats = phases.degraded("nats");
    tasks.spawn("waits", OnFailure::Log, std::future::pending::<()>());
    tasks.spawn("waits", OnFailure::Log, std::future::pending::<()>());

    let value = |name: &str, labels: &[(&str, &str)]| telemetry.value(name, labels).unwrap();
    assert_eq!(value("hubplane_node_phase", &[("phase", "ready")]), 1.0);
    assert_eq!(value("hubplane_node_phase", &[("phase", "starting")]), 0.0);
    assert_eq!(value("hubplane_node_degraded", &[("reason", "nats")]), 1.0);
    assert_eq!(value("hubplane_node_tasks", &[("name", "waits")]), 2.0);
    assert_eq!(value("hubplane_node_task_failures_total", &[]), 0.0);
    let alive = Handle::current().metrics().num_alive_tasks();
    assert_eq!(value("hubplane_node_runtime_tasks", &[]), alive as f64);
}

#[tokio::test]
async fn every_metric_of_a_node_is_shown_and_documented() {
    let (phases, tasks) = (Phases::new(), Tasks::current());
    let telemetry = Telemetry::new(&phases, &tasks).unwrap();
    let _nats = phases.degraded("nats");
    tasks.spawn("waits", OnFailure::Log, std::future::pending::<()>());

    let text = telemetry.to_text().unwrap();
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    let shown: BTreeSet<_> = types.filter_map(|line| line.split(' ').next()).collect();
    let declared: BTreeSet<_> = metrics::ALL.iter().map(|metric| metric.name).collect();
    if cfg!(target_os = "linux") {
        assert_eq!(shown, declared);
    }

    let docs = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/metrics.md");
    let docs = std::fs::read_to_string(docs).unwrap();
    metrics::compare_with_docs(&docs, "hubplane-node", metrics::ALL).unwrap();
}
