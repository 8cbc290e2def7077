//! What supports a judgement.

use portcullis_core::evidence as known;
use portcullis_core::evidence::{Counts, Interval, LatencyInterval, State};
use portcullis_core::threshold::Metric;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::results::number::believed;
use crate::results::wire::{Finite, Wire};
use crate::results::word::Word;
use crate::results::{Contradiction, ensure};

/// The evidence for a judgement.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    pub state: Word<State>,
    pub requests: u64,
    /// Requests beyond the limit.
    pub beyond: u64,
    pub allowed_share: Finite,
    /// 95 % interval of the share, valid at any stopping time.
    pub share_low: f64,
    pub share_high: f64,
    /// Design effect: by how much requests in the same bad second say less than independent ones.
    pub block_factor: f64,
    pub clustered_low: f64,
    pub clustered_high: f64,
    /// The smallest share that a run like this detects 19 times in 20.
    pub detectable_share: Option<f64>,
    /// 95 % interval of the percentile; null with too few samples.
    pub latency_low_ms: Option<f64>,
    pub latency_high_ms: Option<f64>,
}

impl Evidence {
    /// The evidence of a judgement.
    pub fn of(evidence: &known::Evidence) -> Self {
        Self {
            state: Wire::of(&evidence.state),
            requests: evidence.counts.all,
            beyond: evidence.counts.hits,
            allowed_share: Wire::of(&evidence.allowed),
            share_low: evidence.share.low,
            share_high: evidence.share.high,
            block_factor: evidence.design_effect,
            clustered_low: evidence.clustered.low,
            clustered_high: evidence.clustered.high,
            detectable_share: evidence.detectable,
            latency_low_ms: evidence.latency.and_then(|latency| latency.low_ms),
            latency_high_ms: evidence.latency.and_then(|latency| latency.high_ms),
        }
    }

    /// The evidence on a metric: only percentiles have latencies that are possible.
    pub fn read(self, metric: Metric) -> Result<known::Evidence, Contradiction> {
        ensure(
            self.beyond <= believed(self.requests)?,
            format_args!("{} of {} requests are beyond the limit", self.beyond, self.requests),
        )?;
        let is_factor = self.block_factor.is_finite() && self.block_factor >= 1.0;
        ensure(is_factor, format_args!("block_factor {} is below 1", self.block_factor))?;
        let of_latencies = matches!(metric, Metric::Percentile(_));
        let latency =
            LatencyInterval { low_ms: self.latency_low_ms, high_ms: self.latency_high_ms };
        Ok(known::Evidence {
            counts: Counts { all: self.requests, hits: self.beyond },
            allowed: self.allowed_share.read()?,
            state: self.state.read()?,
            share: shares(self.share_low, self.share_high)?,
            design_effect: self.block_factor,
            clustered: shares(self.clustered_low, self.clustered_high)?,
            detectable: self.detectable_share,
            latency: of_latencies.then_some(latency),
        })
    }
}

fn shares(low: f64, high: f64) -> Result<Interval, Contradiction> {
    ensure(
        0.0 <= low && low <= high && high <= 1.0,
        format_args!("{low} to {high} is not a range of shares"),
    )?;
    Ok(Interval { low, high })
}
