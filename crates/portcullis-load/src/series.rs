//! The time series: what the worker says once a second, put together.

use std::collections::VecDeque;

use portcullis_core::distribution::Distribution;
use portcullis_core::summary::{SHOWN, Second, ToDate};
use portcullis_core::threshold::Percentile;

use crate::recorder::SinceTick;

/// A worker's second.
#[derive(Debug)]
pub struct Tick {
    /// Counted from the start of the window.
    pub second: u64,
    /// Users that are alive.
    pub users: u32,
    /// What was recorded since the last tick.
    pub counts: SinceTick,
}

/// Current percentiles are of this many seconds, as Locust's are.
const RECENT: usize = 10;

/// The series so far.
#[derive(Debug, Default)]
pub struct Series {
    seconds: Vec<Second>,
    recent: VecDeque<Distribution>,
    all: Distribution,
    requests: u64,
    failures: u64,
    body_bytes: u64,
}

impl Series {
    /// Adds a second.
    pub fn add(&mut self, tick: Tick) {
        let (requests, failures) = (tick.counts.requests, tick.counts.failures);
        self.take(&tick.counts);
        self.seconds.push(Second {
            second: tick.second,
            users: tick.users,
            requests,
            failures,
            percentiles_ms: self.percentiles(),
            to_date: self.to_date(),
        });
    }

    /// Adds what ended after the last whole second to that second.
    pub fn finish(mut self, rest: SinceTick, users: u32) -> Vec<Second> {
        if self.seconds.is_empty() {
            self.add(Tick { second: 0, users, counts: rest });
            return self.seconds;
        }
        self.take(&rest);
        let (percentiles_ms, to_date) = (self.percentiles(), self.to_date());
        if let Some(last) = self.seconds.last_mut() {
            last.requests += rest.requests;
            last.failures += rest.failures;
            last.percentiles_ms = percentiles_ms;
            last.to_date = to_date;
        }
        self.seconds
    }

    /// Requests and failures so far.
    pub fn totals(&self) -> (u64, u64) {
        (self.requests, self.failures)
    }

    /// The last second.
    pub fn last(&self) -> Option<&Second> {
        self.seconds.last()
    }

    fn take(&mut self, counts: &SinceTick) {
        let latencies = counts.latencies.distribution();
        self.all.add(&latencies);
        self.requests += counts.requests;
        self.failures += counts.failures;
        self.body_bytes += counts.body_bytes;
        self.recent.push_back(latencies);
        if self.recent.len() > RECENT {
            self.recent.pop_front();
        }
    }

    fn percentiles(&self) -> Vec<f64> {
        let mut recent = Distribution::default();
        self.recent.iter().for_each(|second| recent.add(second));
        SHOWN.iter().filter_map(|percentile| recent.percentile_ms(*percentile)).collect()
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
