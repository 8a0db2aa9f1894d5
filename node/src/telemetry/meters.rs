//! Metrics: OpenTelemetry instruments, shown in the text format of Prometheus.

use std::fmt;

use opentelemetry::metrics::{Meter, MeterProvider as _};
use opentelemetry_sdk::error::OTelSdkError;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use prometheus::{Registry, TextEncoder};

use crate::metrics;
use crate::phases::Phases;
use crate::tasks::Tasks;

/// Why there are no metrics.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The two libraries do not go together.
    #[error("the metrics cannot be collected")]
    Collect(#[from] OTelSdkError),
    /// What was collected is not what Prometheus takes.
    #[error("the metrics cannot be written")]
    Write(#[from] prometheus::Error),
}

/// The metrics of one node. Cheap to clone; every clone is the same set.
#[derive(Clone)]
pub struct Telemetry {
    provider: SdkMeterProvider,
    registry: Registry,
}

impl Telemetry {
    /// Makes the metrics of a node, which has those of its phase, its tasks and its process from the start.
    ///
    /// # Errors
    /// Not in practice: when the libraries refuse an empty set.
    pub fn new(phases: &Phases, tasks: &Tasks) -> Result<Self, TelemetryError> {
        let registry = Registry::new();
        // A metric is declared with the name that it is shown by, so nothing is added to it.
        let exporter = opentelemetry_prometheus::exporter()
            .with_registry(registry.clone())
            .without_units()
            .without_counter_suffixes()
            .without_target_info()
            .scope_info_enabled(false)
            .build()?;
        let provider = SdkMeterProvider::builder().with_reader(exporter).build();
        metrics::register(&provider.meter("hubplane-node"), phases, tasks);
        Ok(Self { provider, registry })
    }

    /// Where a crate makes its instruments; `name` is the crate's.
    pub fn meter(&self, name: &'static str) -> Meter {
        self.provider.meter(name)
    }

    /// Collects every metric and writes it in the text format of Prometheus.
    ///
    /// # Errors
    /// When two crates gave one name to different things.
    pub fn to_text(&self) -> Result<String, TelemetryError> {
        Ok(TextEncoder::new().encode_to_string(&self.registry.gather())?)
    }

    /// The value of a counter or gauge, summed over the series that have all of `labels`; `None` when there
    /// is none. For tests and for status pages: it collects every metric.
    pub fn value(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let families = self.registry.gather();
        let family = families.iter().find(|family| family.name() == name)?;
        let fits = |metric: &&prometheus::proto::Metric| {
            labels.iter().all(|(name, value)| {
                let mut pairs = metric.get_label().iter();
                pairs.any(|pair| pair.name() == *name && pair.value() == *value)
            })
        };
        let series = family.get_metric().iter().filter(fits);
        let values =
            series.map(|metric| metric.get_counter().get_value() + metric.get_gauge().get_value());
        values.reduce(|sum, value| sum + value)
    }
}

impl fmt::Debug for Telemetry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Telemetry").finish_non_exhaustive()
    }
}
