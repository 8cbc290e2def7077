//! What a stage ends with: what it made, or why it failed.

use portcullis_core::judge::Finding;
use portcullis_supervise::step::StepError;

use crate::cache::CacheError;

/// What a stage made.
pub struct StageOutput<T> {
    /// What the next stages need.
    pub value: T,
    /// Whether it was there already.
    pub cached: bool,
    /// A few words on it.
    pub detail: String,
}

/// Why a stage failed.
#[derive(Debug)]
pub struct StageFailure {
    /// What decides the exit code; at least one.
    pub findings: Vec<Finding>,
    /// The stage's log, by its name, if it tells more.
    pub log: Option<&'static str>,
    /// What to try.
    pub advice: Option<String>,
}

/// A stage failed, and its findings are in the journal: what would follow does not.
#[derive(Debug)]
pub struct Aborted;

impl<T> StageOutput<T> {
    /// Of a stage that did its work.
    pub fn new(value: T, detail: impl Into<String>) -> Self {
        Self { value, cached: false, detail: detail.into() }
    }
}

impl StageFailure {
    /// A failure with one finding.
    pub fn new(finding: Finding) -> Self {
        Self { findings: vec![finding], log: None, advice: None }
    }

    /// A failed step before the server's start; `what` was to be made by it.
    pub fn preparation(error: StepError, what: &str, log: &'static str) -> Self {
        match error {
            StepError::Interrupted(signal) => Self::new(Finding::Interrupted(signal)),
            other => Self::new(Finding::Preparation(format!("{what}: {other}"))).with_log(log),
        }
    }

    /// A file of our own that cannot be written or read.
    pub fn disk(what: &str, error: &std::io::Error) -> Self {
        Self::new(Finding::Preparation(format!("{what}: {error}")))
    }

    /// The log that tells more.
    pub fn with_log(mut self, name: &'static str) -> Self {
        self.log = Some(name);
        self
    }

    /// What to try.
    pub fn with_advice(mut self, advice: impl Into<String>) -> Self {
        self.advice = Some(advice.into());
        self
    }
}

impl From<CacheError> for StageFailure {
    fn from(error: CacheError) -> Self {
        match error {
            CacheError::Interrupted(signal) => Self::new(Finding::Interrupted(signal)),
            other => Self::new(Finding::Preparation(other.to_string())),
        }
    }
}
