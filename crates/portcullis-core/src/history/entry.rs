//! What is remembered of a run.

/// How a run ended, as far as a history is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Exit code 0.
    Passed,
    /// Exit code 1: measured well, and a rule was violated.
    Failed,
    /// Any other exit code: no valid measurement.
    Invalid,
}

impl Outcome {
    /// The outcome of an exit code.
    pub fn of(exit_code: u8) -> Self {
        match exit_code {
            0 => Self::Passed,
            1 => Self::Failed,
            _ => Self::Invalid,
        }
    }
}

/// One run.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Its start, in milliseconds since 1970.
    pub started_unix_ms: u64,
    /// The commit, with `+dirty` if the working tree had changes.
    pub commit: Option<String>,
    /// The branch, if it is known.
    pub branch: Option<String>,
    /// The exit code.
    pub exit_code: u8,
    /// The machine and the measured part of the configuration: only runs with the same key
    /// are compared.
    pub key: String,
    /// A row for each task.
    pub rows: Vec<EntryRow>,
}

impl Entry {
    /// How it ended.
    pub fn outcome(&self) -> Outcome {
        Outcome::of(self.exit_code)
    }
}

/// One task of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct EntryRow {
    /// The task.
    pub task: String,
    /// Requests that were counted.
    pub requests: u64,
    /// Share of failed requests, between 0 and 1.
    pub error_rate: f64,
    /// Median latency of good answers, in milliseconds; `None` without one.
    pub p50_ms: Option<f64>,
    /// 95th percentile, in milliseconds.
    pub p95_ms: Option<f64>,
}

/// The outcome before `now`, if it was another one: a state that lasts is told once. Invalid
/// runs say nothing about the service and are passed over; `now` is not among `earlier`.
pub fn changed_outcome(earlier: &[Entry], now: &Entry) -> Option<Outcome> {
    let same_branch = earlier.iter().filter(|entry| entry.branch == now.branch);
    let known = |entry: &Entry| Some(entry.outcome()).filter(|o| *o != Outcome::Invalid);
    let current = known(now)?;
    let before = same_branch.rev().find_map(known);
    match before {
        Some(before) => (before != current).then_some(before),
        // The first run is news only if it is red.
        None => (current == Outcome::Failed).then_some(Outcome::Passed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(branch: &str, exit_code: u8) -> Entry {
        let branch = Some(branch.to_owned());
        let (commit, key) = (None, String::new());
        Entry { started_unix_ms: 0, commit, branch, exit_code, key, rows: Vec::new() }
    }

    #[test]
    fn only_a_change_of_state_is_news() {
        let history = [entry("main", 0), entry("main", 5), entry("other", 1)];
        assert_eq!(changed_outcome(&history, &entry("main", 0)), None);
        assert_eq!(changed_outcome(&history, &entry("main", 1)), Some(Outcome::Passed));
        assert_eq!(changed_outcome(&history, &entry("other", 1)), None);
        assert_eq!(changed_outcome(&history, &entry("other", 0)), Some(Outcome::Failed));
        assert_eq!(changed_outcome(&history, &entry("main", 5)), None);
        assert_eq!(changed_outcome(&[], &entry("main", 0)), None);
        assert_eq!(changed_outcome(&[], &entry("main", 1)), Some(Outcome::Passed));
    }
}
