//! A clone of the repository whose working tree can be slower than its last commit: some
//! tasks make extra queries that take a share of their own time.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::tools;

/// How the middleware recognises tasks: the task, its path as a regular expression, and
/// the parameter that marks a filtered list.
pub const TASKS: [(&str, &str, &str); 10] = [
    ("list_claims", "/api/v1/claims/", ""),
    ("get_claim_detail", r"/api/v1/claims/\d+/", ""),
    ("filter_claims_by_payer", "/api/v1/claims/", "payer"),
    ("search_claims", "/api/v1/claims/", "search"),
    ("get_payer_summary", "/api/v1/claims/payer_summary/", ""),
    ("list_drift_events", "/api/v1/drift-events/", ""),
    ("filter_drift_by_severity", "/api/v1/drift-events/", "min_severity"),
    ("get_dashboard", "/api/v1/dashboard/", ""),
    ("list_uploads", "/api/v1/uploads/", ""),
    ("list_reports", "/api/v1/reports/", ""),
];

/// The middleware that makes a candidate slower.
const EXTRA_QUERIES: &str = r#""""Extra queries behind a task's requests, for a share of their own time."""

import re
import time

from django.db import connection

SHARES = @SHARES@
TASKS = @TASKS@
_MARKS = {mark for _, _, mark in TASKS if mark}


def _share(request):
    for task, path, mark in TASKS:
        if task not in SHARES or not re.fullmatch(path, request.path):
            continue
        if mark in request.GET if mark else not _MARKS & request.GET.keys():
            return SHARES[task]
    return 0.0


class ExtraQueries:
    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        start = time.perf_counter()
        response = self.get_response(request)
        now = time.perf_counter()
        until = now + _share(request) * (now - start)
        while time.perf_counter() < until:
            with connection.cursor() as cursor:
                cursor.execute("SELECT COUNT(*) FROM sqlite_master WHERE name > %s", ["a"])
                cursor.fetchall()
        return response
"#;

/// A profile with another server.
const GUNICORN: &str = r#"
[profile.gunicorn.server]
argv = ["{python}", "-m", "gunicorn", "--no-control-socket", "--workers", "2", "--bind",
        "127.0.0.1:{port}", "hello_world.wsgi"]
"#;

/// A clone in a temporary folder; dropping it removes it.
pub struct Sandbox {
    folder: tempfile::TempDir,
}

impl Sandbox {
    /// Makes a clone of the last commit.
    ///
    /// # Errors
    /// git fails.
    pub fn new() -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("portcullis-judge-").tempdir()?;
        let mut git = Command::new("git");
        git.args(["clone", "-q", "--shared"]).arg(tools::root()).arg(folder.path().join("clone"));
        tools::run(&mut git)?;
        Ok(Self { folder })
    }

    /// The folder of the clone.
    pub fn path(&self) -> PathBuf {
        self.folder.path().join("clone")
    }

    /// Makes the working tree slower than the commit for these tasks, each by its share;
    /// without tasks both are equal. At least `fewest` pairs are made of each task.
    ///
    /// # Errors
    /// A file lacks an expected text.
    pub fn slow_down(&self, shares: &BTreeMap<String, f64>, fewest: u32) -> Result<()> {
        let service = self.path().join("fixtures/upstream");
        self.restore()?;
        let task = |(name, path, mark): &(&str, &str, &str)| {
            format!("(\"{name}\", r\"{path}\", \"{mark}\")")
        };
        let tasks: Vec<String> = TASKS.iter().map(task).collect();
        let text = EXTRA_QUERIES
            .replace("@SHARES@", &serde_json::to_string(shares)?)
            .replace("@TASKS@", &format!("[{}]", tasks.join(", ")));
        // A comparison of equal versions needs the same files on both sides.
        if !shares.is_empty() {
            std::fs::write(service.join("upstream/extra_queries.py"), text)?;
            let first = "MIDDLEWARE = [\n";
            let slower = format!("{first}    \"upstream.extra_queries.ExtraQueries\",\n");
            replace(&service.join("hello_world/settings.py"), first, &slower)?;
        }
        let section = format!("[against]\nfewest_pairs = {fewest}\n\n[against.overrides]");
        let configuration = self.path().join("perf.toml");
        replace(&configuration, "[against.overrides]", &section)?;
        let text = std::fs::read_to_string(&configuration)?;
        Ok(std::fs::write(&configuration, format!("{text}{GUNICORN}"))?)
    }

    fn restore(&self) -> Result<()> {
        let clone = self.path();
        for arguments in [&["checkout", "-q", "--", "."][..], &["clean", "-qfd"][..]] {
            let mut git = Command::new("git");
            let status = git.arg("-C").arg(&clone).args(arguments).status()?;
            ensure!(status.success(), "git {arguments:?} in {}", clone.display());
        }
        Ok(())
    }
}

fn replace(path: &Path, from: &str, to: &str) -> Result<()> {
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    ensure!(text.contains(from), "{} does not contain {from:?}", path.display());
    Ok(std::fs::write(path, text.replacen(from, to, 1))?)
}
