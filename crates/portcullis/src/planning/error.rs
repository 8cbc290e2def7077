//! Why there is no plan, each reason a sentence for whoever wrote the configuration or
//! the command line.

use std::io;
use std::path::PathBuf;

use portcullis_supervise::descriptors::TooFew;
use portcullis_supervise::placement::PlacementError;

use super::baseline_file::BaselineFileError;

/// One thing that is wrong.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// A problem of the configuration, with its place in it.
    #[error("{0}")]
    Configuration(String),
    /// The configuration cannot be read.
    #[error("{file} cannot be read: {1}", file = .0.display())]
    Unreadable(PathBuf, io::Error),
    /// A path that cannot be made absolute.
    #[error("{path}: {1}", path = .0.display())]
    NotAbsolute(PathBuf, io::Error),
    /// The folder that we are in is gone.
    #[error("the current folder cannot be determined: {0}")]
    NoCurrentFolder(io::Error),
    /// There is no configuration in this folder or above it.
    #[error(
        "no perf.toml in {} or a folder above it; choose one with --config, or start from the \
         output of `portcullis defaults`",
        .0.display()
    )]
    NoConfiguration(PathBuf),
    /// The system gives no random bytes.
    #[error("no seed could be drawn: {0}")]
    NoSeed(io::Error),
    /// A file or a folder that the plan needs.
    #[error("{what} does not exist: {}", .path.display())]
    Missing {
        /// The key that names it.
        what: &'static str,
        /// Where it should be.
        path: PathBuf,
    },
    /// More users than files may be open.
    #[error(
        "{few}; each of the {users} users needs a connection: raise the hard limit (`ulimit -Hn \
         {}`), or run fewer users",
        .few.needed
    )]
    FewFiles {
        /// The users of the plan.
        users: u32,
        /// What is needed, and what there is.
        few: TooFew,
    },
    /// Processors that this process may not use.
    #[error("server.cpus: {0}")]
    Cpus(PlacementError),
    /// A comparison with a running server.
    #[error("--against starts both versions itself: remove load.host")]
    AgainstAttached,
    /// The file of certificates cannot be read.
    #[error("load.ca: {file}: {1}", file = .0.display())]
    UnreadableCa(PathBuf, io::Error),
    /// Certificates that cannot be used.
    #[error("load.ca: {0}")]
    Ca(String),
    /// The baseline's file.
    #[error(transparent)]
    Baseline(#[from] BaselineFileError),
}
