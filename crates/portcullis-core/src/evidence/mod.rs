//! How sure a verdict is. Counts only: each rule on a percentile, a maximum or
//! an error rate is a statement on a share of requests, and for shares there are
//! exact statements that hold however often one looks.

mod beta;
mod blocks;
#[cfg(test)]
mod coverage_tests;
mod family;
mod proportion_test;
mod quantile;
mod share;
mod wording;

pub(crate) use beta::root;
pub use proportion_test::{ProportionTest, proportion_test};
pub use quantile::{LatencyInterval, latency_interval};
pub use share::{Counts, Interval};

/// The error over all thresholds of "violated".
pub const ALPHA_VIOLATED: f64 = 0.01;
/// The error over all thresholds of "proven to hold".
pub const ALPHA_PROVEN: f64 = 0.05;
/// The error of each interval that is shown.
pub const ALPHA_SHOWN: f64 = 0.05;

/// What is known of a threshold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Proven to hold.
    Proven,
    /// No request was beyond the limit, too few to prove it.
    Unbroken,
    /// Surely violated.
    Violated,
    /// Some requests were beyond the limit; what counts is the estimate.
    InDoubt,
}

/// What supports the judgement of one threshold.
#[derive(Clone, Debug, PartialEq)]
pub struct Evidence {
    /// Requests, and those beyond the limit.
    pub counts: Counts,
    /// The share that may be beyond it.
    pub allowed: f64,
    /// What is known.
    pub state: State,
    /// The shares that are possible, if requests are independent.
    pub share: Interval,
    /// How much less the requests say because they share bad seconds, at least
    /// 1; an approximation.
    pub design_effect: f64,
    /// The shares that are possible with that factor; the same without.
    pub clustered: Interval,
    /// The smallest share beyond the limit that this run would have caught 19
    /// times in 20; `None` if it would have caught none.
    pub detectable: Option<f64>,
    /// For percentiles: the latencies that are possible.
    pub latency: Option<LatencyInterval>,
}

impl State {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::Proven, Self::Unbroken, Self::Violated, Self::InDoubt];

    /// The state as results name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Proven => "proven",
            Self::Unbroken => "unbroken",
            Self::Violated => "violated",
            Self::InDoubt => "in doubt",
        }
    }

    /// Whether more requests could change the verdict, and there is a sign that
    /// they might.
    pub fn is_in_doubt(self) -> bool {
        self == Self::InDoubt
    }
}

impl Evidence {
    /// Whether the interval that is shown leaves the limit out although the state is
    /// in doubt: it is of one rule at 95 %, the state asks for 99 % over all rules.
    pub fn is_likely(&self) -> bool {
        self.state.is_in_doubt()
            && !(self.clustered.low..=self.clustered.high).contains(&self.allowed)
    }
}

/// The states of a family of cases: the errors of 1 % and 5 % are over all.
pub fn states(cases: &[ProportionTest]) -> Vec<State> {
    let above: Vec<f64> = cases
        .iter()
        .map(|case| case.counts.ln_evidence_above(case.allowed, case.design_effect))
        .collect();
    let below: Vec<f64> = cases
        .iter()
        .map(|case| case.counts.ln_evidence_below(case.allowed, case.design_effect))
        .collect();
    let violated = family::holm(&above, ALPHA_VIOLATED);
    let proven = family::holm(&below, ALPHA_PROVEN);
    let state =
        |((case, violated), proven): ((&ProportionTest, bool), bool)| match (violated, proven) {
            (true, _) => State::Violated,
            (_, true) => State::Proven,
            _ if case.counts.hits == 0 => State::Unbroken,
            _ => State::InDoubt,
        };
    cases.iter().zip(violated).zip(proven).map(state).collect()
}

/// The evidence of one case whose state is known.
pub fn evidence(case: &ProportionTest, state: State, latency: Option<LatencyInterval>) -> Evidence {
    Evidence {
        counts: case.counts,
        allowed: case.allowed,
        state,
        share: case.counts.interval(ALPHA_SHOWN, 1.0),
        design_effect: case.design_effect,
        clustered: case.counts.interval(ALPHA_SHOWN, case.design_effect),
        detectable: case.counts.detectable(case.allowed),
        latency,
    }
}
