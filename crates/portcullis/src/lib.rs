//! The binary and its pipeline: flags → pipeline → exit code. `xtask` links
//! this library, so `cargo xtask perf` and `portcullis perf` are one thing.

mod against;
mod baseline;
mod cache;
mod chance;
mod check;
pub mod cli;
mod command_line;
mod console;
mod dotenv;
mod formats;
mod git;
mod github;
mod health;
mod key;
mod machine;
mod pipeline;
mod places;
mod planning;
mod python;
mod redacted;
mod report;
mod run;
mod settings_overlay;
mod stages;

pub use portcullis_core::compare;
/// What a run tells, for a second listener.
pub use portcullis_core::event;
/// The judge's statistics, for those who measure the judge.
pub use portcullis_core::evidence;
pub use portcullis_core::rng;
