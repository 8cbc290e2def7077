//! A latency distribution as plain data: exact count, sum, minimum and maximum, and the
//! buckets of a histogram.

use super::Percentile;

/// Latencies of one kind of request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Distribution {
    /// Number of values.
    pub count: u64,
    /// Their exact sum, in nanoseconds.
    pub sum_ns: u128,
    /// The smallest value, in nanoseconds; 0 if there is none.
    pub min_ns: u64,
    /// The largest value, in nanoseconds; 0 if there is none.
    pub max_ns: u64,
    /// Upper end of each non-empty bucket in microseconds, with its count, in
    /// ascending order. The buckets are at most 0.1 % wide.
    pub buckets: Vec<(u64, u64)>,
    /// Values above the last bucket, which are counted in it; normally none.
    pub clipped: u64,
}

impl Distribution {
    /// The nearest-rank percentile in milliseconds; `None` without values. It is the upper end
    /// of its bucket, but never outside the exact minimum and maximum.
    pub fn percentile_ms(&self, percentile: Percentile) -> Option<f64> {
        self.at_rank_ms(percentile.rank(self.count))
    }

    /// The value of this rank, counted from 1, in milliseconds; `None` if there
    /// are fewer values.
    pub fn at_rank_ms(&self, rank: u64) -> Option<f64> {
        if rank == 0 || rank > self.count {
            return None;
        }
        let mut seen = 0;
        let bucket = self.buckets.iter().find(|(_, count)| {
            seen += count;
            seen >= rank
        });
        let ns = bucket.map_or(self.max_ns, |(us, _)| us.saturating_mul(1000));
        Some(ns.clamp(self.min_ns, self.max_ns) as f64 / 1e6)
    }

    /// The mean in milliseconds; `None` without values.
    pub fn mean_ms(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum_ns as f64 / self.count as f64 / 1e6)
    }

    /// The smallest value in milliseconds; `None` without values.
    pub fn min_ms(&self) -> Option<f64> {
        (self.count > 0).then_some(self.min_ns as f64 / 1e6)
    }

    /// The largest value in milliseconds; `None` without values.
    pub fn max_ms(&self) -> Option<f64> {
        (self.count > 0).then_some(self.max_ns as f64 / 1e6)
    }

    /// The values whose bucket lies above `limit`; sum and minimum come from the buckets' ends.
    #[must_use]
    pub fn above(&self, limit: std::time::Duration) -> Self {
        let limit_us = u64::try_from(limit.as_nanos().div_ceil(1000)).unwrap_or(u64::MAX);
        let buckets: Vec<(u64, u64)> =
            self.buckets.iter().copied().filter(|(us, _)| *us >= limit_us).collect();
        let Some((first, _)) = buckets.first() else { return Self::default() };
        Self {
            count: buckets.iter().map(|(_, count)| count).sum(),
            sum_ns: buckets.iter().map(|(us, n)| u128::from(*us) * u128::from(*n) * 1000).sum(),
            min_ns: (first * 1000).min(self.max_ns),
            max_ns: self.max_ns,
            buckets,
            clipped: self.clipped,
        }
    }

    /// Adds another distribution with the same scheme of buckets.
    pub fn add(&mut self, other: &Self) {
        if other.count == 0 {
            return;
        }
        let (min, max) = (self.min_ns, self.max_ns);
        let first = self.count == 0;
        self.min_ns = if first { other.min_ns } else { min.min(other.min_ns) };
        self.max_ns = if first { other.max_ns } else { max.max(other.max_ns) };
        self.count += other.count;
        self.clipped += other.clipped;
        self.sum_ns += other.sum_ns;
        self.buckets = merge(&self.buckets, &other.buckets);
    }
}

fn merge(a: &[(u64, u64)], b: &[(u64, u64)]) -> Vec<(u64, u64)> {
    let mut merged: Vec<(u64, u64)> = Vec::with_capacity(a.len() + b.len());
    let mut all: Vec<(u64, u64)> = a.iter().chain(b).copied().collect();
    all.sort_unstable_by_key(|(value, _)| *value);
    for (value, count) in all {
        match merged.last_mut() {
            Some((last, sum)) if *last == value => *sum += count,
            _ => merged.push((value, count)),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(values_us: &[u64]) -> Distribution {
        let mut all = Distribution::default();
        for &us in values_us {
            let ns = us * 1000;
            all.add(&Distribution {
                count: 1,
                sum_ns: u128::from(ns),
                min_ns: ns,
                max_ns: ns,
                buckets: vec![(us, 1)],
                clipped: 0,
            });
        }
        all
    }

    proptest! {
        #[test]
        fn percentiles_are_those_of_the_sorted_values(
            mut values in prop::collection::vec(1u64..5_000_000, 1..80),
            share in 1u32..=100_000,
        ) {
            let distribution = of(&values);
            values.sort_unstable();
            let rank = (f64::from(share) / 100_000.0 * values.len() as f64 - 1e-9).ceil().max(1.0);
            let expected = values[rank as usize - 1] as f64 / 1e3;
            prop_assert_eq!(distribution.percentile_ms(Percentile(share)), Some(expected));
        }
    }

    #[test]
    fn nothing_has_no_percentile() {
        let empty = Distribution::default();
        assert_eq!(empty.percentile_ms(Percentile::P95), None);
        assert_eq!((empty.mean_ms(), empty.max_ms(), empty.min_ms()), (None, None, None));
    }
}
