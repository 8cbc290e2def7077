//! Judgement: what was measured, held against the rules, becomes findings and an exit
//! code. Nowhere else is anything judged.

mod caveats;
mod doubts;
mod finding;
pub mod findings;
pub mod headline;
mod present;
mod verdict;
#[cfg(test)]
mod verdict_tests;
pub mod wording;

pub use caveats::*;
pub use doubts::{Doubts, doubts};
pub use finding::{EXIT_CODES, Finding, Signal, exit_code, in_order};
pub use present::{Present, present};
pub use verdict::*;
