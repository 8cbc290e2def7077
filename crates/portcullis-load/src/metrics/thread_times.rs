//! The generator measures itself: how late it wakes, its CPU time, and its time in the run
//! queue. Its lag is an error in every latency that it records.

use std::time::Duration;

/// The times of the calling thread so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ThreadTimes {
    /// Time on a CPU.
    pub cpu: Duration,
    /// Time in the run queue, waiting for a CPU.
    pub run_queue: Duration,
}

impl ThreadTimes {
    /// The times of the calling thread; `None` if the system does not provide them
    /// (`/proc/thread-self/schedstat`: proc(5), sched-stats.rst of the kernel).
    pub fn now() -> Option<Self> {
        let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
        let mut fields = text.split_whitespace().map(|field| field.parse().ok());
        let cpu = Duration::from_nanos(fields.next()??);
        Some(Self { cpu, run_queue: Duration::from_nanos(fields.next()??) })
    }

    /// The difference from `start`.
    #[must_use]
    pub fn since(self, start: Self) -> Self {
        Self {
            cpu: self.cpu.saturating_sub(start.cpu),
            run_queue: self.run_queue.saturating_sub(start.run_queue),
        }
    }
}

/// The niceness of a worker: it needs little CPU time, but without delay. Any delay is lag.
const PUNCTUAL: i32 = -10;

/// Asks the system to run this thread, and no other, before threads of ordinary niceness.
/// Only privileged users may do this. Returns whether it was allowed.
pub fn ask_for_punctuality() -> bool {
    // On Linux niceness belongs to a thread, and zero means the calling one (setpriority(2),
    // "C library/kernel differences"). On other systems it would be that of the whole process,
    // including the thread that starts the server.
    cfg!(target_os = "linux") && rustix::process::setpriority_process(None, PUNCTUAL).is_ok()
}

/// How often the worker measures how late it wakes, besides the waits of users.
pub const PULSE: Duration = Duration::from_millis(20);
