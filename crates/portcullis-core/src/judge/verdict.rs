//! Summary and rules → verdict. Success is what is left when no data and
//! violations are ruled out; it is never a default.

use crate::evidence::{self, ALPHA_SHOWN, Evidence, ProportionTest, State};
use crate::measure::{ArrivalCounts, OverLimit, Row, Summary, TaskSummary};
use crate::threshold::{
    Comparison, Limit, Measured, Metric, Observed, Percentile, Policy, Reference, Scope, Severity,
    Threshold,
};

/// How one rule ended for one scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// The rule holds.
    Holds,
    /// It does not.
    Violated,
    /// There is nothing to judge it by, which is never a pass.
    NoData,
    /// It cannot be checked here: what its limit refers to is not there. Neither
    /// a pass nor a violation, and no judgement.
    NotJudged,
}

impl Judgement {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::Holds, Self::Violated, Self::NoData, Self::NotJudged];

    /// As results name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::Violated => "violated",
            Self::NoData => "no data",
            Self::NotJudged => "not judged",
        }
    }
}

/// One rule, held against the requests of one scope.
#[derive(Clone, Debug, PartialEq)]
pub struct ThresholdResult {
    /// The rule; `per task` is resolved, `scope` names what was judged.
    pub rule: Threshold,
    /// How it ended.
    pub judgement: Judgement,
    /// The metric, in the limit's unit; `None` without data.
    pub value: Option<f64>,
    /// Requests that it rests on.
    pub samples: u64,
    /// Of these, beyond the limit; for latencies.
    pub beyond: Option<u64>,
    /// How sure that is; `None` where no exact statement can be made.
    pub evidence: Option<Evidence>,
    /// Why it was not judged.
    pub reason: Option<String>,
}

impl ThresholdResult {
    /// How little it tells of where something is wrong: weak evidence more than
    /// sure one, many tasks more than one.
    pub fn breadth(&self) -> (bool, u8) {
        let state = self.evidence.as_ref().map(|evidence| evidence.state);
        let width = match self.rule.scope {
            Scope::Task(_) | Scope::Login => 0,
            Scope::Label(_) => 1,
            Scope::Group(_) => 2,
            Scope::Aggregate => 3,
        };
        (state.is_some_and(State::is_in_doubt), width)
    }
}

/// All rules, judged.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Verdict {
    /// In the order of the rules; a rule `per task` gives one for each task.
    pub judged: Vec<ThresholdResult>,
    /// Tasks with a weight that were never called, or never answered with data.
    pub silent_tasks: Vec<String>,
}

impl Verdict {
    /// Rules that fail the run, those first that tell most of what is wrong: sure
    /// ones before weak ones, a task's own before those of all.
    pub fn violations(&self) -> impl Iterator<Item = &ThresholdResult> {
        let mut violated: Vec<&ThresholdResult> =
            self.of(Judgement::Violated, Severity::Fail).collect();
        violated.sort_by_key(|judged| judged.breadth());
        violated.into_iter()
    }

    /// Rules that only warn.
    pub fn warnings(&self) -> impl Iterator<Item = &ThresholdResult> {
        self.of(Judgement::Violated, Severity::Warn)
    }

    /// What fails a run: violations, and in a strict one warnings too.
    pub fn failing(&self, is_strict: bool) -> impl Iterator<Item = &ThresholdResult> {
        self.violations().chain(self.warnings().filter(move |_| is_strict))
    }

    /// Rules that hold by the estimate alone.
    pub fn on_weak_evidence(&self) -> impl Iterator<Item = &ThresholdResult> {
        let is_weak = |judged: &&ThresholdResult| {
            let state = judged.evidence.as_ref().map(|evidence| evidence.state);
            judged.judgement == Judgement::Holds && state == Some(State::InDoubt)
        };
        self.judged.iter().filter(is_weak)
    }

    /// Rules that nothing could be said of.
    pub fn without_data(&self) -> impl Iterator<Item = &ThresholdResult> {
        self.judged.iter().filter(|judged| judged.judgement == Judgement::NoData)
    }

    /// Rules that could not be checked.
    pub fn not_judged(&self) -> impl Iterator<Item = &ThresholdResult> {
        self.judged.iter().filter(|judged| judged.judgement == Judgement::NotJudged)
    }

    /// How many rules were judged, those without data among them.
    pub fn judged_count(&self) -> usize {
        self.judged.len() - self.not_judged().count()
    }

    /// Whether nothing could have failed the run: no rule was judged, or none of
    /// those that are there to fail it.
    pub fn is_toothless(&self) -> bool {
        let fails = |judged: &&ThresholdResult| judged.rule.severity == Severity::Fail;
        let all = self.judged.iter().filter(fails).count();
        let unjudged = self.not_judged().filter(fails).count();
        self.judged_count() == 0 || all > 0 && all == unjudged
    }

