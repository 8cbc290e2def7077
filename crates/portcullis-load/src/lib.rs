//! The load engine: the only crate that opens sockets for load. It knows
//! nothing of processes, of files or of report formats, and judges nothing.

mod arrivals;
mod body;
mod cell;
mod clock;
mod counted;
mod course;
mod engine;
mod first_round;
mod generator;
pub mod http;
mod kept;
mod latencies;
mod life;
mod outlook;
mod pairs;
mod prepared;
pub mod reactor;
pub mod recorder;
pub mod sample;
mod scan;
mod series;
mod shared;
mod user;
mod watch;
mod worker;

pub use engine::{Ended, LoadOutcome, Observation, run};
pub use first_round::{FirstAnswer, FirstRound, FirstRoundError, first_round};
pub use http::Trust;
pub use pairs::{Hooks, PairPlan, PairsError, PairsOutcome, pairs};
pub use user::LoginFailure;
