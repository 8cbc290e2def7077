//! Makes the text of a baseline: from the present run, or from results that are accepted
//! later.

use portcullis_core::measure::Summary;
use portcullis_core::threshold::Percentile;

use super::wire::{File, Own, WireLatency, WireMetrics};
use super::{Accepted, Stored, VERSION, at_place, layout};
use crate::instant::rfc3339;
use crate::record::RunRecord;
use crate::results::v1::row::OverLimit;
use crate::results::{Contradiction, parse};

/// Why results cannot become a baseline.
#[derive(Debug, thiserror::Error)]
pub enum RenewError {
    /// They are not from this version of Portcullis, or not results.
    #[error("{}; run `portcullis perf` with this version first", at_place(.0))]
    Unreadable(serde_json::Error),
    /// Their figures contradict each other.
    #[error("the results contradict themselves: {0}")]
    Inconsistent(#[from] Contradiction),
    /// The run has other findings than differences from the baseline.
    #[error("that run cannot become the baseline: {0}")]
    Refused(String),
    /// It cannot be written, which is a bug.
    #[error("the baseline cannot be written: {0}")]
    Unwritable(std::io::Error),
}

/// The text of a baseline from the results in `text`, with the date and the reason.
///
/// # Errors
/// The results cannot be read, or must not become a baseline.
pub fn accepted(
    text: &str,
    before: Option<&Stored>,
    acceptance: (String, String),
) -> Result<String, RenewError> {
    let run = parse(text).map_err(RenewError::Unreadable)??;
    renewed(&run, before, Some(acceptance))
}

/// The text of a baseline from this run. Notes and accepted regressions of the present
/// baseline are kept; `acceptance` is added.
///
/// # Errors
/// The run must not become a baseline.
pub fn renewed(
    run: &RunRecord,
    before: Option<&Stored>,
    acceptance: Option<(String, String)>,
) -> Result<String, RenewError> {
    let Some(summary) = run.summary.as_ref().filter(|_| run.acceptable) else {
        return Err(RenewError::Refused(run.sentence.clone()));
    };
    let measured = measured(summary);
    let (metrics, latency) =
        measured.ok_or_else(|| RenewError::Refused("it has no good answers".to_owned()))?;
    let mut accepted = before.map(|before| before.accepted.clone()).unwrap_or_default();
    let commit = run.commit.clone();
    accepted.extend(acceptance.map(|(date, reason)| Accepted { date, commit, reason }));
    let own = Own {
        tool_version: run.tool_version.clone(),
        configuration: run.configuration_hash.clone(),
        machine: (&run.machine).into(),
        window_s: summary.window.as_secs_f64(),
        measured_s: summary.measured.as_secs_f64(),
        latency,
        beyond_limits: OverLimit::all(&summary.aggregate(), &summary.limits),
        accepted,
    };
    let file = File {
        version: VERSION.into(),
        timestamp: Some(rfc3339(run.started_unix_ms)),
        commit: run.commit.clone(),
        metrics,
        notes: before.map_or_else(|| "".into(), |before| before.notes.clone()),
        portcullis: Some(own),
    };
    layout::write(&file).map_err(RenewError::Unwritable)
}

/// The figures of all requests; `None` without a good answer.
fn measured(summary: &Summary) -> Option<(WireMetrics, WireLatency)> {
    let row = summary.aggregate();
    let latency = row.latency;
    let mean_ms = latency.mean_ms()?;
    let metrics = WireMetrics {
        p50: latency.percentile_ms(Percentile::P50)?,
        p95: latency.percentile_ms(Percentile::P95)?,
        p99: latency.percentile_ms(Percentile::P99)?,
        avg_response_time: mean_ms,
        requests_per_sec: summary.rate(row.requests),
        error_rate: row.failures as f64 / row.requests as f64 * 100.0,
        total_requests: row.requests,
        failure_count: Some(row.failures),
    };
    let latency = WireLatency {
        count: latency.count,
        mean_ms,
        min_ms: latency.min_ms()?,
        max_ms: latency.max_ms()?,
        buckets_us: latency.buckets,
    };
    Some((metrics, latency))
}
