//! The comparison of base and candidate. What is read was decided, and is not decided
//! again.

use std::borrow::Cow;

use portcullis_core::compare;
use portcullis_core::compare::{Comparison, Decision, ErrorRise, Side, Sides, TaskComparison};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Text;
use super::threshold::Threshold;
use crate::results::wire::{Count, Latency, Milliseconds, Ratio, Seconds, Wire, fields, read_each};
use crate::results::word::{Word, Words};
use crate::results::{At, Contradiction, ensure, known};

/// Comparison of the base and the candidate by the same requests.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Against<'a> {
    /// The revision as given on the command line.
    pub asked: Text<'a>,
    pub commit: Text<'a>,
    #[serde(default)]
    pub sentence: Text<'a>,
    pub took_s: Seconds,
    pub limit_s: Seconds,
    /// Why the two servers did not share one CPU; null if they did.
    pub unplaced: Option<Text<'a>>,
    pub overrides: Cow<'a, [String]>,
    pub tasks: Vec<AgainstTask<'a>>,
    /// All tasks of the scenario.
    pub names: Cow<'a, [String]>,
    /// Task, seconds since the first pair, version asked first, latency of base and candidate
    /// in milliseconds (null: failed), and CPU time of both servers for it.
    pub pairs: Vec<Pair<'a>>,
    /// After a violation under load: what the same load of the base showed, or why there was
    /// none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_load: Option<Text<'a>>,
    /// Results of the rules after the same load of the base.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub base_thresholds: Vec<Threshold<'a>>,
    /// Why the configuration of the base was not compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_gate: Option<Text<'a>>,
    /// Where the configuration is looser than that of the base.
    #[serde(default, skip_serializing_if = "is_empty")]
    pub loosened: Cow<'a, [String]>,
    /// Whether a looser configuration fails the run.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub strict_gate: bool,
}

fn is_empty(lines: &[String]) -> bool {
    lines.is_empty()
}

/// A pair, written as a list to save space.
pub type Pair<'a> = (Text<'a>, Seconds, Text<'a>, Span, Span, Span, Span);

/// Latency in milliseconds.
type Span = Option<Milliseconds>;

/// A compared task.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct AgainstTask<'a> {
    pub name: Text<'a>,
    pub decision: Word<Decision>,
    pub decided_after_s: Option<Seconds>,
    #[serde(default)]
    pub in_words: Text<'a>,
    pub pairs: Count,
    /// Ratio of the latencies; null if none could be computed.
    pub latency: Option<Effect>,
    pub cpu: Option<Effect>,
    pub base_p50_ms: Option<Latency>,
    pub candidate_p50_ms: Option<Latency>,
    pub base_p95_ms: Option<Latency>,
    pub candidate_p95_ms: Option<Latency>,
    pub base_failures: u64,
    pub candidate_failures: u64,
    pub only_candidate_failed: u64,
    pub only_base_failed: u64,
    /// Pairs in which only the request of the candidate was in the tail.
    pub only_candidate_in_tail: u64,
    pub only_base_in_tail: u64,
    /// Status of the base if it does not have what the task requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_lacks: Option<u16>,
}

/// Latency of the candidate divided by the latency of the base.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Effect {
    pub pairs: usize,
    pub median_ratio: Ratio,
    pub mean_ratio: Ratio,
    /// Lower end of the 95 % interval; `high_ratio` is the upper end.
    pub low_ratio: Ratio,
    pub high_ratio: Ratio,
    /// One-sided upper bound of the ratio, with an error of 5 %.
    pub at_most_ratio: Ratio,
}

impl<'a> Wire<'a, Comparison> for Against<'a> {
    fn of(comparison: &'a Comparison) -> Self {
        let names = &comparison.names;
        Self {
            asked: Wire::of(&comparison.asked),
            commit: Wire::of(&comparison.commit),
            sentence: comparison.sentence().into(),
            took_s: Wire::of(&comparison.took),
            limit_s: Wire::of(&comparison.limit),
            unplaced: Wire::of(&comparison.unplaced),
            overrides: Wire::of(&comparison.overrides),
            tasks: Wire::of(&comparison.tasks),
            names: Wire::of(names),
            pairs: comparison.pairs.iter().map(|one| pair(one, names)).collect(),
            base_load: Wire::of(&comparison.base_load),
            base_thresholds: Wire::of(&comparison.base_judged),
            base_gate: Wire::of(&comparison.base_gate),
            loosened: Wire::of(&comparison.loosened),
            strict_gate: comparison.is_gate_strict,
        }
    }

    fn read(self) -> Result<Comparison, Contradiction> {
        let names = self.names.into_owned();
        let pairs = self.pairs.into_iter().enumerate();
        let pairs = pairs.map(|(index, one)| read_pair(one, &names).at(&format!("pairs[{index}]")));
        Ok(Comparison {
            asked: self.asked.read()?,
            commit: self.commit.read()?,
            took: self.took_s.read()?,
            limit: self.limit_s.read()?,
            unplaced: self.unplaced.read()?,
            overrides: self.overrides.read()?,
            tasks: read_each(self.tasks, "tasks")?,
            pairs: pairs.collect::<Result<_, _>>()?,
            names,
            base_load: self.base_load.read()?,
            base_judged: read_each(self.base_thresholds, "base_thresholds")?,
            base_gate: self.base_gate.read()?,
            loosened: self.loosened.read()?,
            is_gate_strict: self.strict_gate,
        })
    }
}

