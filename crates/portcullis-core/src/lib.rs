//! The pure core: configuration → plan, samples → summary → verdict → exit code. It has no
//! files, clock, network, processes or async.
//!
//! Rooms, from top to bottom; a room uses only those below it: check, compare, engine,
//! event, judge, steering, plan, config, baseline, history, evidence, measure, secrets, scenario,
//! threshold, then text, units, rng and target.

pub mod baseline;
pub mod check;
pub mod compare;
pub mod config;
pub mod engine;
pub mod event;
pub mod evidence;
pub mod history;
pub mod judge;
pub mod measure;
pub mod plan;
pub mod rng;
pub mod scenario;
pub mod secrets;
pub mod steering;
pub mod target;
pub mod text;
pub mod threshold;
pub mod units;
