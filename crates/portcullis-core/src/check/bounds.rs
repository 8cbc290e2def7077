//! What rounded percentiles prove: how many requests were beyond a limit, at
//! the least and at the most.

use super::stated::{FailedLatencies, StatedLatency, StatedRow};
use crate::threshold::{Comparison, Percentile};

/// The values that a stated one may stand for, both ends included, in
/// milliseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The smallest.
    pub low_ms: f64,
    /// The largest.
    pub high_ms: f64,
}

/// What was rounded to `ms`, if it was rounded as Locust does: to 1 ms below
/// 100 ms, to 10 ms below 1 s, to 100 ms below 10 s, to 1 s above, halves to the
/// even digit (`StatsEntry._log_response_time` of Locust's stats.py).
pub fn before_rounding(ms: f64) -> Interval {
    let unit = |is_below: &dyn Fn(f64) -> bool| match () {
        () if is_below(100.0) => 1.0,
        () if is_below(1_000.0) => 10.0,
        () if is_below(10_000.0) => 100.0,
        () => 1_000.0,
    };
    // 100 is reached from 99.5 on and until 105.
    let (under, over) = (unit(&|end| ms <= end), unit(&|end| ms < end));
    Interval { low_ms: (ms - under / 2.0).max(0.0), high_ms: ms + over / 2.0 }
}

/// A limit on latencies, and on which side of it a latency at the limit is.
#[derive(Clone, Copy, Debug)]
pub struct Line {
    /// The limit in milliseconds.
    pub limit_ms: f64,
    /// Whether a latency at the limit is beyond it.
    pub itself: bool,
}

impl Line {
    /// The line that a comparison draws: `p95 < 500ms` is broken by a latency of
    /// 500 ms, `p95 <= 500ms` is not; `>=` and `>` are their opposites.
    pub fn new(comparison: Comparison, limit_ms: f64) -> Self {
        let itself = matches!(comparison, Comparison::Below | Comparison::AtLeast);
        Self { limit_ms, itself }
    }

    /// Whether a latency is beyond it.
    pub fn is_crossed(self, ms: f64) -> bool {
        if self.itself { ms >= self.limit_ms } else { ms > self.limit_ms }
    }
}

/// How many requests were beyond a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OverLimit {
    /// At the least.
    pub least: u64,
    /// At the most.
    pub most: u64,
}

impl OverLimit {
    /// The same of two sets of requests together.
    pub fn and(self, other: Self) -> Self {
        Self { least: self.least + other.least, most: self.most + other.most }
    }

    /// What two proofs on the same requests prove together.
    pub fn also(self, other: Self) -> Self {
        Self { least: self.least.max(other.least), most: self.most.min(other.most) }
    }
}

/// How many requests of a row were beyond a line.
pub fn beyond(row: &StatedRow, line: Line, failed: FailedLatencies) -> OverLimit {
    let Some(latency) = &row.latency else { return OverLimit { least: 0, most: row.requests } };
    let all = beyond_of(latency, row.requests, line);
    if row.failures == 0 || failed == FailedLatencies::Included {
        return all;
    }
    // Perhaps the latencies are those of the good answers alone; then a failure
    // may have taken any time.
    let good = beyond_of(latency, row.good(), line);
    OverLimit { least: all.least.min(good.least), most: all.most.max(good.most + row.failures) }
}

/// The same of `count` requests that all are among the latencies.
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

/// The ranks, counted from 1, that a percentile of `count` values may be of:
/// nearest rank is ⌈pn⌉, Locust's is ⌊pn⌋ + 1 (`calculate_response_time_percentile`
/// of its stats.py), which is one more where pn is a whole number.
fn ranks(percentile: Percentile, count: u64) -> (u64, u64) {
    let floor = u128::from(count) * u128::from(percentile.0) / 100_000;
    let next = u64::try_from(floor).unwrap_or(u64::MAX).saturating_add(1);
    (percentile.rank(count), next.min(count))
}

/// A value that lies within `values` is of rank `first` to `last` of `count`:
/// if it is not beyond the line, neither are those below it; if it is, so are
/// those above it.
fn by_rank(line: Line, values: Interval, first: u64, last: u64, count: u64) -> OverLimit {
    let within = !line.is_crossed(values.high_ms);
    let crossed = line.is_crossed(values.low_ms);
    OverLimit {
        least: if crossed { count.saturating_sub(last) + 1 } else { 0 },
        most: if within { count.saturating_sub(first) } else { count },
    }
}

/// How many of `count` values may be beyond a limit that a percentile keeps.
pub fn allowed(percentile: Percentile, count: u64) -> u64 {
    count.saturating_sub(percentile.rank(count))
}
