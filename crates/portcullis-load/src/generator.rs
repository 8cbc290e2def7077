//! The generator watches itself: how late it wakes, what it computes, how long
//! it stood in the run queue. Its lag is an error of every latency it records.

use std::time::Duration;

/// What the system says of the calling thread so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ThreadTimes {
    /// On a processor.
    pub cpu: Duration,
    /// Ready, but waiting for one.
    pub run_queue: Duration,
}

impl ThreadTimes {
    /// The calling thread's times; `None` where the system does not tell
    /// (`/proc/thread-self/schedstat`: proc(5), sched-stats.rst of the kernel).
    pub fn now() -> Option<Self> {
        let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
        let mut fields = text.split_whitespace().map(|field| field.parse().ok());
        let cpu = Duration::from_nanos(fields.next()??);
        Some(Self { cpu, run_queue: Duration::from_nanos(fields.next()??) })
    }

    /// From `start` to these.
    #[must_use]
    pub fn since(self, start: Self) -> Self {
        Self {
            cpu: self.cpu.saturating_sub(start.cpu),
            run_queue: self.run_queue.saturating_sub(start.run_queue),
        }
    }
}

/// How often the worker looks how late it wakes, beside every wait of a user.
pub const PULSE: Duration = Duration::from_millis(20);
