//! How often change points are found where there are none, and how often a change of a
//! tenth is found: counted on simulated histories with fixed seeds. The figures are in
//! `docs/reference/history.md`.

use super::change_points;
use crate::rng::{Domain, Rng};

/// Runs of a history.
const RUNS: usize = 60;
const HISTORIES: u64 = 200;

/// A normal deviate (Box and Muller 1958).
fn normal(rng: &mut Rng) -> f64 {
    let radius = (-2.0 * (1.0 - rng.unit()).ln()).sqrt();
    radius * (std::f64::consts::TAU * rng.unit()).cos()
}

/// The p95 of a task over weeks: 4 % of noise from run to run, one run in twenty on a busy
/// machine (up to half more), and a level that changes by `effect` at a run.
fn history(seed: u64, effect: f64, at: usize) -> Vec<f64> {
    let mut rng = Rng::stream(seed, Domain::Pairs, 0);
    let run = |index: usize| {
        let level = if index >= at { 1.0 + effect } else { 1.0 };
        let noise = (0.04 * normal(&mut rng)).exp();
        let busy = if rng.unit() < 0.05 { 1.0 + 0.5 * rng.unit() } else { 1.0 };
        100.0 * level * noise * busy
    };
    (0..RUNS).map(run).collect()
}

#[test]
fn false_alarms_and_detections_are_counted() {
    let is_alarmed = |seed: &u64| !change_points(&history(20_000 + seed, 0.0, 0)).is_empty();
    let alarms = (0..HISTORIES).filter(is_alarmed).count();
    let mut found = 0;
    for seed in 0..HISTORIES {
        let at = 15 + (seed as usize * 7) % 30;
        let near = |index: usize| index.abs_diff(at) <= 5;
        let changes = change_points(&history(30_000 + seed, 0.1, at));
        found += usize::from(changes.iter().any(|change| near(change.at)));
    }
    // Of 200 each; the seeds are fixed.
    assert!(alarms <= 4, "{alarms} of {HISTORIES} histories without a change have an alarm");
    assert!(found >= 190, "{found} of {HISTORIES} changes of a tenth were found");
}

#[test]
fn three_planted_changes_are_found() {
    let mut complete = 0;
    for seed in 0..50 {
        let mut values = history(5_000 + seed, 0.15, 15);
        for (index, value) in values.iter_mut().enumerate() {
            if index >= 30 {
                *value *= 0.85;
            }
            if index >= 45 {
                *value *= 1.2;
            }
        }
        let found = change_points(&values);
        let is_found = |at: usize| found.iter().any(|change| change.at.abs_diff(at) <= 3);
        complete += usize::from(found.len() == 3 && [15, 30, 45].into_iter().all(is_found));
    }
    assert!(complete >= 45, "all three were found in {complete} of 50 histories");
}
