//! The record of one request that ended.

use std::time::Duration;

use portcullis_core::engine::is_missing;
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
    /// The checks of the call that were made: one bit for each, in their order.
    pub checked: u64,
    /// The checks that were not met, by their position, with what the body has instead.
    pub unmet: Vec<(usize, String)>,
    /// The body of a failed answer, if it is kept.
    pub error_body: Option<Box<Body>>,
    /// Whether it is a good answer with a status from 200 to 299.
    pub has_data: bool,
    /// Whether it was cut because the load ended.
    pub is_cut: bool,
}

/// What was recorded of a good answer, in case bytes come behind it later.
#[derive(Clone, Copy, Debug)]
pub struct GoodAnswer {
    /// As in its sample.
    pub latency: Duration,
    /// As in its sample.
    pub service: Option<Duration>,
    /// As in its sample.
    pub first_byte: Option<Duration>,
    /// As in its sample.
    pub tail: Duration,
    /// As in its sample.
    pub has_data: bool,
    /// When it ended, since the start of the run.
    pub ended: Duration,
}

impl Sample {
    /// What is recorded of it when it ended then, if it is a good answer.
    pub fn good_answer(&self, ended: Duration) -> Option<GoodAnswer> {
        let Self { latency, service, first_byte, tail, has_data, .. } = *self;
        let answer = GoodAnswer { latency, service, first_byte, tail, has_data, ended };
        (self.failure.is_none() && !self.is_cut).then_some(answer)
    }

    /// Whether the service does not have what was asked for, and the task does not accept that.
    pub fn is_missing(&self) -> bool {
        let is_status = |failure: &Failure| failure.kind == FailureKind::Status;
        self.failure.as_ref().is_some_and(is_status) && is_missing(self.status)
    }

    /// Combines the steps of a call so far with its `next` step: the times add up, and the
    /// result is that of `next`.
    #[must_use]
    pub fn then(self, next: Self) -> Self {
        let mut unmet = self.unmet;
        // A step that is repeated fails each check of a call at most once.
        for (check, message) in next.unmet {
            if unmet.iter().all(|(known, _)| *known != check) {
                unmet.push((check, message));
            }
        }
        Self {
            checked: self.checked | next.checked,
            unmet,
            latency: self.latency + next.latency,
            service: self.service.map(|service| service + next.latency),
            first_byte: self.first_byte.filter(|_| next.first_byte.is_some()),
            body_bytes: self.body_bytes + next.body_bytes,
            ..next
        }
    }
}
