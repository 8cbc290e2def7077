//! The files that Locust writes beside its statistics: failures must agree with them,
//! exceptions are reported, and the history gives a few facts.

use std::collections::HashMap;
use std::io;
use std::path::Path;

use portcullis_core::check::FailedLatencies;
use portcullis_core::measure::FailureKind;

use super::locust_csv::LocustStats;
use super::table::{self, Table};
use super::{ReadError, bytes_of};
use crate::artifacts::RESULTS;
use crate::locust_csv::{EXCEPTION_COLUMNS, FAILURE_COLUMNS, history_columns};

/// The information from the other files of a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Companions {
    /// Whether there is a failures file; it agrees with the statistics.
    pub has_failures: bool,
    /// Errors in the users' own code, if the file exists.
    pub exceptions: Option<Exceptions>,
    /// The facts of the history, or why it cannot be read.
    pub history: Option<Result<History, BrokenHistory>>,
}

/// Errors in the users' own code.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exceptions {
    /// Their number.
    pub count: u64,
    /// The first line of the first error.
    pub first: String,
}

/// Facts of a history file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// The number of requests in its last row.
    pub requests: u64,
    /// The largest number of active users.
    pub most_users: u64,
}

/// Why a history file cannot be read; the text follows the file's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BrokenHistory(String);

const STATS: &str = "_stats.csv";

/// Reads the files beside a statistics file. A missing file adds nothing.
///
/// # Errors
/// Failures do not agree with the statistics, a table is broken, or the statistics file is
/// from Portcullis.
pub fn add(stats: &mut LocustStats, path: &Path) -> Result<(), ReadError> {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let Some(prefix) = name.strip_suffix(STATS) else { return Ok(()) };
    let beside = |name: &str| path.with_file_name(name);
    let failures = format!("{prefix}_failures.csv");
    if let Some(bytes) = companion(&beside(&failures), &failures)? {
        check_failures(&bytes, stats).map_err(|error| match error {
            ReadError::OwnTable => ReadError::OwnTable,
            error => ReadError::Companion { file: failures, error: Box::new(error) },
        })?;
        stats.companions.has_failures = true;
        stats.stated.failed_latencies = FailedLatencies::Included;
    }
    let exceptions = format!("{prefix}_exceptions.csv");
    if let Some(bytes) = companion(&beside(&exceptions), &exceptions)? {
        let found = exceptions_of(&bytes);
        let of_file = |error| ReadError::Companion { file: exceptions, error: Box::new(error) };
        stats.companions.exceptions = Some(found.map_err(of_file)?);
    }
    let history = format!("{prefix}_stats_history.csv");
    // The history only adds caveats, so a broken one is only a caveat too.
    stats.companions.history = companion(&beside(&history), &history)
        .and_then(|bytes| bytes.map(|bytes| history_of(&bytes)).transpose())
        .map_err(|error| BrokenHistory(error.to_string()))
        .transpose();
    Ok(())
}

fn companion(path: &Path, name: &str) -> Result<Option<Vec<u8>>, ReadError> {
    match bytes_of(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(ReadError::Unreadable(error)) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(ReadError::Companion { file: name.to_owned(), error: Box::new(error) }),
    }
}

/// Whether results of Portcullis are beside a statistics file with this name: their marker
/// is in the first lines.
pub fn is_beside_ours(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let is_named_so =
        name.strip_suffix(STATS).is_some_and(|name| format!("{name}.json") == RESULTS);
    let Ok(bytes) = bytes_of(&path.with_file_name(RESULTS)) else { return false };
    let head = String::from_utf8_lossy(bytes.get(..bytes.len().min(200)).unwrap_or_default());
    is_named_so && head.contains("\"tool\": \"portcullis\"")
}

/// The columns up to 2.20, and those since then.
fn failure_columns() -> [Vec<&'static str>; 2] {
    let now = FAILURE_COLUMNS.to_vec();
    let before = now.iter().copied().take_while(|name| *name != "First Seen").collect();
    [now, before]
}

fn check_failures(bytes: &[u8], stats: &LocustStats) -> Result<(), ReadError> {
    let table = table::read_messages(bytes, "a failures file of Locust", &failure_columns())?;
    if is_our_table(&table) {
        return Err(ReadError::OwnTable);
    }
    let mut counts: HashMap<(&str, &str), u64> = HashMap::new();
    for line in table.lines() {
        let count = line.count("Occurrences")?;
        *counts.entry((line.text("Method"), line.text("Name"))).or_default() += count;
    }
    for row in &stats.stated.rows {
        let counted = counts.remove(&(row.method.as_str(), row.name.as_str())).unwrap_or(0);
        if counted != row.failures {
            return Err(ReadError::inconsistent(format!(
                "it has {counted} failures of {} {}, but the statistics have {}",
                row.method, row.name, row.failures
            )));
        }
    }
    match counts.into_iter().find(|(_, count)| *count > 0) {
        None => Ok(()),
        Some(((method, name), count)) => Err(ReadError::inconsistent(format!(
            "it has {count} failures of {method} {name}, which is not in the statistics"
        ))),
    }
}

/// In our files messages begin with their kind, and times are in RFC 3339.
fn is_our_table(table: &Table<'_>) -> bool {
    let mut lines = table.lines().peekable();
    let is_any = lines.peek().is_some();
    let is_our_line = |line: table::Line<'_>| {
        let (error, seen) = (line.text("Error"), line.text("First Seen"));
        let starts = |kind: &FailureKind| error.starts_with(&format!("{}: ", kind.name()));
        FailureKind::ALL.iter().any(starts) && humantime::parse_rfc3339(seen).is_ok()
    };
    is_any && lines.all(is_our_line)
}

fn exceptions_of(bytes: &[u8]) -> Result<Exceptions, ReadError> {
    let columns = [EXCEPTION_COLUMNS.to_vec()];
    let table = table::read_messages(bytes, "an exceptions file of Locust", &columns)?;
    let mut found = Exceptions::default();
    for line in table.lines() {
        let count = line.count("Count")?;
        if found.count == 0 && count > 0 {
            found.first = line.text("Message").lines().next().unwrap_or_default().to_owned();
        }
        found.count += count;
    }
    Ok(found)
}

fn history_of(bytes: &[u8]) -> Result<History, ReadError> {
    let table = table::read(bytes, "a history file of Locust", &[history_columns()])?;
    let mut found = History::default();
    for line in table.lines().filter(|line| line.text("Name") == "Aggregated") {
        found.requests = line.count("Total Request Count")?;
        found.most_users = found.most_users.max(line.count("User Count")?);
    }
    Ok(found)
}
