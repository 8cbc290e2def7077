//! GitHub Actions: annotations in the output, the step's summary, and its outputs. They do
//! not influence the exit code.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

use portcullis_report::{RunRecord, annotations, artifacts, github, markdown};

use crate::console::{self, Console};

/// Writes each part for the runner, if its variable is set.
pub fn tell(report: &RunRecord, artifacts: &Path, console: &Console) {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    if variable("GITHUB_ACTIONS").is_some_and(|value| value == "true") {
        console.print(&annotations(report));
    }
    if let Some(file) = variable("GITHUB_STEP_SUMMARY") {
        append("GITHUB_STEP_SUMMARY", Path::new(&file), &markdown::write(report));
    }
    if let Some(file) = variable("GITHUB_OUTPUT") {
        let page = artifacts.join(artifacts::PAGE);
        let outputs = github::outputs(report, &page.display().to_string());
        append("GITHUB_OUTPUT", Path::new(&file), &outputs);
    }
}

/// An error annotation for each violated threshold that fails the run, at its line, for
/// each difference from the base that does, and for a missing baseline.
fn annotations(report: &RunRecord) -> String {
    let file = report.places.file();
    let told = annotations::of(report).into_iter();
    let told = told.filter(|one| one.fails && one.check.is_judgement());
    told.map(|one| github::error(file, one.line, &one.title, &one.said) + "\n").collect()
}

/// Appends to a file of the runner, to which other steps write too.
fn append(name: &str, file: &Path, text: &str) {
    let opened = OpenOptions::new().append(true).create(true).open(file);
    if let Err(error) = opened.and_then(|mut file| file.write_all(text.as_bytes())) {
        console::complain(&format!("{name} ({}) cannot be written: {error}", file.display()));
    }
}
