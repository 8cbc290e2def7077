//! Counts and latencies of some requests, with what is exact at each limit.

use std::time::Duration;

use portcullis_core::measure as measured;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::latency::Distribution;
use crate::results::number::believed;
use crate::results::wire::{Milliseconds, Wire, mean_bytes};
use crate::results::{At, Contradiction, ensure};

/// Counts and latencies of some requests.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Row {
    pub requests: u64,
    pub failures: u64,
    /// Failures divided by requests; null without requests.
    #[serde(default)]
    pub error_rate: Option<f64>,
    /// Mean size of the decompressed bodies.
    pub mean_body_bytes: f64,
    /// Latency of good answers, up to the last byte.
    pub latency: Distribution,
    /// Latency of failed and of cut requests.
    pub failed_latency: Distribution,
    /// TTFB of good answers: from sending to the first byte.
    pub first_byte: Distribution,
    /// Latency from sending, in the open model, where `latency` starts at the scheduled time.
    pub service: Option<Distribution>,
    /// Good answers whose last byte came 35 to 50 ms after the first.
    pub stalled: u64,
    /// Requests that were cut when the grace after the load ended.
    pub cut: u64,
    /// Requests that were not sent, because an earlier step failed or gave no value that they
    /// need; left out if there are none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub skipped: u64,
    /// Good answers with a status from 200 to 299.
    pub with_data: u64,
    /// Answers by status as `[status, answers]`, good and failed, in ascending order.
    pub statuses: Vec<(u16, u64)>,
    /// Counts for each of `limits_ms`.
    pub beyond_limits: Vec<OverLimit>,
}

/// Exact counts of requests above one latency limit.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Beyond")]
pub struct OverLimit {
    pub limit_ms: Milliseconds,
    pub above: u64,
    pub at_or_above: u64,
    pub failed_above: u64,
    pub failed_at_or_above: u64,
}

impl Row {
    /// A row of a summary, which knows the limits and the model of the load.
    pub fn of(row: &measured::Row, summary: &measured::Summary) -> Self {
        Self {
            requests: row.requests,
            failures: row.failures,
            error_rate: row.error_rate(),
            mean_body_bytes: row.mean_body_bytes(),
            latency: Wire::of(&row.latency),
            failed_latency: Wire::of(&row.failed_latency),
            first_byte: Wire::of(&row.first_byte),
            service: summary.arrivals.map(|_| Wire::of(&row.service)),
            stalled: row.stalled,
            cut: row.cut,
            skipped: row.skipped,
            with_data: row.with_data,
            statuses: row.statuses.clone(),
            beyond_limits: OverLimit::all(row, &summary.limits),
        }
    }

    /// The row, whose counts are of these limits.
    pub fn read(self, limits: &[Duration]) -> Result<measured::Row, Contradiction> {
        let good = self.latency.read().at("latency")?;
        let failed = self.failed_latency.read().at("failed_latency")?;
        believed(self.requests)?;
        believed(self.cut)?;
        believed(self.skipped)?;
        let (requests, failures, cut) = (self.requests, self.failures, self.cut);
        ensure(
            requests.checked_sub(failures) == Some(good.count),
            format_args!(
                "{requests} requests, {failures} failures and {} good answers do not add up",
                good.count
            ),
        )?;
        ensure(
            failed.count == failures + cut,
            format_args!(
                "{failures} failures and {cut} cut requests, but {} latencies of them",
                failed.count
            ),
        )?;
        ensure(
            self.with_data.max(self.stalled) <= good.count,
            "with_data or stalled is more than the good answers",
        )?;
        check_statuses(&self.statuses, requests).at("statuses")?;
        let body_bytes = mean_bytes(self.mean_body_bytes * requests as f64)?;
        let counts = (good.count, failed.count);
        let (beyond, failed_beyond) =
            OverLimit::read(self.beyond_limits, limits, counts).at("beyond_limits")?;
        let service = self.service.read().at("service")?;
        Ok(measured::Row {
            requests,
            failures,
            latency: good,
            failed_latency: failed,
            body_bytes: body_bytes.round() as u64,
            beyond,
            failed_beyond,
            with_data: self.with_data,
            first_byte: self.first_byte.read().at("first_byte")?,
            service: service.unwrap_or_default(),
            stalled: self.stalled,
            cut,
            skipped: self.skipped,
            statuses: self.statuses,
            blocks: Vec::new(),
        })
    }
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// Ascending, none empty, and not more than there are requests.
fn check_statuses(counts: &[(u16, u64)], requests: u64) -> Result<(), Contradiction> {
    let (mut last, mut sum) = (None, 0u64);
    for (status, answers) in counts {
        ensure(
            last < Some(*status) && *answers > 0,
            format_args!("impossible entry [{status}, {answers}]"),
        )?;
        last = Some(*status);
        sum = sum.saturating_add(*answers);
    }
    ensure(sum <= requests, format_args!("{sum} answers to {requests} requests"))
}

type Counts = Vec<measured::OverLimit>;

impl OverLimit {
    /// The counts of a row at each limit.
    pub fn all(row: &measured::Row, limits: &[Duration]) -> Vec<Self> {
        let counts = row.beyond.iter().zip(&row.failed_beyond);
        let of =
            |(limit, (good, failed)): (&Duration, (&measured::OverLimit, &measured::OverLimit))| {
                Self {
                    limit_ms: Wire::of(limit),
                    above: good.above,
                    at_or_above: good.at_or_above,
                    failed_above: failed.above,
                    failed_at_or_above: failed.at_or_above,
                }
            };
        limits.iter().zip(counts).map(of).collect()
    }

    /// Counts for the known limits, in their order, of good answers and of failures;
    /// none in a row that had no cell.
    fn read(
        file: Vec<Self>,
        limits: &[Duration],
        (good, failed): (u64, u64),
    ) -> Result<(Counts, Counts), Contradiction> {
        if file.is_empty() && good == 0 && failed == 0 {
            return Ok((Vec::new(), Vec::new()));
        }
        let own = file.iter().map(|beyond| beyond.limit_ms.read());
        let own = own.collect::<Result<Vec<Duration>, _>>()?;
        ensure(own == limits, "the limits are not the counted limits")?;
        let both = file.into_iter().map(|one| {
            let is_possible = one.above <= one.at_or_above
                && one.at_or_above <= good
                && one.failed_above <= one.failed_at_or_above
                && one.failed_at_or_above <= failed;
            ensure(
                is_possible,
                format_args!("more requests are beyond {} ms than were counted", one.limit_ms.0),
            )?;
            let of = |above, at_or_above| measured::OverLimit { above, at_or_above };
            Ok((of(one.above, one.at_or_above), of(one.failed_above, one.failed_at_or_above)))
        });
        both.collect()
    }
}
