//! Load engines: the seam for a second engine. An engine is one function, `run(&LoadPlan,
//! &Target, &Trust, &mut dyn Observer) -> Result<LoadOutcome, NotBegun>`; its calls and its
//! result are defined in `portcullis_core::engine`.

mod builtin;

pub use builtin::run;

use portcullis_core::engine::LoginFailure;

/// Why a load did not begin.
#[derive(Debug, thiserror::Error)]
pub enum NotBegun {
    /// The server accepts no connection.
    #[error("{0}")]
    Unreachable(String),
    /// The first user could not log in.
    #[error("the login failed: {}", .0.message)]
    Login(LoginFailure),
    /// A task of the set-up failed.
    #[error("{0}")]
    SetUp(String),
    /// The observer stopped it, or the engine itself failed.
    #[error("{0}")]
    Engine(String),
}
