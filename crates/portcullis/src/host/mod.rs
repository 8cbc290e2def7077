//! Services of the host: facts about the machine, random numbers, git.

pub mod git;
pub mod machine;
pub mod own_environment;
pub mod random;

/// This binary, even if its file was replaced meanwhile.
pub const OWN_BINARY: &str = "/proc/self/exe";
