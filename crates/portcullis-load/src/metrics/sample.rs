//! One request that ended, as it is recorded.

use std::time::Duration;

use portcullis_core::measure::{Body, FailureKind};

/// Why a request failed, in the words of the first that did.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Its kind.
    pub kind: FailureKind,
    /// What tells groups of one kind apart: the status, or 0.
    pub status: u16,
    /// What happened.
    pub message: String,
}

impl Failure {
    /// One that its kind tells apart from all others of its task.
    pub fn new(kind: FailureKind, message: String) -> Self {
        Self { kind, status: 0, message }
    }
}

/// One request, finished; or the requests of one call, as one.
#[derive(Debug, Default)]
pub struct Sample {
    /// From the start of sending, or in the open model from the intended start,
    /// to the last byte.
    pub latency: Duration,
    /// In the open model: from the start of sending to the last byte.
    pub service: Option<Duration>,
    /// From the start of sending to the first byte; of whole answers.
    pub first_byte: Option<Duration>,
    /// From the first byte to the last one.
    pub tail: Duration,
    /// Bytes of body, unpacked.
    pub body_bytes: u64,
    /// The answer's status; 0 without a whole answer.
    pub status: u16,
    /// What went wrong, if something did.
    pub failure: Option<Failure>,
    /// The body of a failed answer, if it is one of those that are kept.
    pub error_body: Option<Box<Body>>,
    /// Whether it is a good answer with a status from 200 to 299.
    pub has_data: bool,
    /// Whether it was given up because the load was over.
    pub is_cut: bool,
}

impl Sample {
    /// The call of which this was sent so far, and `next` after it: together they took
    /// as long as both, and came out as `next` did.
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
