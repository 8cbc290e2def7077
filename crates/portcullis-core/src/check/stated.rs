//! What a statistics file of another tool states: counts that are exact, and
//! percentiles that are rounded.

use crate::threshold::Percentile;

/// A statistics file.
#[derive(Clone, Debug, PartialEq)]
pub struct Stated {
    /// One for each name and method; their requests are those of `aggregate`.
    pub rows: Vec<StatedRow>,
    /// All requests.
    pub aggregate: StatedRow,
    /// Whether the latencies are also those of failed requests.
    pub failed_latencies: FailedLatencies,
}

/// Whether latencies of failed requests are among the stated ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailedLatencies {
    /// They are, as Locust does it.
    Included,
    /// That cannot be told.
    Unknown,
}

/// One row of the file.
#[derive(Clone, Debug, PartialEq)]
pub struct StatedRow {
    /// `GET`, `POST`; empty for the aggregate.
    pub method: String,
    /// What the tool names it: a URL, unless it was given a name.
    pub name: String,
    /// Requests, good and failed.
    pub requests: u64,
    /// Failed requests; never more than `requests`.
    pub failures: u64,
    /// Mean bytes of a body, unpacked; 0 without requests.
    pub mean_body_bytes: f64,
    /// Requests per second until the last one.
    pub requests_per_s: f64,
    /// Latencies; `None` where the file states none.
    pub latency: Option<StatedLatency>,
}

/// The stated latencies of a row, in milliseconds.
#[derive(Clone, Debug, PartialEq)]
pub struct StatedLatency {
    /// Their mean, exact.
    pub mean_ms: f64,
    /// The shortest, exact.
    pub min_ms: f64,
    /// The longest, exact.
    pub max_ms: f64,
    /// Percentiles, rounded, ascending.
    pub percentiles_ms: Vec<(Percentile, f64)>,
}

impl StatedLatency {
    /// The percentile as the file states it, if it does.
    pub fn percentile_ms(&self, percentile: Percentile) -> Option<f64> {
        self.percentiles_ms.iter().find(|(known, _)| *known == percentile).map(|(_, ms)| *ms)
    }
}

impl StatedRow {
    /// Requests that did not fail.
    pub fn good(&self) -> u64 {
        self.requests.saturating_sub(self.failures)
    }
}
