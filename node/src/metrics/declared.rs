//! The declaration of a metric, from which its instrument is made.

use std::collections::BTreeSet;
use std::fmt;

use opentelemetry::metrics::{AsyncInstrument, Counter, Histogram, Meter};

/// What a metric's number is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Only grows, from 0 at the start of the process.
    Counter,
    /// What is so now.
    Gauge,
    /// How values are spread.
    Histogram,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        })
    }
}

/// One metric: declared once, as a constant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metric {
    /// As `/metrics` shows it: `hubplane_<area>_<noun>_<unit>`, counters with `_total` at the end.
    pub name: &'static str,
    /// What its number is.
    pub kind: Kind,
    /// In the notation of UCUM: `By`, `s`, `1`, or what is counted in braces.
    pub unit: &'static str,
    /// One line.
    pub help: &'static str,
}

impl Metric {
    /// Declares a counter.
    pub const fn counter(name: &'static str, unit: &'static str, help: &'static str) -> Self {
        Self::new(name, Kind::Counter, unit, help)
    }

    /// Declares a gauge.
    pub const fn gauge(name: &'static str, unit: &'static str, help: &'static str) -> Self {
        Self::new(name, Kind::Gauge, unit, help)
    }

    /// Declares a histogram.
    pub const fn histogram(name: &'static str, unit: &'static str, help: &'static str) -> Self {
        Self::new(name, Kind::Histogram, unit, help)
    }

    const fn new(name: &'static str, kind: Kind, unit: &'static str, help: &'static str) -> Self {
        Self {
            name,
            kind,
            unit,
            help,
        }
    }

    /// The instrument of a counter that is added to where things happen.
    pub fn to_counter(&self, meter: &Meter) -> Counter<u64> {
        debug_assert_eq!(self.kind, Kind::Counter);
        let builder = meter.u64_counter(self.name).with_unit(self.unit);
        builder.with_description(self.help).build()
    }

    /// The instrument of a histogram, with the upper bounds of its buckets.
    pub fn to_histogram(&self, meter: &Meter, bounds: Vec<f64>) -> Histogram<f64> {
        debug_assert_eq!(self.kind, Kind::Histogram);
        let builder = meter.f64_histogram(self.name).with_unit(self.unit);
        let builder = builder.with_description(self.help);
        builder.with_boundaries(bounds).build()
    }

    /// Has a counter or a gauge read by `read` whenever metrics are collected, which is how a number that is
    /// kept elsewhere costs nothing where it changes. `read` must not wait.
    pub fn observe<F>(&self, meter: &Meter, read: F)
    where
        F: Fn(&dyn AsyncInstrument<u64>) + Send + Sync + 'static,
    {
        match self.kind {
            Kind::Counter => {
                let builder = meter.u64_observable_counter(self.name);
                let builder = builder.with_unit(self.unit).with_description(self.help);
                builder.with_callback(read).build();
            }
            Kind::Gauge => {
                let builder = meter.u64_observable_gauge(self.name);
                let builder = builder.with_unit(self.unit).with_description(self.help);
                builder.with_callback(read).build();
            }
            Kind::Histogram => debug_assert!(false, "a histogram is recorded, not read"),
        }
    }
}

/// Compares what a crate declares with its section of `docs/metrics.md`: a heading of level two with the
/// crate's name, and a table whose rows begin with the metric's name in backticks and its kind.
///
/// # Errors
/// Says what is missing on either side.
pub fn compare_with_docs(docs: &str, section: &str, declared: &[Metric]) -> Result<(), String> {
    let heading = format!("## {section}");
    let lines = docs.lines().skip_while(|line| line.trim_end() != heading);
    let lines = lines.skip(1).take_while(|line| !line.starts_with("## "));
    let rows = lines.filter_map(|line| line.strip_prefix("| `"));
    let written: BTreeSet<_> = rows
        .filter_map(|row| {
            let (name, rest) = row.split_once("` | ")?;
            let (kind, _) = rest.split_once(" | ")?;
            Some(format!("{name} ({kind})"))
        })
        .collect();
    let declared: BTreeSet<_> = declared
        .iter()
        .map(|metric| format!("{} ({})", metric.name, metric.kind))
        .collect();
    if written == declared {
        return Ok(());
    }
    let undocumented: Vec<_> = declared.difference(&written).cloned().collect();
    let undeclared: Vec<_> = written.difference(&declared).cloned().collect();
    Err(format!(
        "docs/metrics.md, section {section}: not documented: [{}]; not declared: [{}]",
        undocumented.join(", "),
        undeclared.join(", ")
    ))
}
