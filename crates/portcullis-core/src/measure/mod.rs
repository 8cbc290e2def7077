//! Measurements as plain data for judgements and reports: rows of counts, distributions of
//! latencies, timelines, exemplars.

mod check;
mod distribution;
mod exemplars;
mod failure;
mod late;
mod percentile;
mod row;
mod scope;
mod summary;
mod timeline;
mod usage;

pub use check::CheckSummary;
pub use distribution::Distribution;
pub use exemplars::*;
pub use failure::{FailureGroup, FailureKind};
pub use late::{LATE_MS, LateRows};
pub use percentile::Percentile;
pub use row::*;
pub use scope::{KIND_PREFIX, Scope};
pub use summary::*;
pub use timeline::{STEPS, TimeBucket, step_s};
pub use usage::{Usage, UsageAt, UsageTimeline};