impl<'a> Wire<'a, TaskComparison> for AgainstTask<'a> {
    fn of(task: &'a TaskComparison) -> Self {
        Self {
            name: Wire::of(&task.name),
            decision: Wire::of(&task.decision),
            decided_after_s: Wire::of(&task.decided_after),
            in_words: task.line().into(),
            pairs: Wire::of(&task.pairs),
            latency: Wire::of(&task.effect),
            cpu: Wire::of(&task.cpu),
            base_p50_ms: Wire::of(&task.p50_ms.base),
            candidate_p50_ms: Wire::of(&task.p50_ms.candidate),
            base_p95_ms: Wire::of(&task.p95_ms.base),
            candidate_p95_ms: Wire::of(&task.p95_ms.candidate),
            base_failures: task.failures.base,
            candidate_failures: task.failures.candidate,
            only_candidate_failed: task.rise.candidate,
            only_base_failed: task.rise.base,
            only_candidate_in_tail: task.tail.candidate,
            only_base_in_tail: task.tail.base,
            base_lacks: task.base_lacks,
        }
    }

    fn read(self) -> Result<TaskComparison, Contradiction> {
        let rise = ErrorRise { candidate: self.only_candidate_failed, base: self.only_base_failed };
        let tail =
            ErrorRise { candidate: self.only_candidate_in_tail, base: self.only_base_in_tail };
        let failures = Sides { base: self.base_failures, candidate: self.candidate_failures };
        let pairs = self.pairs.read()?;
        let counts = [
            failures.base,
            failures.candidate,
            rise.base,
            rise.candidate,
            tail.base,
            tail.candidate,
        ];
        ensure(counts.iter().all(|count| *count <= pairs), "more pairs failed than were sent")?;
        Ok(TaskComparison {
            decision: self.decision.read()?,
            name: self.name.read()?,
            pairs,
            decided_after: self.decided_after_s.read()?,
            effect: self.latency.read()?,
            p50_ms: sides(self.base_p50_ms, self.candidate_p50_ms)?,
            p95_ms: sides(self.base_p95_ms, self.candidate_p95_ms)?,
            tail,
            cpu: self.cpu.read()?,
            rise,
            failures,
            base_lacks: self.base_lacks,
        })
    }
}

fields!(Effect: compare::Effect {
    pairs;
    median_ratio = median,
    mean_ratio = mean,
    low_ratio = low,
    high_ratio = high,
    at_most_ratio = at_most
});

fn sides<'a, T, W: Wire<'a, T>>(base: W, candidate: W) -> Result<Sides<T>, Contradiction> {
    Ok(Sides { base: base.read()?, candidate: candidate.read()? })
}

fn pair<'a>(pair: &compare::Pair, names: &'a [String]) -> Pair<'a> {
    (
        names.get(pair.task).map_or("", String::as_str).into(),
        Wire::of(&pair.at),
        pair.first.name().into(),
        Wire::of(&pair.latency.base),
        Wire::of(&pair.latency.candidate),
        Wire::of(&pair.cpu.base),
        Wire::of(&pair.cpu.candidate),
    )
}

fn read_pair(file: Pair<'_>, names: &[String]) -> Result<compare::Pair, Contradiction> {
    let (task, at, first, base, candidate, base_cpu, candidate_cpu) = file;
    let index = names.iter().position(|name| *name == task);
    Ok(compare::Pair {
        task: known(index, format_args!("unknown task \"{task}\""))?,
        at: at.read()?,
        first: Side::known(&first)?,
        latency: sides(base, candidate)?,
        cpu: sides(base_cpu, candidate_cpu)?,
    })
}
