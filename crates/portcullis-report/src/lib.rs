//! Formats of results: the only crate that knows one. It measures nothing,
//! judges nothing, and prints nothing.

mod against_json;
pub mod artifacts;
pub mod baseline;
mod baseline_json;
mod evidence_json;
pub mod locust_csv;
pub mod results_json;
mod run;

pub use run::{BaselineReport, FirstCall, Machine, RunReport};
