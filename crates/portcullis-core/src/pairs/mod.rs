//! Base and candidate, the same request to both: which tasks became slower. The
//! design and its constants were measured; see docs/decisions/0005.

mod comparison;
mod effect;
mod excuse;
mod judge;
mod pair;
mod rules;
mod score;
#[cfg(test)]
mod simulation_tests;
mod words;

pub use comparison::{Comparison, TaskComparison};
pub use effect::{Effect, ErrorRise, effect, error_rise};
pub use excuse::excuse;
pub use judge::{Decision, GAP, Judge, KEPT, RULE, Rule};
pub use pair::{Pair, Side, Sides};
pub use rules::judge_base_rules;
pub use score::interval;
pub use words::percent;
