//! The timeline of a task over the window, in a few steps: used for charts, not for rules.

use std::time::Duration;

/// The maximum number of steps.
pub const STEPS: u32 = 48;

/// A step of the timeline of one task.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TimeBucket {
    /// Its start, since the start of the window.
    pub at: Duration,
    /// Requests that ended in it, good and failed.
    pub requests: u64,
    /// Of these, failed ones.
    pub failures: u64,
    /// The median latency of its good answers, to about 5 %.
    pub p50_ms: Option<f64>,
    /// Their 95th percentile, to about 5 %.
    pub p95_ms: Option<f64>,
}

/// The length of a step in whole seconds, at least 1.
pub fn step_s(window: Duration) -> u32 {
    let seconds = u32::try_from(window.as_secs_f64().ceil() as u64).unwrap_or(u32::MAX);
    seconds.div_ceil(STEPS).max(1)
}
