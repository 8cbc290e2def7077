//! Why a results file is refused.

use std::fmt::{self, Display};
use std::io;

/// Why a file cannot be read; the text follows the file's name.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The system refuses.
    #[error("cannot be read: {0}")]
    Unreadable(#[from] io::Error),
    /// It is larger than the files of any run.
    #[error("is larger than {} MiB, more than any run writes", .0 >> 20)]
    TooLarge(u64),
    /// It is something else than results.
    #[error("is not a known results file: {0}")]
    Foreign(String),
    /// It is a table of Portcullis.
    #[error(
        "was written by Portcullis with rounded values for other programs: check the \
         perf_results.json of the same run"
    )]
    OwnTable,
    /// It is empty.
    #[error("is empty")]
    Empty,
    /// Its end is missing.
    #[error("is truncated: {0}")]
    Cut(String),
    /// A cell of a table does not have the form of its column.
    #[error("line {line}, column \"{column}\": {message}")]
    Cell {
        /// Counted from 1.
        line: u64,
        /// The column's name.
        column: String,
        /// What is wrong.
        message: String,
    },
    /// Its figures contradict each other.
    #[error("contradicts itself: {0}")]
    Inconsistent(#[from] Contradiction),
    /// A file that belongs to it is refused.
    #[error("has an invalid companion file: {file} {error}")]
    Companion {
        /// The name of the companion.
        file: String,
        /// The reason.
        error: Box<Self>,
    },
}

impl ReadError {
    /// A contradiction of a table.
    pub(crate) fn inconsistent(message: impl Display) -> Self {
        Self::Inconsistent(Contradiction::new(message))
    }

    /// Whether it is another file, rather than broken results.
    pub fn is_foreign(&self) -> bool {
        matches!(self, Self::Unreadable(_) | Self::TooLarge(_) | Self::Foreign(_) | Self::OwnTable)
    }
}

/// A figure or a word that is not possible at its place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Contradiction {
    /// Its place, such as `summary.tasks[3].latency`; empty for the whole file.
    place: String,
    message: String,
}

impl Contradiction {
    /// A contradiction without its place, which the caller adds.
    pub(crate) fn new(message: impl Display) -> Self {
        Self { place: String::new(), message: message.to_string() }
    }
}

/// Returns an error unless the condition is true.
pub(crate) fn ensure(is_so: bool, message: impl Display) -> Result<(), Contradiction> {
    known(is_so.then_some(()), message)
}

/// Returns an error if there is no value.
pub(crate) fn known<T>(value: Option<T>, message: impl Display) -> Result<T, Contradiction> {
    value.ok_or_else(|| Contradiction::new(message))
}

impl Display for Contradiction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place.as_str() {
            "" => f.write_str(&self.message),
            place => write!(f, "{place}: {}", self.message),
        }
    }
}

/// Adds the place of a contradiction, from the inside out.
pub(crate) trait At {
    /// The same, within a place.
    fn at(self, place: &str) -> Self;
}

impl<T> At for Result<T, Contradiction> {
    fn at(self, place: &str) -> Self {
        self.map_err(|Contradiction { place: inner, message }| {
            let dot = if inner.is_empty() { "" } else { "." };
            Contradiction { place: format!("{place}{dot}{inner}"), message }
        })
    }
}
