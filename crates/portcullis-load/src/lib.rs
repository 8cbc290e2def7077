//! The load engine: the only crate that opens sockets for load. It knows
//! nothing of processes, of files or of report formats, and judges nothing.
//!
//! Rooms, top down; a room uses those below it: `engine` and `pairs`, then `vu`
//! (virtual users and the threads they run on), `schedule` (which request comes
//! next, and until when), `metrics` (what is recorded), `http`, `reactor`.

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
