//! The requests that a late load generator may have distorted, and a summary without them.

use super::{Block, Distribution, OverLimit, Row, Summary};

/// From this delay of a wake-up on, the load generator is late, in milliseconds.
pub const LATE_MS: f64 = 10.0;

/// The requests of one task that were due or under way within a second after the load
/// generator was late. They are counted in the rows of the task too.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LateRows {
    /// Those of the planned window.
    pub window: Row,
    /// Those of the mixed extra requests.
    pub extra_mixed: Row,
    /// Those of the targeted extra requests.
    pub extra_targeted: Row,
}

impl LateRows {
    /// Their number.
    pub fn requests(&self) -> u64 {
        self.window.requests + self.extra_mixed.requests + self.extra_targeted.requests
    }
}

impl Summary {
    /// The summary without the requests that a late generator may have distorted, and the share
    /// of requests that is left. Rates stay: the measured time shrinks with the requests.
    pub fn without_late(&self) -> (Self, f64) {
        let mut clean = self.clone();
        for task in clean.tasks.iter_mut().chain(&mut clean.login) {
            task.window.remove(&task.late.window);
            task.extra_mixed.remove(&task.late.extra_mixed);
            task.extra_targeted.remove(&task.late.extra_targeted);
        }
        let share =
            |now: u64, before: u64| if before == 0 { 1.0 } else { now as f64 / before as f64 };
        let in_window = share(clean.aggregate().requests, self.aggregate().requests);
        clean.measured = self.measured.mul_f64(in_window.min(1.0));
        let all =
            |summary: &Self| summary.tasks.iter().map(|task| task.judged().requests).sum::<u64>();
        let left = share(all(&clean), all(self));
        (clean, left)
    }
}

impl Row {
    /// Removes the requests of another row, which are all in this one.
    fn remove(&mut self, other: &Self) {
        self.requests = self.requests.saturating_sub(other.requests);
        self.failures = self.failures.saturating_sub(other.failures);
        self.latency.remove(&other.latency);
        self.failed_latency.remove(&other.failed_latency);
        self.body_bytes = self.body_bytes.saturating_sub(other.body_bytes);
        self.with_data = self.with_data.saturating_sub(other.with_data);
        self.first_byte.remove(&other.first_byte);
        self.service.remove(&other.service);
        self.stalled = self.stalled.saturating_sub(other.stalled);
        self.cut = self.cut.saturating_sub(other.cut);
        less(&mut self.beyond, &other.beyond);
        less(&mut self.failed_beyond, &other.failed_beyond);
        for (status, answers) in &mut self.statuses {
            *answers = answers.saturating_sub(other.answers_with(*status));
        }
        self.statuses.retain(|(_, answers)| *answers > 0);
        for block in &mut self.blocks {
            let own = other.blocks.binary_search_by_key(&block.second, |known| known.second);
            own.ok().and_then(|index| other.blocks.get(index)).into_iter().for_each(|own| {
                block.remove(own);
            });
        }
        self.blocks.retain(|block| block.requests > 0);
    }
}

impl Block {
    fn remove(&mut self, other: &Self) {
        self.requests = self.requests.saturating_sub(other.requests);
        self.failures = self.failures.saturating_sub(other.failures);
        less(&mut self.beyond, &other.beyond);
    }
}

impl Distribution {
    /// Removes values that are all in it. Which was the smallest or largest is only known to
    /// its bucket if that value is removed.
    fn remove(&mut self, other: &Self) {
        if other.count == 0 {
            return;
        }
        for (end, count) in &mut self.buckets {
            let own = other.buckets.binary_search_by_key(end, |(known, _)| *known);
            let own = own.ok().and_then(|index| other.buckets.get(index));
            *count = count.saturating_sub(own.map_or(0, |(_, count)| *count));
        }
        self.buckets.retain(|(_, count)| *count > 0);
        self.count = self.count.saturating_sub(other.count);
        self.sum_ns = self.sum_ns.saturating_sub(other.sum_ns);
        self.clipped = self.clipped.saturating_sub(other.clipped);
        let (Some(first), Some(last)) = (self.buckets.first(), self.buckets.last()) else {
            return *self = Self::default();
        };
        self.max_ns = self.max_ns.min(last.0.saturating_mul(1000));
        self.min_ns = match other.min_ns > self.min_ns {
            true => self.min_ns,
            false => first.0.saturating_mul(1000).min(self.max_ns),
        };
    }
}

fn less(mine: &mut [OverLimit], theirs: &[OverLimit]) {
    for (mine, theirs) in mine.iter_mut().zip(theirs) {
        mine.above = mine.above.saturating_sub(theirs.above);
        mine.at_or_above = mine.at_or_above.saturating_sub(theirs.at_or_above);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::measure::TaskSummary;

    fn row(values_ms: &[u64], second: u32) -> Row {
        let mut row = Row::default();
        for ms in values_ms {
            let over = OverLimit { above: u64::from(*ms > 50), at_or_above: u64::from(*ms >= 50) };
            row.add(&Row {
                requests: 1,
                latency: Distribution {
                    count: 1,
                    sum_ns: u128::from(*ms) * 1_000_000,
                    min_ns: ms * 1_000_000,
                    max_ns: ms * 1_000_000,
                    buckets: vec![(ms * 1000, 1)],
                    clipped: 0,
                },
                beyond: vec![over],
                statuses: vec![(200, 1)],
                blocks: vec![Block { second, requests: 1, failures: 0, beyond: vec![over] }],
                ..Row::default()
            });
        }
        row
    }

    #[test]
    fn without_the_late_ones_is_as_if_they_had_not_been() {
        let (kept, late) = (row(&[10, 20, 60], 1), row(&[5, 400], 2));
        let mut window = kept.clone();
        window.add(&late);
        let late = LateRows { window: late, ..LateRows::default() };
        let task = TaskSummary { window, late, ..TaskSummary::default() };
        let measured = Duration::from_secs(10);
        let summary = Summary { tasks: vec![task], measured, ..Summary::default() };
        let (clean, left) = summary.without_late();
        assert_eq!(clean.tasks[0].window, kept);
        assert_eq!(left, 0.6);
        // As many requests per second.
        assert_eq!(clean.rate(3), summary.rate(5));
    }

    #[test]
    fn nothing_late_changes_nothing_and_all_late_leaves_nothing() {
        let task = TaskSummary { window: row(&[1, 2], 1), ..TaskSummary::default() };
        let summary = Summary { tasks: vec![task], ..Summary::default() };
        assert_eq!(summary.without_late(), (summary.clone(), 1.0));
        let mut all = summary;
        all.tasks[0].late.window = all.tasks[0].window.clone();
        let (clean, left) = all.without_late();
        assert_eq!((left, clean.tasks[0].window.latency.count), (0.0, 0));
        assert_eq!(clean.tasks[0].window.latency.max_ms(), None);
        assert_eq!(Summary::default().without_late().1, 1.0);
    }
}
