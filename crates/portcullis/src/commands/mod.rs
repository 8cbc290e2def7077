//! What can be asked for, one file or folder per command.

pub mod baseline;
pub mod check;
pub mod perf;
pub mod report;
