//! A run's results → the text of a baseline. Whoever writes one, the run itself
//! or somebody who accepts it later, makes it of `perf_results.json`.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::wire::{File, Own, WireBeyond, WireLatency, WireMachine, WireMetrics};
use super::{Accepted, Stored, VERSION, at_place, layout};

/// Why results do not become a baseline.
#[derive(Debug, thiserror::Error)]
pub enum RenewError {
    /// They are not of this version of Portcullis, or no results at all.
    #[error("{}; run `portcullis perf` with this version first", at_place(.0))]
    Unreadable(serde_json::Error),
    /// The run found something else than a difference from the baseline.
    #[error("that run cannot become the baseline: {0}")]
    Refused(String),
    /// It cannot be written: a defect.
    #[error("it cannot be written: {0}")]
    Unwritable(std::io::Error),
}

/// The fields of `perf_results.json` that a baseline is made of.
#[derive(Deserialize)]
struct Results {
    tool_version: String,
    started_at: String,
    commit: Option<String>,
    sentence: String,
    acceptable: bool,
    configuration_hash: String,
    machine: WireMachine,
    summary: Option<Measured>,
}

#[derive(Deserialize)]
struct Measured {
    window_s: f64,
    measured_s: f64,
    requests_per_s: f64,
    aggregate: Row,
}

#[derive(Deserialize)]
struct Row {
    requests: u64,
    failures: u64,
    latency: Latency,
    beyond_limits: Vec<WireBeyond>,
}

/// Of no good answer there is no mean and no percentile.
#[derive(Deserialize)]
struct Latency {
    count: u64,
    mean_ms: Option<f64>,
    min_ms: Option<f64>,
    max_ms: Option<f64>,
    percentiles_ms: BTreeMap<String, f64>,
    buckets_us: Vec<(u64, u64)>,
}

impl Latency {
    fn metrics(&self, requests: u64, failures: u64, requests_per_sec: f64) -> Option<WireMetrics> {
        let percentile = |name: &str| self.percentiles_ms.get(name).copied();
        Some(WireMetrics {
            p50: percentile("p50")?,
            p95: percentile("p95")?,
            p99: percentile("p99")?,
            avg_response_time: self.mean_ms?,
            requests_per_sec,
            error_rate: failures as f64 / requests as f64 * 100.0,
            total_requests: requests,
            failure_count: Some(failures),
        })
    }

    fn wire(self) -> Option<WireLatency> {
        Some(WireLatency {
            count: self.count,
            mean_ms: self.mean_ms?,
            min_ms: self.min_ms?,
            max_ms: self.max_ms?,
            buckets_us: self.buckets_us,
        })
    }
}

/// The text of a baseline of these results. Of the one before it keeps notes and
/// what was accepted; `acceptance` is added to that.
///
/// # Errors
/// Results that cannot be read, or that must not become a baseline.
pub fn renewed(
    results: &str,
    before: Option<&Stored>,
    acceptance: Option<(String, String)>,
) -> Result<String, RenewError> {
    let results: Results = serde_json::from_str(results).map_err(RenewError::Unreadable)?;
    let Some(measured) = results.summary.filter(|_| results.acceptable) else {
        return Err(RenewError::Refused(results.sentence));
    };
    let Row { requests, failures, latency, beyond_limits } = measured.aggregate;
    let metrics = latency.metrics(requests, failures, measured.requests_per_s);
    let (Some(metrics), Some(latency)) = (metrics, latency.wire()) else {
        return Err(RenewError::Refused("it has no good answer".to_owned()));
    };
    let mut accepted = before.map(|before| before.accepted.clone()).unwrap_or_default();
    let commit = results.commit.clone();
    accepted.extend(acceptance.map(|(date, reason)| Accepted { date, commit, reason }));
    let own = Own {
        tool_version: results.tool_version,
        configuration: results.configuration_hash,
        machine: results.machine,
        window_s: measured.window_s,
        measured_s: measured.measured_s,
        latency,
        beyond_limits,
        accepted,
    };
    let file = File {
        version: VERSION.into(),
        timestamp: Some(results.started_at),
        commit: results.commit,
        metrics,
        notes: before.map_or_else(|| "".into(), |before| before.notes.clone()),
        portcullis: Some(own),
    };
    layout::write(&file).map_err(RenewError::Unwritable)
}
