//! The comparison of base and candidate, as `perf_results.json` has it.

use portcullis_core::pairs::{
    Comparison, Decision, Effect, ErrorRise, Pair, Sides, TaskComparison,
};
use serde::Serialize;

/// The field `against` of the results.
#[derive(Debug, Serialize)]
pub struct WireAgainst<'a> {
    asked: &'a str,
    commit: &'a str,
    sentence: String,
    took_s: f64,
    limit_s: f64,
    /// Null if both servers were on one processor.
    unplaced: Option<&'a str>,
    overrides: &'a [String],
    tasks: Vec<WireTask<'a>>,
    /// All tasks of the scenario.
    names: &'a [String],
    /// Task, seconds after the first pair, who was asked first, milliseconds of
    /// base and candidate (null: failed), and what their servers computed for it.
    pairs: Vec<WirePair<'a>>,
}

/// A pair: a list, since there are many.
type WirePair<'a> =
    (&'a str, f64, &'static str, Option<f64>, Option<f64>, Option<f64>, Option<f64>);

#[derive(Debug, Serialize)]
struct WireTask<'a> {
    name: &'a str,
    decision: &'static str,
    decided_after_s: Option<f64>,
    in_words: String,
    pairs: u64,
    latency: Option<WireEffect>,
    cpu: Option<WireEffect>,
    base_p50_ms: Option<f64>,
    candidate_p50_ms: Option<f64>,
    base_p95_ms: Option<f64>,
    candidate_p95_ms: Option<f64>,
    base_failures: u64,
    candidate_failures: u64,
    only_candidate_failed: u64,
    only_base_failed: u64,
    only_candidate_in_tail: u64,
    only_base_in_tail: u64,
}

#[derive(Debug, Serialize)]
struct WireEffect {
    pairs: usize,
    median_ratio: f64,
    mean_ratio: f64,
    low_ratio: f64,
    high_ratio: f64,
    at_most_ratio: f64,
}

impl<'a> WireAgainst<'a> {
    /// The comparison in the file's own words.
    pub fn new(comparison: &'a Comparison) -> Self {
        Self {
            asked: &comparison.asked,
            commit: &comparison.commit,
            sentence: comparison.sentence(),
            took_s: comparison.took.as_secs_f64(),
            limit_s: comparison.limit.as_secs_f64(),
            unplaced: comparison.unplaced.as_deref(),
            overrides: &comparison.overrides,
            tasks: comparison.tasks.iter().map(task).collect(),
            names: &comparison.names,
            pairs: comparison.pairs.iter().map(|one| pair(one, &comparison.names)).collect(),
        }
    }
}

fn task(task: &TaskComparison) -> WireTask<'_> {
    let Sides { base: base_p50_ms, candidate: candidate_p50_ms } = task.p50_ms;
    let Sides { base: base_p95_ms, candidate: candidate_p95_ms } = task.p95_ms;
    let ErrorRise { candidate: only_candidate_failed, base: only_base_failed } = task.rise;
    let ErrorRise { candidate: only_candidate_in_tail, base: only_base_in_tail } = task.tail;
    WireTask {
        name: &task.name,
        decision: match task.decision {
            Decision::Slower => "slower",
            Decision::NotSlower => "not slower",
            Decision::Undecided => "undecided",
        },
        decided_after_s: task.decided_after.map(|after| after.as_secs_f64()),
        in_words: task.line(),
        pairs: task.pairs,
        latency: task.effect.as_ref().map(effect),
        cpu: task.cpu.as_ref().map(effect),
        base_p50_ms,
        candidate_p50_ms,
        base_p95_ms,
        candidate_p95_ms,
        base_failures: task.failures.base,
        candidate_failures: task.failures.candidate,
        only_candidate_failed,
        only_base_failed,
        only_candidate_in_tail,
        only_base_in_tail,
    }
}

fn pair<'a>(pair: &Pair, names: &'a [String]) -> WirePair<'a> {
    // To the nanosecond, so that whoever reads it can judge anew.
    let ms = |span: Option<std::time::Duration>| span.map(|span| span.as_nanos() as f64 / 1e6);
    (
        names.get(pair.task).map_or("", String::as_str),
        pair.at.as_secs_f64(),
        pair.first.name(),
        ms(pair.latency.base),
        ms(pair.latency.candidate),
        ms(pair.cpu.base),
        ms(pair.cpu.candidate),
    )
}

fn effect(effect: &Effect) -> WireEffect {
    WireEffect {
        pairs: effect.pairs,
        median_ratio: effect.median,
        mean_ratio: effect.mean,
        low_ratio: effect.low,
        high_ratio: effect.high,
        at_most_ratio: effect.at_most,
    }
}
