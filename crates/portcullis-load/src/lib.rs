//! The load engine: the only crate that opens sockets for load. It knows
//! nothing of processes, of files or of report formats, and judges nothing.

mod body;
mod clock;
mod deadline;
mod engine;
mod first_round;
mod generator;
pub mod http;
mod prepared;
mod recorder;
mod scan;
mod series;
mod user;

pub use engine::{Ended, LoadOutcome, Observation, run};
pub use first_round::{FirstAnswer, FirstRound, FirstRoundError, first_round};
pub use user::LoginFailure;
