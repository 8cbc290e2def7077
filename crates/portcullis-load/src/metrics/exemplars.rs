//! The single requests that a row keeps: the slowest ones, and the first failed answers.
//! Other requests cost one comparison.

use std::time::Duration;

use portcullis_core::measure::{ErrorSample, Exemplars, MOST_ERRORS, MOST_SLOW, SlowRequest};

use super::sample::Sample;

/// The kept requests; their times count from the start of the run.
#[derive(Clone, Debug, Default)]
pub struct ExemplarRecorder {
    /// Unordered; a latency of zero is an empty slot.
    slowest: [SlowRequest; MOST_SLOW],
    /// The shortest latency among them.
    floor: Duration,
    errors: Vec<ErrorSample>,
}

impl ExemplarRecorder {
    /// Keeps a request if it is among the slowest.
    #[inline]
    pub fn note(&mut self, sample: &Sample, ended: Duration) {
        if sample.latency > self.floor {
            self.keep(SlowRequest { at: ended, latency: sample.latency, status: sample.status });
        }
    }

    #[cold]
    fn keep(&mut self, slow: SlowRequest) {
        if let Some(least) = self.slowest.iter_mut().min_by_key(|one| one.latency) {
            *least = slow;
        }
        self.floor = self.slowest.iter().map(|one| one.latency).min().unwrap_or_default();
    }

    /// Whether one more failed answer would be kept.
    pub fn wants_error(&self) -> bool {
        self.errors.len() < MOST_ERRORS
    }

    /// Keeps a failed answer if it is among the first ones.
    pub fn note_error(&mut self, sample: &Sample, ended: Duration) {
        let (Some(failure), Some(body)) = (&sample.failure, &sample.error_body) else { return };
        if self.wants_error() {
            let (status, kind, body) = (sample.status, failure.kind, (**body).clone());
            self.errors.push(ErrorSample { at: ended, status, kind, body });
        }
    }

    /// Adds the requests of another worker.
    pub fn absorb(&mut self, other: &Self) {
        for slow in other.slowest {
            if slow.latency > self.floor {
                self.keep(slow);
            }
        }
        self.errors.extend(other.errors.iter().cloned());
        self.errors.sort_by_key(|error| error.at);
        self.errors.truncate(MOST_ERRORS);
    }

    /// The kept requests of several rows of one task, with times since the start of the window,
    /// in milliseconds.
    pub fn samples<const N: usize>(rows: [&Self; N], opens: Duration) -> Exemplars {
        let since = |at: Duration| {
            let ms = at.saturating_sub(opens).as_millis();
            Duration::from_millis(u64::try_from(ms).unwrap_or(u64::MAX))
        };
        let mut all = Exemplars::default();
        for row in rows {
            let used = row.slowest.iter().filter(|slow| !slow.latency.is_zero());
            let slowest = used.map(|slow| SlowRequest { at: since(slow.at), ..*slow }).collect();
            let errors = row.errors.iter().cloned();
            let errors = errors.map(|error| ErrorSample { at: since(error.at), ..error }).collect();
            all.add(Exemplars { errors, slowest });
        }
        all
    }
}
