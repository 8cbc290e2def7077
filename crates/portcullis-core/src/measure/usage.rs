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

/// What a server's processes had used by a moment of the load.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct UsageAt {
    /// Since the start of the window.
    pub at: Duration,
    /// On a processor since the load began.
    pub cpu: Duration,
    /// Resident memory of all of them, in bytes.
    pub memory_bytes: u64,
}

/// What was used over time, in a bounded number of moments: once there are too many,
/// every other one is dropped, and as many are left out from then on.
#[derive(Clone, Debug, Default)]
pub struct UsageTimeline {
    moments: Vec<UsageAt>,
    /// When the last one was seen, kept or not.
    last: Option<Duration>,
    /// How many were seen.
    seen: usize,
    /// Each how-many-th is kept, less one.
    left_out: usize,
}

impl UsageTimeline {
    /// So many moments are kept at most.
    pub const MOST: usize = 240;

    /// Takes a moment that is later than the one before; others are left alone.
    pub fn add(&mut self, moment: UsageAt) {
        if self.last.replace(moment.at).is_some_and(|last| moment.at <= last) {
            return;
        }
        let is_kept = self.seen.is_multiple_of(self.left_out + 1);
        self.seen += 1;
        if !is_kept {
            return;
        }
        self.moments.push(moment);
        if self.moments.len() > Self::MOST {
            let mut is_odd = true;
            self.moments.retain(|_| {
                is_odd = !is_odd;
                !is_odd
            });
            self.left_out = self.left_out * 2 + 1;
        }
    }

    /// All that were kept.
    pub fn into_moments(self) -> Vec<UsageAt> {
        self.moments
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_course_is_thinned_evenly() {
        let mut course = UsageTimeline::default();
        for second in 1..=3_600 {
            let at = Duration::from_secs(second);
            course.add(UsageAt { at, cpu: at / 2, memory_bytes: 1 });
            course.add(UsageAt { at, cpu: at, memory_bytes: 2 });
        }
        let moments = course.into_moments();
        assert!(moments.len() > UsageTimeline::MOST / 2 && moments.len() <= UsageTimeline::MOST);
        assert!(moments.iter().all(|moment| moment.memory_bytes == 1));
        let steps: Vec<Duration> =
            moments.windows(2).map(|two| two[1].at.saturating_sub(two[0].at)).collect();
        assert!(steps.iter().all(|step| *step == Duration::from_secs(16)), "{steps:?}");
        assert_eq!(moments[0].at, Duration::from_secs(1));
    }
}
