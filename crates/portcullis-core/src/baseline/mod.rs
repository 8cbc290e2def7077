//! The stored baseline: figures of an earlier run, limits taken from them, and
//! what they are worth where another machine measured them.

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
    /// The file, relative to the configuration's; without one there is no baseline.
    pub file: Option<String>,
    /// What a baseline from elsewhere may do.
    pub trust: Trust,
}

/// What a baseline of another machine or configuration may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Trust {
    /// Its rules only warn.
    #[default]
    SameMachine,
    /// They fail the run all the same.
    Always,
}

/// Figures of an earlier run, of all its requests but the login.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Baseline {
    /// When that run began, as it was written.
    pub timestamp: Option<String>,
    /// Its commit.
    pub commit: Option<String>,
    /// Its figures.
    pub metrics: Metrics,
    /// Where it was measured, and how; `None` if nothing tells.
    pub origin: Option<Origin>,
    /// The latencies of its good answers; `None` if they were not kept.
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
    /// Failed requests; `None` if they were not kept.
    pub failures: Option<u64>,
}

/// What a run does with a baseline.
#[derive(Clone, Debug, PartialEq)]
pub struct BaselinePlan {
    /// Its file, absolute.
    pub file: PathBuf,
    /// What stands in it; `None` if there is no such file.
    pub stored: Option<Baseline>,
    /// How its origin differs from this run's, in words; `None` if it does not.
    pub foreign: Option<String>,
    /// Whether it only warns for that.
    pub is_lowered: bool,
}

impl Metrics {
    /// The value of a metric in a rule's unit; `None` for one that is not kept.
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
    /// What a run does that has a baseline's file: `stored` is what stands in it,
    /// `here` is how this run measures.
    pub fn new(file: PathBuf, trust: Trust, stored: Option<Baseline>, here: &Origin) -> Self {
        let foreign = stored.as_ref().and_then(|stored| match &stored.origin {
            Some(there) => there.differs_from(here),
            None => Some("its machine is not recorded".to_owned()),
        });
        let is_lowered = foreign.is_some() && trust == Trust::SameMachine;
        Self { file, stored, foreign, is_lowered }
    }

    /// What it means that the baseline comes from elsewhere, if it does.
    pub fn advice(&self) -> Option<String> {
        self.foreign.as_ref().map(|foreign| format!("{foreign}: use --against"))
    }

    /// Rules with limits against the baseline made absolute. Those of a baseline
    /// from elsewhere only warn.
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
