//! Single requests of a task that are worth a look.

use portcullis_core::measure as kept;
use portcullis_core::measure::{FailureKind, Summary};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Text;
use crate::results::wire::{Instant, Milliseconds, Seconds, Wire};
use crate::results::word::Word;
use crate::results::{At, Contradiction};

/// A failed answer.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct ErrorSample<'a> {
    /// End of the request in seconds since the start of the window; 0 if it ended before.
    pub at_s: Seconds,
    /// End of the request as wall time.
    #[serde(default)]
    pub at: Instant,
    pub status: u16,
    pub kind: Word<FailureKind>,
    /// Size of the decompressed body.
    pub body_bytes: u64,
    /// Beginning of the body without secrets, with `…` if it was cut; null if it is not
    /// text.
    pub body: Option<Text<'a>>,
}

/// One of the slowest requests.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct SlowRequest {
    /// End of the request in seconds since the start of the window; 0 if it ended before.
    pub at_s: Seconds,
    /// End of the request as wall time.
    #[serde(default)]
    pub at: Instant,
    pub latency_ms: Milliseconds,
    /// HTTP status; 0 without a complete answer.
    pub status: u16,
}

impl<'a> ErrorSample<'a> {
    /// One of a summary, which knows the wall time.
    pub fn of(error: &'a kept::ErrorSample, summary: &Summary) -> Self {
        Self {
            at_s: Wire::of(&error.at),
            at: Instant::at(summary.wall_ms(error.at)),
            status: error.status,
            kind: Wire::of(&error.kind),
            body_bytes: error.body.bytes,
            body: Wire::of(&error.body.text),
        }
    }

    /// As it was kept.
    pub fn read(self) -> Result<kept::ErrorSample, Contradiction> {
        Ok(kept::ErrorSample {
            at: self.at_s.read().at("at_s")?,
            status: self.status,
            kind: self.kind.read()?,
            body: kept::Body { bytes: self.body_bytes, text: self.body.read()? },
        })
    }
}

impl SlowRequest {
    /// One of a summary, which knows the wall time.
    pub fn of(slow: &kept::SlowRequest, summary: &Summary) -> Self {
        Self {
            at_s: Wire::of(&slow.at),
            at: Instant::at(summary.wall_ms(slow.at)),
            latency_ms: Wire::of(&slow.latency),
            status: slow.status,
        }
    }

    /// As it was kept.
    pub fn read(self) -> Result<kept::SlowRequest, Contradiction> {
        Ok(kept::SlowRequest {
            latency: self.latency_ms.read()?,
            at: self.at_s.read().at("at_s")?,
            status: self.status,
        })
    }
}
