//! Applies rules to the results of an earlier run: the verdict of the run, and what its
//! counts and buckets prove for limits that it did not count.

use std::time::Duration;

use super::Checked;
use crate::compare;
use crate::compare::judge_by_pairs;
use crate::judge::{Judgement, ThresholdResult, Verdict, judge_knowing};
use crate::measure::{Distribution, OverLimit, Row, Summary};
use crate::threshold::{Limit, Metric, Policy, Reference, Relative, Threshold, latency_limits};

/// Applies rules to measurements, and rules on the base to the pairs. The returned verdict
/// leaves out the rules that stay undecided. A limit that was counted is judged by its
/// counts, as in the run; another limit by the buckets, if they decide. `before` are the
/// results of the run: they have the limits relative to a baseline, and the design effects.
pub fn check_measured(
    summary: &Summary,
    comparison: Option<&compare::Comparison>,
    rules: &[Threshold],
    before: &[ThresholdResult],
) -> (Vec<Checked>, Verdict) {
    let known = |rule: &Threshold| factor(rule, before);
    let rules: Vec<Threshold> = rules.iter().map(|rule| resolved(rule, before)).collect();
    let judge_with = |doubtful: Doubtful| {
        let mut verdict = judge_knowing(&with_limits(summary, &rules, doubtful), &rules, &known);
        if let Some(comparison) = comparison {
            judge_by_pairs(&mut verdict, comparison, summary);
        }
        verdict
    };
    let (fast, mut slow) = (judge_with(Doubtful::Within), judge_with(Doubtful::OverLimit));
    let slow_ones = std::mem::take(&mut slow.judged);
    let unknown: Vec<Threshold> =
        slow_ones.iter().filter(|judged| is_unknown(judged, before)).map(of).collect();
    let mut checked = Vec::new();
    let mut kept = Vec::new();
    for (fast, slow) in fast.judged.into_iter().zip(slow_ones) {
        let severity = slow.rule.severity;
        let why = if fast.judgement != slow.judgement {
            "the run did not count this limit, and its histogram is too coarse for it"
        } else if is_proven(&slow) && unknown.iter().any(|rule| rule.severity == severity) {
            "a proof needs the design effect, which the file has only for the run's own rules"
        } else {
            kept.push(slow.clone());
            checked.push(Checked::Outcome(slow));
            continue;
        };
        checked.push(Checked::Undecided { rule: slow.rule, why: why.to_owned() });
    }
    (checked, Verdict { judged: kept, ..slow })
}

fn of(judged: &ThresholdResult) -> Threshold {
    judged.rule.clone()
}

/// A rule on the baseline, with the absolute limit from the run.
fn resolved(rule: &Threshold, before: &[ThresholdResult]) -> Threshold {
    let is_open = matches!(rule.limit, Limit::Relative(Relative { to: Reference::Baseline, .. }));
    let is_it =
        |judged: &&ThresholdResult| judged.rule.derived.is_some() && judged.rule.text == rule.text;
    let found = before.iter().find(is_it).filter(|_| is_open);
    found.map_or_else(|| rule.clone(), |judged| judged.rule.clone())
}

fn factor(rule: &Threshold, before: &[ThresholdResult]) -> Option<f64> {
    let is_it = |judged: &&ThresholdResult| {
        judged.rule.text == rule.text && judged.rule.scope == rule.scope
    };
    let evidence = before.iter().find(is_it)?.evidence.as_ref();
    evidence.map(|evidence| evidence.design_effect)
}

/// Whether the evidence would need the design effect, and it is unknown.
fn is_unknown(judged: &ThresholdResult, before: &[ThresholdResult]) -> bool {
    let has_hits = judged.evidence.as_ref().is_some_and(|evidence| evidence.counts.hits > 0);
    let by_status = matches!(judged.rule.metric, Metric::Status(_));
    has_hits && !by_status && factor(&judged.rule, before).is_none()
}

fn is_proven(judged: &ThresholdResult) -> bool {
    let must = judged.rule.policy == Policy::Prove && judged.evidence.is_some();
    must && judged.judgement == Judgement::Holds
}

/// Which side of a limit is assumed for latencies whose bucket lies on both sides.
#[derive(Clone, Copy)]
enum Doubtful {
    Within,
    OverLimit,
}

fn with_limits(summary: &Summary, rules: &[Threshold], doubtful: Doubtful) -> Summary {
    let mut summary = summary.clone();
    for limit in latency_limits(rules) {
        if summary.limits.contains(&limit) {
            continue;
        }
        summary.limits.push(limit);
        let known = summary.limits.len() - 1;
        for task in summary.tasks.iter_mut().chain(&mut summary.login) {
            add_limit(&mut task.window, known, limit, doubtful);
            add_limit(&mut task.extra_mixed, known, limit, doubtful);
            add_limit(&mut task.extra_targeted, known, limit, doubtful);
        }
    }
    summary
}

/// Adds counts for a limit. A row without requests may have no counts, so counts for the
/// `known` limits are added first.
fn add_limit(row: &mut Row, known: usize, limit: Duration, doubtful: Doubtful) {
    for (counts, latencies) in
        [(&mut row.beyond, &row.latency), (&mut row.failed_beyond, &row.failed_latency)]
    {
        counts.resize(known, OverLimit::default());
        counts.push(beyond(latencies, limit, doubtful));
    }
}

/// Counts by buckets. Latencies were rounded up to microseconds, and a bucket is at most
/// 0.1 % of its end wide, but at least a microsecond.
fn beyond(latencies: &Distribution, limit: Duration, doubtful: Doubtful) -> OverLimit {
    let limit_ns = u64::try_from(limit.as_nanos()).unwrap_or(u64::MAX);
    let mut counts = OverLimit::default();
    let last = latencies.buckets.len().saturating_sub(1);
    for (index, (end_us, count)) in latencies.buckets.iter().enumerate() {
        // The last bucket also has the clipped values.
        let is_open = index == last && latencies.clipped > 0;
        let end_ns = if is_open { u64::MAX } else { end_us.saturating_mul(1000) };
        let wide_us = end_us.div_ceil(1000).max(1);
        let low_ns = end_us.saturating_sub(wide_us).saturating_mul(1000).saturating_add(1);
        let (low_ns, high_ns) = (low_ns.max(latencies.min_ns), end_ns.min(latencies.max_ns));
        let nearest_ns = match doubtful {
            Doubtful::Within => low_ns,
            Doubtful::OverLimit => high_ns,
        };
        counts.above += if nearest_ns > limit_ns { *count } else { 0 };
        counts.at_or_above += if nearest_ns >= limit_ns { *count } else { 0 };
    }
    counts
}
