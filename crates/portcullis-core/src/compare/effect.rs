//! Sizes of differences with their intervals: shown with a decision, never judged.

use super::score;
use crate::evidence::Counts;

/// The error of each end of an interval that is shown.
pub(super) const ALPHA_END: f64 = 0.025;

/// The size of a difference: candidate over base.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Effect {
    /// The number of pairs.
    pub pairs: usize,
    /// The median ratio.
    pub median: f64,
    /// The mean ratio: the exponential of the mean logarithm.
    pub mean: f64,
    /// The lower end of the 95 % interval of the ratio, valid at any stopping time.
    pub low: f64,
    /// The upper end of that interval.
    pub high: f64,
    /// The ratio that is possible with an error of 5 %.
    pub at_most: f64,
}

/// The size of a difference from the logarithms of ratios; `None` without values.
pub fn effect(xs: &[f64]) -> Option<Effect> {
    let median = median(xs)?.exp();
    let (low, high) = score::interval(xs, ALPHA_END);
    Some(Effect {
        pairs: xs.len(),
        median,
        mean: (xs.iter().sum::<f64>() / xs.len() as f64).exp(),
        // The interval is of the centre of symmetric ratios. With others the median may be
        // outside, and an interval without its estimate is wider than it claims.
        low: if low > score::LEAST * score::CLOSE {
            low.min(median).max(score::LEAST)
        } else {
            low
        },
        high: if high < score::MOST / score::CLOSE {
            high.max(median).min(score::MOST)
        } else {
            high
        },
        at_most: score::interval(xs, 0.05).1,
    })
}

/// The median of some values; `None` without values.
pub(super) fn median(xs: &[f64]) -> Option<f64> {
    let mut sorted = xs.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.get(sorted.len() / 2).copied()?;
    let lower = sorted.get(sorted.len().saturating_sub(1) / 2).copied()?;
    Some(f64::midpoint(lower, middle))
}

impl Effect {
    /// The lower end of the interval; `None` if it is beyond what is computed.
    pub fn from(&self) -> Option<f64> {
        (self.low > score::LEAST * score::CLOSE).then_some(self.low)
    }

    /// The upper end of the interval; `None` if it is beyond what is computed.
    pub fn to(&self) -> Option<f64> {
        (self.high < score::MOST / score::CLOSE).then_some(self.high)
    }
}

/// Pairs in which only one version failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ErrorRise {
    /// Only the candidate failed.
    pub candidate: u64,
    /// Only the base failed.
    pub base: u64,
}

/// ln of the evidence that the candidate fails more often. If neither version does, each
/// pair in which only one failed is like a fair coin (McNemar 1947). Valid at any stopping
/// time.
pub fn error_rise(rise: ErrorRise) -> f64 {
    Counts { all: rise.candidate + rise.base, hits: rise.candidate }.ln_evidence_above(0.5, 1.0)
}
