//! The load engine: the only crate that opens sockets for load. It has no code for
//! processes, files or report formats, and judges nothing.
//!
//! Rooms, from top to bottom; a room uses those below it: `engine` and `pairs`, then `vu`
//! (virtual users and the threads that run them), `schedule` (which request comes next, and
//! until when), `metrics` (what is recorded), `http`, `reactor`.

mod engine;
mod pairs;

pub mod http;
pub mod metrics;
pub mod reactor;
mod schedule;
mod vu;

pub use engine::run;
pub use http::Trust;
pub use pairs::{Hooks, PairPlan, PairsError, PairsOutcome, pairs};
pub use vu::LoadError;
