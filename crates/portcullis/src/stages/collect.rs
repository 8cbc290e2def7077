//! Collect: writes logs without secrets, CSVs and results, however the run ended.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use portcullis_core::judge::Finding;
use portcullis_report::{RunRecord, artifacts};
use portcullis_supervise::log;

use crate::run::{Journal, RunContext, RunResults, StageFailure, StageOutput, record};

/// The maximum size kept of a log, from its end.
const LONGEST_LOG: u64 = 4 * 1024 * 1024;

/// Writes the results so far, and the logs; `recorded` is the run so far.
///
/// # Errors
/// A file could not be written; the others are.
pub fn collect(
    context: &RunContext<'_>,
    recorded: &RunRecord,
) -> Result<StageOutput<()>, StageFailure> {
    // If the disk becomes full, results are more important than logs.
    let results = context.artifacts.write_results_early(recorded);
    let logs = copy_logs(context);
    let place = context.artifacts.path().display().to_string();
    results.and(logs).map_err(|error| {
        StageFailure::new(Finding::refused(format!("artifacts in {place} are incomplete: {error}")))
    })?;
    Ok(StageOutput::new((), place))
}

/// Writes the results again at the end of the run, and every report. If that fails, the
/// results themselves must say so, if there is space for them. Returns the written files.
pub fn finish(
    context: &RunContext<'_>,
    journal: &mut Journal<'_>,
    results: &RunResults,
) -> RunRecord {
    let whole = record(context, journal, results);
    let Err(error) = context.artifacts.write_all(&whole) else { return whole };
    journal.find(Finding::refused(format!("the results are incomplete: {error}")));
    // An error here changes nothing: files that were not written do not exist.
    let _ = context.artifacts.make_room();
    let failed = record(context, journal, results);
    let _ = context.artifacts.write_all(&failed);
    failed
}

fn copy_logs(context: &RunContext<'_>) -> std::io::Result<()> {
    let mut result = Ok(());
    for entry in std::fs::read_dir(context.folder.logs())? {
        let path = entry?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
        if !log::is_written(&path) {
            continue;
        }
        let copied = end_of(&path).and_then(|text| {
            let text = context.redact(&text);
            context.artifacts.write(&format!("{}/{name}", artifacts::LOGS), text.as_bytes())
        });
        result = result.and(copied);
    }
    result
}

fn end_of(path: &Path) -> std::io::Result<String> {
    let mut file = File::open(path)?;
    let size = file.metadata()?.len();
    let skipped = size.saturating_sub(LONGEST_LOG);
    file.seek(SeekFrom::Start(skipped))?;
    let mut bytes = Vec::new();
    file.take(LONGEST_LOG).read_to_end(&mut bytes)?;
    if skipped == 0 {
        return Ok(String::from_utf8_lossy(&bytes).into_owned());
    }
    let text = String::from_utf8_lossy(log::from_next_line(&bytes));
    Ok(format!("[the first {skipped} bytes are omitted]\n{text}"))
}
