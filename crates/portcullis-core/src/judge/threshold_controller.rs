//! Steers the load by its rules: whether it continues after its window, and whether it ends
//! early.

use std::time::Duration;

use super::rule_status::{Known, known, rule_status};
use crate::evidence::State;
use crate::judge::{self, Judgement};
use crate::measure::{Summary, TaskSummary};
use crate::steering::{RuleStatus, Steering, StopController};
use crate::threshold::{Metric, Policy, Scope, Severity, Threshold};

/// Steers a load by its rules.
#[derive(Clone, Copy, Debug)]
pub struct ThresholdController<'a> {
    /// All rules; `warn` rules are shown, but do not steer the load.
    pub rules: &'a [Threshold],
    /// Whether the window may end once every rule is decided.
    pub until_sure: bool,
}

impl StopController for ThresholdController<'_> {
    fn has_rules(&self) -> bool {
        !self.rules.is_empty()
    }

    fn may_stop_early(&self) -> bool {
        self.until_sure || self.rules.iter().any(|rule| rule.abort)
    }

    /// Needs no latencies, because rules that can be in doubt are judged by counts.
    fn steer(&self, counts: &Summary, measured: Duration) -> Steering {
        let known = known(counts, self.rules, Severity::Fail);
        let stop = self.stop(counts, &known, measured).filter(|_| each_answered(counts));
        let mut steering = Steering { stop, ..Steering::default() };
        // Once a rule is surely violated, the run will be red, so no doubt is worth more requests.
        // A rule on the stored baseline does not count here if this run becomes the next baseline.
        let is_red = known
            .iter()
            .any(|known| known.state == Some(State::Violated) && known.rule.derived.is_none());
        if !is_red {
            let doubtful = known.iter().filter(|known| is_doubtful(known));
            doubtful.for_each(|known| ask_for(&mut steering, counts, &known.rule));
        }
        steering
    }

    fn status(&self, counts: &Summary) -> Vec<RuleStatus> {
        rule_status(counts, self.rules)
    }
}

impl ThresholdController<'_> {
    /// The reason to end the window, if there is one.
    fn stop(&self, counts: &Summary, known: &[Known], measured: Duration) -> Option<String> {
        let aborts = |known: &&Known| {
            known.state == Some(State::Violated)
                && known.rule.abort
                && measured >= known.rule.after.unwrap_or_default()
        };
        if let Some(known) = known.iter().find(aborts) {
            return Some(format!("{} is surely violated", known.rule.text));
        }
        let is_sure = self.until_sure && known.iter().all(|known| is_decided(counts, known));
        is_sure.then(|| "every threshold is decided".to_owned())
    }
}

/// Whether each task with a weight had an answer in the window.
fn each_answered(counts: &Summary) -> bool {
    counts.tasks.iter().all(|task| task.weight == 0 || task.window.requests > 0)
}

/// Whether a rule is decided. A rule without requests is not. A rule that cannot be written
/// as a share is not either, except a number of requests that has been reached.
fn is_decided(counts: &Summary, known: &Known) -> bool {
    match known.state {
        Some(state) => matches!(state, State::Proven | State::Violated),
        None => known.requests > 0 && is_reached(counts, &known.rule),
    }
}

/// Whether more requests may decide a rule, and there is a reason to send them.
fn is_doubtful(known: &Known) -> bool {
    match known.state {
        Some(State::InDoubt) => true,
        Some(State::Unbroken) => known.rule.policy == Policy::Prove,
        _ => false,
    }
}

/// Whether the number of requests of a rule has been reached; true for other rules.
fn is_reached(counts: &Summary, rule: &Threshold) -> bool {
    let is_number = matches!(rule.metric, Metric::Count | Metric::Status(_));
    if !is_number || rule.comparison.is_upper() {
        return true;
    }
    let verdict = judge::judge(counts, std::slice::from_ref(rule));
    verdict.judged.iter().all(|judged| judged.judgement == Judgement::Holds)
}

/// Asks for more requests of a rule's scope.
fn ask_for(steering: &mut Steering, counts: &Summary, rule: &Threshold) {
    let tasks = counts.tasks.iter().enumerate();
    let named: Vec<usize> = match &rule.scope {
        // More of a step is more of its task.
        Scope::Task(name) => {
            let has = |task: &TaskSummary| task.name == *name || task.has_step(name);
            tasks.filter(|(_, task)| has(task)).map(|(index, _)| index).collect()
        }
        Scope::Label(label) if !counts.has_several(label) => {
            tasks.filter(|(_, t)| t.label == *label).map(|(i, _)| i).collect()
        }
        Scope::Aggregate | Scope::Group(_) | Scope::Label(_) => {
            steering.mix = true;
            Vec::new()
        }
        // No extra logins are made for a rule.
        Scope::Login => return,
    };
    steering.needed_for.push(format!("{}({})", rule.metric, rule.scope));
    for task in named {
        if !steering.tasks.contains(&task) {
            steering.tasks.push(task);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::Row;
    use crate::threshold::{self, Names};

    fn steer(rules: &[&str], failures: u64, until_sure: bool) -> Steering {
        let tasks = ["list", "detail"].map(str::to_owned);
        let names = Names { tasks: &tasks, groups: &[], labels: &[], login: false };
        let parse = |text: &&str| threshold::parse(text, Severity::Fail, names).unwrap();
        let rules: Vec<Threshold> = rules.iter().map(parse).collect();
        let window = Row { requests: 200, failures, ..Row::default() };
        let task = |name: &str| TaskSummary {
            name: name.to_owned(),
            weight: 1,
            window: window.clone(),
            ..TaskSummary::default()
        };
        let counts = Summary { tasks: vec![task("list"), task("detail")], ..Summary::default() };
        let controller = ThresholdController { rules: &rules, until_sure };
        controller.steer(&counts, Duration::from_secs(5))
    }

    #[test]
    fn a_rule_in_doubt_asks_for_more_of_what_it_is_about() {
        let doubt = steer(&["error_rate(detail) <= 5%", "error_rate <= 5%"], 11, false);
        assert_eq!((doubt.tasks, doubt.mix, doubt.stop), (vec![1], true, None));
        assert_eq!(doubt.needed_for, ["error_rate(detail)", "error_rate(aggregate)"]);
        let red = steer(&["error_rate(detail) <= 5%", "error_rate(list) <= 50%"], 100, false);
        assert_eq!(red, Steering::default(), "red whatever comes");
    }

    #[test]
    fn the_window_ends_for_a_rule_that_says_so_and_once_all_are_sure() {
        let stop = |rules: &[&str], until_sure| steer(rules, 100, until_sure).stop;
        let rule = "error_rate(list) <= 5% abort";
        assert_eq!(stop(&[rule], false).unwrap(), format!("{rule} is surely violated"));
        assert_eq!(stop(&["error_rate(list) <= 5% abort after 9s"], false), None);
        let sure = ["error_rate <= 90%", "error_rate(list) <= 5%"];
        assert_eq!(stop(&sure, true).as_deref(), Some("every threshold is decided"));
        assert_eq!(stop(&sure, false), None);
    }
}
