//! Rules: each is one line, and can be printed in words.

mod cursor;
mod limit;
mod metric;
mod parse;
#[cfg(test)]
mod round_trip;
#[cfg(test)]
mod tests;
mod vacuous;
mod wording;

pub use crate::measure::{Percentile, Scope};
pub use cursor::ParseError;
pub use metric::{Descriptor, Kind, Measured, Metric, Observed};
pub(crate) use parse::{ABORT_NEEDS_FAIL, AFTER_NEEDS_ABORT, KnownNames, parse_with};
pub use parse::{Labels, Names, parse};

use std::time::Duration;

/// A rule of `[thresholds]` or `[baseline]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Threshold {
    /// The metric.
    pub metric: Metric,
    /// The requests that it applies to.
    pub scope: Scope,
    /// Whether it has one judgement for each task of the scope instead of one for all.
    pub per_task: bool,
    /// How the metric is compared with the limit.
    pub comparison: Comparison,
    /// The limit, in the metric's own unit.
    pub limit: Limit,
    /// The effect of a violation.
    pub severity: Severity,
    /// Whether the run ends early once the rule is surely violated.
    pub abort: bool,
    /// The time after the start of the window from which on it may do so; only with `abort`.
    pub after: Option<Duration>,
    /// The certainty that a pass needs.
    pub policy: Policy,
    /// The line as it was written.
    pub text: String,
    /// The origin of an absolute limit that was written as a relative one.
    pub derived: Option<Derived>,
}

/// How a metric is compared with its limit.
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
    /// For error rates and shares, as a fraction.
    Share(f64),
    /// For rates (per second) and counts.
    Number(f64),
    /// For sizes.
    Bytes(f64),
    /// Known only when there is a value to compare with.
    Relative(Relative),
}

/// A limit relative to another value of the same metric and scope: `reference * factor +
/// plus`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Relative {
    /// What the limit refers to.
    pub to: Reference,
    /// Above 0, finite.
    pub factor: f64,
    /// In the rule's unit ([`Threshold::unit`]); may be negative.
    pub plus: f64,
}

/// The origin of a limit that was written as a relative one.
#[derive(Clone, Debug, PartialEq)]
pub struct Derived {
    /// The limit as it was written.
    pub relative: Relative,
    /// The value that it refers to, in the rule's unit.
    pub reference: f64,
    /// The uncertainty of that value.
    pub uncertainty: Option<Uncertainty>,
    /// Why a violation is a warning although the rule is under `fail`, if so.
    pub lowered: Option<String>,
}

/// The uncertainty of an earlier figure, from its samples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Uncertainty {
    /// The lower end, in the rule's unit; `None` if there are too few samples.
    pub low: Option<f64>,
    /// The upper end; `None` if there are too few samples.
    pub high: Option<f64>,
    /// The number of samples.
    pub samples: u64,
}

/// What a relative limit refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reference {
    /// The stored baseline: figures of all requests of an earlier run.
    Baseline,
    /// The version that the service is compared with in the same run.
    Base,
}

impl Reference {
    /// All values.
    pub const ALL: [Self; 2] = [Self::Baseline, Self::Base];

    /// The name in results.
    pub fn name(self) -> &'static str {
        match self {
            Self::Baseline => "baseline",
            Self::Base => "base",
        }
    }
}

/// The certainty that a pass needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Policy {
    /// The measured value decides.
    #[default]
    Estimate,
    /// The rule must be proven.
    Prove,
}

impl Policy {
    /// All values.
    pub const ALL: [Self; 2] = [Self::Estimate, Self::Prove];

    /// The name in results.
    pub fn name(self) -> &'static str {
        match self {
            Self::Estimate => "estimate",
            Self::Prove => "prove",
        }
    }
}

/// The unit of a metric and its limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Milliseconds.
    Milliseconds,
    /// A fraction; 0.05 is 5 %.
    Fraction,
    /// A number, or a number per second.
    Number,
    /// Bytes.
    Bytes,
}

impl Unit {
    /// All values.
    pub const ALL: [Self; 4] = [Self::Milliseconds, Self::Fraction, Self::Number, Self::Bytes];

    /// The name in results.
    pub fn name(self) -> &'static str {
        match self {
            Self::Milliseconds => "ms",
            Self::Fraction => "fraction",
            Self::Number => "number",
            Self::Bytes => "bytes",
        }
    }
}

/// The effect of a violation on the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The run fails.
    Fail,
    /// The run warns.
    Warn,
}

impl Severity {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Fail, Self::Warn];

    /// The name in results.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fail => "fail",
            Self::Warn => "warn",
        }
    }
}

impl Comparison {
    /// All values.
    pub const ALL: [Self; 4] = [Self::Below, Self::AtMost, Self::Above, Self::AtLeast];

    /// The comparison sign.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Below => "<",
            Self::AtMost => "<=",
            Self::Above => ">",
            Self::AtLeast => ">=",
        }
    }

    /// Whether the limit is an upper one.
    pub fn is_upper(self) -> bool {
        matches!(self, Self::Below | Self::AtMost)
    }

    /// Whether the comparison is true for `value` and `limit`; never for NaN.
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
    /// The limit in its rule's unit. NaN if it is relative, because nothing passes an unknown
    /// limit.
    pub fn value(self) -> f64 {
        match self {
            // Computed like latencies in milliseconds, so that equal values stay equal.
            Self::Latency(limit) => limit.as_nanos() as f64 / 1e6,
            Self::Share(limit) | Self::Number(limit) | Self::Bytes(limit) => limit,
            Self::Relative(_) => f64::NAN,
        }
    }
}

impl Threshold {
    /// The unit of value and limit.
    pub fn unit(&self) -> Unit {
        match self.limit {
            Limit::Latency(_) => Unit::Milliseconds,
            Limit::Share(_) => Unit::Fraction,
            Limit::Number(_) => Unit::Number,
            Limit::Bytes(_) => Unit::Bytes,
            Limit::Relative(_) => self.metric.unit(),
        }
    }
}

/// The latency limits of some rules, ascending, which an engine must count.
pub fn latency_limits(thresholds: &[Threshold]) -> Vec<Duration> {
    let of_requests = thresholds.iter().filter(|threshold| !threshold.metric.is_of_load());
    let limits = of_requests.filter_map(|threshold| match threshold.limit {
        Limit::Latency(limit) => Some(limit),
        Limit::Share(_) | Limit::Number(_) | Limit::Bytes(_) | Limit::Relative(_) => None,
    });
    let mut limits: Vec<Duration> = limits.collect();
    limits.sort_unstable();
    limits.dedup();
    limits
}
