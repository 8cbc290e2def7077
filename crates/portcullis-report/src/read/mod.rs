//! Reading results back: ours and Locust's. A file is read whole or refused with
//! the place and the reason; nothing is guessed, and nothing is judged here.

mod against;
mod companions;
mod locust_csv;
mod measurements;
mod numbers;
mod results_json;
mod surroundings;
mod table;
mod thresholds;

pub use companions::{Companions, Exceptions, History};
pub use locust_csv::{LocustStats, read_stats};
pub use results_json::{Results, read_results};

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Results that exist.
#[derive(Clone, Debug)]
pub enum Existing {
    /// `perf_results.json`.
    Ours(Box<Results>),
    /// A statistics file of Locust, and what lies beside it.
    Locust(Box<LocustStats>),
}

/// Why a file cannot be read; reads after the file's name.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The system does not let us.
    #[error("cannot be read: {0}")]
    Unreadable(#[from] io::Error),
    /// No run leaves so much.
    #[error("is larger than {} MiB, which no run leaves", LARGEST >> 20)]
    TooLarge,
    /// Something else than results.
    #[error("is no results file that is known here: {0}")]
    Foreign(String),
    /// A table that we wrote.
    #[error(
        "was written by Portcullis, rounded and for other programs: check the perf_results.json \
         that belongs to it"
    )]
    OwnTable,
    /// Nothing is in it.
    #[error("is empty")]
    Empty,
    /// Its end is missing.
    #[error("is cut off: {0}")]
    Cut(String),
    /// A cell of a table that is not what its column holds.
    #[error("line {line}, column \"{column}\": {message}")]
    Cell {
        /// Counted from 1.
        line: u64,
        /// The column's name.
        column: String,
        /// What is wrong.
        message: String,
    },
    /// Figures of it contradict each other.
    #[error("contradicts itself: {0}")]
    Inconsistent(String),
    /// A file that belongs to it is refused.
    #[error("has a companion that is refused: {file} {error}")]
    Companion {
        /// The companion's name.
        file: String,
        /// Why.
        error: Box<Self>,
    },
}

impl ReadError {
    /// Whether these are no results at all, rather than results that are broken.
    pub fn is_foreign(&self) -> bool {
        matches!(self, Self::Unreadable(_) | Self::TooLarge | Self::Foreign(_) | Self::OwnTable)
    }
}

/// A run of days leaves a few MiB.
const LARGEST: u64 = 256 << 20;

/// Reads a file of results: JSON begins with a brace, a table with its header.
///
/// # Errors
/// A file that cannot be read, is something else, or is not whole.
pub fn read(path: &Path) -> Result<Existing, ReadError> {
    let bytes = bytes_of(path)?;
    if bytes.trim_ascii().is_empty() {
        return Err(ReadError::Empty);
    }
    if bytes.trim_ascii_start().starts_with(b"{") {
        return Ok(Existing::Ours(Box::new(read_results(&bytes)?)));
    }
    if companions::is_beside_ours(path) {
        return Err(ReadError::OwnTable);
    }
    let mut stats = read_stats(&bytes)?;
    companions::add(&mut stats, path)?;
    Ok(Existing::Locust(Box::new(stats)))
}

/// The bytes of a file that may be results.
///
/// # Errors
/// A file that cannot be read, or is too large to be results.
pub fn bytes_of(path: &Path) -> Result<Vec<u8>, ReadError> {
    let mut bytes = Vec::new();
    File::open(path)?.take(LARGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST { Err(ReadError::TooLarge) } else { Ok(bytes) }
}
