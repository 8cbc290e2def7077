//! Why there is no plan: each reason is a sentence for the author of the configuration or
//! the command line.

use std::io;
use std::path::PathBuf;

use portcullis_core::scenario::DataError;
use portcullis_supervise::descriptors::TooFew;
use portcullis_supervise::placement::PlacementError;

use super::baseline_file::BaselineFileError;

/// A problem.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// A problem of the configuration, with its position.
    #[error("{0}")]
    Configuration(String),
    /// The configuration cannot be read.
    #[error("{file} cannot be read: {1}", file = .0.display())]
    Unreadable(PathBuf, io::Error),
    /// A path that cannot be made absolute.
    #[error("{path}: {1}", path = .0.display())]
    NotAbsolute(PathBuf, io::Error),
    /// The current folder does not exist any more.
    #[error("the current folder cannot be determined: {0}")]
    NoCurrentFolder(io::Error),
    /// There is no configuration in this folder or above it.
    #[error(
        "no perf.toml in {} or a folder above it; write one with `portcullis init`, or choose one \
         with --config",
        .0.display()
    )]
    NoConfiguration(PathBuf),
    /// The system gives no random bytes.
    #[error("no seed could be drawn: {0}")]
    NoSeed(io::Error),
    /// A file or a folder that the plan needs does not exist.
    #[error("{what} does not exist: {}", .path.display())]
    Missing {
        /// The key that names it.
        what: &'static str,
        /// Its path.
        path: PathBuf,
    },
    /// A file of the scenario cannot be read.
    #[error("{file} cannot be read: {1}", file = .0.display())]
    UnreadableFile(PathBuf, io::Error),
    /// A data file of the scenario is malformed.
    #[error("{file}: {1}", file = .0.display())]
    Data(PathBuf, DataError),
    /// A data file has no such column.
    #[error("the data file \"{name}\" has no column \"{column}\" (it has: {columns})")]
    NoColumn {
        /// The name of the data file.
        name: String,
        /// The column that a template names.
        column: String,
        /// Its columns.
        columns: String,
    },
    /// More users than open files are allowed.
    #[error(
        "{few}; each of the {users} users needs a connection: raise the hard limit (`ulimit -Hn \
         {}`), or run fewer users",
        .few.needed
    )]
    FewFiles {
        /// The users of the plan.
        users: u32,
        /// The needed and the allowed number.
        few: TooFew,
    },
    /// CPUs that this process may not use.
    #[error("server.cpus: {0}")]
    Cpus(PlacementError),
    /// A comparison with a running server.
    #[error("--against starts both versions itself: remove load.host")]
    AgainstAttached,
    /// The file of certificates cannot be read.
    #[error("load.ca: {file}: {1}", file = .0.display())]
    UnreadableCa(PathBuf, io::Error),
    /// Certificates that are invalid.
    #[error("load.ca: {0}")]
    Ca(String),
    /// The baseline's file.
    #[error(transparent)]
    Baseline(#[from] BaselineFileError),
}
