//! Rules: one line says one, and each is printed back in words.

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
pub(crate) use parse::{ABORT_NEEDS_FAIL, AFTER_NEEDS_ABORT, parse_with};
pub use parse::{Labels, Names, parse};

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
    /// Whether the run ends early once the rule is surely broken.
    pub abort: bool,
    /// From the start of the window to the first moment at which it may; only
    /// with `abort`.
    pub after: Option<Duration>,
    /// How sure the judgement must be.
    pub policy: Policy,
    /// The line as it was written.
    pub text: String,
    /// Where an absolute limit was taken from, if it was written as a relative one.
    pub derived: Option<Derived>,
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
    /// For error rates and shares, as a fraction.
    Share(f64),
    /// For rates (per second) and counts.
    Number(f64),
    /// For sizes.
    Bytes(f64),
    /// Known only once there is something to compare with.
    Relative(Relative),
}

/// A limit against an earlier value of the same metric and scope:
/// `reference * factor + plus`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Relative {
    /// Whose value.
    pub to: Reference,
    /// Above 0, finite.
    pub factor: f64,
    /// In the rule's unit ([`Threshold::unit`]); it may be negative.
    pub plus: f64,
}

/// Where a limit that was written as a relative one was taken from.
#[derive(Clone, Debug, PartialEq)]
pub struct Derived {
    /// The limit as it was written.
    pub relative: Relative,
    /// What it refers to, in the rule's unit.
    pub reference: f64,
    /// How uncertain that is itself.
    pub uncertainty: Option<Uncertainty>,
    /// Why a violation only warns although the rule says "fail", if so.
    pub lowered: Option<String>,
}

/// What the samples behind an earlier figure say of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Uncertainty {
    /// The lower end, in the rule's unit; `None` if there are too few samples.
    pub low: Option<f64>,
    /// The upper end; `None` if there are too few samples.
    pub high: Option<f64>,
    /// Samples that it rests on.
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
    /// Every one.
    pub const ALL: [Self; 2] = [Self::Baseline, Self::Base];

    /// As results name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Baseline => "baseline",
            Self::Base => "base",
        }
    }
}

/// How sure a judgement must be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Policy {
    /// What was measured decides.
    #[default]
    Estimate,
    /// The rule must be proven to hold.
    Prove,
}

impl Policy {
    /// Every one.
    pub const ALL: [Self; 2] = [Self::Estimate, Self::Prove];

    /// As results name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Estimate => "estimate",
            Self::Prove => "prove",
        }
    }
}

/// What a metric and its limit are measured in.
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
    /// Every one.
    pub const ALL: [Self; 4] = [Self::Milliseconds, Self::Fraction, Self::Number, Self::Bytes];

    /// As results name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Milliseconds => "ms",
            Self::Fraction => "fraction",
            Self::Number => "number",
            Self::Bytes => "bytes",
        }
    }
}

/// What a violation means for the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The run fails.
    Fail,
    /// It is shown.
    Warn,
}

impl Severity {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Fail, Self::Warn];

    /// As results name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fail => "fail",
            Self::Warn => "warn",
        }
    }
}

impl Comparison {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::Below, Self::AtMost, Self::Above, Self::AtLeast];

    /// The comparison as it is written.
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
    /// The limit in its rule's unit. NaN if it is relative: nothing holds
    /// against a limit that nobody has resolved.
    pub fn value(self) -> f64 {
        match self {
            // As latencies are turned into milliseconds: what is equal stays so.
            Self::Latency(limit) => limit.as_nanos() as f64 / 1e6,
            Self::Share(limit) | Self::Number(limit) | Self::Bytes(limit) => limit,
            Self::Relative(_) => f64::NAN,
        }
    }
}

impl Threshold {
    /// What value and limit are measured in.
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

/// The latency limits of some rules, ascending: what an engine must count.
pub fn latency_limits(thresholds: &[Threshold]) -> Vec<Duration> {
    let limits = thresholds.iter().filter_map(|threshold| match threshold.limit {
        Limit::Latency(limit) => Some(limit),
        Limit::Share(_) | Limit::Number(_) | Limit::Bytes(_) | Limit::Relative(_) => None,
    });
    let mut limits: Vec<Duration> = limits.collect();
    limits.sort_unstable();
    limits.dedup();
    limits
}
