//! What can be asked for: one file or folder per command, each of which tells its story
//! in one function and answers with the exit code.

pub mod baseline;
pub mod check;
mod dry_run;
mod flags;
pub mod manual;
pub mod perf;
pub mod report;
mod worker;

pub use worker::arguments;

/// Prints clap's help or complaint; 2 for a complaint.
pub fn usage(error: &clap::Error) -> u8 {
    // A closed terminal is no reason to fail.
    let _ = error.print();
    if error.use_stderr() { 2 } else { 0 }
}
