//! How each rule stands while the load goes on, for people who watch it.

use crate::evidence::{Case, State, case, states};
use crate::judge;
use crate::measure::Summary;
use crate::threshold::{Severity, Threshold};

/// A rule and what is known of it so far.
#[derive(Clone, Debug, PartialEq)]
pub struct Present {
    /// The rule, resolved to one scope: `p95(list) <= 500 ms`.
    pub rule: String,
    /// Whether it fails the run, or only warns.
    pub severity: Severity,
    /// What is known; `None` before the first request, and for rules that are no
    /// statement on a share of requests (`mean`, `rps`, `count`, `size`): those
    /// are judged at the end.
    pub state: Option<State>,
}

/// The rules on what was counted so far. As in the verdict, the errors are over
/// all rules of one severity.
pub fn present(summary: &Summary, rules: &[Threshold]) -> Vec<Present> {
    let mut all: Vec<Present> = Vec::new();
    for severity in [Severity::Fail, Severity::Warn] {
        let family: Vec<Threshold> =
            rules.iter().filter(|rule| rule.severity == severity).cloned().collect();
        let resolved: Vec<Threshold> = judge::resolved(summary, &family).collect();
        let cases: Vec<Option<Case>> =
            resolved.iter().map(|rule| case(summary, rule, &summary.row(&rule.scope))).collect();
        let known: Vec<Case> = cases.iter().flatten().copied().collect();
        let mut states = states(&known).into_iter();
        all.extend(resolved.iter().zip(&cases).map(|(rule, case)| Present {
            rule: format!(
                "{} {} {}",
                rule.subject(),
                rule.comparison.sign(),
                rule.limit_in_words()
            ),
            severity,
            state: case.and_then(|_| states.next()),
        }));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::{Row, TaskSummary};
    use crate::threshold::{self, Names};

    fn rule(text: &str, severity: Severity) -> Threshold {
        let tasks = ["list", "detail"].map(str::to_owned);
        let names = Names { tasks: &tasks, groups: &[], labels: &[], login: false };
        threshold::parse(text, severity, names).unwrap()
    }

    fn summary(requests: u64, failures: u64) -> Summary {
        let window = Row { requests, failures, ..Row::default() };
        let task = |name: &str, window| TaskSummary {
            name: name.to_owned(),
            weight: 1,
            window,
            ..TaskSummary::default()
        };
        let tasks = vec![task("list", window), task("detail", Row::default())];
        Summary { tasks, ..Summary::default() }
    }

    #[test]
    fn each_rule_stands_for_itself_and_keeps_its_own_state() {
        let rules = [
            rule("error_rate(detail) <= 5%", Severity::Fail),
            rule("error_rate(list) <= 5%", Severity::Fail),
            rule("rps >= 1/s", Severity::Warn),
            rule("error_rate <= 90%", Severity::Warn),
        ];
        let found = present(&summary(200, 100), &rules);
        let states: Vec<_> = found.iter().map(|rule| (rule.severity, rule.state)).collect();
        let expected = [
            (Severity::Fail, None),
            (Severity::Fail, Some(State::Violated)),
            (Severity::Warn, None),
            (Severity::Warn, Some(State::Proven)),
        ];
        assert_eq!(states, expected, "{found:?}");
        assert_eq!(found[1].rule, "error_rate(list) <= 5.00 %");
    }

    #[test]
    fn a_rule_per_task_is_one_for_each() {
        let rules = [rule("error_rate <= 5% per task", Severity::Fail)];
        let found = present(&summary(3, 0), &rules);
        let states: Vec<_> = found.iter().map(|rule| rule.state).collect();
        assert_eq!(states, [Some(State::Unbroken), None], "{found:?}");
    }
}
