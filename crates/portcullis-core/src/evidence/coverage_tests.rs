//! Tests of the claimed errors and coverage of intervals, by simulation with fixed seeds.

use super::family::holm;
use super::share::Counts;
use super::*;
use crate::measure::Distribution;
use crate::rng::{Domain, Rng};
use crate::threshold::Percentile;

const RUNS: u64 = 10_000;

/// Three standard errors above a share, for `RUNS` runs.
fn at_most(share: f64) -> f64 {
    share + 3.0 * (share * (1.0 - share) / RUNS as f64).sqrt()
}

fn draw(rng: &mut Rng, counts: Counts, q: f64) -> Counts {
    Counts { all: counts.all + 1, hits: counts.hits + u64::from(rng.unit() < q) }
}

/// The share of runs in which `fails` holds at any of `looks` requests.
fn ever(q: f64, looks: u64, fails: impl Fn(Counts) -> bool) -> f64 {
    let run = |index| {
        let mut rng = Rng::stream(17, Domain::Values, index);
        let mut counts = Counts::default();
        (0..looks).any(|_| {
            counts = draw(&mut rng, counts, q);
            fails(counts)
        })
    };
    (0..RUNS).filter(|index| run(*index)).count() as f64 / RUNS as f64
}

#[test]
fn looking_after_every_request_does_not_raise_the_error_of_violated() {
    for q in [0.01, 0.05, 0.5] {
        let limit = -ALPHA_VIOLATED.ln();
        let share = ever(q, 200, |counts| counts.ln_evidence_above(q, 1.0) >= limit);
        assert!(share <= at_most(ALPHA_VIOLATED), "{q}: {share}");
    }
}

#[test]
fn looking_after_every_request_does_not_raise_the_error_of_proven() {
    for q in [0.01, 0.05, 0.5] {
        let limit = -ALPHA_PROVEN.ln();
        let share = ever(q, 400, |counts| counts.ln_evidence_below(q, 1.0) >= limit);
        assert!(share <= at_most(ALPHA_PROVEN), "{q}: {share}");
    }
}

#[test]
fn the_interval_of_a_share_covers_it_at_every_look_at_once() {
    for q in [0.005, 0.05, 0.3] {
        // The interval is computed only at every twentieth request, to save time.
        let is_left_out = |counts: Counts| {
            let interval = counts.interval(ALPHA_SHOWN, 1.0);
            q < interval.low || q > interval.high
        };
        let looks = |counts: Counts| counts.all.is_multiple_of(20) && is_left_out(counts);
        let share = ever(q, 200, looks);
        assert!(share <= at_most(ALPHA_SHOWN), "{q}: {share}");
    }
}

#[test]
fn the_interval_of_a_percentile_covers_it() {
    // Exponential latencies; the p-th percentile of the distribution is -ln(1 - p).
    for (percentile, count) in
        [(Percentile::P50, 60), (Percentile::P95, 70), (Percentile::P95, 400)]
    {
        let truth_ms = -(1.0 - f64::from(percentile.0) / 100_000.0).ln() * 100.0;
        let missed = |index| {
            let mut rng = Rng::stream(5, Domain::Values, index);
            let mut us: Vec<u64> =
                (0..count).map(|_| (-(1.0 - rng.unit()).ln() * 1e5) as u64 + 1).collect();
            us.sort_unstable();
            let latencies = Distribution {
                count: us.len() as u64,
                max_ns: u64::MAX,
                buckets: us.iter().map(|us| (*us, 1)).collect(),
                ..Distribution::default()
            };
            let found = latency_interval(&latencies, percentile, ALPHA_SHOWN, 1.0);
            found.low_ms.is_some_and(|low| truth_ms < low)
                || found.high_ms.is_some_and(|high| truth_ms > high)
        };
        let runs = 2_000;
        let share = (0..runs).filter(|index| missed(*index)).count() as f64 / runs as f64;
        assert!(share <= 0.05, "{percentile} of {count}: {share}");
    }
}

