//! Why an exchange gave no complete answer: for connections, and for the streams below
//! them.

use std::io;
use std::net::SocketAddr;

use super::response::Invalid;
use crate::reactor::Interruption;

/// Why an exchange gave no complete answer.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    /// No connection.
    #[error("cannot connect to {0}: {1}")]
    Connect(SocketAddr, io::Error),
    /// The connection ended. `silent`: before the first byte of the answer, so that an
    /// idempotent request may be sent again.
    #[error("{message}")]
    Closed {
        /// Whether no byte of the answer had arrived.
        silent: bool,
        /// What happened.
        message: String,
    },
    /// The answer is malformed.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// No complete answer in time.
    #[error("no complete answer in time")]
    Late,
    /// The load ended before the answer arrived.
    #[error("the load ended before the answer came")]
    Cut,
}

impl From<Interruption> for ExchangeError {
    fn from(interruption: Interruption) -> Self {
        match interruption {
            Interruption::Late => Self::Late,
            Interruption::Cut => Self::Cut,
        }
    }
}

impl ExchangeError {
    /// The request could not be sent.
    pub(super) fn refused(error: &io::Error) -> Self {
        let message = format!("the server closed the connection: {error}");
        Self::Closed { silent: true, message }
    }
}
