//! Counts of the checks of a task.

/// One check of a task, in the window and after it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CheckSummary {
    /// Its name.
    pub name: String,
    /// Whether an answer that does not meet it stays a good one.
    pub is_soft: bool,
    /// The number of answers that were examined.
    pub checked: u64,
    /// How many of them did not meet it.
    pub failed: u64,
    /// What the first of these had instead.
    pub message: Option<String>,
}
