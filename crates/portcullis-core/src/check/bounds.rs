//! What rounded percentiles prove: bounds on the number of requests beyond a limit.

use super::stated::{FailedLatencies, StatedLatency, StatedRow};
use crate::threshold::{Comparison, Percentile};

/// The range of values that a rounded one can stand for, both ends included, in
/// milliseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The smallest value.
    pub low_ms: f64,
    /// The largest value.
    pub high_ms: f64,
}

/// The values that Locust rounds to `ms`: to 1 ms below 100 ms, to 10 ms below 1 s, to 100
/// ms below 10 s, to 1 s above, halves to the even digit (`StatsEntry._log_response_time`
/// of Locust's stats.py).
pub fn before_rounding(ms: f64) -> Interval {
    let unit = |is_below: &dyn Fn(f64) -> bool| match () {
        () if is_below(100.0) => 1.0,
        () if is_below(1_000.0) => 10.0,
        () if is_below(10_000.0) => 100.0,
        () => 1_000.0,
    };
    // Values from 99.5 to 105 are rounded to 100.
    let (under, over) = (unit(&|end| ms <= end), unit(&|end| ms < end));
    Interval { low_ms: (ms - under / 2.0).max(0.0), high_ms: ms + over / 2.0 }
}

/// A limit on latencies, and whether a latency at the limit is beyond it.
#[derive(Clone, Copy, Debug)]
pub struct Line {
    /// The limit in milliseconds.
    pub limit_ms: f64,
    /// Whether a latency at the limit is beyond it.
    pub itself: bool,
}

impl Line {
    /// The line of a comparison: a latency of 500 ms violates `p95 < 500ms`, but not `p95 <=
    /// 500ms`; `>=` and `>` are their opposites.
    pub fn new(comparison: Comparison, limit_ms: f64) -> Self {
        let itself = matches!(comparison, Comparison::Below | Comparison::AtLeast);
        Self { limit_ms, itself }
    }

    /// Whether a latency is beyond it.
    pub fn is_crossed(self, ms: f64) -> bool {
        if self.itself { ms >= self.limit_ms } else { ms > self.limit_ms }
    }
}

/// Bounds on the number of requests beyond a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OverLimit {
    /// The lower bound.
    pub least: u64,
    /// The upper bound.
    pub most: u64,
}

impl OverLimit {
    /// The bounds for two sets of requests together.
    pub fn and(self, other: Self) -> Self {
        Self { least: self.least + other.least, most: self.most + other.most }
    }

    /// The combined bounds of two proofs on the same requests.
    pub fn also(self, other: Self) -> Self {
        Self { least: self.least.max(other.least), most: self.most.min(other.most) }
    }
}

/// Bounds on the number of requests of a row beyond a line.
pub fn beyond(row: &StatedRow, line: Line, failed: FailedLatencies) -> OverLimit {
    let Some(latency) = &row.latency else { return OverLimit { least: 0, most: row.requests } };
    let all = beyond_of(latency, row.requests, line);
    if row.failures == 0 || failed == FailedLatencies::Included {
        return all;
    }
    // The latencies may be those of the good answers alone; then a failure may have taken any
    // time.
    let good = beyond_of(latency, row.good(), line);
    OverLimit { least: all.least.min(good.least), most: all.most.max(good.most + row.failures) }
}

/// The same for `count` requests whose latencies are all included.
fn beyond_of(latency: &StatedLatency, count: u64, line: Line) -> OverLimit {
    let mut proved = OverLimit { least: 0, most: count };
    if count == 0 {
        return proved;
    }
    let ends = [(latency.min_ms, 1), (latency.max_ms, count)];
    for (ms, rank) in ends {
        proved =
            proved.also(by_rank(line, Interval { low_ms: ms, high_ms: ms }, rank, rank, count));
    }
    for &(percentile, ms) in &latency.percentiles_ms {
        let mut values = before_rounding(ms);
        values.low_ms = values.low_ms.max(latency.min_ms);
        values.high_ms = values.high_ms.min(latency.max_ms);
        let (first, last) = ranks(percentile, count);
        proved = proved.also(by_rank(line, values, first, last, count));
    }
    proved
}

/// The possible ranks, counted from 1, of a percentile of `count` values. Nearest rank is
/// ⌈pn⌉. Locust's is ⌊pn⌋ + 1 (`calculate_response_time_percentile` of its stats.py), which
/// is one more if pn is a whole number.
fn ranks(percentile: Percentile, count: u64) -> (u64, u64) {
    let floor = u128::from(count) * u128::from(percentile.0) / 100_000;
    let next = u64::try_from(floor).unwrap_or(u64::MAX).saturating_add(1);
    (percentile.rank(count), next.min(count))
}

/// The bounds from a value that lies within `values` and has a rank from `first` to `last`
/// of `count`: if it is not beyond the line, smaller ones are not either; if it is, larger
/// ones are too.
fn by_rank(line: Line, values: Interval, first: u64, last: u64, count: u64) -> OverLimit {
    let within = !line.is_crossed(values.high_ms);
    let crossed = line.is_crossed(values.low_ms);
    OverLimit {
        least: if crossed { count.saturating_sub(last) + 1 } else { 0 },
        most: if within { count.saturating_sub(first) } else { count },
    }
}

/// How many of `count` values may be beyond a limit without violating a percentile rule.
pub fn allowed(percentile: Percentile, count: u64) -> u64 {
    count.saturating_sub(percentile.rank(count))
}
