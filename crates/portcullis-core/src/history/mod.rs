//! Runs over weeks: one entry per run, and the runs at which a task's latency changed for
//! good.

mod change_points;
mod entry;
#[cfg(test)]
mod simulation_tests;

pub use change_points::{ChangePoint, FEWEST_RUNS, change_points};
pub use entry::{Entry, EntryRow, Outcome, changed_outcome};
