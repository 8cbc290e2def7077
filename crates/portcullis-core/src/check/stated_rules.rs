//! Applies rules to figures in a file: a judgement is given only if every set of latencies
//! with these figures would get it.

use super::Checked;
use super::bounds::{Line, OverLimit, allowed, before_rounding, beyond};
use super::scope::{Rows, no_rows, of_tasks, rows_of};
use super::stated::{FailedLatencies, Stated, StatedRow};
use crate::judge::{Judgement, ThresholdResult};
use crate::scenario::Scenario;
use crate::threshold::{Limit, Metric, Percentile, Policy, Reference, Relative, Scope, Threshold};
use crate::units::show_ms;

/// Applies rules to a file. `scenario` defines the tasks of the rules.
pub fn check_stated(file: &Stated, rules: &[Threshold], scenario: &Scenario) -> Vec<Checked> {
    let check = |rule: &Threshold| match rule.per_task {
        true => per_task(file, rule, scenario),
        false => vec![one(file, rule.clone(), scenario)],
    };
    rules.iter().flat_map(check).collect()
}

/// One result for each task with its own row, and one for the tasks without.
fn per_task(file: &Stated, rule: &Threshold, scenario: &Scenario) -> Vec<Checked> {
    if let Some(why) = never_in_file(rule) {
        return vec![Checked::NotInFile { rule: rule.clone(), why: why.to_owned() }];
    }
    let (rows, missing) = of_tasks(file, &rule.scope, scenario);
    let scoped = |name: &str| Threshold {
        scope: Scope::Task(name.to_owned()),
        per_task: false,
        ..rule.clone()
    };
    let is_whole = missing.is_empty() && !rows.is_empty();
    let judge = |(name, row)| judge(&Rows::of(vec![row]), scoped(name), file.failed_latencies);
    let mut checked: Vec<Checked> = rows.into_iter().map(judge).collect();
    if !is_whole {
        checked.push(Checked::NotInFile { rule: rule.clone(), why: no_rows(&missing) });
    }
    checked
}

fn one(file: &Stated, rule: Threshold, scenario: &Scenario) -> Checked {
    if let Some(why) = never_in_file(&rule) {
        return Checked::NotInFile { rule, why: why.to_owned() };
    }
    match rows_of(file, &rule.scope, scenario) {
        Ok(rows) => judge(&rows, rule, file.failed_latencies),
        Err(why) => Checked::NotInFile { rule, why },
    }
}

/// Why no statistics file can show the rule, if so.
fn never_in_file(rule: &Threshold) -> Option<&'static str> {
    match (rule.metric, rule.limit) {
        (_, Limit::Relative(Relative { to: Reference::Baseline, .. })) => {
            Some("it has no baseline")
        }
        (_, Limit::Relative(Relative { to: Reference::Base, .. })) => {
            Some("it is of one version; use perf --against to compare with a base")
        }
        (metric, _) => metric.descriptor().unstated,
    }
}

/// Judges a rule. A file cannot prove a rule with `prove`: if its figures pass, it stays
/// undecided.
fn judge(rows: &Rows<'_>, rule: Threshold, failed: FailedLatencies) -> Checked {
    let must_be_proven = rule.policy == Policy::Prove && is_on_a_share(&rule);
    match by_figures(rows, rule, failed) {
        Checked::Outcome(judged) if must_be_proven && judged.judgement == Judgement::Holds => {
            let why = "a proof needs the design effect, which the file does not state";
            Checked::Undecided { rule: judged.rule, why: why.to_owned() }
        }
        checked => checked,
    }
}

/// Whether the rule needs a proof; other rules are judged by their value.
fn is_on_a_share(rule: &Threshold) -> bool {
    rule.comparison.is_upper()
        && matches!(rule.metric, Metric::Percentile(_) | Metric::Max | Metric::ErrorRate)
}

fn by_figures(rows: &Rows<'_>, rule: Threshold, failed: FailedLatencies) -> Checked {
    let requests = rows.requests();
    match rule.metric {
        Metric::Count => return counted(rows, rule, requests as f64),
        Metric::Rps => return counted(rows, rule, rows.per_s()),
        Metric::ErrorRate => {
            let share = rows.failures() as f64 / requests.max(1) as f64;
            return counted(rows, rule, share);
        }
        Metric::Size => return counted(rows, rule, rows.mean_body_bytes()),
        _ => {}
    }
    let Limit::Latency(limit) = rule.limit else {
        return Checked::Undecided { rule, why: "its limit is not a latency".to_owned() };
    };
    let question = Question {
        line: Line::new(rule.comparison, limit.as_nanos() as f64 / 1e6),
        failed,
        is_ceiling: rule.comparison.is_upper(),
    };
    let (proof, value) = match rule.metric {
        Metric::Percentile(percentile) => by_percentile(rows, percentile, question),
        Metric::Max => by_longest(rows, question),
        _ => by_mean(rows, question),
    };
    conclude(rows, rule, question, proof, value)
}

