//! Metrics: what a rule can judge. Each is a [`Descriptor`] in a file of its own;
//! a new one is a file, a variant of [`Metric`] and its line in [`Metric::descriptor`].

mod error_rate;
mod latency;
mod rate;
mod size;
mod status;
mod ttfb;

use std::fmt;

use super::{Limit, Unit};
use crate::measure::{Percentile, Row, Scope, Summary};

/// What is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metric {
    /// The latency that this share of the good answers does not exceed.
    Percentile(Percentile),
    /// The longest latency of a good answer.
    Max,
    /// The mean latency of the good answers.
    Mean,
    /// The mean time to the first byte of the good answers.
    Ttfb,
    /// Failed requests as a share of all.
    ErrorRate,
    /// Requests per second of the planned window.
    Rps,
    /// Number of requests.
    Count,
    /// Answers with this status, good and failed: their number, or their share
    /// of all requests, as the limit says.
    Status(u16),
    /// The mean size of all bodies, unpacked.
    Size,
}

/// A metric, described: its name, what it is measured in, how, and in which words.
#[derive(Debug)]
pub struct Descriptor {
    /// How a rule writes it. Those of percentiles and statuses hold their number as
    /// well: `p95`, `status(429)`.
    pub name: &'static str,
    /// What it is measured in where the limit does not say it.
    pub unit: Unit,
    /// What it is of the requests.
    pub kind: Kind,
    /// In words, to be followed by "of all requests".
    pub wording: &'static str,
    /// A limit, as somebody could write it.
    pub example: &'static str,
    /// Its value in what was measured.
    pub measure: fn(&Observed<'_>) -> Measured,
    /// Why files of other tools' results never tell it, if so.
    pub unstated: Option<&'static str>,
}

/// What a metric is of the requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A value that a share of them does not exceed.
    Quantile,
    /// Their largest value.
    Maximum,
    /// The mean of a value.
    Mean,
    /// A part of them.
    Share,
    /// So many in a second.
    Rate,
    /// So many.
    Count,
}

/// What a metric is measured in: the requests of one scope.
#[derive(Clone, Copy, Debug)]
pub struct Observed<'a> {
    /// The metric, with its number.
    pub metric: Metric,
    /// The limit that its value is for.
    pub limit: Limit,
    /// Everything that was measured.
    pub summary: &'a Summary,
    /// Whose requests.
    pub scope: &'a Scope,
    /// The requests that the scope is judged by.
    pub row: &'a Row,
}

/// The value of a metric, and how many requests it rests on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measured {
    /// In the limit's unit; `None` without data.
    pub value: Option<f64>,
    /// Requests that it rests on.
    pub samples: u64,
}

/// The percentiles that rules can name.
const PERCENTILES: [Percentile; 5] =
    [Percentile::P50, Percentile::P90, Percentile::P95, Percentile::P99, Percentile(99_900)];

/// The metrics that need no number.
const PLAIN: [Metric; 7] = [
    Metric::Max,
    Metric::Mean,
    Metric::Ttfb,
    Metric::ErrorRate,
    Metric::Rps,
    Metric::Count,
    Metric::Size,
];

impl Metric {
    /// Its description.
    pub fn descriptor(self) -> &'static Descriptor {
        match self {
            Self::Percentile(_) => &latency::PERCENTILE,
            Self::Max => &latency::MAX,
            Self::Mean => &latency::MEAN,
            Self::Ttfb => &ttfb::TTFB,
            Self::ErrorRate => &error_rate::ERROR_RATE,
            Self::Rps => &rate::RPS,
            Self::Count => &rate::COUNT,
            Self::Status(_) => &status::STATUS,
            Self::Size => &size::SIZE,
        }
    }

    /// The metric of a name that needs no number; the inverse of how it is shown.
    pub fn plain(name: &str) -> Option<Self> {
        PLAIN.into_iter().find(|metric| metric.descriptor().name == name)
    }

    /// The metric that is shown so, of any percentile and status.
    pub fn shown(text: &str) -> Option<Self> {
        let status = text.strip_prefix("status(").and_then(|rest| rest.strip_suffix(')'));
        if let Some(status) = status {
            return status.parse().ok().map(Self::Status);
        }
        let percent = || text.strip_prefix('p').and_then(|rest| rest.parse::<f64>().ok());
        let percentile = || percent().filter(|percent| (0.0..=100.0).contains(percent));
        let thousandths = |percent: f64| Percentile((percent * 1000.0).round() as u32);
        Self::plain(text).or_else(|| percentile().map(thousandths).map(Self::Percentile))
    }

    /// The percentile that a rule names so.
    pub(super) fn percentile(name: &str) -> Option<Self> {
        let all = PERCENTILES.into_iter().map(Self::Percentile);
        all.into_iter().find(|metric| metric.to_string() == name)
    }

    /// The names of all metrics, as a list of them shows them.
    pub(super) fn names() -> Vec<String> {
        let percentiles = PERCENTILES.iter().map(Percentile::to_string);
        let plain = PLAIN.iter().map(|metric| metric.descriptor().name.to_owned());
        let mut names: Vec<String> = percentiles.chain(plain).collect();
        // Before the last, as the reference lists them.
        names.insert(names.len() - 1, status::STATUS.name.to_owned());
        names
    }

    /// What it is measured in where the limit does not say it. A status is compared
    /// by its share: two runs need not make equally many requests.
    pub fn unit(self) -> Unit {
        self.descriptor().unit
    }

    /// In words, to be followed by "of all requests"; `unit` is its limit's.
    pub(super) fn in_words(self, unit: Unit) -> String {
        match self {
            Self::Percentile(percentile) => format!("the {percentile} latency"),
            Self::Status(status) if unit == Unit::Fraction => {
                format!("the share of answers with status {status}")
            }
            Self::Status(status) => format!("the number of answers with status {status}"),
            plain => plain.descriptor().wording.to_owned(),
        }
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Percentile(percentile) => percentile.fmt(f),
            Self::Status(status) => write!(f, "status({status})"),
            plain => f.write_str(plain.descriptor().name),
        }
    }
}

impl Observed<'_> {
    /// The latencies that a rule is about: those of good answers, and those of failures
    /// that took longer than its limit. A fast failure must not improve a latency, and a
    /// slow one must not vanish from it.
    pub fn latencies(&self) -> crate::measure::Distribution {
        let mut all = self.row.latency.clone();
        if let Limit::Latency(limit) = self.limit {
            all.add(&self.row.failed_latency.above(limit));
        }
        all
    }

    /// A value that there is with any request of the row.
    fn of_requests(&self, value: f64, samples: u64) -> Measured {
        Measured { value: (self.row.requests > 0).then_some(value), samples }
    }
}
