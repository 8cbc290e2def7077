//! Metrics that a rule can use. Each is a [`Descriptor`] in its own file. To add one, add a
//! file, a variant of [`Metric`] and its line in [`Metric::descriptor`].

mod checks;
mod error_rate;
mod latency;
mod longest_gap;
mod rate;
mod size;
mod status;
mod ttfb;

use std::fmt;

use super::{Limit, Unit};
use crate::measure::{Percentile, Row, Scope, Summary};

/// A metric.
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
    /// The share of failed requests.
    ErrorRate,
    /// Requests per second of the planned window.
    Rps,
    /// Number of requests.
    Count,
    /// Answers with this status, good and failed: their number, or their share of all requests,
    /// as the limit says.
    Status(u16),
    /// The share of checks that were met.
    Checks,
    /// The mean unpacked size of all bodies.
    Size,
    /// The longest time without a completed answer while at least half of the users waited.
    LongestGap,
}

/// The description of a metric: its name, unit and kind, its computation, and its wording.
#[derive(Debug)]
pub struct Descriptor {
    /// The name in a rule. For percentiles and statuses it contains their number: `p95`,
    /// `status(429)`.
    pub name: &'static str,
    /// The unit, unless the limit has its own.
    pub unit: Unit,
    /// The kind of statistic.
    pub kind: Kind,
    /// The wording before "of all requests".
    pub wording: &'static str,
    /// An example of a limit.
    pub example: &'static str,
    /// Computes its value from measurements.
    pub measure: fn(&Observed<'_>) -> Measured,
    /// Why results files of other tools never have it, if so.
    pub unstated: Option<&'static str>,
}

/// The kind of statistic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A value that a given share does not exceed.
    Quantile,
    /// Their largest value.
    Maximum,
    /// The mean of a value.
    Mean,
    /// A part of them.
    Share,
    /// A number per second.
    Rate,
    /// A number.
    Count,
}

/// The measurements of one scope, from which a metric is computed.
#[derive(Clone, Copy, Debug)]
pub struct Observed<'a> {
    /// The metric, with its number.
    pub metric: Metric,
    /// The limit of the rule.
    pub limit: Limit,
    /// All measurements.
    pub summary: &'a Summary,
    /// The scope.
    pub scope: &'a Scope,
    /// The requests by which the scope is judged.
    pub row: &'a Row,
}

/// The value of a metric, and its number of samples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measured {
    /// In the limit's unit; `None` without data.
    pub value: Option<f64>,
    /// The number of samples.
    pub samples: u64,
}

/// The percentiles that rules can use.
const PERCENTILES: [Percentile; 5] =
    [Percentile::P50, Percentile::P90, Percentile::P95, Percentile::P99, Percentile(99_900)];

/// The metrics without a number in their name.
const PLAIN: [Metric; 9] = [
    Metric::Max,
    Metric::Mean,
    Metric::Ttfb,
    Metric::ErrorRate,
    Metric::Rps,
    Metric::Count,
    Metric::Checks,
    Metric::Size,
    Metric::LongestGap,
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
            Self::Checks => &checks::CHECKS,
            Self::Size => &size::SIZE,
            Self::LongestGap => &longest_gap::LONGEST_GAP,
        }
    }

    /// The metric with this name, if it needs no number; the inverse of its display.
    pub fn plain(name: &str) -> Option<Self> {
        PLAIN.into_iter().find(|metric| metric.descriptor().name == name)
    }

    /// The metric with this display form, of any percentile and status.
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

    /// The percentile with this name in a rule.
    pub(super) fn percentile(name: &str) -> Option<Self> {
        let all = PERCENTILES.into_iter().map(Self::Percentile);
        all.into_iter().find(|metric| metric.to_string() == name)
    }

    /// The names of all metrics, for a list.
    pub(super) fn names() -> Vec<String> {
        let percentiles = PERCENTILES.iter().map(Percentile::to_string);
        let plain = PLAIN.iter().map(|metric| metric.descriptor().name.to_owned());
        let mut names: Vec<String> = percentiles.chain(plain).collect();
        // Before the last two, as in the reference.
        names.insert(names.len() - 2, status::STATUS.name.to_owned());
        names
    }

    /// Whether it is of the whole load: it has no value for some of the requests, and none for
    /// pairs.
    pub fn is_of_load(self) -> bool {
        self == Self::LongestGap
    }

    /// The unit, unless the limit has its own. A status is compared by its share, because two
    /// runs may make different numbers of requests.
    pub fn unit(self) -> Unit {
        self.descriptor().unit
    }

    /// The wording before "of all requests"; `unit` is that of the limit.
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
    /// The latencies for a rule: those of good answers, and those of failures that took longer
    /// than its limit. A fast failure must not improve a latency, and a slow one must not be
    /// ignored.
    pub fn latencies(&self) -> crate::measure::Distribution {
        let mut all = self.row.latency.clone();
        if let Limit::Latency(limit) = self.limit {
            all.add(&self.row.failed_latency.above(limit));
        }
        all
    }

    /// A value that exists if the row has any request.
    fn of_requests(&self, value: f64, samples: u64) -> Measured {
        Measured { value: (self.row.requests > 0).then_some(value), samples }
    }
}
