//! `report`: results that exist, told again. Every artifact is made of the results
//! alone, byte for byte as the run wrote it; nothing is judged.

mod side_by_side;

use side_by_side::side_by_side;

use std::path::{Path, PathBuf};

use portcullis_report::artifacts::{self, Folder, FolderError};
use portcullis_report::format::Format;
use portcullis_report::formats::FORMATS;
use portcullis_report::results::ReadError;
use portcullis_report::{RunRecord, read, results, rfc3339};

use crate::args::ReportArgs;
use crate::commands::worker;
use crate::console;

/// Does what was asked for; its exit code.
pub fn run(args: &ReportArgs) -> u8 {
    worker::caught(|| {
        let done = match &args.files[..] {
            [file] => again(file, args),
            [before, after] => compare(before, after, args),
            _ => Err(ReportError::Count),
        };
        done.map_or_else(|problem| console::refuse(&[problem]), |()| 0)
    })
}

/// Why nothing is written or shown.
#[derive(Debug, thiserror::Error)]
enum ReportError {
    #[error("expected one or two results files")]
    Count,
    #[error("{file} {1}", file = .0.display())]
    Results(PathBuf, ReadError),
    #[error("{folder} cannot be written to: {1}", folder = .0.display())]
    Unwritable(PathBuf, std::io::Error),
    #[error(transparent)]
    Folder(#[from] FolderError),
    #[error(
        "{} is not named {}, so the files beside it could belong to another run: choose a folder \
         with --out",
        .0.display(),
        artifacts::RESULTS
    )]
    OtherName(PathBuf),
    #[error("two results are only shown side by side: remove the flags that write files")]
    Flags,
}

fn record(file: &Path) -> Result<(RunRecord, Vec<u8>), ReportError> {
    let of = |error| ReportError::Results(file.to_owned(), error);
    let bytes = read::bytes_of(file).map_err(of)?;
    Ok((results::read(&bytes).map_err(of)?, bytes))
}

fn again(file: &Path, args: &ReportArgs) -> Result<(), ReportError> {
    let (run, bytes) = record(file)?;
    let named = &args.formats.0;
    let all = named.is_empty();
    let folder = match &args.out {
        Some(out) => elsewhere(out, file)?,
        None => beside(file)?,
    };
    let unwritable = |error| ReportError::Unwritable(folder.path().to_owned(), error);
    let mut written = Vec::new();
    if all && args.out.is_some() && !is_same(&folder.path().join(artifacts::RESULTS), file) {
        folder.write(artifacts::RESULTS, &bytes).map_err(unwritable)?;
        written.push(artifacts::RESULTS);
    }
    let formats: Vec<&Format> = if all { FORMATS.iter().collect() } else { named.clone() };
    written.extend(folder.write_formats(&run, formats.iter().copied()).map_err(unwritable)?);
    let paths: Vec<PathBuf> = written.iter().map(|name| folder.path().join(name)).collect();
    let is_written = |format: &&Format| format.files.iter().all(|file| written.contains(file));
    let no_load = run.summary.is_none() && !formats.iter().all(is_written);
    console::print_written(&paths, no_load.then_some("no load ran, so there are no CSV files"));
    Ok(())
}

/// Another folder: ours, an empty one, or a new one.
fn elsewhere(out: &Path, file: &Path) -> Result<Folder, ReportError> {
    let is_own = is_same(&out.join(artifacts::RESULTS), file);
    if is_own {
        return beside(file);
    }
    Ok(artifacts::prepare(out)?)
}

/// The results' own folder, if the other files there can only be theirs.
fn beside(file: &Path) -> Result<Folder, ReportError> {
    let is_named_so = file.file_name().is_some_and(|name| name == artifacts::RESULTS);
    if is_named_so {
        return Ok(artifacts::beside(file));
    }
    Err(ReportError::OtherName(file.to_owned()))
}

fn is_same(one: &Path, other: &Path) -> bool {
    let whole = |path: &Path| path.canonicalize().ok();
    whole(one).is_some_and(|one| Some(one) == whole(other))
}

fn compare(before: &Path, after: &Path, args: &ReportArgs) -> Result<(), ReportError> {
    if args.out.is_some() || !args.formats.0.is_empty() {
        return Err(ReportError::Flags);
    }
    let (first, second) = (record(before)?.0, record(after)?.0);
    console::print_side_by_side(&side_by_side(
        (before.display().to_string(), &first),
        (after.display().to_string(), &second),
    ));
    Ok(())
}

/// A run in a few words: when, of what, and how it ended.
fn described(name: &str, run: &RunRecord) -> String {
    let commit = run.commit.as_deref().unwrap_or("no commit");
    let begun = rfc3339(run.started_unix_ms);
    format!("{name}: {begun}, {commit}, {} (exit {})", run.sentence, run.exit_code)
}
