//! All pairs → what is told of each task: the decision, and beside it sizes with
//! intervals, tails, failures, and what the servers computed.

use std::time::Duration;

use super::effect::{Effect, ErrorRise, effect, error_rise};
use super::judge::{Decision, Judge};
use super::pair::{Pair, Side, Sides};
use crate::threshold::Percentile;

/// Base and candidate, compared.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Comparison {
    /// What was asked for: a revision, `merge-base`.
    pub asked: String,
    /// The base's commit.
    pub commit: String,
    /// How long pairs were made.
    pub took: Duration,
    /// How long they could have been made.
    pub limit: Duration,
    /// Why both servers could not be placed on one processor, if so.
    pub unplaced: Option<String>,
    /// Settings that held for the pairs only, as `path = value`.
    pub overrides: Vec<String>,
    /// One for each task that is called at all.
    pub tasks: Vec<TaskComparison>,
    /// All pairs, in their order; `task` is the place in `names`.
    pub pairs: Vec<Pair>,
    /// The names of all tasks of the scenario.
    pub names: Vec<String>,
}

/// One task of base and candidate.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskComparison {
    /// Its name.
    pub name: String,
    /// Pairs that were made.
    pub pairs: u64,
    /// What they say.
    pub decision: Decision,
    /// When that was decided, after the first pair.
    pub decided_after: Option<Duration>,
    /// The size of the difference in latency.
    pub effect: Option<Effect>,
    /// The median latency of each, in milliseconds.
    pub p50_ms: Sides<Option<f64>>,
    /// The 95th percentile of each, in milliseconds.
    pub p95_ms: Sides<Option<f64>>,
    /// Pairs in which only one side was beyond the 90th percentile of both.
    pub tail: ErrorRise,
    /// The size of the difference in what the servers computed.
    pub cpu: Option<Effect>,
    /// Pairs in which only one side failed.
    pub rise: ErrorRise,
    /// Failed requests of each.
    pub failures: Sides<u64>,
}

/// The error of "fails more often", whichever way it is found.
const ALPHA_RISE: f64 = 0.01;

impl Comparison {
    /// Tasks with a decision.
    pub fn of(&self, decision: Decision) -> impl Iterator<Item = &TaskComparison> {
        self.tasks.iter().filter(move |task| task.decision == decision)
    }

    /// Tasks that were compared, and stayed undecided.
    pub fn unsettled(&self) -> impl Iterator<Item = &TaskComparison> {
        self.of(Decision::Undecided).filter(|task| task.effect.is_some())
    }

    /// Tasks that were not compared, where that is no fault of the base's alone: what
    /// it cannot do yet is not held against the candidate.
    pub fn unmeasured(&self) -> impl Iterator<Item = &TaskComparison> {
        let counts = |task: &&TaskComparison| {
            task.failures.base < task.pairs || task.failures.candidate == task.pairs
        };
        self.tasks.iter().filter(|task| task.effect.is_none()).filter(counts)
    }

    /// Whether not one task was compared, because the base answers none: that says
    /// nothing of the candidate.
    pub fn is_of_nothing(&self) -> bool {
        self.tasks.iter().all(TaskComparison::is_without_ratio)
            && self.unmeasured().next().is_none()
    }

    /// The first characters of the base's commit.
    pub fn short(&self) -> &str {
        self.commit.get(..10).unwrap_or(&self.commit)
    }

    /// Pairs in which only one side failed, if the candidate surely fails more
    /// often: in all tasks together, else in those in which it surely does by
    /// themselves. What only the base fails, such as an endpoint that is new, must
    /// not make up for another task. Each of the two has half of the error.
    pub fn rise(&self) -> Option<ErrorRise> {
        let sum = |tasks: &[&TaskComparison]| {
            tasks.iter().fold(ErrorRise::default(), |sum, task| ErrorRise {
                candidate: sum.candidate + task.rise.candidate,
                base: sum.base + task.rise.base,
            })
        };
        let is_sure = |rise, alpha: f64| error_rise(rise) >= -alpha.ln();
        let all: Vec<&TaskComparison> = self.tasks.iter().collect();
        if is_sure(sum(&all), ALPHA_RISE / 2.0) {
            return Some(sum(&all));
        }
        let alpha = ALPHA_RISE / 2.0 / all.len().max(1) as f64;
        let own: Vec<&TaskComparison> =
            all.into_iter().filter(|task| is_sure(task.rise, alpha)).collect();
        (!own.is_empty()).then(|| sum(&own))
    }
}

impl TaskComparison {
    /// The task from its pairs.
    pub fn new(name: &str, index: usize, judge: &Judge, pairs: &[Pair]) -> Self {
        let decided = judge.decision(index) != Decision::Undecided;
        let own: Vec<&Pair> = pairs.iter().filter(|pair| pair.task == index).collect();
        let failed = |side| own.iter().filter(|p| p.latency.of(side).is_none()).count() as u64;
        let cpu: Vec<f64> = own.iter().filter_map(|pair| pair.cpu.ln_ratio()).collect();
        let ms = Sides {
            base: latencies_ms(&own, Side::Base),
            candidate: latencies_ms(&own, Side::Candidate),
        };
        let both = |percentile: Percentile| Sides {
            base: percentile.of(&ms.base),
            candidate: percentile.of(&ms.candidate),
        };
        Self {
            name: name.to_owned(),
            pairs: own.len() as u64,
            decision: judge.decision(index),
            // A decided task is asked no more: its last pair decided it.
            decided_after: own.last().filter(|_| decided).map(|pair| pair.at),
            effect: effect(judge.ratios(index)),
            p50_ms: both(Percentile::P50),
            p95_ms: both(Percentile::P95),
            tail: tail(&own, &ms),
            cpu: effect(&cpu),
            rise: only_one(&own, |latency| latency.is_none()),
            failures: Sides { base: failed(Side::Base), candidate: failed(Side::Candidate) },
        }
    }

    /// Whether it could not be compared because one side or both never answered
    /// well.
    pub fn is_without_ratio(&self) -> bool {
        self.effect.is_none()
    }
}

/// The latencies of one side's good answers in milliseconds, ascending.
pub(super) fn latencies_ms(pairs: &[&Pair], side: Side) -> Vec<f64> {
    let mut all: Vec<f64> =
        pairs.iter().filter_map(|p| *p.latency.of(side)).map(|l| l.as_secs_f64() * 1e3).collect();
    all.sort_by(f64::total_cmp);
    all
}

fn only_one(pairs: &[&Pair], is_hit: impl Fn(&Option<Duration>) -> bool) -> ErrorRise {
    pairs.iter().fold(ErrorRise::default(), |mut rise, pair| {
        match (is_hit(&pair.latency.candidate), is_hit(&pair.latency.base)) {
            (true, false) => rise.candidate += 1,
            (false, true) => rise.base += 1,
            _ => {}
        }
        rise
    })
}

/// McNemar's table (1947) for "beyond the 90th percentile of both together".
fn tail(pairs: &[&Pair], ms: &Sides<Vec<f64>>) -> ErrorRise {
    let mut all = [ms.base.as_slice(), &ms.candidate].concat();
    all.sort_by(f64::total_cmp);
    let Some(limit) = Percentile::P90.of(&all) else { return ErrorRise::default() };
    only_one(pairs, |latency| latency.is_some_and(|latency| latency.as_secs_f64() * 1e3 > limit))
}
