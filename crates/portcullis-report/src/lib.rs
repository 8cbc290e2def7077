//! Formats of results: the only crate that has them. It measures nothing, judges nothing,
//! and prints nothing.

pub mod annotations;
pub mod artifacts;
pub mod baseline;
pub mod codequality;
mod escape;
pub mod events_jsonl;
pub mod format;
pub mod formats;
pub mod github;
pub mod history;
pub mod html;
mod instant;
pub mod junit;
pub mod locust_csv;
pub mod markdown;
pub mod prometheus;
pub mod read;
mod record;
pub mod results;
pub mod schema;
mod series;
pub mod tap;
pub mod wording;

pub use instant::rfc3339;
pub use record::{BaselineReport, FirstCall, Machine, PlacedRule, RunRecord, SourceLocations};
