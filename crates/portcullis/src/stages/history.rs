//! The history at the end of a run: a line is added to the configured file.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use portcullis_core::judge::Finding;
use portcullis_report::history::{entry_of, line_of};

use crate::run::{Journal, RunContext, RunResults, record};

/// Adds this run to the history, if one is configured and the load was measured.
pub fn remember(context: &RunContext<'_>, journal: &mut Journal<'_>, results: &RunResults) {
    let Some(file) = &context.planned.plan.history else { return };
    if results.load.summary.is_none() {
        return;
    }
    let branch = branch(context);
    let line = line_of(&entry_of(&record(context, journal, results), branch));
    if let Err(error) = append(file, &line) {
        let file = file.display();
        journal.find(Finding::refused(format!("history.file: {file} cannot be written: {error}")));
    }
}

/// Adds a line in one write, so that two runs at once do not mix theirs.
fn append(file: &Path, line: &str) -> io::Result<()> {
    let mut file = File::options().create(true).append(true).read(true).open(file)?;
    // An editor or a merge may have left the last line without its end.
    let mut last = [0];
    let is_open = file.metadata()?.len() > 0
        && file.seek(SeekFrom::End(-1)).and_then(|_| file.read_exact(&mut last)).is_ok()
        && last != *b"\n";
    let text = if is_open { format!("\n{line}") } else { line.to_owned() };
    file.write_all(text.as_bytes())
}

/// The branch, as the CI system names it, because its checkout is often of a commit alone.
fn branch(context: &RunContext<'_>) -> Option<String> {
    let named = ["GITHUB_HEAD_REF", "GITHUB_REF_NAME", "CI_COMMIT_REF_NAME", "BRANCH_NAME"];
    let from_ci = named.iter().find_map(|name| std::env::var(name).ok().filter(|v| !v.is_empty()));
    let scratch = context.folder.scratch();
    from_ci.or_else(|| context.git(&context.planned.base, &scratch).branch())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_run_has_a_line_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("history.jsonl");
        append(&file, "one\n").unwrap();
        append(&file, "two\n").unwrap();
        std::fs::write(&file, "one\ntwo").unwrap();
        append(&file, "three\n").unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "one\ntwo\nthree\n");
        assert!(append(folder.path(), "x\n").is_err());
    }
}
