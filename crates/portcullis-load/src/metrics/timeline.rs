//! The timeline of one task: for each step of the window the number of requests and
//! failures, and a coarse histogram of latencies. Its memory is allocated once, before the
//! load.

use std::time::Duration;

use portcullis_core::measure::{STEPS, TimeBucket, step_s};
use portcullis_core::plan::LoadPlan;

/// Buckets for each doubling: adjacent ones differ by 9 %.
const FINE: f64 = 8.0;
/// The smallest bucket, in nanoseconds; shorter latencies are counted in it.
const SHORTEST_NS: f64 = 50_000.0;
/// Up to 50 µs · 2^22, more than three minutes.
const BUCKETS: usize = 22 * FINE as usize;
/// The number of tasks with a timeline; it is used only for charts.
pub const MOST_TASKS: usize = 40;

/// The timeline of one task.
#[derive(Clone, Debug)]
pub struct TaskTimeline {
    start_s: u32,
    step_s: u32,
    steps: Vec<Bucket>,
}

#[derive(Clone, Debug)]
struct Bucket {
    requests: u64,
    failures: u64,
    good: [u32; BUCKETS],
}

impl TaskTimeline {
    /// The empty timelines of a plan's tasks.
    pub fn of(plan: &LoadPlan) -> Vec<Self> {
        let step_s = step_s(plan.window);
        let seconds = u32::try_from(plan.window.as_secs_f64().ceil() as u64).unwrap_or(u32::MAX);
        let count = seconds.div_ceil(step_s).clamp(1, STEPS) as usize;
        let empty = Bucket { requests: 0, failures: 0, good: [0; BUCKETS] };
        let start_s = u32::try_from((plan.lead + plan.warm_up).as_secs()).unwrap_or(u32::MAX);
        let timeline = Self { start_s, step_s, steps: vec![empty; count] };
        vec![timeline; plan.scenario.tasks.len().min(MOST_TASKS)]
    }

    /// Adds a request that ended in this second of the run; with its latency if it was good.
    pub fn record(&mut self, second: u32, good: Option<Duration>) {
        let step = second.saturating_sub(self.start_s) / self.step_s;
        // An answer may arrive shortly after the window.
        let last = self.steps.len().saturating_sub(1);
        let Some(step) = self.steps.get_mut((step as usize).min(last)) else { return };
        step.requests += 1;
        let Some(latency) = good else {
            step.failures += 1;
            return;
        };
        if let Some(count) = step.good.get_mut(bucket(latency)) {
            *count = count.saturating_add(1);
        }
    }

    /// Adds the timeline of another worker.
    pub fn absorb(&mut self, other: &Self) {
        for (mine, theirs) in self.steps.iter_mut().zip(&other.steps) {
            mine.requests += theirs.requests;
            mine.failures += theirs.failures;
            for (mine, theirs) in mine.good.iter_mut().zip(&theirs.good) {
                *mine = mine.saturating_add(*theirs);
            }
        }
    }

    /// All steps up to the last one with a request.
    pub fn steps(&self) -> Vec<TimeBucket> {
        let used = self.steps.iter().rposition(|step| step.requests > 0).map_or(0, |last| last + 1);
        let at = |index: usize| Duration::from_secs(index as u64 * u64::from(self.step_s));
        let steps = self.steps.iter().take(used).enumerate();
        steps
            .map(|(index, step)| TimeBucket {
                at: at(index),
                requests: step.requests,
                failures: step.failures,
                p50_ms: step.percentile_ms(0.50),
                p95_ms: step.percentile_ms(0.95),
            })
            .collect()
    }
}

impl Bucket {
    /// The nearest-rank percentile, as the middle of a bucket.
    fn percentile_ms(&self, share: f64) -> Option<f64> {
        let count: u64 = self.good.iter().map(|count| u64::from(*count)).sum();
        let rank = ((count as f64 * share).ceil() as u64).max(1);
        let mut below = 0;
        let index = self.good.iter().position(|count| {
            below += u64::from(*count);
            below >= rank
        })?;
        let ms = SHORTEST_NS * 2f64.powf((index as f64 + 0.5) / FINE) / 1e6;
        // Three significant digits, because a bucket is not more exact.
        let scale = 10f64.powf(2.0 - ms.log10().floor());
        Some((ms * scale).round() / scale)
    }
}

fn bucket(latency: Duration) -> usize {
    let doublings = (latency.as_nanos() as f64 / SHORTEST_NS).log2();
    ((doublings * FINE).max(0.0) as usize).min(BUCKETS - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timeline() -> TaskTimeline {
        let empty = Bucket { requests: 0, failures: 0, good: [0; BUCKETS] };
        TaskTimeline { start_s: 10, step_s: 2, steps: vec![empty; 3] }
    }

    #[test]
    fn requests_come_to_their_steps_and_percentiles_are_near() {
        let (mut mine, mut theirs) = (timeline(), timeline());
        for ms in 1..=100 {
            mine.record(13, Some(Duration::from_millis(ms)));
            theirs.record(13, None);
        }
        mine.record(99, Some(Duration::from_secs(4_000)));
        theirs.record(0, Some(Duration::ZERO));
        mine.absorb(&theirs);
        let steps = mine.steps();
        let counts: Vec<_> = steps.iter().map(|step| (step.requests, step.failures)).collect();
        assert_eq!(counts, [(1, 0), (200, 100), (1, 0)]);
        assert_eq!(steps[1].at, Duration::from_secs(2));
        let near = |value: Option<f64>, ms: f64| (value.unwrap() / ms - 1.0).abs() < 0.05;
        assert!(near(steps[1].p50_ms, 50.0) && near(steps[1].p95_ms, 95.0), "{steps:?}");
        assert!(steps[0].p50_ms.unwrap() < 0.06 && steps[2].p50_ms.unwrap() > 100_000.0);
    }

    #[test]
    fn steps_after_the_last_request_are_left_out() {
        let mut timeline = timeline();
        assert_eq!(timeline.steps(), []);
        timeline.record(12, None);
        assert_eq!(timeline.steps().len(), 2);
        assert_eq!(timeline.steps()[1].p50_ms, None);
    }
}
