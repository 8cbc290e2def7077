//! The rule's own error rates, by simulation with fixed seeds.

use super::*;
use crate::rng::{Domain, Rng};

/// Noise of a pair as it was measured: two modes, heavy tails, symmetric.
fn noise(rng: &mut Rng, spread: f64) -> f64 {
    let half = (rng.unit() + rng.unit() + rng.unit() - 1.5) * spread * 1.6;
    if rng.unit() < 0.1 { half * 5.0 } else { half }
}

struct Ran {
    decisions: Vec<Decision>,
    pairs: usize,
}

/// A run of ten tasks, of which the first is slower by a factor.
fn run(index: u64, spread: f64, factor: f64) -> Ran {
    let mut rng = Rng::stream(41, Domain::Values, index);
    let mut judge = Judge::new(10, RULE);
    let mut pairs = 0;
    while let Some(task) = judge.next(&mut rng) {
        let truth = if task == 0 { factor } else { 1.0 };
        judge.add(task, 0.02, 0.02 * truth * noise(&mut rng, spread).exp());
        pairs += 1;
        if pairs == 1_500 {
            break;
        }
    }
    Ran { decisions: (0..10).map(|task| judge.decision(task)).collect(), pairs }
}

#[test]
fn equal_versions_are_not_called_slower() {
    for spread in [0.1, 0.3] {
        let alarms = (0..1_000)
            .filter(|index| run(*index, spread, 1.0).decisions.contains(&Decision::Slower));
        assert!(alarms.count() <= 10, "{spread}");
    }
}

#[test]
fn at_the_margin_itself_the_error_is_within_its_bound() {
    // All ten tasks truly 5 % slower, the worst case of "not more than 5 %".
    let alarms = (0..1_000).filter(|index| {
        let mut rng = Rng::stream(43, Domain::Values, *index);
        let mut judge = Judge::new(10, RULE);
        for _ in 0..300 {
            let Some(task) = judge.next(&mut rng) else { break };
            judge.add(task, 0.02, 0.02 * 1.05 * noise(&mut rng, 0.1).exp());
        }
        judge.any_slower()
    });
    let count = alarms.count();
    assert!(count <= 20, "{count}");
}

#[test]
fn a_task_that_is_a_fifth_slower_is_found_and_no_other() {
    let mut found = 0;
    for index in 0..300 {
        let ran = run(index, 0.1, 1.2);
        found += usize::from(ran.decisions[0] == Decision::Slower);
        assert!(!ran.decisions[1..].contains(&Decision::Slower), "{index}");
        assert!(ran.pairs < 1_000, "{index}: {}", ran.pairs);
    }
    assert!(found >= 297, "{found}");
}

#[test]
fn a_task_that_is_a_tenth_slower_is_hardly_ever_cleared() {
    let cleared =
        (0..1_000).filter(|index| run(*index, 0.1, 1.10).decisions[0] == Decision::NotSlower);
    let count = cleared.count();
    assert!(count <= 70, "{count}");
}

#[test]
fn nothing_is_decided_before_the_fewest_pairs() {
    let mut judge = Judge::new(1, RULE);
    for pair in 1..=20 {
        judge.add(0, 0.01, 0.02);
        let expected =
            if pair < RULE.fewest_pairs { Decision::Undecided } else { Decision::Slower };
        assert_eq!(judge.decision(0), expected, "{pair}");
    }
}

#[test]
fn the_interval_covers_the_truth_and_is_where_the_decision_is() {
    let missed = (0..500).filter(|index| {
        let mut rng = Rng::stream(47, Domain::Values, *index);
        let xs: Vec<f64> = (0..60).map(|_| 0.1 + noise(&mut rng, 0.1)).collect();
        let (low, high) = interval(&xs, 0.025);
        let truth = 0.1_f64.exp();
        truth < low || truth > high
    });
    assert!(missed.count() <= 25);
    let slow = vec![0.3; 30];
    let found = effect(&slow).unwrap();
    assert!(found.low > RULE.slower_margin && found.high > 1.3 && found.low < 1.36, "{found:?}");
}

#[test]
fn the_next_pair_goes_to_the_undecided_task_with_the_fewest() {
    let mut judge = Judge::new(3, RULE);
    let mut rng = Rng::stream(1, Domain::Values, 0);
    let mut first: Vec<usize> = (0..3).filter_map(|_| judge.next(&mut rng)).collect();
    first.sort_unstable();
    assert_eq!(first, [0, 1, 2]);
    (0..20).for_each(|_| judge.add(1, 0.01, 0.01));
    assert_eq!(judge.decision(1), Decision::NotSlower);
    judge.give_up(2);
    assert!((0..5).all(|_| judge.next(&mut rng) == Some(0)));
}

#[test]
fn a_rise_of_failures_is_a_coin_that_falls_on_one_side() {
    let rise = |candidate, base| error_rise(ErrorRise { candidate, base });
    assert!(rise(10, 0) > 100.0_f64.ln());
    assert!(rise(3, 3) < 0.1 && rise(0, 10) < 0.0 && rise(0, 0) <= 1e-9);
}

#[test]
fn pairs_without_a_ratio_are_left_out() {
    let mut judge = Judge::new(1, RULE);
    judge.add(0, 0.0, 0.01);
    judge.add(0, 0.01, 0.0);
    judge.add(7, 0.01, 0.01);
    assert_eq!(judge.ratios(0), &[] as &[f64]);
}
