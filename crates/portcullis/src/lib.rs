//! The binary and the job: flags → job → exit code. `xtask` links this library, so `cargo
//! xtask perf` and `portcullis perf` are the same.

pub mod args;
mod cache;
pub mod commands;
mod compare;
mod console;
mod doctor;
mod engines;
mod host;
mod init;
mod planning;
mod project;
mod run;
mod services;
mod stages;

/// The events of a run, for a second listener.
pub use portcullis_core::event;
/// The statistics of the judge, for the benchmark that measures the judge.
pub use portcullis_core::{compare as comparison, evidence, rng};
