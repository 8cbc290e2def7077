//! What one worker counted within one second: what the time series is made of.

use std::time::Duration;

use portcullis_core::measure::{Distribution, FailureKind};

/// What ended within one second, for the time series.
#[derive(Clone, Debug, Default)]
pub struct IntervalCounts {
    /// Requests of the planned window that ended.
    pub requests: u64,
    /// Of these, failed ones.
    pub failures: u64,
    /// Bytes of their bodies.
    pub body_bytes: u64,
    /// Failed ones by kind, in the order of [`FailureKind::ALL`].
    pub kinds: [u64; FailureKind::ALL.len()],
    /// Latencies of the good ones.
    pub latencies: Distribution,
    /// How late the worker woke at most.
    pub late: Duration,
}

/// Adds failures by kind.
pub fn add_kinds(mine: &mut [u64], theirs: &[u64]) {
    mine.iter_mut().zip(theirs).for_each(|(mine, theirs)| *mine += theirs);
}

impl IntervalCounts {
    /// Adds another worker's.
    pub fn add(&mut self, other: &Self) {
        self.requests += other.requests;
        self.failures += other.failures;
        self.body_bytes += other.body_bytes;
        add_kinds(&mut self.kinds, &other.kinds);
        self.latencies.add(&other.latencies);
        self.late = self.late.max(other.late);
    }
}
