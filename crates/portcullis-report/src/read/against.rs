//! The comparison of base and candidate, read back: what was decided stands, and
//! is not decided anew.

use std::borrow::Cow;
use std::time::Duration;

use portcullis_core::compare::{
    Comparison, Decision, Effect, ErrorRise, Pair, Side, Sides, TaskComparison,
};

use super::{ReadError, numbers};
use crate::wire;

/// A comparison; `at` is its place in the file.
///
/// # Errors
/// Figures that cannot be, with their place.
pub fn comparison(file: wire::Against, at: &str) -> Result<Comparison, ReadError> {
    let place = |name: &str, index: usize| format!("{at}.{name}[{index}]");
    let tasks = file.tasks.into_iter().enumerate();
    let tasks = tasks.map(|(index, one)| task(one, &place("tasks", index)));
    let names: &[String] = &file.names;
    let pairs = file.pairs.into_iter().enumerate();
    let pairs = pairs.map(|(index, one)| pair(one, names, &place("pairs", index)));
    Ok(Comparison {
        asked: file.asked.into_owned(),
        commit: file.commit.into_owned(),
        took: seconds(file.took_s, at)?,
        limit: seconds(file.limit_s, at)?,
        unplaced: file.unplaced.map(Cow::into_owned),
        overrides: file.overrides.into_owned(),
        tasks: tasks.collect::<Result<_, _>>()?,
        pairs: pairs.collect::<Result<_, _>>()?,
        names: file.names.into_owned(),
    })
}

fn wrong(at: &str, message: impl std::fmt::Display) -> ReadError {
    ReadError::Inconsistent(format!("{at}: {message}"))
}

fn seconds(seconds: f64, at: &str) -> Result<Duration, ReadError> {
    numbers::seconds(seconds).map_err(|error| wrong(at, error))
}

fn task(file: wire::AgainstTask, at: &str) -> Result<TaskComparison, ReadError> {
    let ms =
        |ms: Option<f64>| ms.map(numbers::latency_ms).transpose().map_err(|error| wrong(at, error));
    let rise = ErrorRise { candidate: file.only_candidate_failed, base: file.only_base_failed };
    let tail = ErrorRise { candidate: file.only_candidate_in_tail, base: file.only_base_in_tail };
    let failures = Sides { base: file.base_failures, candidate: file.candidate_failures };
    numbers::believed(file.pairs).map_err(|error| wrong(at, error))?;
    let counts =
        [failures.base, failures.candidate, rise.base, rise.candidate, tail.base, tail.candidate];
    if counts.iter().any(|count| *count > file.pairs) {
        return Err(wrong(at, "more of its pairs failed than there are"));
    }
    Ok(TaskComparison {
        decision: match file.decision.as_ref() {
            "slower" => Decision::Slower,
            "not slower" => Decision::NotSlower,
            "undecided" => Decision::Undecided,
            other => return Err(wrong(at, format!("\"{other}\" is no decision"))),
        },
        name: file.name.into_owned(),
        pairs: file.pairs,
        decided_after: file.decided_after_s.map(|after| seconds(after, at)).transpose()?,
        effect: file.latency.map(|one| effect(&one, at)).transpose()?,
        p50_ms: Sides { base: ms(file.base_p50_ms)?, candidate: ms(file.candidate_p50_ms)? },
        p95_ms: Sides { base: ms(file.base_p95_ms)?, candidate: ms(file.candidate_p95_ms)? },
        tail,
        cpu: file.cpu.map(|one| effect(&one, at)).transpose()?,
        rise,
        failures,
    })
}

fn effect(file: &wire::Effect, at: &str) -> Result<Effect, ReadError> {
    let ratio = |ratio: f64| match numbers::is_sound(ratio) {
        true => Ok(ratio),
        false => Err(wrong(at, format!("{ratio} is no ratio"))),
    };
    Ok(Effect {
        pairs: file.pairs,
        median: ratio(file.median_ratio)?,
        mean: ratio(file.mean_ratio)?,
        low: ratio(file.low_ratio)?,
        high: ratio(file.high_ratio)?,
        at_most: ratio(file.at_most_ratio)?,
    })
}

fn pair(file: wire::Pair<'_>, names: &[String], at: &str) -> Result<Pair, ReadError> {
    let (task, seconds_after, first, base, candidate, base_cpu, candidate_cpu) = file;
    let span = |ms: Option<f64>| {
        let ns = ms.map(numbers::latency_ns).transpose().map_err(|error| wrong(at, error))?;
        Ok::<_, ReadError>(ns.map(Duration::from_nanos))
    };
    let index = names.iter().position(|name| *name == task);
    Ok(Pair {
        task: index.ok_or_else(|| wrong(at, format!("no task is named \"{task}\"")))?,
        at: seconds(seconds_after, at)?,
        first: match first.as_ref() {
            "base" => Side::Base,
            "candidate" => Side::Candidate,
            other => return Err(wrong(at, format!("\"{other}\" is no side"))),
        },
        latency: Sides { base: span(base)?, candidate: span(candidate)? },
        cpu: Sides { base: span(base_cpu)?, candidate: span(candidate_cpu)? },
    })
}
