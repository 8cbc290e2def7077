//! The time series: what the workers say once a second, put together.

use std::collections::VecDeque;

use hdrhistogram::Histogram;
use portcullis_core::summary::{SHOWN, Second};

use crate::recorder::SinceTick;

/// A worker's second.
#[derive(Debug)]
pub struct Tick {
    /// Counted from the start of the window.
    pub second: u64,
    /// Users of this worker that are alive.
    pub users: u32,
    /// What it recorded since its last tick.
    pub counts: SinceTick,
}

/// Percentiles are of this many seconds, as Locust's current percentiles are.
const RECENT: usize = 10;

/// The series so far; one worker feeds it.
#[derive(Debug, Default)]
pub struct Series {
    seconds: Vec<Second>,
    recent: VecDeque<Histogram<u64>>,
}

impl Series {
    /// Adds a second.
    pub fn add(&mut self, tick: Tick) {
        self.recent.push_back(tick.counts.latencies);
        if self.recent.len() > RECENT {
            self.recent.pop_front();
        }
        self.seconds.push(Second {
            second: tick.second,
            users: tick.users,
            requests: tick.counts.requests,
            failures: tick.counts.failures,
            percentiles_ms: self.percentiles(),
        });
    }

    /// Adds what came after the last whole second to that second.
    pub fn finish(mut self, rest: SinceTick, users: u32) -> Vec<Second> {
        if rest.requests > 0 || self.seconds.is_empty() {
            match self.seconds.last_mut() {
                Some(last) => {
                    last.requests += rest.requests;
                    last.failures += rest.failures;
                }
                None => self.add(Tick { second: 0, users, counts: rest }),
            }
        }
        self.seconds
    }

    /// Requests and failures so far.
    pub fn totals(&self) -> (u64, u64) {
        self.seconds.iter().fold((0, 0), |(all, bad), s| (all + s.requests, bad + s.failures))
    }

    /// The last second.
    pub fn last(&self) -> Option<&Second> {
        self.seconds.last()
    }

    fn percentiles(&self) -> Vec<f64> {
        let mut histograms = self.recent.iter();
        let Some(mut all) = histograms.next().cloned() else { return Vec::new() };
        for histogram in histograms {
            // Equal bounds: adding cannot fail.
            let _ = all.add(histogram);
        }
        if all.is_empty() {
            return Vec::new();
        }
        let value = |rank| {
            let mut seen = 0;
            let bucket = all.iter_recorded().find(|bucket| {
                seen += bucket.count_at_value();
                seen >= rank
            });
            bucket.map_or(0.0, |b| all.highest_equivalent(b.value_iterated_to()) as f64 / 1e3)
        };
        SHOWN.iter().map(|percentile| value(percentile.rank(all.len()))).collect()
    }
}
