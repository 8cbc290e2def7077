//! The time series: combines the messages that the workers send once a second.

use std::collections::VecDeque;
use std::time::Duration;

use portcullis_core::measure::{
    Distribution, FailureKind, REPORTED_PERCENTILES, SeriesPoint, ToDate,
};
use portcullis_core::threshold::Percentile;

use super::interval::{IntervalCounts, add_kinds};

/// The number of seconds for current percentiles, as in Locust.
const RECENT: usize = 10;

/// A second, with the counts of the workers so far.
#[derive(Debug, Default)]
struct Pending {
    users: u32,
    counts: IntervalCounts,
    told: u32,
}

/// The series so far.
#[derive(Debug)]
pub struct Series {
    workers: u32,
    /// The seconds from the first one that is not yet complete.
    pending: VecDeque<Pending>,
    seconds: Vec<SeriesPoint>,
    recent: VecDeque<Distribution>,
    all: Distribution,
    requests: u64,
    failures: u64,
    kinds: [u64; FailureKind::ALL.len()],
    late: Duration,
    body_bytes: u64,
}

impl Series {
    /// An empty series for this number of workers.
    pub fn new(workers: u32) -> Self {
        Self {
            workers,
            pending: VecDeque::new(),
            seconds: Vec::new(),
            recent: VecDeque::new(),
            all: Distribution::default(),
            requests: 0,
            failures: 0,
            kinds: Default::default(),
            late: Duration::ZERO,
            body_bytes: 0,
        }
    }

    /// Adds the counts of one worker for a second. Returns true when the second is complete.
    pub fn tell(&mut self, second: u64, users: u32, counts: &IntervalCounts) -> bool {
        let index = second.saturating_sub(self.seconds.len() as u64) as usize;
        while self.pending.len() <= index {
            self.pending.push_back(Pending::default());
        }
        if let Some(pending) = self.pending.get_mut(index) {
            pending.users += users;
            pending.told += 1;
            pending.counts.add(counts);
        }
        if self.pending.front().is_none_or(|pending| pending.told < self.workers) {
            return false;
        }
        let Some(whole) = self.pending.pop_front() else { return false };
        self.add(whole.users, &whole.counts);
        true
    }

    fn add(&mut self, users: u32, counts: &IntervalCounts) {
        self.take(counts);
        self.seconds.push(SeriesPoint {
            second: self.seconds.len() as u64,
            users,
            requests: counts.requests,
            failures: counts.failures,
            percentiles_ms: self.percentiles(),
            to_date: self.to_date(),
        });
    }

    /// Adds the rest at the end of the load: as a second of its own if, by the `measured` time,
    /// it is a whole one; otherwise to the last second.
    pub fn finish(
        mut self,
        rest: &[IntervalCounts],
        users: u32,
        measured: Duration,
    ) -> Vec<SeriesPoint> {
        let mut sum = IntervalCounts::default();
        let pending = std::mem::take(&mut self.pending);
        let untold = pending.iter().map(|pending| &pending.counts);
        untold.chain(rest).for_each(|counts| sum.add(counts));
        if self.seconds.is_empty() || measured.as_secs_f64().round() > self.seconds.len() as f64 {
            self.add(self.seconds.last().map_or(users, |second| second.users), &sum);
            return self.seconds;
        }
        self.take(&sum);
        let (percentiles_ms, to_date) = (self.percentiles(), self.to_date());
        if let Some(last) = self.seconds.last_mut() {
            last.requests += sum.requests;
            last.failures += sum.failures;
            last.percentiles_ms = percentiles_ms;
            last.to_date = to_date;
        }
        self.seconds
    }

    /// Requests and failures so far.
    pub fn totals(&self) -> (u64, u64) {
        (self.requests, self.failures)
    }

    /// Failures so far, for the kinds that occurred.
    pub fn kinds(&self) -> Vec<(FailureKind, u64)> {
        let all = FailureKind::ALL.into_iter().zip(self.kinds);
        all.filter(|(_, count)| *count > 0).collect()
    }

    /// The largest delay of a wake-up of a worker in the last second.
    pub fn late(&self) -> Duration {
        self.late
    }

    /// The last second.
    pub fn last(&self) -> Option<&SeriesPoint> {
        self.seconds.last()
    }

    fn take(&mut self, counts: &IntervalCounts) {
        self.all.add(&counts.latencies);
        self.requests += counts.requests;
        self.failures += counts.failures;
        add_kinds(&mut self.kinds, &counts.kinds);
        self.late = counts.late;
        self.body_bytes += counts.body_bytes;
        self.recent.push_back(counts.latencies.clone());
        if self.recent.len() > RECENT {
            self.recent.pop_front();
        }
    }

    fn percentiles(&self) -> Vec<f64> {
        let mut recent = Distribution::default();
        self.recent.iter().for_each(|second| recent.add(second));
        REPORTED_PERCENTILES
            .iter()
            .filter_map(|percentile| recent.percentile_ms(*percentile))
            .collect()
    }

    fn to_date(&self) -> ToDate {
        ToDate {
            p50_ms: self.all.percentile_ms(Percentile::P50).unwrap_or_default(),
            mean_ms: self.all.mean_ms().unwrap_or_default(),
            min_ms: self.all.min_ms().unwrap_or_default(),
            max_ms: self.all.max_ms().unwrap_or_default(),
            mean_body_bytes: self.body_bytes as f64 / self.requests.max(1) as f64,
        }
    }
}
