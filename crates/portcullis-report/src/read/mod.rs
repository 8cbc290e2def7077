//! Reads results of Portcullis and Locust. A file is read completely, or refused with the
//! place and the reason; nothing is guessed or judged here.

mod companions;
mod locust_csv;
mod table;

pub use crate::results::ReadError;
pub use companions::{BrokenHistory, Companions, Exceptions, History};
pub use locust_csv::{LocustStats, read_stats};

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::record::RunRecord;
use crate::results;

/// Existing results.
#[derive(Clone, Debug)]
pub enum Existing {
    /// `perf_results.json`.
    Ours(Box<RunRecord>),
    /// A statistics file of Locust, and the files beside it.
    Locust(Box<LocustStats>),
}

/// Even a run of days writes only a few MiB.
const LARGEST: u64 = 256 << 20;

/// Reads a results file: JSON begins with a brace, a table with its header.
///
/// # Errors
/// The file cannot be read, is something else, or is incomplete.
pub fn read(path: &Path) -> Result<Existing, ReadError> {
    let bytes = bytes_of(path)?;
    if bytes.trim_ascii().is_empty() {
        return Err(ReadError::Empty);
    }
    if bytes.trim_ascii_start().starts_with(b"{") {
        return Ok(Existing::Ours(Box::new(results::read(&bytes)?)));
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
/// The file cannot be read, or is too large.
pub fn bytes_of(path: &Path) -> Result<Vec<u8>, ReadError> {
    let mut bytes = Vec::new();
    File::open(path)?.take(LARGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST {
        return Err(ReadError::TooLarge(LARGEST));
    }
    // A spreadsheet may have saved it with a byte order mark.
    if bytes.starts_with(b"\xef\xbb\xbf") {
        bytes.drain(..3);
    }
    Ok(bytes)
}
