//! The result of a stage: its output, or why it failed.

use std::borrow::Cow;

use portcullis_core::judge::Finding;
use portcullis_supervise::step::StepError;

use crate::cache::CacheError;

/// The output of a stage.
pub struct StageOutput<T> {
    /// The value for the next stages.
    pub value: T,
    /// Whether it came from the cache.
    pub cached: bool,
    /// Details in a few words.
    pub detail: String,
}

/// Why a stage failed.
#[derive(Debug)]
pub struct StageFailure {
    /// The findings; at least one.
    pub findings: Vec<Finding>,
    /// The name of the stage's log, if it has more details.
    pub log: Option<Cow<'static, str>>,
    /// Advice for the user.
    pub advice: Option<String>,
}

/// A stage failed, and its findings are in the journal. The following stages are skipped.
#[derive(Debug)]
pub struct Aborted;

impl<T> StageOutput<T> {
    /// The output of a completed stage.
    pub fn new(value: T, detail: impl Into<String>) -> Self {
        Self { value, cached: false, detail: detail.into() }
    }
}

impl StageFailure {
    /// A failure with one finding.
    pub fn new(finding: Finding) -> Self {
        Self { findings: vec![finding], log: None, advice: None }
    }

    /// The failure of a step before the server's start; `what` is its purpose.
    pub fn preparation(error: StepError, what: &str, log: &'static str) -> Self {
        match error {
            StepError::Interrupted(signal) => Self::new(Finding::interrupted(signal)),
            other => Self::new(Finding::preparation(format!("{what}: {other}"))).with_log(log),
        }
    }

    /// A file of the run cannot be written or read.
    pub fn disk(what: &str, error: &std::io::Error) -> Self {
        Self::new(Finding::preparation(format!("{what}: {error}")))
    }

    /// Adds the log with more details.
    pub fn with_log(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.log = Some(name.into());
        self
    }

    /// Adds advice for the user.
    pub fn with_advice(mut self, advice: impl Into<String>) -> Self {
        self.advice = Some(advice.into());
        self
    }
}

impl From<CacheError> for StageFailure {
    fn from(error: CacheError) -> Self {
        match error {
            CacheError::Interrupted(signal) => Self::new(Finding::interrupted(signal)),
            other => Self::new(Finding::preparation(other.to_string())),
        }
    }
}
