//! `history`: the page of many runs.

use std::io;
use std::path::{Path, PathBuf};

use portcullis_core::history::Entry;
use portcullis_report::history::{self, LineError};
use portcullis_report::html::trend;

use crate::args::HistoryArgs;
use crate::commands::worker;
use crate::console;
use crate::planning::{self, PlanError, PlanRequest};

/// The name of the page in the folder of artifacts.
const PAGE: &str = "perf_history.html";

/// Runs the command; returns its exit code.
pub fn run(args: &HistoryArgs) -> u8 {
    worker::caught(|| match page(args) {
        Ok(written) => {
            console::print_written(&[written], None);
            0
        }
        Err(problems) => console::refuse(&problems),
    })
}

/// Why no page is written.
#[derive(Debug, thiserror::Error)]
enum HistoryError {
    #[error("no history is configured: set [history] file, or name the file")]
    NotNamed,
    #[error("{file} cannot be read: {1}", file = .0.display())]
    Unreadable(PathBuf, io::Error),
    #[error("{file}: {1}", file = .0.display())]
    Line(PathBuf, LineError),
    #[error("{file} has no run{1}", file = .0.display())]
    Empty(PathBuf, String),
    #[error("{file} cannot be written: {1}", file = .0.display())]
    Unwritable(PathBuf, io::Error),
    #[error(transparent)]
    Plan(#[from] PlanError),
}

fn page(args: &HistoryArgs) -> Result<PathBuf, Vec<HistoryError>> {
    let one = |error| vec![error];
    let (file, out) = places(args)?;
    let text = std::fs::read_to_string(&file)
        .map_err(|error| one(HistoryError::Unreadable(file.clone(), error)))?;
    let (entries, errors) = history::read(&text);
    if !errors.is_empty() {
        let of = |error| HistoryError::Line(file.clone(), error);
        return Err(errors.into_iter().map(of).collect());
    }
    let (entries, notes) = chosen(entries, args);
    if entries.is_empty() {
        let of = args.branch.as_ref().map(|branch| format!(" of branch {branch}"));
        return Err(one(HistoryError::Empty(file, of.unwrap_or_default())));
    }
    write(&out, &trend::write(&entries, &notes))
        .map_err(|error| one(HistoryError::Unwritable(out.clone(), error)))?;
    Ok(out)
}

/// The file that is read, and the one that is written.
fn places(args: &HistoryArgs) -> Result<(PathBuf, PathBuf), Vec<HistoryError>> {
    if let Some(file) = &args.file {
        let out = args.out.clone().unwrap_or_else(|| file.with_file_name(PAGE));
        return Ok((file.clone(), out));
    }
    let request = PlanRequest { config: args.config.clone(), ..PlanRequest::default() };
    let config = planning::read(&request)
        .map_err(|all| all.into_iter().map(HistoryError::from).collect::<Vec<_>>())?;
    let Some(file) = &config.loaded.config.history else {
        return Err(vec![HistoryError::NotNamed]);
    };
    let out = args.out.clone().unwrap_or_else(|| config.output.join(PAGE));
    Ok((config.base.join(file), out))
}

/// The runs of the page, and what is left out in words. Runs of another machine or
/// configuration have other levels, which are no changes of the service.
fn chosen(mut entries: Vec<Entry>, args: &HistoryArgs) -> (Vec<Entry>, Vec<String>) {
    let mut notes = Vec::new();
    if let Some(branch) = &args.branch {
        entries.retain(|entry| entry.branch.as_ref() == Some(branch));
        notes.push(format!("Only runs of branch {branch}."));
    }
    let all = entries.len();
    if let Some(key) = entries.last().map(|entry| entry.key.clone()).filter(|_| !args.all) {
        entries.retain(|entry| entry.key == key);
        match all - entries.len() {
            0 => {}
            left => notes.push(format!(
                "{left} runs on another machine or with another configuration are left out (--all \
                 shows them). These are on: {key}."
            )),
        }
    }
    (entries, notes)
}

fn write(out: &Path, page: &str) -> io::Result<()> {
    if let Some(folder) = out.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(out, page)
}
