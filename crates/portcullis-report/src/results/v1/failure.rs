//! Failures by task and kind.

use portcullis_core::measure::{FailureGroup, FailureKind};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Text;
use crate::results::wire::{Count, Instant, fields};
use crate::results::word::Word;

/// Failures of one task and kind.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Failure<'a> {
    pub task: Text<'a>,
    pub method: Text<'a>,
    pub kind: Word<FailureKind>,
    /// Message of the first failure.
    pub message: Text<'a>,
    pub count: Count,
    pub first_seen: Instant,
    pub last_seen: Instant,
}

fields!(Failure<'a>: FailureGroup { kind, method, task, message, count } at {
    first_seen = first_unix_ms,
    last_seen = last_unix_ms
});
