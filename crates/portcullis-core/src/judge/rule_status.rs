//! The status of each rule during the load.

use crate::evidence::{ProportionTest, State, proportion_test, states};
use crate::judge;
use crate::measure::Summary;
use crate::steering::RuleStatus;
use crate::threshold::{Severity, Threshold};

/// A rule for one scope, with the counts so far.
pub(super) struct Known {
    pub rule: Threshold,
    /// The number of requests of its scope.
    pub requests: u64,
    /// `None` without requests, and for rules that cannot be written as a share.
    pub state: Option<State>,
}

/// The rules of one severity. As in the verdict, the errors are over all of them.
pub(super) fn known(summary: &Summary, rules: &[Threshold], severity: Severity) -> Vec<Known> {
    let family: Vec<Threshold> =
        rules.iter().filter(|rule| rule.severity == severity).cloned().collect();
    let judged = |rule: Threshold| {
        let row = summary.row(&rule.scope);
        let case = proportion_test(summary, &rule, &row);
        (Known { rule, requests: row.requests, state: None }, case)
    };
    let (mut known, cases): (Vec<Known>, Vec<Option<ProportionTest>>) =
        judge::resolved(summary, &family).map(judged).unzip();
    let with_case: Vec<ProportionTest> = cases.iter().flatten().copied().collect();
    let mut states = states(&with_case).into_iter();
    for (known, _) in known.iter_mut().zip(&cases).filter(|(_, case)| case.is_some()) {
        known.state = states.next();
    }
    known
}

/// The status of all rules with the counts so far, for the observer: `fail` rules first.
pub fn rule_status(summary: &Summary, rules: &[Threshold]) -> Vec<RuleStatus> {
    let families = [Severity::Fail, Severity::Warn];
    let known = families.into_iter().flat_map(|severity| known(summary, rules, severity));
    let status = |known: Known| {
        let rule = &known.rule;
        let words =
            format!("{} {} {}", rule.subject(), rule.comparison.sign(), rule.limit_in_words());
        RuleStatus { rule: words, severity: rule.severity, state: known.state }
    };
    known.map(status).collect()
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
        let found = rule_status(&summary(200, 100), &rules);
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
        let found = rule_status(&summary(3, 0), &rules);
        let states: Vec<_> = found.iter().map(|rule| rule.state).collect();
        assert_eq!(states, [Some(State::Unbroken), None], "{found:?}");
    }
}
