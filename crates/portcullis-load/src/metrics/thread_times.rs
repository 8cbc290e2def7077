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

/// The niceness that a worker asks for: it needs little of a processor, but at
/// once. What it does not get is lag.
const PUNCTUAL: i32 = -10;

/// Asks the system to let this thread, and no other, run before those of
/// ordinary niceness; only root and the like are granted it. Whether it was.
pub fn ask_for_punctuality() -> bool {
    // Niceness is a thread's own on Linux, and zero means the calling one
    // (setpriority(2), "C library/kernel differences"); elsewhere it is the
    // whole process's, the server's starter included.
    cfg!(target_os = "linux") && rustix::process::setpriority_process(None, PUNCTUAL).is_ok()
}

/// How often the worker looks how late it wakes, beside every wait of a user.
pub const PULSE: Duration = Duration::from_millis(20);
