//! How many requests pairs save, compared with measuring base and candidate in separate
//! runs.

use std::collections::BTreeMap;

use super::ledger::{Level, Line};

/// How many times more requests separate runs need to detect the same effect as pairs.
/// On equal versions the true ln(candidate / base) is 0. This is the mean square of its
/// error by the medians of different restarts, divided by that of the medians of pairs.
/// The smallest detectable effect is proportional to the root of that square divided by
/// the number of requests, so the numbers of requests are in the ratio of the squares.
///
/// Runs must be repeated for this, because the difference between runs does not become
/// smaller with more requests in one run. NaN without two restarts.
pub fn times_more_requests<'a>(lines: impl Iterator<Item = &'a Line>) -> f64 {
    let mut restarts: BTreeMap<u64, Vec<&'a [Level]>> = BTreeMap::new();
    for line in lines {
        if let Some(restart) = line.restart
            && !line.levels.0.is_empty()
        {
            restarts.entry(restart).or_default().push(&line.levels.0);
        }
    }
    let (mut separate, mut paired) = (Mean::default(), Mean::default());
    for (restart, own) in &restarts {
        for levels in own {
            levels.iter().for_each(|level| paired.add(level.ratio.ln().powi(2)));
            let others = restarts.iter().filter(|(other, _)| *other != restart);
            for other in others.flat_map(|(_, levels)| levels) {
                let both = levels.iter().zip(other.iter());
                both.for_each(|(a, b)| separate.add((b.candidate_ms / a.base_ms).ln().powi(2)));
            }
        }
    }
    separate.value() / paired.value()
}

#[derive(Default)]
struct Mean {
    sum: f64,
    n: f64,
}

impl Mean {
    fn add(&mut self, value: f64) {
        self.sum += value;
        self.n += 1.0;
    }

    fn value(&self) -> f64 {
        self.sum / self.n
    }
}

#[cfg(test)]
mod tests {
    use super::super::ledger::{Levels, Line};
    use super::*;

    fn line(restart: u64, base_ms: f64, candidate_ms: f64, ratio: f64) -> Line {
        let level = Level { base_ms, candidate_ms, ratio };
        Line { restart: Some(restart), levels: Levels(vec![level]), ..Line::default() }
    }

    #[test]
    fn runs_that_drift_need_more_requests_by_the_square() {
        // Pairs err by 1 %, the level of a restart by 10 %.
        let (pair, drift) = (0.01_f64.exp(), 0.1_f64.exp());
        let lines = [line(1, 10.0, 10.0, pair), line(2, 10.0 * drift, 10.0 * drift, 1.0 / pair)];
        assert!((times_more_requests(lines.iter()) - 100.0).abs() < 1e-6);
        assert!(times_more_requests(lines[..1].iter()).is_nan());
    }
}
