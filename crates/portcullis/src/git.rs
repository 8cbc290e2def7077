//! What git says of the working tree. Nothing of `.git` is ever written.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use portcullis_supervise::environment::Environment;
use portcullis_supervise::finite::{Step, capture};
use portcullis_supervise::interrupt::Interrupts;

/// A place to ask git from.
#[derive(Clone, Copy, Debug)]
pub struct Git<'a> {
    /// The folder that is asked about.
    pub folder: &'a Path,
    /// Where its answers are kept while they are read.
    pub scratch: &'a Path,
    /// The environment of git.
    pub environment: &'a Environment,
    /// What ends a wait early.
    pub interrupts: &'a Interrupts,
}

impl Git<'_> {
    /// The answer to one question; `None` if git cannot give one.
    fn ask(&self, name: &str, arguments: &[&str]) -> Option<String> {
        // Reading must not refresh the index: that writes into .git.
        let argv = ["git", "--no-optional-locks"].iter().chain(arguments).map(OsString::from);
        let log = self.scratch.join(format!("git-{name}"));
        let _ = std::fs::remove_file(&log);
        let step = Step {
            argv: argv.collect(),
            folder: self.folder,
            environment: self.environment,
            stdin: None,
            log: &log,
            deadline: Duration::from_secs(30),
        };
        capture(&step, self.interrupts)
    }

    /// The commit, with `+dirty` if the tree differs from it.
    pub fn commit(&self) -> Option<String> {
        let commit = self.ask("commit", &["rev-parse", "HEAD"])?.trim().to_owned();
        let changes = self.ask("status", &["status", "--porcelain"])?;
        Some(if changes.trim().is_empty() { commit } else { format!("{commit}+dirty") })
    }

    /// Every file below the folder that git does not ignore, sorted.
    pub fn files(&self) -> Option<Vec<PathBuf>> {
        let listed = self.ask("files", &["ls-files", "-coz", "--exclude-standard", "--", "."])?;
        let names = listed.split('\0').filter(|name| !name.is_empty());
        let mut files: Vec<PathBuf> = names.map(PathBuf::from).collect();
        files.sort_unstable();
        files.dedup();
        Some(files)
    }
}
