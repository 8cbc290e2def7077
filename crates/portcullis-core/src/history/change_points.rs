//! At which runs a latency changed and stayed changed.
//!
//! PELT (Killick, Fearnhead and Eckley, "Optimal detection of changepoints with a linear
//! computational cost", JASA 2012) on the logarithm of the latency, so that a change is a
//! ratio. The cost of a stretch of runs is the biweight loss of Fearnhead and Rigaill
//! ("Changepoint detection in the presence of outliers", JASA 2019), simplified: values far
//! from the median of their neighbourhood are pulled towards it first, so that one noisy
//! run is no change. The scale of the noise comes from differences of neighbours (Rice
//! 1984), which a change of level hardly influences.

/// With fewer runs nothing is said.
pub const FEWEST_RUNS: usize = 8;
/// A change must last for this many runs on both sides.
const SHORTEST: usize = 4;
/// The price of a change, in units of the noise's variance and of ln(n). Two would be the
/// Bayesian criterion; the runs of a history are noisier than a normal distribution, and a
/// simulation with such noise chose this; `simulation_tests` count with other seeds.
const PRICE: f64 = 5.0;
/// Values further from the median of their neighbourhood are pulled back to this distance,
/// in standard deviations.
const FARTHEST: f64 = 2.0;
/// Runs on each side that belong to the neighbourhood.
const REACH: usize = 3;
/// Changes below this are not reported: no machine is steadier than that over weeks.
const SMALLEST: f64 = 0.03;

/// A lasting change.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ChangePoint {
    /// The index of the first run of the new level.
    pub at: usize,
    /// The level before, in the unit of the values.
    pub before: f64,
    /// The level from here on.
    pub after: f64,
}

impl ChangePoint {
    /// The relative change: 0.1 is 10 % more.
    pub fn effect(&self) -> f64 {
        self.after / self.before - 1.0
    }
}

/// The lasting changes of a series of positive values, oldest first. Values that are not
/// positive and finite count as their predecessor.
pub fn change_points(values: &[f64]) -> Vec<ChangePoint> {
    let logs = logarithms(values);
    if logs.len() < FEWEST_RUNS {
        return Vec::new();
    }
    let noise = noise(&logs);
    let tame = tamed(&logs, noise);
    let levels = |from: usize, to: usize| median(&logs[from..to]).exp();
    let bounds = segments(&tame, PRICE * noise * noise * (logs.len() as f64).ln());
    let stretches: Vec<(usize, usize)> = bounds.windows(2).map(|two| (two[0], two[1])).collect();
    let changes = stretches.windows(2).map(|two| ChangePoint {
        at: two[1].0,
        before: levels(two[0].0, two[0].1),
        after: levels(two[1].0, two[1].1),
    });
    changes.filter(|change| change.effect().abs() >= SMALLEST).collect()
}

fn logarithms(values: &[f64]) -> Vec<f64> {
    let first = values.iter().copied().find(|value| is_usable(*value));
    let mut last = first.unwrap_or(1.0).ln();
    let one = |value: &f64| {
        if is_usable(*value) {
            last = value.ln();
        }
        last
    };
    values.iter().map(one).collect()
}

fn is_usable(value: f64) -> bool {
    value.is_finite() && value > 0.0
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => 0.0,
        n if n % 2 == 1 => sorted[middle],
        _ => f64::midpoint(sorted[middle - 1], sorted[middle]),
    }
}

/// The standard deviation of the noise: the median absolute difference of neighbours,
/// scaled as for a normal distribution.
fn noise(logs: &[f64]) -> f64 {
    let steps: Vec<f64> = logs.windows(2).map(|two| (two[1] - two[0]).abs()).collect();
    // The median of |N(0, 1)| is 0.6745; a difference of two has twice the variance.
    let deviation = median(&steps) / 0.6745 / std::f64::consts::SQRT_2;
    // Equal values: any difference would be a change.
    deviation.max(0.005)
}

fn tamed(logs: &[f64], noise: f64) -> Vec<f64> {
    let one = |(index, value): (usize, &f64)| {
        let around = &logs[index.saturating_sub(REACH)..logs.len().min(index + REACH + 1)];
        let middle = median(around);
        value.clamp(middle - FARTHEST * noise, middle + FARTHEST * noise)
    };
    logs.iter().enumerate().map(one).collect()
}

/// The bounds of the stretches with the least squared distance from their means, plus a
/// price for each bound: 0, the changes, the number of values.
fn segments(values: &[f64], price: f64) -> Vec<usize> {
    let n = values.len();
    let (mut sums, mut squares) = (vec![0.0; n + 1], vec![0.0; n + 1]);
    for (index, value) in values.iter().enumerate() {
        sums[index + 1] = sums[index] + value;
        squares[index + 1] = squares[index] + value * value;
    }
    let cost = |from: usize, to: usize| {
        let sum = sums[to] - sums[from];
        squares[to] - squares[from] - sum * sum / (to - from) as f64
    };
    let mut best = vec![f64::INFINITY; n + 1];
    let mut last = vec![0; n + 1];
    best[0] = -price;
    let mut candidates = Vec::new();
    for end in SHORTEST..=n {
        candidates.push(end - SHORTEST);
        let total = |from: usize| best[from] + cost(from, end) + price;
        let chosen = candidates.iter().map(|from| (*from, total(*from)));
        let Some((from, least)) = chosen.min_by(|a, b| a.1.total_cmp(&b.1)) else { continue };
        // PELT's pruning: what cannot win now never wins later.
        candidates.retain(|from| best[*from] + cost(*from, end) <= least);
        (best[end], last[end]) = (least, from);
    }
    let mut bounds = vec![n];
    let mut end = n;
    while end > 0 {
        end = last[end];
        bounds.push(end);
    }
    bounds.reverse();
    bounds
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values that go up and down a little around a level.
    fn around(level: f64, runs: usize) -> Vec<f64> {
        let wave = [0.01, -0.015, 0.0, 0.02, -0.01, 0.005, -0.02];
        (0..runs).map(|run| level * (1.0 + wave[run % wave.len()])).collect()
    }

    #[test]
    fn a_lasting_change_is_found_where_it_began() {
        let values = [around(100.0, 20), around(120.0, 20), around(90.0, 12)].concat();
        let found = change_points(&values);
        assert_eq!(found.iter().map(|change| change.at).collect::<Vec<_>>(), [20, 40]);
        assert!((found[0].effect() - 0.2).abs() < 0.03, "{found:?}");
    }

    #[test]
    fn one_noisy_run_or_two_are_no_change() {
        let mut values = around(100.0, 30);
        (values[12], values[21], values[22]) = (300.0, 170.0, 160.0);
        assert_eq!(change_points(&values), []);
    }

    #[test]
    fn few_or_equal_or_missing_values_say_nothing() {
        assert_eq!(change_points(&[]), []);
        assert_eq!(change_points(&around(5.0, FEWEST_RUNS - 1)), []);
        assert_eq!(change_points(&[7.0; 40]), []);
        assert_eq!(change_points(&[f64::NAN; 40]), []);
        let mut values = around(100.0, 30);
        (values[0], values[9]) = (0.0, f64::INFINITY);
        assert_eq!(change_points(&values), []);
    }

    #[test]
    fn a_drift_below_three_percent_is_not_reported() {
        assert_eq!(change_points(&[vec![100.0; 30], vec![102.0; 30]].concat()), []);
    }
}
