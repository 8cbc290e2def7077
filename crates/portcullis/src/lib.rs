//! The binary and its pipeline: flags → pipeline → exit code. `xtask` links
//! this library, so `cargo xtask perf` and `portcullis perf` are one thing.

pub mod args;
mod cache;
pub mod commands;
mod compare;
mod console;
mod engines;
mod host;
mod planning;
mod project;
mod run;
mod stages;

/// What a run tells, for a second listener.
pub use portcullis_core::event;
/// The judge's statistics, for those who measure the judge.
pub use portcullis_core::{compare as comparison, evidence, rng};
