//! Rules held against results that exist: our own measurements read back, or
//! what a file of another tool states of them. What a file cannot show is told
//! apart from what it shows, and is never a pass.

mod bounds;
mod measured;
mod scope;
mod stated;
mod stated_rules;
#[cfg(test)]
mod tests;

pub use bounds::{Interval, before_rounding};
pub use measured::check_measured;
pub use scope::is_login;
pub use stated::{FailedLatencies, Stated, StatedLatency, StatedRow};
pub use stated_rules::check_stated;

use crate::judge::{Judgement, ThresholdResult};
use crate::threshold::{Scope, Severity, Threshold};

/// How one rule ended for one scope of a file.
#[derive(Clone, Debug, PartialEq)]
pub enum Checked {
    /// It was judged, or nothing was there to judge it by.
    Outcome(ThresholdResult),
    /// The requests are in the file, but it does not say enough of them.
    Undecided {
        /// The rule; `per task` is resolved.
        rule: Threshold,
        /// What is missing, in a sentence's second half.
        why: String,
    },
    /// The file does not tell these requests apart from others.
    NotInFile {
        /// The rule, as it was written.
        rule: Threshold,
        /// What is missing, in a sentence's second half.
        why: String,
    },
}

impl Checked {
    /// The rule.
    pub fn rule(&self) -> &Threshold {
        match self {
            Self::Outcome(judged) => &judged.rule,
            Self::Undecided { rule, .. } | Self::NotInFile { rule, .. } => rule,
        }
    }

    /// Whether it was held against data, with either end.
    pub fn is_decided(&self) -> bool {
        let is_open = |judgement| matches!(judgement, Judgement::NoData | Judgement::NotJudged);
        matches!(self, Self::Outcome(judged) if !is_open(judged.judgement))
    }

    /// Whether what its limit refers to is not there.
    pub fn is_not_judged(&self) -> bool {
        matches!(self, Self::Outcome(judged) if judged.judgement == Judgement::NotJudged)
    }

    /// Whether a rule on all requests that can fail a run was held against data:
    /// what a file must have been good for at the least.
    pub fn is_decided_for_all(&self) -> bool {
        let rule = self.rule();
        let for_all = rule.scope == Scope::Aggregate && rule.severity == Severity::Fail;
        for_all && self.is_decided()
    }
}
