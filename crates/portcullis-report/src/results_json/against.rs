//! The comparison of base and candidate → what the results say of it.

use portcullis_core::compare::{
    Comparison, Decision, Effect, ErrorRise, Pair, Sides, TaskComparison,
};

use crate::wire::{self, Against, AgainstTask};

/// The comparison in the file's own words.
pub fn against(comparison: &Comparison) -> Against<'_> {
    Against {
        asked: (&comparison.asked).into(),
        commit: (&comparison.commit).into(),
        sentence: comparison.sentence().into(),
        took_s: comparison.took.as_secs_f64(),
        limit_s: comparison.limit.as_secs_f64(),
        unplaced: comparison.unplaced.as_deref().map(Into::into),
        overrides: (&comparison.overrides).into(),
        tasks: comparison.tasks.iter().map(task).collect(),
        names: (&comparison.names).into(),
        pairs: comparison.pairs.iter().map(|one| pair(one, &comparison.names)).collect(),
    }
}

fn task(task: &TaskComparison) -> AgainstTask<'_> {
    let Sides { base: base_p50_ms, candidate: candidate_p50_ms } = task.p50_ms;
    let Sides { base: base_p95_ms, candidate: candidate_p95_ms } = task.p95_ms;
    let ErrorRise { candidate: only_candidate_failed, base: only_base_failed } = task.rise;
    let ErrorRise { candidate: only_candidate_in_tail, base: only_base_in_tail } = task.tail;
    AgainstTask {
        name: (&task.name).into(),
        decision: match task.decision {
            Decision::Slower => "slower",
            Decision::NotSlower => "not slower",
            Decision::Undecided => "undecided",
        }
        .into(),
        decided_after_s: task.decided_after.map(|after| after.as_secs_f64()),
        in_words: task.line().into(),
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

fn pair<'a>(pair: &Pair, names: &'a [String]) -> wire::Pair<'a> {
    // To the nanosecond, so that whoever reads it can judge anew.
    let ms = |span: Option<std::time::Duration>| span.map(|span| span.as_nanos() as f64 / 1e6);
    (
        names.get(pair.task).map_or("", String::as_str).into(),
        pair.at.as_secs_f64(),
        pair.first.name().into(),
        ms(pair.latency.base),
        ms(pair.latency.candidate),
        ms(pair.cpu.base),
        ms(pair.cpu.candidate),
    )
}

fn effect(effect: &Effect) -> wire::Effect {
    wire::Effect {
        pairs: effect.pairs,
        median_ratio: effect.median,
        mean_ratio: effect.mean,
        low_ratio: effect.low,
        high_ratio: effect.high,
        at_most_ratio: effect.at_most,
    }
}
