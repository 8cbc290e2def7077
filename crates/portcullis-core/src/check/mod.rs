//! Applies rules to existing results: measurements of an earlier run, or the figures in a
//! file of another tool. What a file cannot show is reported separately, and is never a
//! pass.

mod bounds;
mod contradictions;
mod measured;
mod scope;
mod stated;
mod stated_rules;
#[cfg(test)]
mod tests;

pub use bounds::{Interval, before_rounding};
pub use contradictions::{contradictions, looser_rules, other_rules};
pub use measured::check_measured;
pub use scope::is_login;
pub use stated::{FailedLatencies, Stated, StatedLatency, StatedRow};
pub use stated_rules::check_stated;

use crate::judge::{Judgement, ThresholdResult};
use crate::threshold::{Scope, Severity, Threshold};

/// The result of one rule for one scope of a file.
#[derive(Clone, Debug, PartialEq)]
pub enum Checked {
    /// It was judged, or there was no data.
    Outcome(ThresholdResult),
    /// The requests are in the file, but its figures do not decide the rule.
    Undecided {
        /// The rule; a `per task` rule is already split.
        rule: Threshold,
        /// What is missing, as the second half of a sentence.
        why: String,
    },
    /// The file does not separate these requests from others.
    NotInFile {
        /// The rule as written.
        rule: Threshold,
        /// What is missing, as the second half of a sentence.
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

    /// Whether it was judged with data, passed or violated.
    pub fn is_decided(&self) -> bool {
        let is_open = |judgement| matches!(judgement, Judgement::NoData | Judgement::NotJudged);
        matches!(self, Self::Outcome(judged) if !is_open(judged.judgement))
    }

    /// Whether the baseline or base of its limit is missing.
    pub fn is_not_judged(&self) -> bool {
        matches!(self, Self::Outcome(judged) if judged.judgement == Judgement::NotJudged)
    }

    /// Whether a `fail` rule on all requests was judged with data. A file must allow at least
    /// that.
    pub fn is_decided_for_all(&self) -> bool {
        let rule = self.rule();
        let for_all = rule.scope == Scope::Aggregate && rule.severity == Severity::Fail;
        for_all && self.is_decided()
    }
}
