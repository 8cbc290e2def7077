//! Other rules on the same recorded pairs: whether they would have given a false alarm.

use super::live::{Compared, Task};
use crate::bench::statistics::percentile;

/// The plain rule: the candidate's p95 is more than 20 % above the base's, for
/// any task.
pub fn p95_rule(compared: &Compared) -> bool {
    compared.tasks.iter().any(|task| {
        let (base, candidate) = sides(task);
        // Without values both are NaN, and the comparison is false.
        p95(candidate) > p95(base) * 1.2
    })
}

/// One-sided Mann-Whitney (1947) by its normal approximation, 5 % for each task,
/// as k11 and sitespeed.io use it.
pub fn mann_whitney(compared: &Compared) -> bool {
    compared.tasks.iter().any(|task| {
        let (base, candidate) = sides(task);
        let (n, m) = (base.len() as f64, candidate.len() as f64);
        if n < 3.0 {
            return false;
        }
        let above = candidate.iter().flat_map(|c| base.iter().map(move |b| (c, b)));
        let u: f64 = above
            .map(|(c, b)| {
                if c > b {
                    1.0
                } else if c == b {
                    0.5
                } else {
                    0.0
                }
            })
            .sum();
        let sd = (n * m * (n + m + 1.0) / 12.0).sqrt();
        (u - n * m / 2.0) / sd > 1.645
    })
}

/// perfgate's paired rule: the mean difference minus two standard errors is
/// above zero, for any task.
pub fn paired_mean(compared: &Compared) -> bool {
    compared.tasks.iter().any(|task| {
        let differences: Vec<f64> = task.latencies_ms.iter().map(|(b, c)| c - b).collect();
        let n = differences.len() as f64;
        if n < 3.0 {
            return false;
        }
        let mean = differences.iter().sum::<f64>() / n;
        let variance = differences.iter().map(|d| (d - mean).powi(2)).sum::<f64>() / (n - 1.0);
        mean - 2.0 * (variance / n).sqrt() > 0.0
    })
}

fn sides(task: &Task) -> (Vec<f64>, Vec<f64>) {
    task.latencies_ms.iter().copied().unzip()
}

fn p95(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    percentile(&values, 0.95)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compared(pairs: &[(f64, f64)]) -> Compared {
        let task = Task {
            name: "a".to_owned(),
            decision: "undecided".to_owned(),
            decided_after_s: None,
            median_ratio: None,
            latencies_ms: pairs.to_vec(),
        };
        let (date, machine) = (String::new(), String::new());
        Compared { date, machine, tasks: vec![task], pairs: pairs.len(), took_s: 1.0 }
    }

    #[test]
    fn each_rule_sees_what_is_twice_as_slow_and_not_what_is_equal() {
        let equal: Vec<(f64, f64)> =
            (0..20).map(|i| (10.0 + f64::from(i % 5), 10.0 + f64::from((i + 2) % 5))).collect();
        let slow: Vec<(f64, f64)> =
            equal.iter().map(|(base, candidate)| (*base, candidate * 2.0)).collect();
        for rule in [p95_rule, mann_whitney, paired_mean] {
            assert!(!rule(&compared(&equal)) && rule(&compared(&slow)));
        }
    }
}
