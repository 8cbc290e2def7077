//! Formats of results: the only crate that knows one. It measures nothing,
//! judges nothing, and prints nothing.

mod against_json;
pub mod artifacts;
pub mod baseline;
mod baseline_json;
pub mod codequality;
pub mod complaints;
mod escape;
pub mod events_jsonl;
mod evidence_json;
pub mod github;
pub mod html;
pub mod junit;
pub mod locust_csv;
pub mod markdown;
pub mod prometheus;
pub mod read;
pub mod results_json;
mod run;
mod series;
pub mod words;

pub use run::{BaselineReport, FirstCall, Machine, RunReport};