/// Judges an exact figure of the file.
fn counted(rows: &Rows<'_>, rule: Threshold, value: f64) -> Checked {
    let samples = rows.requests();
    let judgement = match (samples, rule.comparison.holds(value, rule.limit.value())) {
        (0, _) => Judgement::NoData,
        (_, true) => Judgement::Holds,
        (_, false) => Judgement::Violated,
    };
    let value = (samples > 0).then_some(value);
    Checked::Outcome(by_value(rule, judgement, value, samples))
}

fn by_value(
    rule: Threshold,
    judgement: Judgement,
    value: Option<f64>,
    samples: u64,
) -> ThresholdResult {
    ThresholdResult { rule, judgement, value, samples, beyond: None, evidence: None, reason: None }
}

/// A rule on latencies.
#[derive(Clone, Copy)]
struct Question {
    line: Line,
    failed: FailedLatencies,
    /// Whether the metric must be within the line.
    is_ceiling: bool,
}

/// What is proved about a metric.
enum Proof {
    /// It is not beyond the line.
    Within,
    /// It is beyond the line.
    OverLimit,
    /// Neither is proved; with the reason.
    Neither(String),
}

/// The judgement. Without a good answer nothing passes, because there is no latency.
fn conclude(
    rows: &Rows<'_>,
    rule: Threshold,
    question: Question,
    proof: Proof,
    value: Option<f64>,
) -> Checked {
    let judgement = match (proof, question.is_ceiling) {
        (Proof::OverLimit, true) => Judgement::Violated,
        _ if rows.good() == 0 => Judgement::NoData,
        (Proof::Neither(why), _) => return Checked::Undecided { rule, why },
        (Proof::Within, true) | (Proof::OverLimit, false) => Judgement::Holds,
        (Proof::Within, false) => Judgement::Violated,
    };
    let value = value.filter(|_| judgement != Judgement::NoData);
    Checked::Outcome(by_value(rule, judgement, value, rows.requests()))
}

/// A percentile is of the good answers and of the failures that took longer than the limit.
/// Of these c requests at most c − rank(c) may be beyond the limit. c is at least the
/// number of good answers, and at most the number of all requests.
fn by_percentile(
    rows: &Rows<'_>,
    percentile: Percentile,
    question: Question,
) -> (Proof, Option<f64>) {
    let found = beyond_in(rows, question.line, question.failed);
    let latency = rows.single().and_then(|row| row.latency.as_ref());
    let stated = latency.and_then(|latency| latency.percentile_ms(percentile));
    let value = stated.or_else(|| proved_ceiling(rows, percentile, question.failed));
    let is_said = |ms: f64| question.line.is_crossed(before_rounding(ms).low_ms);
    let proof = if found.least > found.most {
        Proof::Neither("the rows contradict each other".to_owned())
    } else if found.most <= allowed(percentile, rows.good()) && rows.good() > 0 {
        Proof::Within
    } else if found.least > allowed(percentile, rows.requests()) {
        Proof::OverLimit
    } else if question.is_ceiling && stated.is_some_and(is_said) {
        // The file's own percentile can have a rank that is one higher than ours. If the file
        // itself shows a value beyond the limit, it counts as violated.
        Proof::OverLimit
    } else {
        Proof::Neither(why_neither(rows, percentile, stated, question))
    };
    (proof, value)
}

fn why_neither(
    rows: &Rows<'_>,
    percentile: Percentile,
    stated: Option<f64>,
    question: Question,
) -> String {
    if let Some(ms) = stated {
        let values = before_rounding(ms);
        let is_open =
            !question.line.is_crossed(values.low_ms) && question.line.is_crossed(values.high_ms);
        if is_open {
            let (low, high) = (show_ms(values.low_ms), show_ms(values.high_ms));
            return format!("{ms} ms is rounded: it is between {low} and {high}");
        }
    }
    match (rows.failures(), rows.single(), stated) {
        (1.., _, _) => failures_among(rows),
        (0, Some(_), None) => format!("no column for {percentile}"),
        _ => "the rounded figures allow both".to_owned(),
    }
}

