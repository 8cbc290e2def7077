//! Tests of the error rates of the rule, by simulation with fixed seeds.

use super::*;
use crate::rng::{Domain, Rng};

/// Noise of a pair with the measured form: two modes, heavy tails, symmetric.
fn noise(rng: &mut Rng, spread: f64) -> f64 {
    let half = (rng.unit() + rng.unit() + rng.unit() - 1.5) * spread * 1.6;
    if rng.unit() < 0.1 { half * 5.0 } else { half }
}

struct Ran {
    decisions: Vec<Decision>,
    pairs: usize,
}

/// A run of ten tasks; the first is slower by a factor.
fn run(index: u64, spread: f64, factor: f64) -> Ran {
    let mut rng = Rng::stream(41, Domain::Values, index);
    let mut judge = Judge::new(10, POLICY);
    let mut pairs = 0;
    while let Some(task) = judge.next(&mut rng) {
        let truth = if task == 0 { factor } else { 1.0 };
        judge.add(task, truth.ln() + noise(&mut rng, spread));
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
    // All ten tasks are truly 5 % slower, the worst case of "not more than 5 % slower".
    let alarms = (0..1_000).filter(|index| {
        let mut rng = Rng::stream(43, Domain::Values, *index);
        let mut judge = Judge::new(10, POLICY);
        for _ in 0..300 {
            let Some(task) = judge.next(&mut rng) else { break };
            judge.add(task, 1.05_f64.ln() + noise(&mut rng, 0.1));
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
fn a_task_that_is_a_fifth_faster_is_shown_and_equal_ones_are_not() {
    let (mut found, mut wrong) = (0, 0);
    for index in 0..300 {
        let ran = run(index, 0.1, 0.8);
        found += usize::from(ran.decisions[0] == Decision::Faster);
        wrong += usize::from(ran.decisions[1..].contains(&Decision::Faster));
        assert!(!ran.decisions.contains(&Decision::Slower), "{index}");
    }
    assert!(found >= 297, "{found}");
    assert_eq!(wrong, 0);
}

#[test]
fn at_the_mirrored_margin_the_error_of_faster_is_within_its_bound() {
    // All ten tasks are truly faster by the margin, the worst case of "not faster".
    let alarms = (0..1_000).filter(|index| {
        let mut rng = Rng::stream(53, Domain::Values, *index);
        let mut judge = Judge::new(10, POLICY);
        for _ in 0..1_000 {
            let Some(task) = judge.next(&mut rng) else { break };
            judge.add(task, POLICY.faster_margin().ln() + noise(&mut rng, 0.1));
        }
        (0..10).any(|task| judge.decision(task) == Decision::Faster)
    });
    let count = alarms.count();
    assert!(count <= 20, "{count}");
}

#[test]
fn looking_for_faster_tasks_costs_equal_ones_few_pairs() {
    let pairs = |rule: ComparisonPolicy| -> usize {
        let one = |index| {
            let mut rng = Rng::stream(59, Domain::Values, index);
            let mut judge = Judge::new(10, rule);
            let mut pairs = 0;
            while let Some(task) = judge.next(&mut rng) {
                judge.add(task, noise(&mut rng, 0.1));
                pairs += 1;
            }
            pairs
        };
        (0..100).map(one).sum()
    };
    let (with, without) = (pairs(POLICY), pairs(ComparisonPolicy { most_for_faster: 0, ..POLICY }));
    assert!(with >= without && with < without * 6 / 5, "{with} {without}");
}

#[test]
fn what_was_found_slower_or_not_is_not_taken_back() {
    let mut judge = Judge::new(1, POLICY);
    (0..40).for_each(|_| judge.add(0, -0.03));
    assert_eq!(judge.decision(0), Decision::NotSlower);
    let by = judge.decided_by(0);
    (0..80).for_each(|_| judge.add(0, 0.5));
    assert_eq!((judge.decision(0), judge.decided_by(0)), (Decision::NotSlower, by));
}

#[test]
fn an_end_that_was_not_found_is_open_and_a_bound_is_the_one_that_decided() {
    let task = |ratio: f64, pairs: usize| {
        let xs = vec![ratio.ln(); pairs];
        let mut judge = Judge::new(1, POLICY);
        xs.iter().for_each(|x| judge.add(0, *x));
        TaskComparison { effect: effect(&xs), ..TaskComparison::new("list", 0, &judge, &[]) }.line()
    };
    let far = task(14.24, 30);
    assert!(
        far.starts_with("list is slower by +1324.0 % (95 %: +300.0 % or more, 30 pairs)"),
        "{far}"
    );
    let near = task(0.1, 30);
    assert!(
        near.starts_with("list is faster by -90.0 % (95 %: -75.0 % or less, 30 pairs)"),
        "{near}"
    );
    let cleared = task(1.02, 12);
    assert!(cleared.starts_with("list is not slower: at most +"), "{cleared}");
    let bound: f64 =
        cleared.split(" at most +").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
    assert!(bound <= 10.0, "{cleared}");
}

#[test]
fn nothing_is_decided_before_the_fewest_pairs() {
    let mut judge = Judge::new(1, POLICY);
    for pair in 1..=20 {
        judge.add(0, 2.0_f64.ln());
        let expected =
            if pair < POLICY.fewest_pairs { Decision::Undecided } else { Decision::Slower };
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
    assert!(found.low > POLICY.slower_margin && found.high > 1.3 && found.low < 1.36, "{found:?}");
}

#[test]
fn the_next_pair_goes_to_the_undecided_task_with_the_fewest() {
    let mut judge = Judge::new(3, POLICY);
    let mut rng = Rng::stream(1, Domain::Values, 0);
    let mut first: Vec<usize> = (0..3).filter_map(|_| judge.next(&mut rng)).collect();
    first.sort_unstable();
    assert_eq!(first, [0, 1, 2]);
    (0..20).for_each(|_| judge.add(1, 0.0));
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
    let mut judge = Judge::new(1, POLICY);
    judge.add(0, f64::NAN);
    judge.add(0, f64::INFINITY);
    judge.add(7, 0.1);
    assert_eq!(judge.ratios(0), &[] as &[f64]);
    let sides = |base, candidate| Sides { base, candidate };
    let ms = |ms| Some(std::time::Duration::from_millis(ms));
    assert_eq!(sides(ms(0), ms(1)).ln_ratio(), None);
    assert_eq!(sides(None, ms(1)).ln_ratio(), None);
    assert!((sides(ms(10), ms(20)).ln_ratio().unwrap() - 2.0_f64.ln()).abs() < 1e-12);
}

#[test]
fn a_task_is_told_with_its_tails_and_failures() {
    let ms = |ms| Some(std::time::Duration::from_millis(ms));
    let pair = |base, candidate| Pair {
        task: 0,
        at: std::time::Duration::ZERO,
        first: Side::Base,
        latency: Sides { base, candidate },
        cpu: Sides { base: ms(4), candidate: ms(5) },
    };
    let mut pairs = vec![pair(ms(10), ms(11)); 18];
    pairs.extend([pair(ms(10), ms(90)), pair(ms(10), None)]);
    let mut judge = Judge::new(1, POLICY);
    pairs.iter().filter_map(|pair| pair.latency.ln_ratio()).for_each(|x| judge.add(0, x));
    let task = TaskComparison::new("list", 0, &judge, &pairs);
    assert_eq!((task.pairs, task.failures.candidate, task.failures.base), (20, 1, 0));
    assert_eq!(task.rise, ErrorRise { candidate: 1, base: 0 });
    assert_eq!(task.tail, ErrorRise { candidate: 1, base: 0 });
    assert_eq!(task.p50_ms, Sides { base: Some(10.0), candidate: Some(11.0) });
    assert!((task.cpu.unwrap().median - 1.25).abs() < 1e-9);
    assert!((task.effect.unwrap().median - 1.1).abs() < 1e-9);
    let comparison = Comparison { tasks: vec![task], ..Comparison::default() };
    assert_eq!(comparison.rise(), None);
}
