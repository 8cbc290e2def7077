//! The noise of this machine: how much the same work differs from one time to the next, and
//! what `--against` could see in spite of it.

use std::time::{Duration, Instant};

use super::{Diagnosis, fine, warning};

const NAME: &str = "noise";

/// What was measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Noise {
    /// The standard deviation of the difference between two neighbours, relative to the
    /// median.
    pub pair: f64,
    /// The longest time of one piece of work, in medians.
    pub longest: f64,
}

/// Does the same work again and again for some time. `goes_on` can end it early.
pub fn measure(time: Duration, goes_on: &dyn Fn() -> bool) -> Option<Noise> {
    let begun = Instant::now();
    let mut times = Vec::new();
    while begun.elapsed() < time {
        let start = Instant::now();
        std::hint::black_box(work());
        times.push(start.elapsed().as_secs_f64());
        if !goes_on() {
            return None;
        }
    }
    of(&times)
}

/// About a millisecond of arithmetic.
fn work() -> u64 {
    (0..1_000_000_u64).fold(1, |sum, n| sum.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(n))
}

/// The noise of some times; `None` of too few.
fn of(times: &[f64]) -> Option<Noise> {
    let mut sorted = times.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let median =
        *sorted.get(sorted.len() / 2).filter(|median| **median > 0.0 && sorted.len() >= 20)?;
    let pairs = times.chunks_exact(2).filter_map(|pair| match pair {
        [one, two] => Some(((two - one) / median).powi(2)),
        _ => None,
    });
    let (sum, count) = pairs.fold((0.0, 0.0), |(sum, count), square| (sum + square, count + 1.0));
    Some(Noise { pair: f64::sqrt(sum / count), longest: sorted.last()? / median })
}

/// Quantiles for an error of 5 % on either side and a power of 80 %, with the price of
/// looking again and again.
const FACTOR: f64 = 3.5;
/// The time of a comparison.
const TIME: f64 = 60.0;
/// An effect that most users want to see.
const WANTED: f64 = 0.2;

/// The smallest relative difference of a task's latency that a comparison of a minute would
/// see; `round` is the time of one call of every task, in seconds. An approximation: the
/// differences of pairs are treated as normal.
pub fn smallest_effect(noise: Noise, round: f64) -> f64 {
    let pairs = (TIME / (2.0 * round.max(1e-4))).max(1.0);
    FACTOR * noise.pair / pairs.sqrt()
}

/// Judges the noise; `round` as in [`smallest_effect`], if it is known.
pub fn check(noise: Noise, round: Option<f64>) -> Diagnosis {
    let percent = |share: f64| match share * 100.0 {
        small if small < 1.0 => "less than 1 %".to_owned(),
        percent => format!("about {percent:.0} %"),
    };
    let pair = format!(
        "two equal pieces of work differ by {}, the longest took {:.1} times the median",
        percent(noise.pair),
        noise.longest
    );
    let Some(round) = round else { return fine(NAME, pair) };
    let effect = smallest_effect(noise, round);
    let seen = format!("in 60 s `--against` would see a difference of {}", percent(effect));
    let message = format!("{pair}; {seen}");
    match effect > WANTED {
        true => warning(NAME, message, "stop other programs, or use a quieter machine"),
        false => fine(NAME, message),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_grows_with_differences_and_effects_shrink_with_pairs() {
        let steady = of(&[1.0; 40]).unwrap();
        assert_eq!((steady.pair, steady.longest), (0.0, 1.0));
        let times: Vec<f64> = (0..40).map(|n| if n % 2 == 0 { 1.0 } else { 1.1 }).collect();
        let noisy = of(&times).unwrap();
        assert!((noisy.pair - 0.1 / 1.1).abs() < 1e-9, "{noisy:?}");
        assert!(smallest_effect(noisy, 0.1) > smallest_effect(noisy, 0.01));
        assert_eq!(of(&[1.0; 5]), None);
        let check = |pair, round| check(Noise { pair, longest: 2.0 }, Some(round)).remedy.is_some();
        assert!(check(0.5, 0.5) && !check(0.05, 0.1));
    }
}
