//! Turns a rule and a row of counts into a statement on a share: how many requests were
//! beyond the limit, and which share is allowed.

use super::blocks;
use super::share::Counts;
use crate::measure::{Block, OverLimit, Row, Summary};
use crate::threshold::{Comparison, Limit, Metric, Threshold};

/// A rule as a statement on a share.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ProportionTest {
    /// All requests, and the number beyond the limit.
    pub counts: Counts,
    /// The share that is allowed beyond the limit, from 0 to 1.
    pub allowed: f64,
    /// The factor by which requests that share bad seconds give less evidence, at least 1.
    pub design_effect: f64,
}

/// The statement of a rule for one scope. `None` for a rule that cannot be written as a
/// share (`mean`, `rps`, `count`, and rules with `>`), and without requests.
pub fn proportion_test(summary: &Summary, rule: &Threshold, row: &Row) -> Option<ProportionTest> {
    if !rule.comparison.is_upper() {
        return None;
    }
    let found = match (rule.metric, rule.limit) {
        (Metric::Percentile(percentile), Limit::Latency(limit)) => {
            latencies(summary, rule, row, limit, percentile.beyond())
        }
        (Metric::Max, Limit::Latency(limit)) => latencies(summary, rule, row, limit, 0.0),
        (Metric::ErrorRate, Limit::Share(limit)) => {
            let seconds = seconds(row, |block| u64::from(block.failures));
            let counts = Counts { all: row.requests, hits: row.failures };
            Some(ProportionTest { counts, allowed: limit, design_effect: blocks::factor(&seconds) })
        }
        // There are no counts by second for a status, so requests are taken as independent.
        (Metric::Status(status), Limit::Share(limit)) => {
            let counts = Counts { all: row.requests, hits: row.answers_with(status) };
            Some(ProportionTest { counts, allowed: limit, design_effect: 1.0 })
        }
        _ => None,
    };
    found.filter(|case| case.counts.all > 0)
}

fn latencies(
    summary: &Summary,
    rule: &Threshold,
    row: &Row,
    limit: std::time::Duration,
    allowed: f64,
) -> Option<ProportionTest> {
    let index = summary.limits.iter().position(|known| *known == limit)?;
    let beyond = |of: &[OverLimit]| of.get(index).copied().unwrap_or_default();
    // A value at the limit violates `<` too.
    let is_strict = rule.comparison == Comparison::Below;
    let pick = |beyond: OverLimit| if is_strict { beyond.at_or_above } else { beyond.above };
    let failed = pick(beyond(&row.failed_beyond));
    let counts =
        Counts { all: row.latency.count + failed, hits: pick(beyond(&row.beyond)) + failed };
    let seconds = seconds(row, |block| block.beyond.get(index).map_or(0, |b| pick(*b)));
    Some(ProportionTest { counts, allowed, design_effect: blocks::factor(&seconds) })
}

fn seconds(row: &Row, hits: impl Fn(&Block) -> u64) -> Vec<(u32, Counts)> {
    let counts = |block: &Block| Counts { all: u64::from(block.requests), hits: hits(block) };
    row.blocks.iter().map(|block| (block.second, counts(block))).collect()
}
