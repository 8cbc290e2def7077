//! A time series of any length as a limited number of steps, for charts.

use portcullis_core::measure::SeriesPoint;

/// Some seconds together.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The first second, counted from the start of the window.
    pub from_s: u64,
    /// The end of the last second.
    pub to_s: u64,
    /// The largest number of active users.
    pub users: u32,
    /// Requests that ended.
    pub requests: u64,
    /// Of these, failed ones.
    pub failures: u64,
    /// The largest p50, p95 and p99 of its seconds, so that a peak stays visible.
    pub p50_ms: Option<f64>,
    /// See `p50_ms`.
    pub p95_ms: Option<f64>,
    /// See `p50_ms`.
    pub p99_ms: Option<f64>,
}

impl Step {
    /// Its length in seconds, at least 1.
    pub fn seconds(&self) -> u64 {
        (self.to_s + 1).saturating_sub(self.from_s).max(1)
    }

    /// Requests per second.
    pub fn rate(&self) -> f64 {
        self.requests as f64 / self.seconds() as f64
    }
}

/// Indices in [`portcullis_core::measure::REPORTED_PERCENTILES`].
const P50: usize = 0;
const P95: usize = 5;
const P99: usize = 7;

/// The series in at most `most` steps of equal length; the last one may be shorter.
pub fn steps(series: &[SeriesPoint], most: usize) -> Vec<Step> {
    let length = series.len().div_ceil(most.max(1)).max(1);
    series.chunks(length).filter_map(step).collect()
}

fn step(seconds: &[SeriesPoint]) -> Option<Step> {
    let (first, last) = (seconds.first()?, seconds.last()?);
    let largest = |index: usize| {
        let values = seconds.iter().filter_map(|second| second.percentiles_ms.get(index).copied());
        values.reduce(f64::max)
    };
    Some(Step {
        from_s: first.second,
        to_s: last.second,
        users: seconds.iter().map(|second| second.users).max().unwrap_or(0),
        requests: seconds.iter().map(|second| second.requests).sum(),
        failures: seconds.iter().map(|second| second.failures).sum(),
        p50_ms: largest(P50),
        p95_ms: largest(P95),
        p99_ms: largest(P99),
    })
}

#[cfg(test)]
mod tests {
    use portcullis_core::measure::REPORTED_PERCENTILES;
    use portcullis_core::threshold::Percentile;

    use super::*;

    #[test]
    fn the_places_are_those_of_the_percentiles() {
        let places =
            [REPORTED_PERCENTILES[P50], REPORTED_PERCENTILES[P95], REPORTED_PERCENTILES[P99]];
        assert_eq!(places, [Percentile::P50, Percentile::P95, Percentile::P99]);
    }

    #[test]
    fn steps_are_bounded_and_lose_no_request_and_no_peak() {
        let second = |second: u64| SeriesPoint {
            second,
            users: 5,
            requests: 2,
            percentiles_ms: vec![
                if second == 1234 { 900.0 } else { 10.0 };
                REPORTED_PERCENTILES.len()
            ],
            ..SeriesPoint::default()
        };
        let series: Vec<SeriesPoint> = (0..3600).map(second).collect();
        let steps = steps(&series, 180);
        assert_eq!((steps.len(), steps[0].seconds(), steps[0].rate()), (180, 20, 2.0));
        assert_eq!(steps.iter().map(|step| step.requests).sum::<u64>(), 7200);
        let peaks = steps.iter().filter(|step| step.p95_ms == Some(900.0)).count();
        assert_eq!(peaks, 1);
    }
}
