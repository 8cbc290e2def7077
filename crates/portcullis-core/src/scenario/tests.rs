//! Tests of the waits, compared with their distributions.

use std::time::Duration;

use crate::rng::{Domain, Rng};
use crate::scenario::{NormalWait, Wait};

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

#[test]
fn a_normal_wait_has_its_mean_its_deviation_and_its_bounds() {
    let draw = |wait: NormalWait| {
        let mut rng = Rng::stream(5, Domain::Wait, 0);
        let one = |_| Wait::Normal(wait).next(SECOND, &mut rng);
        (0..4_000).map(one).collect::<Vec<Duration>>()
    };
    let wide = NormalWait { mean: 2 * SECOND, deviation: SECOND / 4, min: SECOND, max: 3 * SECOND };
    let drawn: Vec<f64> = draw(wide).iter().map(Duration::as_secs_f64).collect();
    let mean = drawn.iter().sum::<f64>() / 4_000.0;
    let deviation = (drawn.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 4_000.0).sqrt();
    // Five standard errors of each; the bounds are four deviations away.
    assert!((mean - 2.0).abs() < 0.02 && (deviation - 0.25).abs() < 0.015, "{mean} {deviation}");
    let narrow = NormalWait { deviation: 10 * SECOND, ..wide };
    assert!(draw(narrow).iter().all(|wait| (SECOND..=3 * SECOND).contains(wait)));
    let fixed = NormalWait { min: 2 * SECOND, max: 2 * SECOND, ..narrow };
    assert!(draw(fixed).iter().all(|wait| *wait == 2 * SECOND));
}
