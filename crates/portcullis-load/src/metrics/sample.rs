//! The record of one request that ended.

use std::time::Duration;

use portcullis_core::measure::{Body, FailureKind};

/// Why a request failed; a group of failures keeps the message of the first.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Its kind.
    pub kind: FailureKind,
    /// The status, which separates groups of one kind; or 0.
    pub status: u16,
    /// What happened.
    pub message: String,
}

impl Failure {
    /// A failure whose kind alone identifies its group.
    pub fn new(kind: FailureKind, message: String) -> Self {
        Self { kind, status: 0, message }
    }
}

/// One finished request; or all requests of one call together.
#[derive(Clone, Debug, Default)]
pub struct Sample {
    /// From the start of sending (in the open model from the intended start) to the last byte.
    pub latency: Duration,
    /// In the open model: from the start of sending to the last byte.
    pub service: Option<Duration>,
    /// From the start of sending to the first byte; only for complete answers.
    pub first_byte: Option<Duration>,
    /// From the first byte to the last one.
    pub tail: Duration,
    /// Unpacked bytes of the body.
    pub body_bytes: u64,
    /// The answer's status; 0 without a whole answer.
    pub status: u16,
    /// The failure, if there was one.
    pub failure: Option<Failure>,
    /// The body of a failed answer, if it is kept.
    pub error_body: Option<Box<Body>>,
    /// Whether it is a good answer with a status from 200 to 299.
    pub has_data: bool,
    /// Whether it was cut because the load ended.
    pub is_cut: bool,
}

impl Sample {
    /// Combines the steps of a call so far with its `next` step: the times add up, and the
    /// result is that of `next`.
    #[must_use]
    pub fn then(self, next: Self) -> Self {
        Self {
            latency: self.latency + next.latency,
            service: self.service.map(|service| service + next.latency),
            first_byte: self.first_byte.filter(|_| next.first_byte.is_some()),
            body_bytes: self.body_bytes + next.body_bytes,
            ..next
        }
    }
}