    fn of(
        &self,
        judgement: Judgement,
        severity: Severity,
    ) -> impl Iterator<Item = &ThresholdResult> {
        self.judged.iter().filter(move |j| j.judgement == judgement && j.rule.severity == severity)
    }
}

/// Judges every rule.
pub fn judge(summary: &Summary, rules: &[Threshold]) -> Verdict {
    judge_knowing(summary, rules, &|_| None)
}

/// The same for a summary without its seconds: `factor` knows the block factor of
/// a resolved rule, where it is known.
pub(crate) fn judge_knowing(
    summary: &Summary,
    rules: &[Threshold],
    factor: &dyn Fn(&Threshold) -> Option<f64>,
) -> Verdict {
    let mut judged: Vec<ThresholdResult> =
        resolved(summary, rules).map(|rule| judge_one(summary, rule)).collect();
    for severity in [Severity::Fail, Severity::Warn] {
        let family = judged.iter_mut().filter(|judged| judged.rule.severity == severity);
        weigh(summary, family, factor);
    }
    let silent = summary.tasks.iter().filter(|task| task.weight > 0 && is_silent(task));
    Verdict { judged, silent_tasks: silent.map(|task| task.name.clone()).collect() }
}

/// The generator's lag at p99 beyond which a measurement is invalid. Measured
/// on two cores: 1.9 ms when quiet, 5.1 ms beside eight busy processes.
pub const LAG_LIMIT_MS: f64 = 10.0;
/// A single stop of the generator beyond which a measurement is invalid.
pub const STOP_LIMIT_MS: f64 = 1_000.0;

/// The share of an open load's requests that may stay unsent; beyond it what
/// was asked for was not measured.
pub const UNSTARTED_LIMIT: f64 = 0.01;

/// Why the generator itself spoilt the measurement, if it did: then a run is
/// neither red nor green.
pub fn generator_fault(summary: &Summary) -> Option<String> {
    if let Some(fault) = summary.arrivals.and_then(unstarted) {
        return Some(fault);
    }
    let lag = &summary.generator.lag;
    let (p99, max) = (lag.percentile_ms(Percentile::P99)?, lag.max_ms()?);
    if max > STOP_LIMIT_MS {
        return Some(format!("the load generator stalled for {:.1} s", max / 1e3));
    }
    (p99 > LAG_LIMIT_MS).then(|| {
        format!(
            "the load generator was late by {p99:.0} ms at p99 (limit {LAG_LIMIT_MS:.0} ms): this \
             machine is too small or too busy"
        )
    })
}

fn unstarted(arrivals: ArrivalCounts) -> Option<String> {
    let share = arrivals.unstarted as f64 / arrivals.scheduled.max(1) as f64;
    (share > UNSTARTED_LIMIT).then(|| {
        format!(
            "{} of {} scheduled requests ({:.1} %, limit {:.0} %) were never started: no user was \
             free; the service, or this machine, cannot keep up with the requested rate",
            arrivals.unstarted,
            arrivals.scheduled,
            share * 100.0,
            UNSTARTED_LIMIT * 100.0
        )
    })
}

/// A task that accepts 404 too, and got nothing else, has measured nothing.
fn is_silent(task: &TaskSummary) -> bool {
    let row = task.judged();
    row.requests == 0 || task.needs_data && row.with_data == 0
}

/// Rules, resolved to what they are judged on: `per task` to each task.
pub fn resolved<'a>(
    summary: &'a Summary,
    rules: &'a [Threshold],
) -> impl Iterator<Item = Threshold> + 'a {
    rules.iter().flat_map(|rule| resolve(summary, rule))
}

/// A rule `per task` becomes one rule for each task of its scope that is
/// called at all (weight 0 takes a task out of the run).
fn resolve(summary: &Summary, rule: &Threshold) -> Vec<Threshold> {
    if !rule.per_task {
        return vec![rule.clone()];
    }
    let in_scope = |group: Option<&str>| match &rule.scope {
        Scope::Aggregate => true,
        Scope::Group(name) => group == Some(name),
        Scope::Task(_) | Scope::Label(_) | Scope::Login => false,
    };
    let tasks = summary.tasks.iter().filter(|t| t.weight > 0 && in_scope(t.group.as_deref()));
    let scoped = |task: &TaskSummary| Threshold {
        scope: Scope::Task(task.name.clone()),
        per_task: false,
        ..rule.clone()
    };
    let resolved: Vec<Threshold> = tasks.map(scoped).collect();
    // A group whose tasks are all switched off must not vanish into a pass.
    if resolved.is_empty() { vec![rule.clone()] } else { resolved }
}

