//! Summary and rules → verdict. A rule passes only after "no data" and "violated" are
//! excluded; that is never the default.

use crate::evidence::{self, ALPHA_SHOWN, Evidence, ProportionTest, State};
use crate::measure::{OverLimit, Row, Summary, TaskSummary};
use crate::threshold::{
    Comparison, Limit, Measured, Metric, Observed, Percentile, Policy, Reference, Scope, Severity,
    Threshold,
};

/// The judgement of one rule for one scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// The rule passed.
    Holds,
    /// The rule is violated.
    Violated,
    /// There were no samples, which is never a pass.
    NoData,
    /// It cannot be checked here, because the baseline or base of its limit is missing. This is
    /// neither a pass nor a violation.
    NotJudged,
}

impl Judgement {
    /// All judgements.
    pub const ALL: [Self; 4] = [Self::Holds, Self::Violated, Self::NoData, Self::NotJudged];

    /// The name in results.
    pub fn name(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::Violated => "violated",
            Self::NoData => "no data",
            Self::NotJudged => "not judged",
        }
    }
}

/// The result of one rule for one scope.
#[derive(Clone, Debug, PartialEq)]
pub struct ThresholdResult {
    /// The rule; a `per task` rule is split, and `scope` is the judged one.
    pub rule: Threshold,
    /// The judgement.
    pub judgement: Judgement,
    /// The metric, in the limit's unit; `None` without data.
    pub value: Option<f64>,
    /// The number of samples.
    pub samples: u64,
    /// For latencies: how many of them are beyond the limit.
    pub beyond: Option<u64>,
    /// The evidence; `None` if no exact statement is possible.
    pub evidence: Option<Evidence>,
    /// Why it was not judged.
    pub reason: Option<String>,
}

impl ThresholdResult {
    /// A sort key: results that locate a problem best come first, so sure ones before weak
    /// ones, and one task before many.
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

/// The results of all rules.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Verdict {
    /// In the order of the rules; a `per task` rule has one result for each task.
    pub judged: Vec<ThresholdResult>,
    /// Tasks with a weight that were never called, or never answered with data.
    pub silent_tasks: Vec<String>,
}

impl Verdict {
    /// Violated `fail` rules; those that locate the problem best come first: sure ones before
    /// weak ones, single tasks before all tasks.
    pub fn violations(&self) -> impl Iterator<Item = &ThresholdResult> {
        let mut violated: Vec<&ThresholdResult> =
            self.of(Judgement::Violated, Severity::Fail).collect();
        violated.sort_by_key(|judged| judged.breadth());
        violated.into_iter()
    }

    /// Violated `warn` rules.
    pub fn warnings(&self) -> impl Iterator<Item = &ThresholdResult> {
        self.of(Judgement::Violated, Severity::Warn)
    }

    /// The violations that fail the run; in a strict run also warnings.
    pub fn failing(&self, is_strict: bool) -> impl Iterator<Item = &ThresholdResult> {
        self.violations().chain(self.warnings().filter(move |_| is_strict))
    }

    /// Passed rules whose evidence is weak.
    pub fn on_weak_evidence(&self) -> impl Iterator<Item = &ThresholdResult> {
        let is_weak = |judged: &&ThresholdResult| {
            let state = judged.evidence.as_ref().map(|evidence| evidence.state);
            judged.judgement == Judgement::Holds && state == Some(State::InDoubt)
        };
        self.judged.iter().filter(is_weak)
    }

    /// Rules without data.
    pub fn without_data(&self) -> impl Iterator<Item = &ThresholdResult> {
        self.judged.iter().filter(|judged| judged.judgement == Judgement::NoData)
    }

    /// Rules that were not judged.
    pub fn not_judged(&self) -> impl Iterator<Item = &ThresholdResult> {
        self.judged.iter().filter(|judged| judged.judgement == Judgement::NotJudged)
    }

    /// The number of judged rules, including those without data.
    pub fn judged_count(&self) -> usize {
        self.judged.len() - self.not_judged().count()
    }

    /// Whether nothing could have failed the run: no rule was judged, or no `fail` rule was.
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

/// The same for a summary without seconds: `factor` gives the design effect of a rule, if
/// known.
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
    let silent = summary.rows().filter(|task| task.weight > 0 && is_silent(task));
    Verdict { judged, silent_tasks: silent.map(|task| task.name.clone()).collect() }
}

/// Whether a task had no data. A task that also accepts 404, and got nothing else, has
/// none.
fn is_silent(task: &TaskSummary) -> bool {
    let row = task.judged();
    row.requests == 0 || task.needs_data && row.with_data == 0
}

/// The rules for their scopes: a `per task` rule becomes one rule for each task.
pub fn resolved<'a>(
    summary: &'a Summary,
    rules: &'a [Threshold],
) -> impl Iterator<Item = Threshold> + 'a {
    rules.iter().flat_map(|rule| resolve(summary, rule))
}

/// A `per task` rule becomes one rule for each task of its scope with a weight above 0.
fn resolve(summary: &Summary, rule: &Threshold) -> Vec<Threshold> {
    if !rule.per_task {
        return vec![rule.clone()];
    }
    let in_scope = |task: &TaskSummary| match &rule.scope {
        Scope::Aggregate => true,
        Scope::Group(name) => task.is_in_group(name),
        Scope::Task(_) | Scope::Label(_) | Scope::Login => false,
    };
    let tasks = summary.tasks.iter().filter(|task| task.weight > 0 && in_scope(task));
    let scoped = |task: &TaskSummary| Threshold {
        scope: Scope::Task(task.name.clone()),
        per_task: false,
        ..rule.clone()
    };
    let resolved: Vec<Threshold> = tasks.map(scoped).collect();
    // A group of tasks that all have weight 0 must not disappear and count as passed.
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

/// Adds the evidence of each rule; the errors are over all of them.
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

/// The result of a rule whose limit is unknown.
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

/// The requests that a rule's metric is computed from.
fn observed<'a>(summary: &'a Summary, rule: &'a Threshold, row: &'a Row) -> Observed<'a> {
    Observed { metric: rule.metric, limit: rule.limit, summary, scope: &rule.scope, row }
}

/// Percentiles are judged by exact counts, not read from a bucket: p ≤ L exactly if at
/// least `rank` values are not above L.
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
    // A value at the limit violates `<` too, so it counts as slow.
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
