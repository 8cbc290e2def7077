//! The counts of one worker in one second, for the time series.

use std::time::Duration;

use portcullis_core::measure::{Distribution, FailureKind};

/// The requests that ended in one second, for the time series.
#[derive(Clone, Debug, Default)]
pub struct IntervalCounts {
    /// Requests of the planned window.
    pub requests: u64,
    /// Failed requests among them.
    pub failures: u64,
    /// Bytes of their bodies.
    pub body_bytes: u64,
    /// Failures by kind, in the order of [`FailureKind::ALL`].
    pub kinds: [u64; FailureKind::ALL.len()],
    /// Latencies of the good answers.
    pub latencies: Distribution,
    /// The largest delay of a wake-up of the worker.
    pub late: Duration,
}

/// Adds failures by kind.
pub fn add_kinds(mine: &mut [u64], theirs: &[u64]) {
    mine.iter_mut().zip(theirs).for_each(|(mine, theirs)| *mine += theirs);
}

impl IntervalCounts {
    /// Adds the counts of another worker.
    pub fn add(&mut self, other: &Self) {
        self.requests += other.requests;
        self.failures += other.failures;
        self.body_bytes += other.body_bytes;
        add_kinds(&mut self.kinds, &other.kinds);
        self.latencies.add(&other.latencies);
        self.late = self.late.max(other.late);
    }
}
