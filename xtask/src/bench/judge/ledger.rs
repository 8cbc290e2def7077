//! The counts that accumulate: one line for each live comparison, with date,
//! machine and rule; a changed rule begins anew, and old lines stay.

use std::path::PathBuf;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::tools;

/// One live comparison.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Line {
    /// Day, as 2026-11-24.
    pub date: String,
    /// Processor and cores.
    pub machine: String,
    /// The rule, by a hash of its constants.
    pub rule: String,
    /// `runserver` or `gunicorn`.
    pub server: String,
    /// `quiet`, `bursty` or `steady`.
    pub noise: String,
    /// The task that was slowed down; empty for equal versions.
    pub slowed: String,
    /// Tasks that were called slower although they were not.
    pub wrong: u32,
    /// Whether the slowed task was called slower.
    pub found: bool,
    /// Tasks that were not decided.
    pub undecided: u32,
    /// When the slowed task was called slower, in seconds.
    pub alarm_s: Option<f64>,
    /// When everything was decided.
    pub took_s: f64,
    /// Pairs that were made.
    pub pairs: u32,
    /// The median ratio of the slowed task, as it was seen.
    pub seen: Option<f64>,
    /// When the rarest and the most frequent task were decided.
    pub rarest_s: Option<f64>,
    /// The same of the most frequent task.
    pub commonest_s: Option<f64>,
    /// Whether the plain +20 % rule on p95 alarmed for a task that was not slowed.
    pub p95_rule: bool,
    /// The same for Mann-Whitney at 5 %.
    pub mann_whitney: bool,
    /// The same for the paired mean minus two standard errors.
    pub paired_mean: bool,
}

fn path() -> PathBuf {
    tools::root().join("docs/reference/error-rates.csv")
}

/// All lines so far; none if there is no file yet.
///
/// # Errors
/// The file is not what we wrote.
pub fn read() -> Result<Vec<Line>> {
    let path = path();
    if !path.is_file() {
        return Ok(Vec::new());
    }
    let mut reader = csv::Reader::from_path(&path)?;
    reader.deserialize().collect::<Result<_, _>>().with_context(|| path.display().to_string())
}

/// Adds lines to the file.
///
/// # Errors
/// It cannot be written.
pub fn append(lines: &[Line]) -> Result<()> {
    let mut all = read()?;
    all.extend_from_slice(lines);
    let path = path();
    let mut writer = csv::Writer::from_path(&path)?;
    all.iter().try_for_each(|line| writer.serialize(line))?;
    writer.flush().with_context(|| path.display().to_string())
}
