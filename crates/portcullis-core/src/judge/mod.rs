//! Judgement: what was measured, held against the rules, becomes findings and an exit
//! code. Nowhere else is anything judged.

mod caveats;
mod finding;
pub mod findings;
pub mod headline;
mod rule_status;
mod threshold_controller;
mod verdict;
#[cfg(test)]
mod verdict_tests;
pub mod wording;

pub use caveats::*;
pub use finding::{EXIT_CODES, Finding, Signal, exit_code, in_order};
pub use rule_status::rule_status;
pub use threshold_controller::ThresholdController;
pub use verdict::*;
