//! The wording of a comparison: one line for each task, and a part of the verdict.

use super::comparison::{Comparison, TaskComparison};
use super::effect::{Effect, ErrorRise};
use super::judge::{Decision, POLICY};
use super::score;

/// A change in percent with its sign: `+18.3 %`.
pub fn percent(ratio: f64) -> String {
    format!("{:+.1} %", (ratio - 1.0) * 100.0)
}

fn sized(effect: &Effect) -> String {
    format!("{} ({}, {} pairs)", percent(effect.median), interval(effect), effect.pairs)
}

/// The interval of a ratio: `95 %: +3.1 % to +9.0 %`. An end beyond what is computed is open.
fn interval(effect: &Effect) -> String {
    match (effect.from(), effect.to()) {
        (Some(low), Some(high)) => format!("95 %: {} to {}", percent(low), percent(high)),
        (Some(low), None) => format!("95 %: {} or more", percent(low)),
        (None, Some(high)) => format!("95 %: {} or less", percent(high)),
        (None, None) => "95 %: unknown".to_owned(),
    }
}

/// What is possible with an error of 5 %: `up to +12.0 %`.
fn possible(at_most: f64) -> String {
    match at_most < score::MOST / score::CLOSE {
        true => format!("up to {}", percent(at_most)),
        false => format!("more than {}", percent(score::MOST)),
    }
}

/// The bound that decided "not slower", with an error of 5 %. The evidence may have been
/// stronger at the decision than it is at the end; it stays valid.
fn cleared_by(effect: &Effect) -> String {
    let bound = effect.at_most.min(POLICY.cleared_margin);
    format!("at most {} (error 5 %)", percent(bound))
}

impl TaskComparison {
    /// The result of the task in one line.
    pub fn line(&self) -> String {
        let Some(effect) = &self.effect else {
            return format!("{}: {}", self.name, self.without_ratio());
        };
        let size = sized(effect);
        let cpu = match &self.cpu {
            Some(cpu) if self.decision == Decision::Slower => format!("; {}", cause(effect, cpu)),
            _ => String::new(),
        };
        match self.decision {
            Decision::Slower => format!("{} is slower by {size}{cpu}", self.name),
            Decision::NotSlower => {
                format!("{} is not slower: {}: {size}", self.name, cleared_by(effect))
            }
            Decision::Faster => format!("{} is faster by {size}", self.name),
            Decision::Undecided => {
                let possible = possible(effect.at_most);
                format!("{}: undecided, {possible} is possible: {size}", self.name)
            }
        }
    }

    fn without_ratio(&self) -> String {
        let all = |failed: u64| self.pairs > 0 && failed == self.pairs;
        match (all(self.failures.base), all(self.failures.candidate)) {
            (true, false) => match self.base_lacks {
                Some(status) => format!("new, not compared: the base answers {status}"),
                None => "not compared: every request to the base failed".to_owned(),
            },
            (false, true) => "every request to the candidate failed".to_owned(),
            _ => format!("not compared: none of {} pairs had two successful answers", self.pairs),
        }
    }
}

/// Whether the extra time is CPU time or waiting, as far as the server's CPU time shows.
fn cause(effect: &Effect, cpu: &Effect) -> String {
    let cpu_change = percent(cpu.median);
    // Less than a third of the change is CPU time, so the rest is waiting.
    match (cpu.median - 1.0) < (effect.median - 1.0) / 3.0 {
        true => format!("CPU time {cpu_change}: the extra time is waiting (I/O, locks), not CPU"),
        false => format!("CPU time {cpu_change}: the extra time is CPU"),
    }
}

impl Comparison {
    /// The part of the verdict about the comparison.
    pub fn sentence(&self) -> String {
        let short = self.short();
        let count = |decision| self.of(decision).count();
        let tasks = |n: usize| if n == 1 { "1 task".to_owned() } else { format!("{n} tasks") };
        let compared = self.tasks.iter().filter(|task| task.effect.is_some()).count();
        let undecided: Vec<&Effect> =
            self.of(Decision::Undecided).filter_map(|task| task.effect.as_ref()).collect();
        let mut parts = Vec::new();
        if count(Decision::Slower) > 0 {
            parts.push(format!("{} slower", tasks(count(Decision::Slower))));
        }
        if !undecided.is_empty() {
            let most = undecided.iter().map(|effect| effect.at_most).fold(0.0, f64::max);
            parts.push(format!(
                "{} undecided: {} is possible",
                tasks(undecided.len()),
                possible(most)
            ));
        }
        if count(Decision::Faster) > 0 {
            parts.push(format!("{} faster", tasks(count(Decision::Faster))));
        }
        if count(Decision::NotSlower) > 0 {
            let n = count(Decision::NotSlower);
            let all = if n == compared { "all " } else { "" };
            parts.push(format!("{all}{} not slower", tasks(n)));
        }
        let new = self.tasks.iter().filter(|task| task.is_new()).count();
        if new > 0 {
            parts.push(format!("{} new", tasks(new)));
        }
        if compared + new < self.tasks.len() {
            parts.push(format!("{} not compared", tasks(self.tasks.len() - compared - new)));
        }
        format!("against {short}: {}", parts.join(", "))
    }

    /// The limits of such a comparison, in a sentence.
    pub fn blind_spot(&self) -> String {
        format!(
            "a slowdown of less than {} can get either decision; pairs do not detect waiting for \
             other users' requests, nor a slowdown that appears only under load",
            percent(POLICY.cleared_margin)
        )
    }

    /// Facts about the comparison besides its tasks, a sentence each.
    pub fn notes(&self) -> Vec<String> {
        let unplaced = self.unplaced.as_ref().map(|why| {
            format!("both servers could not be pinned to one CPU, so more pairs are needed: {why}")
        });
        unplaced.into_iter().chain(self.base_load.clone()).chain(self.base_gate.clone()).collect()
    }
}

/// The message if the candidate surely fails more often than the base.
pub fn rise(rise: ErrorRise) -> String {
    format!(
        "the candidate fails more often: {} pairs failed only at the candidate, {} only at the \
         base",
        rise.candidate, rise.base
    )
}
