//! How certain a verdict is. It uses counts only: each rule on a percentile, a maximum or
//! an error rate is a statement on a share of requests, and for shares there are exact
//! statements that are valid at any stopping time.

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

/// The error of "violated", over all thresholds.
pub const ALPHA_VIOLATED: f64 = 0.01;
/// The error of "proven", over all thresholds.
pub const ALPHA_PROVEN: f64 = 0.05;
/// The error of each interval that is shown.
pub const ALPHA_SHOWN: f64 = 0.05;

/// The certainty of a threshold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Proven to hold.
    Proven,
    /// No request was beyond the limit, but there were too few to prove the threshold.
    Unbroken,
    /// Surely violated.
    Violated,
    /// Some requests were beyond the limit, too few to decide; the estimate decides.
    InDoubt,
}

/// The evidence for the judgement of one threshold.
#[derive(Clone, Debug, PartialEq)]
pub struct Evidence {
    /// All requests, and the number beyond the limit.
    pub counts: Counts,
    /// The share of requests that is allowed beyond the limit.
    pub allowed: f64,
    /// The certainty.
    pub state: State,
    /// The interval of the true share, if requests are independent.
    pub share: Interval,
    /// The factor by which requests that share bad seconds give less evidence, at least 1; an
    /// approximation.
    pub design_effect: f64,
    /// The interval of the true share with the design effect; the same if the factor is 1.
    pub clustered: Interval,
    /// The smallest share beyond the limit that this run would have detected 19 times in 20;
    /// `None` if it would have detected no share.
    pub detectable: Option<f64>,
    /// For percentiles: the interval of the latency.
    pub latency: Option<LatencyInterval>,
}

impl State {
    /// All states.
    pub const ALL: [Self; 4] = [Self::Proven, Self::Unbroken, Self::Violated, Self::InDoubt];

    /// The name of the state in results.
    pub fn name(self) -> &'static str {
        match self {
            Self::Proven => "proven",
            Self::Unbroken => "unbroken",
            Self::Violated => "violated",
            Self::InDoubt => "in doubt",
        }
    }

    /// Whether more requests could change the verdict, and some requests were beyond the limit.
    pub fn is_in_doubt(self) -> bool {
        self == Self::InDoubt
    }
}

impl Evidence {
    /// Whether the limit lies outside the interval although the state is in doubt. The interval
    /// is that of one rule at 95 %; the state needs 99 % over all rules.
    pub fn is_likely(&self) -> bool {
        self.state.is_in_doubt()
            && !(self.clustered.low..=self.clustered.high).contains(&self.allowed)
    }
}

/// The states of several tests together: the errors of 1 % and 5 % are over all of them.
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

/// The evidence of one test with a known state.
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
