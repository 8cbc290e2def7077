//! The commands: one file or folder for each. Each one shows its work in one function and
//! returns the exit code.

pub mod baseline;
pub mod check;
pub mod config;
pub mod doctor;
mod dry_run;
mod flags;
pub mod history;
pub mod init;
pub mod manual;
pub mod perf;
pub mod report;
mod worker;

pub use worker::arguments;

/// Prints clap's help or error; returns 2 for an error.
pub fn usage(error: &clap::Error) -> u8 {
    // A closed terminal must not be an error.
    let _ = error.print();
    if error.use_stderr() { 2 } else { 0 }
}
