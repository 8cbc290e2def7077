//! Latencies of some requests.

use std::collections::BTreeMap;

use portcullis_core::measure::{Distribution as Latencies, REPORTED_PERCENTILES};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::results::number::{LONGEST_MS, believed, latency_ns};
use crate::results::wire::Wire;
use crate::results::{Contradiction, ensure};

/// Distribution of latencies.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Distribution {
    pub count: u64,
    /// Exact sum, at most 2^64 nanoseconds (584 years).
    pub sum_ns: u64,
    pub mean_ms: Option<f64>,
    pub min_ms: Option<f64>,
    pub max_ms: Option<f64>,
    /// Percentiles by name, such as `p99.9`; not rounded.
    #[serde(default)]
    pub percentiles_ms: BTreeMap<String, f64>,
    /// Number of values above the last bucket.
    pub clipped: u64,
    /// Buckets as `[upper end in µs, count]`, in ascending order.
    pub buckets_us: Vec<(u64, u64)>,
}

impl Wire<'_, Latencies> for Distribution {
    fn of(latencies: &Latencies) -> Self {
        let shown = REPORTED_PERCENTILES.iter().filter_map(|percentile| {
            let ms = latencies.percentile_ms(*percentile)?;
            Some((percentile.to_string(), ms))
        });
        Self {
            count: latencies.count,
            sum_ns: u64::try_from(latencies.sum_ns).unwrap_or(u64::MAX),
            mean_ms: latencies.mean_ms(),
            min_ms: latencies.min_ms(),
            max_ms: latencies.max_ms(),
            percentiles_ms: shown.collect(),
            clipped: latencies.clipped,
            buckets_us: latencies.buckets.clone(),
        }
    }

    fn read(self) -> Result<Latencies, Contradiction> {
        let count = believed(self.count)?;
        if count == 0 {
            let is_empty = self.buckets_us.is_empty()
                && (self.clipped, self.sum_ns) == (0, 0)
                && self.mean_ms.is_none();
            ensure(is_empty, "a count of 0 with latencies")?;
            return Ok(Latencies::default());
        }
        let (Some(mean_ms), Some(min_ms), Some(max_ms)) = (self.mean_ms, self.min_ms, self.max_ms)
        else {
            let message = format!("{count} values without mean, minimum or maximum");
            return Err(Contradiction::new(message));
        };
        let (mean_ns, min_ns, max_ns) =
            (latency_ns(mean_ms)?, latency_ns(min_ms)?, latency_ns(max_ms)?);
        ensure(
            (min_ns..=max_ns).contains(&mean_ns),
            "the mean is not between minimum and maximum",
        )?;
        ensure(
            self.sum_ns as f64 / count as f64 / 1e6 == mean_ms,
            "sum_ns does not match the mean",
        )?;
        check_buckets(&self.buckets_us, count)?;
        ensure(self.clipped <= count, "more values are clipped than counted")?;
        Ok(Latencies {
            count,
            sum_ns: self.sum_ns.into(),
            min_ns,
            max_ns,
            buckets: self.buckets_us,
            clipped: self.clipped,
        })
    }
}

/// Ascending, none empty, and together as many as there are.
fn check_buckets(buckets: &[(u64, u64)], count: u64) -> Result<(), Contradiction> {
    let (mut last, mut sum) = (None, 0u64);
    for (end_us, values) in buckets {
        let is_next = last.is_none_or(|last| last < *end_us);
        let is_possible = is_next && *values > 0 && *end_us as f64 / 1e3 <= LONGEST_MS;
        ensure(is_possible, format_args!("impossible bucket [{end_us}, {values}]"))?;
        last = Some(*end_us);
        sum = sum.saturating_add(*values);
    }
    ensure(sum == count, format_args!("{count} values, but {sum} in the buckets"))
}
