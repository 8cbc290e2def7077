//! The figures in a statistics file of another tool: exact counts and rounded percentiles.

use crate::threshold::Percentile;

/// A statistics file.
#[derive(Clone, Debug, PartialEq)]
pub struct Stated {
    /// A row for each name and method; their requests add up to `aggregate`.
    pub rows: Vec<StatedRow>,
    /// All requests.
    pub aggregate: StatedRow,
    /// Whether the latencies include those of failed requests.
    pub failed_latencies: FailedLatencies,
}

/// Whether latencies include those of failed requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailedLatencies {
    /// They do, as in Locust.
    Included,
    /// Unknown.
    Unknown,
}

/// One row of the file.
#[derive(Clone, Debug, PartialEq)]
pub struct StatedRow {
    /// `GET`, `POST`; empty for the aggregate.
    pub method: String,
    /// The name in the tool: a URL, unless the user gave another name.
    pub name: String,
    /// Requests, good and failed.
    pub requests: u64,
    /// Failed requests; never more than `requests`.
    pub failures: u64,
    /// Mean bytes of a body, unpacked; 0 without requests.
    pub mean_body_bytes: f64,
    /// Requests per second, up to the last request.
    pub requests_per_s: f64,
    /// Latencies; `None` if the file has none.
    pub latency: Option<StatedLatency>,
}

/// The latencies of a row, in milliseconds.
#[derive(Clone, Debug, PartialEq)]
pub struct StatedLatency {
    /// The exact mean.
    pub mean_ms: f64,
    /// The exact minimum.
    pub min_ms: f64,
    /// The exact maximum.
    pub max_ms: f64,
    /// Rounded percentiles, ascending.
    pub percentiles_ms: Vec<(Percentile, f64)>,
}

impl StatedLatency {
    /// The percentile in the file, if it has one.
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
