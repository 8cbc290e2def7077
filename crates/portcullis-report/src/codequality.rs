//! `perf_results.codequality.json`: the problems, for GitLab's merge requests (the part of
//! Code Climate's format that GitLab reads).

use std::collections::HashMap;

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::annotations::{self, Annotation};
use crate::escape::line;
use crate::format::{Flag, Format};
use crate::record::RunRecord;

/// The problems, for GitLab.
pub const FILE: &str = "perf_results.codequality.json";

/// The format.
pub const FORMAT: Format = Format {
    flag: Some(Flag {
        name: "codequality",
        help: "Write the findings as a GitLab code quality report",
        place: 6,
    }),
    files: &[FILE],
    // Texts and lines can always be written.
    write: |run| write(run).into_iter().collect(),
};

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

/// Writes the file: a list, empty without problems.
///
/// # Errors
/// Never: texts and lines can always be written.
pub fn write(run: &RunRecord) -> Result<String, serde_json::Error> {
    let mut seen = HashMap::new();
    let issues = annotations::of(run).into_iter().map(|one| {
        let earlier = seen.entry((one.check, one.about.clone())).or_insert(0);
        let issue = issue(run, &one, *earlier);
        *earlier += 1;
        issue
    });
    let issues: Vec<Issue> = issues.collect();
    let mut text = serde_json::to_string_pretty(&issues)?;
    text.push('\n');
    Ok(text)
}

/// An issue; `earlier` is the number of earlier ones with the same subject.
fn issue(run: &RunRecord, annotation: &Annotation, earlier: usize) -> Issue {
    let severity = match (annotation.fails, annotation.check.is_judgement()) {
        (false, _) => "minor",
        (true, true) => "major",
        // The run proves nothing.
        (true, false) => "critical",
    };
    let (check, file) = (annotation.check.name(), run.places.file());
    // Equal in the next run, whatever its figures are, so that GitLab knows which problems are
    // new.
    let known = format!("{check}\n{file}\n{}\n{earlier}", annotation.about);
    let hash = Sha256::digest(known.as_bytes());
    let fingerprint = hash.iter().take(20).map(|byte| format!("{byte:02x}")).collect();
    Issue {
        description: line(&annotation.said),
        check_name: format!("portcullis/{check}"),
        fingerprint,
        severity,
        location: Location {
            path: line(file),
            lines: Lines { begin: annotation.line.unwrap_or(1) },
        },
    }
}
