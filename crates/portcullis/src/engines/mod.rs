//! Who makes the load: the seam to a second engine. An engine is one function,
//! `run(&LoadPlan, &Target, &Trust, &mut dyn Observer) -> Result<LoadOutcome, NotBegun>`;
//! what it tells and brings back is defined in `portcullis_core::engine`.

mod builtin;

pub use builtin::run;

use portcullis_core::engine::LoginFailure;

/// Why a load did not begin.
#[derive(Debug, thiserror::Error)]
pub enum NotBegun {
    /// Nobody accepts a connection.
    #[error("{0}")]
    Unreachable(String),
    /// The first user could not log in.
    #[error("the login failed: {}", .0.message)]
    Login(LoginFailure),
    /// The observer stopped it, or the engine itself failed.
    #[error("{0}")]
    Engine(String),
}
