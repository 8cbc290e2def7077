//! How the rules stand while the load goes on: for what it must go on after its
//! window, and whether it may end before.

use crate::evidence::{Case, State, case, states};
use crate::judge;
use crate::judge::Judgement;
use crate::measure::Summary;
use crate::threshold::{Metric, Policy, Scope, Severity, Threshold};

/// How the rules that fail a run stand. Once one of them is surely violated the run
/// is red whatever comes: then nothing is in doubt any more that would be worth
/// going on for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Doubts {
    /// Tasks, by their place in the scenario, that a rule in doubt is about.
    pub doubtful_tasks: Vec<usize>,
    /// Whether a rule in doubt is about several tasks together.
    pub doubtful_mix: bool,
    /// The rules in doubt, as they were written.
    pub in_doubt: Vec<String>,
    /// Whether every rule is surely violated or proven to hold.
    pub is_decided: bool,
    /// Rules that are surely violated and end the run early: with the moment of
    /// the window from which they may.
    pub aborting: Vec<(String, std::time::Duration)>,
}

/// What is in doubt of the rules on what was counted so far. Latencies are not
/// needed: the rules that can be in doubt are judged by counts.
pub fn doubts(summary: &Summary, rules: &[Threshold]) -> Doubts {
    let failing = rules.iter().filter(|rule| rule.severity == Severity::Fail).cloned();
    let failing: Vec<Threshold> = failing.collect();
    let mut found: Vec<(Threshold, Case)> = Vec::new();
    let mut all_known = true;
    for rule in judge::resolved(summary, &failing) {
        let row = summary.row(&rule.scope);
        match case(summary, &rule, &row) {
            Some(case) => found.push((rule, case)),
            // A rule without requests is not decided; one that is no statement on
            // a share cannot be, but a number that must be reached can still be.
            None => all_known &= row.requests > 0 && is_reached(summary, &rule),
        }
    }
    let cases: Vec<Case> = found.iter().map(|(_, case)| *case).collect();
    let states = states(&cases);
    // A rule on the stored baseline is none where the run is to become the next one.
    let is_red = found
        .iter()
        .zip(&states)
        .any(|((rule, _), state)| *state == State::Violated && rule.derived.is_none());
    let mut doubts = Doubts { is_decided: all_known, ..Doubts::default() };
    for ((rule, _), state) in found.iter().zip(states) {
        doubts.is_decided &= matches!(state, State::Proven | State::Violated);
        if state == State::Violated && rule.abort {
            let after = rule.after.unwrap_or_default();
            doubts.aborting.push((rule.text.clone(), after));
        }
        let doubtful =
            state == State::InDoubt || rule.policy == Policy::Prove && state == State::Unbroken;
        if doubtful && !is_red {
            doubts.doubt(summary, rule);
        }
    }
    doubts
}

/// Whether a number of requests that must be reached is; true of other rules.
fn is_reached(summary: &Summary, rule: &Threshold) -> bool {
    let is_number = matches!(rule.metric, Metric::Count | Metric::Status(_));
    if !is_number || rule.comparison.is_upper() {
        return true;
    }
    let verdict = judge::judge(summary, std::slice::from_ref(rule));
    verdict.judged.iter().all(|judged| judged.judgement == Judgement::Holds)
}

impl Doubts {
    fn doubt(&mut self, summary: &Summary, rule: &Threshold) {
        let tasks = summary.tasks.iter().enumerate();
        let named: Vec<usize> = match &rule.scope {
            Scope::Task(name) => tasks.filter(|(_, t)| t.name == *name).map(|(i, _)| i).collect(),
            Scope::Label(label) if !summary.has_several(label) => {
                tasks.filter(|(_, t)| t.label == *label).map(|(i, _)| i).collect()
            }
            Scope::Aggregate | Scope::Group(_) | Scope::Label(_) => {
                self.doubtful_mix = true;
                Vec::new()
            }
            // Nobody logs in again for a rule's sake.
            Scope::Login => return,
        };
        self.in_doubt.push(format!("{}({})", rule.metric, rule.scope));
        for task in named {
            if !self.doubtful_tasks.contains(&task) {
                self.doubtful_tasks.push(task);
            }
        }
    }

    /// Whether more requests may decide something.
    pub fn is_doubtful(&self) -> bool {
        self.doubtful_mix || !self.doubtful_tasks.is_empty()
    }
}