fn judge_one(summary: &Summary, rule: Threshold) -> ThresholdResult {
    if let Limit::Relative(relative) = rule.limit {
        return unresolved(rule, relative.to);
    }
    let row = summary.row(&rule.scope);
    let (holds, value, samples, beyond) = match rule.metric {
        Metric::Percentile(percentile) => latency_percentile(summary, &rule, &row, percentile),
        metric => {
            let observed = observed(summary, &rule, &row);
            let Measured { value, samples } = (metric.descriptor().measure)(&observed);
            let limit = rule.limit.value();
            (value.map(|value| rule.comparison.holds(value, limit)), value, samples, None)
        }
    };
    let judgement = match holds {
        None => Judgement::NoData,
        Some(false) => Judgement::Violated,
        Some(true) => Judgement::Holds,
    };
    ThresholdResult { rule, judgement, value, samples, beyond, evidence: None, reason: None }
}

/// Adds what is known of each rule; the errors are over all of them.
fn weigh<'a>(
    summary: &Summary,
    family: impl Iterator<Item = &'a mut ThresholdResult>,
    factor: &dyn Fn(&Threshold) -> Option<f64>,
) {
    let case = |judged: &ThresholdResult| {
        let row = summary.row(&judged.rule.scope);
        let mut case = evidence::proportion_test(summary, &judged.rule, &row)?;
        case.design_effect = factor(&judged.rule).unwrap_or(case.design_effect);
        Some((case, row))
    };
    let known = family.filter(|judged| judged.judgement != Judgement::NoData);
    let (mut judged, found): (Vec<&mut ThresholdResult>, Vec<(ProportionTest, Row)>) =
        known.filter_map(|judged| case(judged).map(|case| (judged, case))).unzip();
    let cases: Vec<ProportionTest> = found.iter().map(|(case, _)| *case).collect();
    let states = evidence::states(&cases);
    for ((judged, (case, row)), state) in judged.iter_mut().zip(found).zip(states) {
        let latency = match judged.rule.metric {
            Metric::Percentile(percentile) => Some(evidence::latency_interval(
                &observed(summary, &judged.rule, &row).latencies(),
                percentile,
                ALPHA_SHOWN,
                case.design_effect,
            )),
            _ => None,
        };
        judged.evidence = Some(evidence::evidence(&case, state, latency));
        let must = judged.rule.policy == Policy::Prove;
        if must && judged.judgement == Judgement::Holds && state != State::Proven {
            judged.judgement = Judgement::Violated;
            judged.reason = Some("not proven to hold".to_owned());
        }
    }
}

/// A rule whose limit nobody has resolved.
fn unresolved(rule: Threshold, to: Reference) -> ThresholdResult {
    let reason = match to {
        Reference::Baseline => "no baseline",
        Reference::Base => "needs --against",
    };
    ThresholdResult {
        rule,
        judgement: Judgement::NotJudged,
        value: None,
        samples: 0,
        beyond: None,
        evidence: None,
        reason: Some(reason.to_owned()),
    }
}

type Judging = (Option<bool>, Option<f64>, u64, Option<u64>);

/// What a rule's metric is measured in.
fn observed<'a>(summary: &'a Summary, rule: &'a Threshold, row: &'a Row) -> Observed<'a> {
    Observed { metric: rule.metric, limit: rule.limit, summary, scope: &rule.scope, row }
}

/// Percentiles are judged by exact counts, not read off a bucket:
/// p ≤ L exactly when at least `rank` values are not above L.
fn latency_percentile(
    summary: &Summary,
    rule: &Threshold,
    row: &Row,
    percentile: Percentile,
) -> Judging {
    let good = row.latency.count;
    let Limit::Latency(limit) = rule.limit else { return (None, None, good, None) };
    let index = summary.limits.iter().position(|known| *known == limit);
    let Some(counted) = index.and_then(|index| row.beyond.get(index)) else {
        return (None, None, good, None);
    };
    let failed = index.and_then(|i| row.failed_beyond.get(i)).copied().unwrap_or_default();
    // `<` is broken by a value at the limit too, so slow means at it or above.
    let slow = match rule.comparison {
        Comparison::Below | Comparison::AtLeast => failed.at_or_above,
        Comparison::AtMost | Comparison::Above => failed.above,
    };
    let count = good + slow;
    let Some(value) = observed(summary, rule, row).latencies().percentile_ms(percentile) else {
        return (None, None, count, None);
    };
    let counted =
        OverLimit { above: counted.above + slow, at_or_above: counted.at_or_above + slow };
    let rank = percentile.rank(count);
    let at_most = count - counted.above >= rank;
    let below = count - counted.at_or_above >= rank;
    let (holds, beyond) = match rule.comparison {
        Comparison::AtMost => (at_most, counted.above),
        Comparison::Below => (below, counted.at_or_above),
        Comparison::Above => (!at_most, count - counted.above),
        Comparison::AtLeast => (!below, count - counted.at_or_above),
    };
    // The shown value is a bucket's end; it must not contradict the count.
    let limit_ms = rule.limit.value();
    let value = if at_most { value.min(limit_ms) } else { value.max(limit_ms) };
    (Some(holds), Some(value), count, Some(beyond))
}
