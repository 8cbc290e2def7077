//! The baseline's file: read strictly, and made from a run's results. Its first fields are
//! those of an older tool; our additional fields are in a section.

mod layout;
mod renew;
mod wire;

pub use renew::{RenewError, accepted, renewed};

use std::mem::take;
use std::time::Duration;

use portcullis_core::baseline::{Baseline, Fingerprint, Metrics, Origin};
use portcullis_core::measure::Distribution;

use crate::results::number::LONGEST_MS;
use wire::{File, Own, WireLatency, WireMachine, WireMetrics};

/// The version that is written; a larger major number is refused.
const VERSION: &str = "1.0";
const MAJOR: f64 = 1.0;

/// The content of a baseline's file.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored {
    /// The figures, and their origin.
    pub baseline: Baseline,
    /// The user's notes, in any form; kept when the file is written again.
    notes: serde_json::Value,
    /// The accepted regressions, the oldest first.
    pub accepted: Vec<Accepted>,
}

/// An accepted regression.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Accepted {
    /// The date, as RFC 3339.
    pub date: String,
    /// The measured commit.
    pub commit: Option<String>,
    /// The reason.
    pub reason: String,
}

/// Why a file cannot be used as a baseline.
#[derive(Debug, thiserror::Error)]
pub enum BaselineError {
    /// It is another file.
    #[error("not a baseline file: it has no version and no metrics; name another file")]
    Foreign,
    /// It is not JSON, or a required field is missing or has another type.
    #[error("{}", at_place(.0))]
    Broken(serde_json::Error),
    /// It was written by a newer version.
    #[error(
        "version {0} is newer than {VERSION}, the newest that this version of Portcullis reads"
    )]
    Newer(String),
    /// A number that no run can have measured.
    #[error("{0}")]
    Impossible(String),
}

impl BaselineError {
    /// The error as one line, in the form that editors understand.
    pub fn within(&self, file: &str) -> String {
        match self {
            Self::Broken(_) => format!("{file}:{self}"),
            Self::Foreign | Self::Newer(_) | Self::Impossible(_) => format!("{file}: {self}"),
        }
    }
}

/// `4:7: missing field …`, in the form that editors understand.
fn at_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    let what = text.strip_suffix(&place).unwrap_or(&text);
    format!("{}:{}: {what}", error.line(), error.column())
}

/// Reads a baseline's text.
///
/// # Errors
/// Another file than a baseline, a newer one, or a broken one.
pub fn read(text: &str) -> Result<Stored, BaselineError> {
    let value: serde_json::Value = serde_json::from_str(text).map_err(BaselineError::Broken)?;
    let (Some(version), Some(_)) = (value.get("version"), value.get("metrics")) else {
        return Err(BaselineError::Foreign);
    };
    check_version(version)?;
    let file: File = serde_json::from_str(text).map_err(BaselineError::Broken)?;
    let metrics = metrics(&file.metrics)?;
    let (origin, latency, accepted) = match file.portcullis {
        None => (None, None, Vec::new()),
        Some(mut own) => {
            let (latency, accepted) = (distribution(&own.latency)?, take(&mut own.accepted));
            (Some(origin(own)), Some(latency), accepted)
        }
    };
    let (timestamp, commit) = (file.timestamp, file.commit);
    let baseline = Baseline { timestamp, commit, metrics, origin, latency };
    Ok(Stored { baseline, notes: file.notes, accepted })
}

/// Checks the version, a number or a text such as "1.2": the major number decides.
fn check_version(version: &serde_json::Value) -> Result<(), BaselineError> {
    let major = match version {
        serde_json::Value::String(text) => {
            text.split('.').next().and_then(|major| major.trim().parse().ok())
        }
        other => other.as_f64(),
    };
    match major {
        Some(major) if (0.0..MAJOR + 1.0).contains(&major) => Ok(()),
        Some(major) if major > MAJOR => Err(BaselineError::Newer(version.to_string())),
        _ => Err(BaselineError::Impossible(format!("unknown version {version}"))),
    }
}

fn metrics(wire: &WireMetrics) -> Result<Metrics, BaselineError> {
    let within = |name: &str, value: f64, most: f64| match (0.0..=most).contains(&value) {
        true => Ok(value),
        false => {
            let message = format!("metrics.{name} = {value}: must be between 0 and {most}");
            Err(BaselineError::Impossible(message))
        }
    };
    if let Some(failures) = wire.failure_count.filter(|failures| *failures > wire.total_requests) {
        let all = wire.total_requests;
        let message = format!("metrics.failure_count = {failures} of {all} requests");
        return Err(BaselineError::Impossible(message));
    }
    Ok(Metrics {
        p50_ms: within("p50", wire.p50, LONGEST_MS)?,
        p95_ms: within("p95", wire.p95, LONGEST_MS)?,
        p99_ms: within("p99", wire.p99, LONGEST_MS)?,
        mean_ms: within("avg_response_time", wire.avg_response_time, LONGEST_MS)?,
        rps: within("requests_per_sec", wire.requests_per_sec, 1e9)?,
        error_rate: within("error_rate", wire.error_rate, 100.0)? / 100.0,
        requests: wire.total_requests,
        failures: wire.failure_count,
    })
}

fn origin(own: Own) -> Origin {
    let WireMachine { system, cores, processor, memory_bytes, quota_cores } = own.machine;
    let machine = Fingerprint { system, cores, processor, memory_bytes, quota_cores };
    Origin { machine, configuration: own.configuration }
}

fn distribution(wire: &WireLatency) -> Result<Distribution, BaselineError> {
    let impossible = |what: &str| BaselineError::Impossible(format!("portcullis.latency: {what}"));
    let counted = wire.buckets_us.iter().try_fold(0_u64, |sum, (_, n)| sum.checked_add(*n));
    if counted != Some(wire.count) {
        return Err(impossible("the buckets do not add up to the count"));
    }
    let ends = wire.buckets_us.iter().map(|(end, _)| *end);
    if !ends.clone().zip(ends.skip(1)).all(|(one, next)| one < next) {
        return Err(impossible("the buckets are not in ascending order"));
    }
    let is_sound = |ms: f64| (0.0..=LONGEST_MS).contains(&ms);
    if !(is_sound(wire.min_ms) && is_sound(wire.max_ms) && is_sound(wire.mean_ms))
        || wire.min_ms > wire.max_ms
    {
        return Err(impossible("impossible minimum, maximum or mean"));
    }
    let nanoseconds = |ms: f64| Duration::from_secs_f64(ms / 1e3).as_nanos();
    let ns = |ms: f64| u64::try_from(nanoseconds(ms)).unwrap_or(u64::MAX);
    Ok(Distribution {
        count: wire.count,
        sum_ns: nanoseconds(wire.mean_ms) * u128::from(wire.count),
        min_ns: ns(wire.min_ms),
        max_ns: ns(wire.max_ms),
        buckets: wire.buckets_us.clone(),
        clipped: 0,
    })
}
