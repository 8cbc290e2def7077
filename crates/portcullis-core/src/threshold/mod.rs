//! Rules: one line says one, and each is printed back in words.

mod parse;
#[cfg(test)]
mod tests;

pub use parse::{Names, ParseError, parse};

use std::time::Duration;

/// A rule that must hold.
#[derive(Clone, Debug, PartialEq)]
pub struct Threshold {
    /// What is judged.
    pub metric: Metric,
    /// Whose requests.
    pub scope: Scope,
    /// One judgement for each task of the scope instead of one for all.
    pub per_task: bool,
    /// How the metric must stand to the limit.
    pub comparison: Comparison,
    /// The limit, in the metric's own unit.
    pub limit: Limit,
    /// What a violation means.
    pub severity: Severity,
    /// The line as it was written.
    pub text: String,
}

/// What is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metric {
    /// The latency that this share of the good answers does not exceed.
    Percentile(Percentile),
    /// The longest latency of a good answer.
    Max,
    /// The mean latency of the good answers.
    Mean,
    /// Failed requests as a share of all.
    ErrorRate,
    /// Requests per second of the planned window.
    Rps,
    /// Number of requests.
    Count,
}

/// A percentile in thousandths of a percent: p99.9 is 99,900.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Percentile(pub u32);

/// Whose requests are judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All tasks, without the login.
    Aggregate,
    /// One task.
    Task(String),
    /// The tasks of one group.
    Group(String),
    /// The login.
    Login,
}

/// How a metric is held against its limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `<`
    Below,
    /// `<=`
    AtMost,
    /// `>`
    Above,
    /// `>=`
    AtLeast,
}

/// A limit in its metric's unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Limit {
    /// For latencies.
    Latency(Duration),
    /// For error rates, as a fraction.
    Share(f64),
    /// For rates (per second) and counts.
    Number(f64),
}

/// What a violation means for the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The run fails.
    Fail,
    /// It is shown.
    Warn,
}

impl Percentile {
    /// 50 %.
    pub const P50: Self = Self(50_000);
    /// 95 %.
    pub const P95: Self = Self(95_000);
    /// 99 %.
    pub const P99: Self = Self(99_000);

    /// Nearest rank, the one definition of a percentile in Portcullis: the
    /// smallest value that at least this share of the values does not exceed
    /// is the `rank`-th of `count` sorted values, counted from 1. (Hyndman and
    /// Fan, "Sample quantiles in statistical packages", 1996: definition 1.)
    pub fn rank(self, count: u64) -> u64 {
        let exact = u128::from(count) * u128::from(self.0);
        (exact.div_ceil(100_000) as u64).max(1)
    }
}

impl std::fmt::Display for Percentile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "p{}", f64::from(self.0) / 1000.0)
    }
}

impl std::fmt::Display for Metric {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Percentile(percentile) => percentile.fmt(f),
            Self::Max => f.write_str("max"),
            Self::Mean => f.write_str("mean"),
            Self::ErrorRate => f.write_str("error_rate"),
            Self::Rps => f.write_str("rps"),
            Self::Count => f.write_str("count"),
        }
    }
}

impl std::fmt::Display for Scope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Aggregate => f.write_str("aggregate"),
            Self::Task(name) | Self::Group(name) => f.write_str(name),
            Self::Login => f.write_str("login"),
        }
    }
}

impl Comparison {
    /// The comparison as it is written.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Below => "<",
            Self::AtMost => "<=",
            Self::Above => ">",
            Self::AtLeast => ">=",
        }
    }

    /// Whether `value` stands so to `limit`; never for NaN.
    pub fn holds(self, value: f64, limit: f64) -> bool {
        match self {
            Self::Below => value < limit,
            Self::AtMost => value <= limit,
            Self::Above => value > limit,
            Self::AtLeast => value >= limit,
        }
    }
}

impl Limit {
    /// The limit in the unit that is shown: milliseconds, a fraction, a number.
    pub fn value(self) -> f64 {
        match self {
            Self::Latency(limit) => limit.as_secs_f64() * 1e3,
            Self::Share(limit) | Self::Number(limit) => limit,
        }
    }

    /// A value of the limit's own kind, with its unit.
    pub fn show(self, value: f64) -> String {
        match self {
            Self::Latency(_) => crate::units::show_ms(value),
            Self::Share(_) => format!("{:.2} %", value * 100.0),
            Self::Number(_) if value.fract() == 0.0 => format!("{value:.0}"),
            Self::Number(_) => format!("{value:.2}"),
        }
    }
}

impl Threshold {
    /// The rule in words: "the p95 of each task of list is below 500 ms".
    pub fn in_words(&self) -> String {
        let metric = match self.metric {
            Metric::Percentile(percentile) => format!("the {percentile} latency"),
            Metric::Max => "the longest latency".to_owned(),
            Metric::Mean => "the mean latency".to_owned(),
            Metric::ErrorRate => "the error rate".to_owned(),
            Metric::Rps => "the number of requests per second".to_owned(),
            Metric::Count => "the number of requests".to_owned(),
        };
        let scope = match (&self.scope, self.per_task) {
            (Scope::Aggregate, false) => "of all requests".to_owned(),
            (Scope::Aggregate, true) => "of each task".to_owned(),
            (Scope::Task(name), _) => format!("of {name}"),
            (Scope::Group(name), false) => format!("of all requests of the group {name}"),
            (Scope::Group(name), true) => format!("of each task of the group {name}"),
            (Scope::Login, _) => "of the login".to_owned(),
        };
        let comparison = match self.comparison {
            Comparison::Below => "is below",
            Comparison::AtMost => "is at most",
            Comparison::Above => "is above",
            Comparison::AtLeast => "is at least",
        };
        format!("{metric} {scope} {comparison} {}", self.limit.show(self.limit.value()))
    }
}
