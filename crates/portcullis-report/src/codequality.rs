//! `perf_results.codequality.json`: what is wrong, as GitLab's merge requests show it
//! (the part of Code Climate's format that GitLab reads).

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::complaints::{Complaint, complaints};
use crate::escape::line;
use crate::run::RunReport;

#[derive(Serialize)]
struct Issue {
    description: String,
    check_name: String,
    fingerprint: String,
    severity: &'static str,
    location: Location,
}

#[derive(Serialize)]
struct Location {
    path: String,
    lines: Lines,
}

#[derive(Serialize)]
struct Lines {
    begin: usize,
}

/// Writes the file: a list, empty if nothing is wrong.
///
/// # Errors
/// A defect: texts and lines can always be written.
pub fn write(run: &RunReport) -> Result<String, serde_json::Error> {
    let complaints = complaints(run);
    let earlier = |index: usize, one: &Complaint| {
        let before = complaints.iter().take(index);
        before.filter(|known| (&known.check, &known.about) == (&one.check, &one.about)).count()
    };
    let all = complaints.iter().enumerate();
    let issues: Vec<Issue> = all.map(|(index, one)| issue(run, one, earlier(index, one))).collect();
    let mut text = serde_json::to_string_pretty(&issues)?;
    text.push('\n');
    Ok(text)
}

/// An issue; so many earlier ones are about the same.
fn issue(run: &RunReport, complaint: &Complaint, earlier: usize) -> Issue {
    let severity = match (complaint.fails, complaint.check.as_str()) {
        (false, _) => "minor",
        (true, "threshold" | "against") => "major",
        // The run says nothing at all.
        (true, _) => "critical",
    };
    // The same in the next run, whatever its figures are: so GitLab knows what is new.
    let known = format!("{}\n{}\n{}\n{earlier}", complaint.check, run.places.file, complaint.about);
    let hash = Sha256::digest(known.as_bytes());
    let fingerprint = hash.iter().take(20).map(|byte| format!("{byte:02x}")).collect();
    Issue {
        description: line(&complaint.said),
        check_name: format!("portcullis/{}", complaint.check),
        fingerprint,
        severity,
        location: Location {
            path: line(&run.places.file),
            lines: Lines { begin: complaint.line.unwrap_or(1) },
        },
    }
}