fn failures_among(rows: &Rows<'_>) -> String {
    let (failures, requests) = (rows.failures(), rows.requests());
    format!("{failures} of {requests} requests failed, and their latencies are not separate")
}

/// The maximum is exact. A failure beyond the limit counts; one within it changes nothing.
fn by_longest(rows: &Rows<'_>, question: Question) -> (Proof, Option<f64>) {
    let latencies = rows.parts().into_iter().filter_map(|row| row.latency.as_ref());
    let Some(longest) = latencies.map(|latency| latency.max_ms).reduce(f64::max) else {
        return (Proof::Neither("the file has no latencies".to_owned()), None);
    };
    let proof = if question.line.is_crossed(longest) {
        Proof::OverLimit
    } else if rows.failures() > 0 && question.failed == FailedLatencies::Unknown {
        Proof::Neither(failures_among(rows))
    } else {
        Proof::Within
    };
    (proof, Some(longest))
}

/// The mean of all requests is exact. The mean of the good answers, and of failures beyond
/// the limit, remains when fast failures are removed. If the mean of all requests is beyond
/// the limit, so is the remaining one, because only shorter latencies are removed. It is
/// largest if every failure was as short as the shortest request.
fn by_mean(rows: &Rows<'_>, question: Question) -> (Proof, Option<f64>) {
    let (mut sum_ms, mut count, mut shortest_ms) = (0.0, 0, f64::INFINITY);
    for row in rows.parts() {
        let Some(latency) = &row.latency else { continue };
        sum_ms += latency.mean_ms * row.requests as f64;
        count += row.requests;
        shortest_ms = shortest_ms.min(latency.min_ms);
    }
    if count == 0 {
        return (Proof::Neither("the file has no latencies".to_owned()), None);
    }
    let own = rows.single().and_then(|row| Some(row.latency.as_ref()?.mean_ms));
    // The mean of a single row is exact; multiplying and dividing again might not be.
    let mean_ms = own.unwrap_or(sum_ms / count as f64);
    let failures = rows.failures();
    let most_ms = match failures {
        0 => mean_ms,
        _ => (sum_ms - failures as f64 * shortest_ms) / rows.good().max(1) as f64,
    };
    let is_known = failures == 0 || question.failed == FailedLatencies::Included;
    let proof = if question.line.is_crossed(mean_ms) {
        Proof::OverLimit
    } else if is_known && !question.line.is_crossed(most_ms) {
        Proof::Within
    } else {
        Proof::Neither(failures_among(rows))
    };
    (proof, Some(mean_ms))
}

/// The bounds that the rows prove. If the rows are a whole without one row, also the bounds
/// from the whole.
fn beyond_in(rows: &Rows<'_>, line: Line, failed: FailedLatencies) -> OverLimit {
    let of = |row: &StatedRow| beyond(row, line, failed);
    let apart = rows.rows.iter().map(|row| of(row)).fold(OverLimit::default(), OverLimit::and);
    let Some(whole) = rows.whole.map(of) else { return apart };
    let out = rows.left_out.map(of).unwrap_or_default();
    let rest = OverLimit {
        least: whole.least.saturating_sub(out.most),
        most: whole.most.saturating_sub(out.least),
    };
    apart.also(rest)
}

/// The smallest latency in the rows that the percentile is proved not to exceed.
fn proved_ceiling(rows: &Rows<'_>, percentile: Percentile, failed: FailedLatencies) -> Option<f64> {
    let latencies = rows.rows.iter().filter_map(|row| row.latency.as_ref());
    let ends = latencies.flat_map(|latency| {
        let high = |(_, ms): &(Percentile, f64)| before_rounding(*ms).high_ms.min(latency.max_ms);
        latency.percentiles_ms.iter().map(high).chain([latency.max_ms])
    });
    let mut ends: Vec<f64> = ends.collect();
    ends.sort_by(f64::total_cmp);
    ends.dedup();
    let allowed = allowed(percentile, rows.good());
    let holds = |limit_ms: &f64| {
        let line = Line { limit_ms: *limit_ms, itself: false };
        beyond_in(rows, line, failed).most <= allowed
    };
    // What is proved for a limit is also proved for every larger limit.
    let first = ends.partition_point(|end| !holds(end));
    ends.get(first).copied()
}
