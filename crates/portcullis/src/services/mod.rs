//! What a project needs beside its server: a database server of the run's own ([`postgres`]),
//! and the programs that `perf.toml` names ([`configured`]). A service is started before the
//! migrations, a worker before the server; all are stopped after the server.
//!
//! - [`ports`]: their ports, which reach the project by placeholders
//! - [`redis`], [`smtp`]: kinds that need no command
//! - [`wheel`]: programs that this machine does not have

pub mod configured;
pub mod ports;
pub mod postgres;
pub mod redis;
mod smtp;
pub mod wheel;

pub use smtp::settings as smtp_settings;
