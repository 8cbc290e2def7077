//! Judgement: compares measurements with rules, and turns the results into findings and an
//! exit code. No other code judges.

mod answer_caveats;
mod caveats;
mod finding;
pub mod findings;
pub mod headline;
mod late;
#[cfg(test)]
mod late_simulation_tests;
mod rule_status;
mod threshold_controller;
mod unanswered;
mod validity;
mod verdict;
#[cfg(test)]
mod verdict_tests;
pub mod wording;

pub use caveats::*;
pub use finding::{EXIT_CODES, Finding, FindingKind, Signal, Subject, exit_code, in_order};
pub use late::{KEPT_SHARE, late_finding};
pub use rule_status::rule_status;
pub use threshold_controller::ThresholdController;
pub use unanswered::unanswered_fault;
pub use validity::*;
pub use verdict::*;
