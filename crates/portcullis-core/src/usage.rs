//! What processes use of a machine.

use std::time::Duration;

/// What some processes have used so far; zeros where the system does not tell.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Usage {
    /// On a processor, by the user's and the system's code.
    pub cpu: Duration,
    /// The sum of each one's largest resident memory, in bytes.
    pub peak_memory_bytes: u64,
    /// Switches because they waited.
    pub voluntary_switches: u64,
    /// Switches because their time was up.
    pub involuntary_switches: u64,
}

impl Usage {
    /// From `start` to these; the peak is the later one.
    #[must_use]
    pub fn since(self, start: Self) -> Self {
        Self {
            cpu: self.cpu.saturating_sub(start.cpu),
            peak_memory_bytes: self.peak_memory_bytes,
            voluntary_switches: self.voluntary_switches.saturating_sub(start.voluntary_switches),
            involuntary_switches: self
                .involuntary_switches
                .saturating_sub(start.involuntary_switches),
        }
    }
}
