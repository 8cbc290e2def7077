//! Percentiles, with the only definition that Portcullis uses.

use std::fmt;

/// A percentile in thousandths of a percent: p99.9 is 99,900.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Percentile(pub u32);

impl Percentile {
    /// 50 %.
    pub const P50: Self = Self(50_000);
    /// 90 %.
    pub const P90: Self = Self(90_000);
    /// 95 %.
    pub const P95: Self = Self(95_000);
    /// 99 %.
    pub const P99: Self = Self(99_000);

    /// Nearest rank, the only definition of a percentile in Portcullis: the smallest value that
    /// at least this share of the values does not exceed is the `rank`-th of `count` sorted
    /// values, counted from 1. (Hyndman and Fan, "Sample quantiles in statistical packages",
    /// 1996: definition 1.)
    pub fn rank(self, count: u64) -> u64 {
        let exact = u128::from(count) * u128::from(self.0);
        (exact.div_ceil(100_000) as u64).max(1)
    }

    /// The share of all values that may be beyond it, from 0 to 1.
    pub fn beyond(self) -> f64 {
        f64::from(100_000 - self.0.min(100_000)) / 100_000.0
    }

    /// The percentile of ascending values; `None` without values.
    pub fn of(self, ascending: &[f64]) -> Option<f64> {
        let rank = usize::try_from(self.rank(ascending.len() as u64)).ok()?;
        ascending.get(rank.checked_sub(1)?).copied()
    }
}

impl fmt::Display for Percentile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "p{}", f64::from(self.0) / 1000.0)
    }
}
