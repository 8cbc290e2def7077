//! Tests of the waits, compared with their distributions.

use std::time::Duration;

use crate::rng::{Domain, Rng};
use crate::scenario::Wait;

const SECOND: Duration = Duration::from_secs(1);

/// Kolmogorov–Smirnov: the largest distance between the sample and `cdf`.
fn distance(wait: Wait, cdf: impl Fn(f64) -> f64) -> f64 {
    let mut rng = Rng::stream(3, Domain::Wait, 0);
    let draw = |_| wait.next(Duration::ZERO, &mut rng).as_secs_f64();
    let mut sample: Vec<f64> = (0..4_000).map(draw).collect();
    sample.sort_by(f64::total_cmp);
    let count = sample.len() as f64;
    let distances = sample.iter().enumerate().map(|(index, value)| {
        let (below, above) = (index as f64 / count, (index as f64 + 1.0) / count);
        (cdf(*value) - below).abs().max((cdf(*value) - above).abs())
    });
    distances.fold(0.0, f64::max)
}

/// The 99.99 % point of the statistic for 4,000 values: 2.23 / sqrt(n).
const LARGEST: f64 = 0.0353;

#[test]
fn uniform_and_exponential_waits_are_what_they_say() {
    let uniform =
        distance(Wait::Uniform(SECOND, 3 * SECOND), |x| ((x - 1.0) / 2.0).clamp(0.0, 1.0));
    assert!(uniform < LARGEST, "{uniform}");
    let exponential = distance(Wait::Exponential(2 * SECOND), |x| 1.0 - (-x / 2.0).exp());
    assert!(exponential < LARGEST, "{exponential}");
}

#[test]
fn constant_waits_are_constant_and_pacing_counts_from_the_start() {
    let mut rng = Rng::stream(1, Domain::Wait, 0);
    assert_eq!(Wait::Constant(SECOND).next(5 * SECOND, &mut rng), SECOND);
    assert_eq!(Wait::Pacing(3 * SECOND).next(SECOND, &mut rng), 2 * SECOND);
    assert_eq!(Wait::Pacing(3 * SECOND).next(4 * SECOND, &mut rng), Duration::ZERO);
}
