//! Services of the host: facts about the machine, random numbers, git.

pub mod git;
mod lack;
pub mod machine;
pub mod own_environment;
pub mod random;

pub use lack::{lacking, small_files};

/// This binary, even if its file was replaced meanwhile.
pub const OWN_BINARY: &str = "/proc/self/exe";
