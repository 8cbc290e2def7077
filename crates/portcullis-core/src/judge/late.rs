//! A late load generator: the judgement stands only if it is the same without the requests
//! that the lateness may have distorted.

use super::validity::lateness;
use super::{Finding, Judgement, ThresholdResult, Verdict, judge};
use crate::measure::{Percentile, Summary};
use crate::threshold::{Limit, Metric, Severity, Threshold};

/// The share of requests that must be left.
pub const KEPT_SHARE: f64 = 0.8;

/// The finding about a late generator; `None` if it was on time, or if the judgement stands.
/// It stands in two cases:
///
/// - It is the same without the requests that were due or under way within a second after each
///   late moment, and these are at most a fifth of all.
/// - It is red because of a percentile that is beyond its limit by more than the longest
///   lateness. Lateness only makes latencies longer, and no single one by more than that.
pub fn late_finding(
    summary: &Summary,
    rules: &[Threshold],
    verdict: &Verdict,
    is_strict: bool,
) -> Option<Finding> {
    let late = lateness(summary)?;
    if verdict.failing(is_strict).any(|judged| is_beyond_lateness(summary, judged)) {
        return None;
    }
    let (clean, left) = summary.without_late();
    let affected = summary.generator.late_requests;
    if left < KEPT_SHARE {
        return Some(Finding::invalid(format!(
            "{late}; {affected} requests are affected, and only {:.0} % are left without them \
             (limit {:.0} %)",
            left * 100.0,
            KEPT_SHARE * 100.0
        )));
    }
    let again = judge(&clean, rules);
    let before = judge(summary, rules);
    let other = changed(&before, &again, is_strict)?;
    Some(Finding::invalid(format!(
        "{late}; without the {affected} requests that are affected, {other} is judged differently"
    )))
}

/// The first rule or task with another result.
fn changed(before: &Verdict, again: &Verdict, is_strict: bool) -> Option<String> {
    let counts = |judged: &ThresholdResult| is_strict || judged.rule.severity == Severity::Fail;
    let both = before.judged.iter().zip(&again.judged);
    let mut rules = both.filter(|(one, other)| counts(one) && one.judgement != other.judgement);
    let rule = rules.next().map(|(one, _)| one.rule.subject());
    let is_new = |task: &&String| !before.silent_tasks.contains(task);
    rule.or_else(|| again.silent_tasks.iter().find(is_new).cloned())
}

/// Whether a percentile is beyond its upper limit by more than the longest lateness.
fn is_beyond_lateness(summary: &Summary, judged: &ThresholdResult) -> bool {
    let Metric::Percentile(Percentile(_)) = judged.rule.metric else { return false };
    let (Limit::Latency(_), true) = (judged.rule.limit, judged.rule.comparison.is_upper()) else {
        return false;
    };
    let longest = summary.generator.lag.max_ms().unwrap_or(f64::INFINITY);
    judged.judgement == Judgement::Violated
        && judged.value.is_some_and(|value| {
            !judged.rule.comparison.holds(value - longest, judged.rule.limit.value())
        })
}
