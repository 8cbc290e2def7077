//! What a scenario takes from other files: those that requests send, and those whose rows are
//! values. All is read before anything is started.

use std::path::Path;
use std::sync::Arc;

use portcullis_core::scenario::{DataFile, DataRows, FileSource, Scenario, Values};

use super::PlanError;

/// Reads everything that the scenario names; paths are relative to `base`.
///
/// # Errors
/// All files that cannot be used, a sentence each.
pub fn read(scenario: &mut Scenario, base: &Path) -> Result<(), Vec<PlanError>> {
    let mut problems = Vec::new();
    for source in scenario.files_mut() {
        let FileSource::Path(path) = &*source else { continue };
        let path = base.join(path);
        match std::fs::read(&path) {
            Ok(bytes) => *source = FileSource::Bytes(Arc::from(bytes)),
            Err(error) => problems.push(PlanError::UnreadableFile(path, error)),
        }
    }
    for file in &mut scenario.files {
        match rows(file, base) {
            Ok(rows) => file.rows = rows,
            Err(problem) => problems.push(problem),
        }
    }
    let files = scenario.files.clone();
    for values in scenario.values_mut() {
        let Values::Column { file, column } = values else { continue };
        let Some(file) = files.get(*file) else { continue };
        let is_read = !file.rows.columns.is_empty();
        if is_read && file.rows.column(column).is_none() {
            let (name, columns) = (file.name.clone(), file.rows.columns.join(", "));
            problems.push(PlanError::NoColumn { name, column: column.clone(), columns });
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

fn rows(file: &DataFile, base: &Path) -> Result<DataRows, PlanError> {
    let path = base.join(&file.path);
    let text = std::fs::read_to_string(&path)
        .map_err(|error| PlanError::UnreadableFile(path.clone(), error))?;
    let is_json = file.path.to_lowercase().ends_with(".jsonl");
    DataRows::read(&text, is_json).map_err(|error| PlanError::Data(path, error))
}
