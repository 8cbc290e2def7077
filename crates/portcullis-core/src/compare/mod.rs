//! Compares base and candidate: sends the same requests to both, and finds the tasks that
//! became slower. The design and its constants were measured; see docs/decisions/0005.

mod comparison;
mod effect;
mod excuse;
mod findings;
mod judge;
mod loosened;
mod pair;
mod rules;
mod score;
#[cfg(test)]
mod simulation_tests;
mod wording;

pub use comparison::{Comparison, TaskComparison};
pub use effect::{Effect, ErrorRise, effect, error_rise};
pub use excuse::may_be_excused;
pub use findings::{findings, loosened};
pub use judge::{ComparisonPolicy, Decision, GAP, Judge, KEPT, POLICY};
pub use loosened::{loosenings, looser_limits};
pub use pair::{Pair, Side, Sides};
pub use score::interval;
pub use wording::{percent, rise};

use crate::judge::Verdict;
use crate::measure::Summary;

/// Applies the comparison to the verdict of the ordinary load: judges the rules on the base
/// by the pairs, and excuses violations that the base has too under the same load.
pub fn judge_by_pairs(verdict: &mut Verdict, comparison: &Comparison, summary: &Summary) {
    rules::judge_base_rules(verdict, comparison, summary);
    excuse::excuse(verdict, comparison, summary);
}
