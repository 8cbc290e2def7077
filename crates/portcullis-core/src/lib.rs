//! The pure core: configuration → plan, samples → summary → verdict → exit
//! code. No files, clock, network, processes or async in here.

pub mod baseline;
pub mod check;
pub mod config;
pub mod course;
pub mod deck;
pub mod distribution;
pub mod event;
pub mod evidence;
pub mod failure;
pub mod inert;
pub mod model;
#[cfg(test)]
mod model_tests;
pub mod outcome;
pub mod pairs;
pub mod plan;
pub mod remarks;
pub mod rng;
pub mod samples;
pub mod scenario;
#[cfg(test)]
mod scenario_tests;
pub mod secrets;
pub mod summary;
pub mod target;
pub mod template;
pub mod threshold;
pub mod units;
pub mod usage;
pub mod verdict;
#[cfg(test)]
mod verdict_tests;
