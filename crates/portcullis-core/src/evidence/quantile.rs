//! The interval of a percentile in milliseconds, from the ranks that the counts allow.

use super::share::Counts;
use crate::measure::Distribution;
use crate::threshold::Percentile;

/// The interval of a percentile, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LatencyInterval {
    /// The lower end; `None` if there are too few values for one.
    pub low_ms: Option<f64>,
    /// The upper end; `None` if there are too few values for one.
    pub high_ms: Option<f64>,
}

/// The interval of a percentile with an error of `alpha`, valid at any stopping time: from
/// the ranks whose share lies in the interval of the share (Howard and Ramdas 2022,
/// "Sequential estimation of quantiles"). `factor` is the design effect, as for shares.
pub fn latency_interval(
    latencies: &Distribution,
    percentile: Percentile,
    alpha: f64,
    factor: f64,
) -> LatencyInterval {
    let count = latencies.count;
    let above = 1.0 - f64::from(percentile.0) / 100_000.0;
    // Whether it is possible that `hits` values lie above the percentile.
    let is_possible = |hits: u64| {
        let interval = Counts { all: count, hits }.interval(alpha, factor);
        interval.low <= above && above <= interval.high
    };
    let centre = (above * count as f64).round() as u64;
    if count == 0 || !is_possible(centre.min(count)) {
        return LatencyInterval { low_ms: None, high_ms: None };
    }
    let fewest = first(0, centre.min(count), is_possible);
    let most = count - first(0, count - centre.min(count), |misses| is_possible(count - misses));
    let at = |rank: u64| latencies.at_rank_ms(rank);
    LatencyInterval {
        low_ms: (most < count).then(|| at(count - most)).flatten(),
        high_ms: (fewest > 0).then(|| at(count - fewest + 1)).flatten(),
    }
}

/// The first number from `from` to `to` that satisfies a condition. The condition must hold
/// from some number on, and at `to`.
fn first(mut from: u64, mut to: u64, holds: impl Fn(u64) -> bool) -> u64 {
    while from < to {
        let middle = from + (to - from) / 2;
        if holds(middle) {
            to = middle;
        } else {
            from = middle + 1;
        }
    }
    to
}