/// The clustered model of the documentation: ten requests share a second, and each second
/// has its own share. One second in ten is bad and has nine times the share of the others.
fn clustered_second(rng: &mut Rng, mean: f64) -> Counts {
    let bad = rng.unit() < 0.1;
    let share = if bad { mean * 5.0 } else { mean * 5.0 / 9.0 };
    (0..10).fold(Counts::default(), |counts, _| draw(rng, counts, share))
}

#[test]
fn the_block_factor_restores_the_coverage_that_clusters_take_away() {
    let mean = 0.1;
    let (mut plain, mut restored) = (0, 0);
    let runs = 2_000;
    for index in 0..runs {
        let mut rng = Rng::stream(3, Domain::Values, index);
        let seconds: Vec<(u32, Counts)> =
            (0..120).map(|second| (second, clustered_second(&mut rng, mean))).collect();
        let total = seconds.iter().fold(Counts::default(), |sum, (_, c)| Counts {
            all: sum.all + c.all,
            hits: sum.hits + c.hits,
        });
        let factor = blocks::factor(&seconds);
        let misses = |interval: Interval| u64::from(mean < interval.low || mean > interval.high);
        plain += misses(total.interval(ALPHA_SHOWN, 1.0));
        restored += misses(total.interval(ALPHA_SHOWN, factor));
    }
    let share = |missed: u64| missed as f64 / runs as f64;
    assert!(share(restored) <= 0.05, "{}", share(restored));
    assert!(share(plain) > 2.0 * share(restored), "{} {}", share(plain), share(restored));
}

#[test]
fn what_is_detectable_is_detected_19_times_in_20() {
    for (all, allowed) in [(2, 0.05), (70, 0.05), (300, 0.01)] {
        let counts = Counts { all, hits: 0 };
        let q = counts.detectable(allowed).unwrap();
        let caught = |index| {
            let mut rng = Rng::stream(23, Domain::Values, index);
            let found = (0..all).fold(Counts::default(), |c, _| draw(&mut rng, c, q));
            found.hits as f64 > allowed * all as f64
        };
        let share = (0..RUNS).filter(|index| caught(*index)).count() as f64 / RUNS as f64;
        assert!((share - 0.95).abs() < 0.01, "{all}, {allowed}: {share}");
    }
    let two = Counts { all: 2, hits: 0 }.detectable(0.05).unwrap();
    assert!((two - 0.7764).abs() < 0.001, "{two}");
}

#[test]
fn three_slow_answers_of_three_are_sure_among_fourteen_rules_and_two_are_not() {
    let of = |hits| Counts { all: hits, hits }.ln_evidence_above(0.05, 1.0);
    let family = |hits| {
        let mut all = vec![f64::NEG_INFINITY; 13];
        all.push(of(hits));
        holm(&all, ALPHA_VIOLATED)[13]
    };
    assert!(!family(2) && family(3));
}

#[test]
fn more_hits_never_make_a_violation_less_sure() {
    for all in [1, 5, 70, 1_000] {
        for hits in 0..all {
            let [fewer, more] = [hits, hits + 1].map(|hits| Counts { all, hits });
            let above = |counts: Counts| counts.ln_evidence_above(0.05, 1.0);
            let below = |counts: Counts| counts.ln_evidence_below(0.05, 1.0);
            assert!(above(more) >= above(fewer) - 1e-9, "{more:?}");
            assert!(below(more) <= below(fewer) + 1e-9, "{more:?}");
        }
    }
}

#[test]
fn nothing_is_known_without_requests() {
    let none = Counts::default();
    assert_eq!(none.interval(ALPHA_SHOWN, 1.0), Interval { low: 0.0, high: 1.0 });
    assert_eq!(none.detectable(0.05), None);
    assert!(none.ln_evidence_above(0.05, 1.0) <= 1e-9);
    assert!(none.ln_evidence_below(0.05, 1.0) <= 1e-9);
}
