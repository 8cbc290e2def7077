//! What kind of project is measured, and how it is prepared: the seam to a second kind.
//! Its functions are
//!
//! - [`describe`]: the steps from an empty folder to a server, in words
//! - [`environment`] and [`install`]: what the project runs in, cached by what it is made of
//! - [`isolate`]: the run's own settings and the environment of every child
//! - [`migrate`] and [`seed`]: the throwaway database, cached by what decides its content,
//!   after the proof that it is the run's own
//! - [`serve_argv`]: the server's command; [`expect_proof`] and [`is_proved`]: whether it
//!   has loaded the run's settings
//! - [`refused`]: a failure that the project's log explains better
//! - [`leaking`]: what a version sees beside what the plan sets
//! - [`forget`]: what a run leaves outside of its folder
//!
//! Django is the only kind.

mod django;

pub use django::bytecode::forget;
pub use django::database::migrate;
pub use django::dotenv::leaking;
pub use django::environment::{Venv, environment, install};
pub use django::isolation::{expect_proof, is_proved};
pub use django::refusal::refused;
pub use django::seed::seed;
pub use django::{Project, describe, isolate, serve_argv};
