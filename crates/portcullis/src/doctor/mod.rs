//! `doctor`: what would keep a run from a verdict, and the remedy. A check is a file: it
//! gets what was read or measured, and returns diagnoses.

pub mod disk;
pub mod dotenv;
pub mod governor;
pub mod inside;
pub mod locks;
pub mod migrations;
pub mod noise;
pub mod port;
pub mod settings;
pub mod tasks;
pub mod throttles;

use serde::Serialize;

/// How serious a diagnosis is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// It is as it should be.
    Ok,
    /// It may disturb a run.
    Warning,
    /// It keeps a run from a verdict.
    Problem,
}

/// The result of a check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diagnosis {
    /// The name of the check.
    pub check: &'static str,
    /// How serious it is.
    pub level: Level,
    /// What was found.
    pub message: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

/// Something is as it should be.
pub fn fine(check: &'static str, message: impl Into<String>) -> Diagnosis {
    Diagnosis { check, level: Level::Ok, message: message.into(), remedy: None }
}

/// Something may disturb a run.
pub fn warning(
    check: &'static str,
    message: impl Into<String>,
    remedy: impl Into<String>,
) -> Diagnosis {
    let (message, remedy) = (message.into(), Some(remedy.into()));
    Diagnosis { check, level: Level::Warning, message, remedy }
}

/// Something keeps a run from a verdict.
pub fn problem(
    check: &'static str,
    message: impl Into<String>,
    remedy: impl Into<String>,
) -> Diagnosis {
    Diagnosis { level: Level::Problem, ..warning(check, message, remedy) }
}

/// All diagnoses as one JSON document.
///
/// # Errors
/// It cannot be written as JSON, which is a bug.
pub fn to_json(all: &[Diagnosis]) -> serde_json::Result<String> {
    #[derive(Serialize)]
    struct Document<'a> {
        version: u32,
        problems: usize,
        warnings: usize,
        checks: &'a [Diagnosis],
    }
    let count = |level| all.iter().filter(|one| one.level == level).count();
    let (problems, warnings) = (count(Level::Problem), count(Level::Warning));
    let document = Document { version: 1, problems, warnings, checks: all };
    Ok(serde_json::to_string_pretty(&document)? + "\n")
}
