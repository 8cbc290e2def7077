//! The use of CPU and memory by processes.

use std::time::Duration;

/// The use so far; zeros if the system does not provide it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Usage {
    /// CPU time in user and system mode.
    pub cpu: Duration,
    /// The sum of the largest resident memory of each process, in bytes.
    pub peak_memory_bytes: u64,
    /// Voluntary context switches: the process waited.
    pub voluntary_switches: u64,
    /// Involuntary context switches: the time slice had ended.
    pub involuntary_switches: u64,
}

impl Usage {
    /// The difference from `start`; the peak is the later one.
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

/// The use of a server's processes at one moment of the load.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct UsageAt {
    /// Since the start of the window.
    pub at: Duration,
    /// CPU time since the load began.
    pub cpu: Duration,
    /// Resident memory of all of them, in bytes.
    pub memory_bytes: u64,
}

/// The use over time, with a limited number of points: if there are too many, every other
/// one is dropped, and the same share of the following ones.
#[derive(Clone, Debug, Default)]
pub struct UsageTimeline {
    moments: Vec<UsageAt>,
    /// The time of the last point, kept or not.
    last: Option<Duration>,
    /// The number of points so far.
    seen: usize,
    /// The number of points left out between two kept ones.
    left_out: usize,
}

impl UsageTimeline {
    /// The maximum number of points.
    pub const MOST: usize = 240;

    /// Adds a point that is later than the last one; others are ignored.
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

    /// All kept points.
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
