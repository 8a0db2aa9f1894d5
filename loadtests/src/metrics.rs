//! What the server says of itself at its admin listener.

use anyhow::{Context as _, ensure};
use http::Method;

/// One reading of `/metrics`.
#[derive(Debug)]
pub(crate) struct Metrics(String);

impl Metrics {
    /// Reads them; `admin` is the admin listener, `http://host:port`.
    pub(crate) async fn read(admin: &str) -> anyhow::Result<Self> {
        let url = format!("{}/metrics", admin.trim_end_matches('/'));
        let response = hubplane_client::http::request(Method::GET, &url, &[]).await?;
        ensure!(
            response.status().is_success(),
            "{url} answered {}",
            response.status()
        );
        Ok(Self(String::from_utf8_lossy(response.body()).into_owned()))
    }

    /// The sum over all labels of one metric.
    pub(crate) fn sum(&self, name: &str) -> anyhow::Result<u64> {
        let values: Vec<f64> = self
            .0
            .lines()
            .filter_map(|line| line.strip_prefix(name))
            .filter(|rest| rest.starts_with(['{', ' ']))
            .filter_map(|rest| rest.rsplit(' ').next()?.parse().ok())
            .collect();
        ensure!(!values.is_empty(), "the server has no metric {name}");
        let sum: f64 = values.iter().sum();
        // Counts: whole, never negative, far below 2^53.
        format!("{sum:.0}")
            .parse()
            .with_context(|| format!("{name} is {sum}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_is_summed_over_its_labels_and_told_from_longer_names() {
        let metrics = Metrics(
            "# HELP tasks x\ntasks{name=\"a b\"} 2\ntasks{name=\"c\"} 3\ntasks_total 9\nup 1\n"
                .to_owned(),
        );
        assert_eq!(metrics.sum("tasks").unwrap(), 5);
        assert_eq!(metrics.sum("up").unwrap(), 1);
        assert!(metrics.sum("task").is_err());
    }
}
