//! Latencies of one kind: a histogram, and exact count, sum, minimum and maximum.

use std::time::Duration;

use hdrhistogram::{CreationError, Histogram};
use portcullis_core::measure::Distribution;

/// Three significant digits: buckets are at most 0.1 % wide.
const DIGITS: u8 = 3;

/// A histogram of microseconds, created with the first value.
#[derive(Clone, Debug)]
pub struct Latencies {
    /// `None` until there is a value, because most kinds never have one.
    histogram: Option<Histogram<u64>>,
    longest_us: u64,
    count: u64,
    clipped: u64,
    sum_ns: u128,
    min_ns: u64,
    max_ns: u64,
}

/// Microseconds, rounded up, so that a latency is never reported too short.
fn micros(latency: Duration) -> u64 {
    u64::try_from(latency.as_nanos().div_ceil(1000)).unwrap_or(u64::MAX).max(1)
}

impl Latencies {
    /// An empty histogram; values above `longest` will be counted as clipped.
    pub fn new(longest: Duration) -> Self {
        let longest_us = micros(longest).max(2);
        Self { histogram: None, longest_us, count: 0, clipped: 0, sum_ns: 0, min_ns: 0, max_ns: 0 }
    }

    /// Checks the bounds once, before the load.
    ///
    /// # Errors
    /// The histogram library refuses them.
    pub fn check(&self) -> Result<(), CreationError> {
        Histogram::<u64>::new_with_bounds(1, self.longest_us, DIGITS).map(drop)
    }

    /// Records a value.
    pub fn record(&mut self, latency: Duration) {
        let ns = u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX);
        self.min_ns = if self.count == 0 { ns } else { self.min_ns.min(ns) };
        self.max_ns = self.max_ns.max(ns);
        self.sum_ns += u128::from(ns);
        self.count += 1;
        let us = micros(latency);
        self.clipped += u64::from(us > self.longest_us);
        if self.histogram.is_none() {
            self.histogram = Histogram::new_with_bounds(1, self.longest_us, DIGITS).ok();
        }
        if let Some(histogram) = &mut self.histogram {
            histogram.saturating_record(us);
        }
    }

    /// Removes a value that was recorded. The minimum and the maximum become those of its
    /// buckets if it was one of them.
    pub fn remove(&mut self, latency: Duration) {
        let ns = u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX);
        let us = micros(latency);
        let Some(histogram) = self.histogram.as_mut().filter(|_| self.count > 0) else { return };
        let one = Histogram::<u64>::new_with_bounds(1, self.longest_us, DIGITS);
        let Ok(mut one) = one else { return };
        one.saturating_record(us);
        // It was recorded, so it can be subtracted.
        if histogram.subtract(&one).is_err() {
            return;
        }
        self.count -= 1;
        self.sum_ns -= u128::from(ns);
        self.clipped -= u64::from(us > self.longest_us);
        if self.count == 0 {
            return self.reset();
        }
        if ns == self.min_ns {
            let least = histogram.lowest_equivalent(histogram.min()).saturating_sub(1) * 1000;
            self.min_ns = least.max(ns).min(self.max_ns);
        }
        if ns == self.max_ns {
            self.max_ns = (histogram.max() * 1000).min(ns).max(self.min_ns);
        }
    }

    /// Adds the values of another histogram with the same bounds.
    pub fn absorb(&mut self, other: &Self) {
        if other.count == 0 {
            return;
        }
        self.min_ns = if self.count == 0 { other.min_ns } else { self.min_ns.min(other.min_ns) };
        self.max_ns = self.max_ns.max(other.max_ns);
        self.sum_ns += other.sum_ns;
        self.count += other.count;
        self.clipped += other.clipped;
        match (&mut self.histogram, &other.histogram) {
            // The bounds are equal, so no value can be out of range.
            (Some(mine), Some(theirs)) => drop(mine.add(theirs)),
            (mine @ None, theirs) => mine.clone_from(theirs),
            (Some(_), None) => {}
        }
    }

    /// Removes all values, and keeps the memory.
    pub fn reset(&mut self) {
        if let Some(histogram) = &mut self.histogram {
            histogram.reset();
        }
        (self.count, self.clipped) = (0, 0);
        (self.sum_ns, self.min_ns, self.max_ns) = (0, 0, 0);
    }

    /// The number of values.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The exact longest value; zero without values.
    pub fn longest(&self) -> Duration {
        Duration::from_nanos(self.max_ns)
    }

    /// The sum of the values.
    pub fn sum(&self) -> Duration {
        Duration::from_nanos(u64::try_from(self.sum_ns).unwrap_or(u64::MAX))
    }

    /// The values as plain data.
    pub fn distribution(&self) -> Distribution {
        let buckets = self.histogram.iter().flat_map(|histogram| {
            let end = |value| histogram.highest_equivalent(value);
            histogram.iter_recorded().map(move |b| (end(b.value_iterated_to()), b.count_at_value()))
        });
        Distribution {
            count: self.count,
            sum_ns: self.sum_ns,
            min_ns: self.min_ns,
            max_ns: self.max_ns,
            buckets: buckets.collect(),
            clipped: self.clipped,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_absorbed_was_recorded_and_what_is_too_long_is_counted() {
        let ms = Duration::from_millis;
        let (mut all, mut one, mut two) =
            (Latencies::new(ms(100)), Latencies::new(ms(100)), Latencies::new(ms(100)));
        for value in [3, 50, 7, 200] {
            all.record(ms(value));
            if value > 5 { &mut one } else { &mut two }.record(ms(value));
        }
        one.absorb(&Latencies::new(ms(100)));
        two.absorb(&one);
        assert_eq!(two.distribution(), all.distribution());
        assert_eq!((all.distribution().clipped, all.distribution().max_ns), (1, 200_000_000));
        two.remove(ms(3));
        two.remove(ms(200));
        one.reset();
        [50, 7].into_iter().for_each(|value| one.record(ms(value)));
        let (rest, wanted) = (two.distribution(), one.distribution());
        assert_eq!((rest.count, rest.sum_ns, rest.clipped), (2, wanted.sum_ns, 0));
        assert_eq!(rest.buckets, wanted.buckets);
        assert!(rest.min_ns <= wanted.min_ns && rest.min_ns > 6_900_000, "{}", rest.min_ns);
        assert!(rest.max_ns >= wanted.max_ns && rest.max_ns < 50_100_000, "{}", rest.max_ns);
        [7, 50].into_iter().for_each(|value| two.remove(ms(value)));
        assert_eq!(two.distribution(), Distribution::default());
        two.reset();
        assert_eq!(two.distribution(), Distribution::default());
    }
}
