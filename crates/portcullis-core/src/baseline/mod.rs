//! The stored baseline: figures of an earlier run, limits relative to them, and how far
//! they can be trusted if another machine measured them.

mod limits;
mod origin;
#[cfg(test)]
mod tests;

pub use limits::resolved;
pub use origin::{Fingerprint, Origin};

use std::path::PathBuf;

use crate::measure::Distribution;
use crate::threshold::{Metric, Percentile, Threshold};

/// `[baseline]` of a configuration.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BaselineSection {
    /// The file, relative to the configuration file; without it there is no baseline.
    pub file: Option<String>,
    /// The effect of a baseline from elsewhere.
    pub trust: Trust,
}

/// The effect of a baseline from another machine or configuration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Trust {
    /// Its rules only warn.
    #[default]
    SameMachine,
    /// Its rules fail the run nevertheless.
    Always,
}

/// Figures of an earlier run, of all its requests except the login.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Baseline {
    /// The start of that run, as written in the file.
    pub timestamp: Option<String>,
    /// Its commit.
    pub commit: Option<String>,
    /// Its figures.
    pub metrics: Metrics,
    /// The machine and configuration of that run; `None` if unknown.
    pub origin: Option<Origin>,
    /// The latencies of its good answers; `None` if they were not stored.
    pub latency: Option<Distribution>,
}

/// The figures; latencies are of good answers, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Metrics {
    /// The median latency.
    pub p50_ms: f64,
    /// The latency that 95 % do not exceed.
    pub p95_ms: f64,
    /// The latency that 99 % do not exceed.
    pub p99_ms: f64,
    /// The mean latency.
    pub mean_ms: f64,
    /// Requests per second of the window, good and failed.
    pub rps: f64,
    /// Failed requests as a share of all, from 0 to 1.
    pub error_rate: f64,
    /// Requests, good and failed.
    pub requests: u64,
    /// Failed requests; `None` if they were not stored.
    pub failures: Option<u64>,
}

/// What a run does with its baseline.
#[derive(Clone, Debug, PartialEq)]
pub struct BaselinePlan {
    /// Its file, absolute.
    pub file: PathBuf,
    /// The content of the file; `None` if there is no such file.
    pub stored: Option<Baseline>,
    /// How its machine or configuration differs from this run's, in words; `None` if they are
    /// equal.
    pub foreign: Option<String>,
    /// Whether its rules only warn for that reason.
    pub is_lowered: bool,
}

impl Metrics {
    /// The value of a metric in the rule's unit; `None` for a metric that is not stored.
    pub fn of(&self, metric: Metric) -> Option<f64> {
        match metric {
            Metric::Percentile(Percentile::P50) => Some(self.p50_ms),
            Metric::Percentile(Percentile::P95) => Some(self.p95_ms),
            Metric::Percentile(Percentile::P99) => Some(self.p99_ms),
            Metric::Mean => Some(self.mean_ms),
            Metric::Rps => Some(self.rps),
            Metric::ErrorRate => Some(self.error_rate),
            Metric::Count => Some(self.requests as f64),
            _ => None,
        }
    }
}

impl BaselinePlan {
    /// The plan for a baseline's file: `stored` is its content, `here` is the machine and
    /// configuration of this run.
    pub fn new(file: PathBuf, trust: Trust, stored: Option<Baseline>, here: &Origin) -> Self {
        let foreign = stored.as_ref().and_then(|stored| match &stored.origin {
            Some(there) => there.differs_from(here),
            None => Some("its machine is not recorded".to_owned()),
        });
        let is_lowered = foreign.is_some() && trust == Trust::SameMachine;
        Self { file, stored, foreign, is_lowered }
    }

    /// A warning if the baseline comes from elsewhere.
    pub fn advice(&self) -> Option<String> {
        self.foreign.as_ref().map(|foreign| format!("{foreign}: use --against"))
    }

    /// Makes the limits relative to the baseline absolute. Rules on a baseline from elsewhere
    /// only warn.
    pub fn resolved(&self, rules: &[Threshold]) -> Vec<Threshold> {
        let Some(stored) = &self.stored else { return rules.to_vec() };
        resolved(rules, stored, self.advice().filter(|_| self.is_lowered).as_deref())
    }

    /// The baseline in a few words: its date and commit.
    pub fn described(&self) -> String {
        let Some(stored) = &self.stored else { return "not judged".to_owned() };
        let date = stored.timestamp.as_deref().unwrap_or("no date");
        match stored.commit.as_deref() {
            Some(commit) => format!("from {date}, commit {}", commit.get(..10).unwrap_or(commit)),
            None => format!("from {date}, no commit"),
        }
    }
}
