//! What supports a judgement, as `perf_results.json` has it.

use portcullis_core::evidence::Evidence;
use serde::Serialize;

/// The field `evidence` of a judged threshold.
#[derive(Debug, Serialize)]
pub struct WireEvidence {
    state: &'static str,
    requests: u64,
    beyond: u64,
    allowed_share: f64,
    share_low: f64,
    share_high: f64,
    block_factor: f64,
    clustered_low: f64,
    clustered_high: f64,
    detectable_share: Option<f64>,
    latency_low_ms: Option<f64>,
    latency_high_ms: Option<f64>,
}

impl WireEvidence {
    /// The evidence in the file's own words.
    pub fn new(evidence: &Evidence) -> Self {
        Self {
            state: evidence.state.name(),
            requests: evidence.counts.all,
            beyond: evidence.counts.hits,
            allowed_share: evidence.allowed,
            share_low: evidence.share.low,
            share_high: evidence.share.high,
            block_factor: evidence.block_factor,
            clustered_low: evidence.clustered.low,
            clustered_high: evidence.clustered.high,
            detectable_share: evidence.detectable,
            latency_low_ms: evidence.latency.and_then(|latency| latency.low_ms),
            latency_high_ms: evidence.latency.and_then(|latency| latency.high_ms),
        }
    }
}
