//! What the machine gives: facts about it, random numbers, the answers of git.

pub mod git;
pub mod machine;
pub mod random;
