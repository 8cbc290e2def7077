//! From all pairs to the result of each task: the decision, and for information the size of
//! the difference with its interval, tails, failures, and CPU time of the servers.

use std::time::Duration;

use super::effect::{Effect, ErrorRise, effect, error_rise};
use super::judge::{Decision, Judge};
use super::pair::{Pair, Side, Sides};
use crate::judge::ThresholdResult;
use crate::threshold::Percentile;

/// The comparison of base and candidate.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Comparison {
    /// The revision that the user asked for, such as a commit or `merge-base`.
    pub asked: String,
    /// The commit of the base.
    pub commit: String,
    /// How long pairs were made.
    pub took: Duration,
    /// The maximum time for pairs.
    pub limit: Duration,
    /// Why the two servers could not be placed on one CPU, if so.
    pub unplaced: Option<String>,
    /// Settings that applied to the pairs only, as `path = value`.
    pub overrides: Vec<String>,
    /// The tasks with a weight above 0.
    pub tasks: Vec<TaskComparison>,
    /// All pairs in order; `task` is an index into `names`.
    pub pairs: Vec<Pair>,
    /// The names of all tasks of the scenario.
    pub names: Vec<String>,
    /// After a violation under load: what the same load of the base showed, in a sentence, or
    /// why there was none.
    pub base_load: Option<String>,
    /// The results of the rules after that load; empty without it.
    pub base_judged: Vec<ThresholdResult>,
    /// Why the configuration of the base could not be compared, if so.
    pub base_gate: Option<String>,
    /// Where the configuration is looser than that of the base, a line each.
    pub loosened: Vec<String>,
    /// Whether a looser configuration fails the run.
    pub is_gate_strict: bool,
}

/// The comparison of one task.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskComparison {
    /// Its name.
    pub name: String,
    /// The number of pairs.
    pub pairs: u64,
    /// The decision from the pairs.
    pub decision: Decision,
    /// The time of the decision, after the first pair.
    pub decided_after: Option<Duration>,
    /// The size of the difference in latency.
    pub effect: Option<Effect>,
    /// The median latency of each version, in milliseconds.
    pub p50_ms: Sides<Option<f64>>,
    /// The 95th percentile of each version, in milliseconds.
    pub p95_ms: Sides<Option<f64>>,
    /// Pairs in which only one version was beyond the 90th percentile of both together.
    pub tail: ErrorRise,
    /// The size of the difference in CPU time of the servers.
    pub cpu: Option<Effect>,
    /// Pairs in which only one version failed.
    pub rise: ErrorRise,
    /// Failed requests of each version.
    pub failures: Sides<u64>,
    /// The status of the base if it does not have what the task requests: 404, 405 or 410.
    pub base_lacks: Option<u16>,
}

/// The error of "fails more often", for both ways to find it together.
const ALPHA_RISE: f64 = 0.01;

impl Comparison {
    /// Tasks with this decision.
    pub fn of(&self, decision: Decision) -> impl Iterator<Item = &TaskComparison> {
        self.tasks.iter().filter(move |task| task.decision == decision)
    }

    /// Tasks that were compared but stayed undecided.
    pub fn unsettled(&self) -> impl Iterator<Item = &TaskComparison> {
        self.of(Decision::Undecided).filter(|task| task.effect.is_some())
    }

    /// Tasks that were not compared, unless only the base failed: the candidate is not blamed
    /// for what the base cannot do yet.
    pub fn unmeasured(&self) -> impl Iterator<Item = &TaskComparison> {
        let counts = |task: &&TaskComparison| {
            task.failures.base < task.pairs || task.failures.candidate == task.pairs
        };
        self.tasks.iter().filter(|task| task.effect.is_none()).filter(counts)
    }

    /// Whether no task was compared because the base answers no request. This proves nothing
    /// about the candidate.
    pub fn is_of_nothing(&self) -> bool {
        self.tasks.iter().all(TaskComparison::is_without_ratio)
            && self.unmeasured().next().is_none()
    }

    /// The first characters of the base's commit.
    pub fn short(&self) -> &str {
        self.commit.get(..10).unwrap_or(&self.commit)
    }

    /// Pairs in which only one version failed, if the candidate surely fails more often: in all
    /// tasks together, or else in those tasks that surely do on their own. Failures of the base
    /// alone, such as at a new endpoint, must not compensate for another task. Each of the two
    /// tests has half of the error.
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
    /// Makes the comparison of a task from its pairs.
    pub fn new(name: &str, index: usize, judge: &Judge, pairs: &[Pair]) -> Self {
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
            decided_after: judge.decided_by(index).and_then(|ratios| {
                let with_ratio = own.iter().filter(|pair| pair.latency.ln_ratio().is_some());
                with_ratio.map(|pair| pair.at).nth(ratios.checked_sub(1)?)
            }),
            effect: effect(judge.ratios(index)),
            p50_ms: both(Percentile::P50),
            p95_ms: both(Percentile::P95),
            tail: tail(&own, &ms),
            cpu: effect(&cpu),
            rise: only_one(&own, |latency| latency.is_none()),
            failures: Sides { base: failed(Side::Base), candidate: failed(Side::Candidate) },
            base_lacks: None,
        }
    }

    /// Whether only the candidate has what the task requests.
    pub fn is_new(&self) -> bool {
        self.base_lacks.is_some() && self.is_without_ratio() && self.failures.candidate < self.pairs
    }

    /// Whether it could not be compared because one version, or both, never gave a good answer.
    pub fn is_without_ratio(&self) -> bool {
        self.effect.is_none()
    }
}

/// The latencies of the good answers of one version in milliseconds, ascending.
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
