//! What the machine gives: facts about it, random numbers, the answers of git.

pub mod git;
pub mod machine;
pub mod random;

/// This binary, also when its file was replaced meanwhile.
pub const OWN_BINARY: &str = "/proc/self/exe";
