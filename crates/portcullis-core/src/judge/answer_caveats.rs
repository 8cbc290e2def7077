//! Caveats about answers: how far they were checked, and what was unusual about how they came.

use crate::measure::{Percentile, Summary, TaskSummary};
use crate::units::{show_duration, show_ms};

/// Requests that were sent a second time.
pub fn resent(summary: &Summary) -> Option<String> {
    let (requests, a_connection) = match summary.resent {
        0 => return None,
        1 => ("1 request was".to_owned(), "its kept connection"),
        n => (format!("{n} requests were"), "their kept connections"),
    };
    Some(format!("{requests} sent again: the server closed {a_connection} at that moment"))
}

/// A shorter gap is not reported.
const GAP_S: f64 = 1.0;
/// Nor is a gap of fewer times the slowest p95, because users of a slow service wait together.
const GAP_TIMES: f64 = 3.0;

/// A pause of the whole service.
pub fn gap(summary: &Summary) -> Option<String> {
    let gap = summary.longest_gap?;
    let p95 = |task: &TaskSummary| task.judged().latency.percentile_ms(Percentile::P95);
    let slowest_ms = summary.tasks.iter().filter_map(p95).fold(0.0, f64::max);
    let is_long =
        gap.length.as_secs_f64() > GAP_S && gap.length.as_secs_f64() * 1e3 > GAP_TIMES * slowest_ms;
    is_long.then(|| {
        format!(
            "no answer came for {} while at least half of the users waited, from {} after the \
             start of the window; the slowest p95 is {}",
            show_duration(gap.length),
            show_duration(gap.at),
            show_ms(slowest_ms)
        )
    })
}

/// Soft checks that some answers did not meet: one sentence each.
pub fn soft_checks(summary: &Summary) -> Vec<String> {
    let checks = summary.tasks.iter().flat_map(|task| task.checks.iter().map(move |c| (task, c)));
    let failed = checks.filter(|(_, check)| check.is_soft && check.failed > 0);
    failed
        .map(|(task, check)| {
            let message = check.message.as_deref().unwrap_or_default();
            format!(
                "{}: {} of {} answers did not meet the soft check \"{}\": {message}",
                task.name, check.failed, check.checked, check.name
            )
        })
        .collect()
}

/// Tasks whose answers no check can fail.
pub fn unchecked(summary: &Summary) -> Option<String> {
    let is_unchecked = |task: &&TaskSummary| task.is_unchecked && task.weight > 0;
    let names = summary.tasks.iter().filter(is_unchecked).map(|task| task.name.as_str());
    let names = names.collect::<Vec<_>>().join(", ");
    let without = "without a check, so only the status of their answers and their shape decide";
    (!names.is_empty()).then(|| format!("{without}: {names}"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::measure::{CheckSummary, Distribution, Gap, Row};

    #[test]
    fn a_gap_is_reported_if_it_is_long_for_this_service() {
        let said = |gap_ms, p95_ms: u64| {
            let latency = Distribution {
                count: 1,
                max_ns: p95_ms * 1_000_000,
                min_ns: p95_ms * 1_000_000,
                ..Distribution::default()
            };
            let window = Row { requests: 1, latency, ..Row::default() };
            let tasks = vec![TaskSummary { window, ..TaskSummary::default() }];
            let (at, length) = (Duration::from_secs(7), Duration::from_millis(gap_ms));
            gap(&Summary { tasks, longest_gap: Some(Gap { at, length }), ..Summary::default() })
        };
        assert_eq!((said(1_000, 10), said(1_400, 500)), (None, None));
        let words = said(1_600, 500).unwrap();
        assert!(words.starts_with("no answer came for 1.6"), "{words}");
        assert!(said(1_001, 10).is_some());
        assert_eq!(gap(&Summary::default()), None);
    }

    #[test]
    fn what_was_not_checked_or_met_is_named_and_so_is_what_was_sent_again() {
        let mut summary = Summary { resent: 1, ..Summary::default() };
        let soft = CheckSummary {
            name: "fresh".to_owned(),
            is_soft: true,
            checked: 9,
            failed: 2,
            message: Some("age is 7, expected 1".to_owned()),
        };
        let hard = CheckSummary { is_soft: false, ..soft.clone() };
        let task = |name: &str, weight, checks, is_unchecked| {
            let name = name.to_owned();
            TaskSummary { name, weight, checks, is_unchecked, ..TaskSummary::default() }
        };
        summary.tasks = vec![
            task("a", 1, vec![soft, hard], false),
            task("b", 1, Vec::new(), true),
            task("c", 0, Vec::new(), true),
            task("d", 2, Vec::new(), true),
        ];
        let said = "a: 2 of 9 answers did not meet the soft check \"fresh\": age is 7, expected 1";
        assert_eq!(soft_checks(&summary), [said]);
        assert!(unchecked(&summary).unwrap().ends_with("decide: b, d"));
        assert_eq!(unchecked(&Summary::default()), None);
        assert!(resent(&summary).unwrap().starts_with("1 request was sent again"));
        summary.resent = 2;
        assert!(resent(&summary).unwrap().starts_with("2 requests were sent again"));
    }
}
