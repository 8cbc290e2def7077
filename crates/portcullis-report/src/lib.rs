//! Formats of results: the only crate that knows one. It measures nothing,
//! judges nothing, and prints nothing.

pub mod artifacts;
pub mod baseline;
pub mod codequality;
pub mod complaints;
mod escape;
pub mod events_jsonl;
pub mod github;
pub mod html;
pub mod junit;
pub mod locust_csv;
pub mod markdown;
pub mod prometheus;
pub mod read;
pub mod results_json;
mod run;
pub mod schema;
mod series;
mod wire;
pub mod words;

pub use run::{BaselineReport, FirstCall, Machine, RunReport};
