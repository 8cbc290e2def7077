//! Formats of results: the only crate that knows one. It measures nothing,
//! judges nothing, and prints nothing.

pub mod artifacts;
mod evidence_json;
pub mod html;
pub mod locust_csv;
pub mod results_json;
mod run;
mod series;
pub mod words;

pub use run::{FirstCall, Machine, RunReport};
