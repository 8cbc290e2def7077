//! The stages of the pipeline, one file each, in their order.

pub mod collect;
pub mod environment;
pub mod judge;
pub mod load;
pub mod migrate;
pub mod project;
pub mod ready;
pub mod seed;
pub mod serve;

use portcullis_core::outcome::Finding;
use portcullis_supervise::finite::StepError;

use crate::cache::CacheError;
use crate::run::Failure;

/// A finite step's failure as a failed preparation.
fn preparation(error: StepError, what: &str, log: &'static str) -> Failure {
    match error {
        StepError::Interrupted(signal) => Failure::new(Finding::Interrupted(signal)),
        other => Failure::new(Finding::Preparation(format!("{what}: {other}"))).with_log(log),
    }
}

fn cache_failure(error: CacheError) -> Failure {
    match error {
        CacheError::Interrupted(signal) => Failure::new(Finding::Interrupted(signal)),
        other => Failure::new(Finding::Preparation(other.to_string())),
    }
}

/// A file of our own that cannot be written or read.
fn disk(what: &str, error: &std::io::Error) -> Failure {
    Failure::new(Finding::Preparation(format!("{what}: {error}")))
}
