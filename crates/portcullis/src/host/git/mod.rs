//! Information from git about the working tree. Nothing is ever written to `.git`.

pub mod tree;

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use portcullis_supervise::environment::Environment;
use portcullis_supervise::interrupt::Interrupts;
use portcullis_supervise::step::{Step, capture};

/// How deep repositories may be nested.
const DEEPEST: usize = 16;

/// A folder in which git is called.
#[derive(Clone, Copy, Debug)]
pub struct Git<'a> {
    /// The folder.
    pub folder: &'a Path,
    /// The folder for the output of git while it is read.
    pub scratch: &'a Path,
    /// The environment of git.
    pub environment: &'a Environment,
    /// Interrupts that end a wait early.
    pub interrupts: &'a Interrupts,
}

impl Git<'_> {
    /// The output of one git command as text; `None` if it failed.
    fn ask(&self, name: &str, arguments: &[&str]) -> Option<String> {
        let bytes = self.ask_as(name, arguments, self.environment)?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn ask_as(&self, name: &str, arguments: &[&str], environment: &Environment) -> Option<Vec<u8>> {
        // Reading must not refresh the index, because that writes into .git.
        let argv = ["git", "--no-optional-locks"].iter().chain(arguments).map(OsString::from);
        let log = self.scratch.join(format!("git-{name}"));
        let _ = std::fs::remove_file(&log);
        let step = Step {
            argv: argv.collect(),
            folder: self.folder,
            environment,
            stdin: None,
            log: &log,
            deadline: Duration::from_secs(60),
        };
        capture(&step, self.interrupts)
    }

    /// The commit, with `+dirty` if the working tree differs from it.
    pub fn commit(&self) -> Option<String> {
        let commit = self.ask("commit", &["rev-parse", "HEAD"])?.trim().to_owned();
        let changes = self.ask("status", &["status", "--porcelain"])?;
        Some(if changes.trim().is_empty() { commit } else { format!("{commit}+dirty") })
    }

    /// The branch that is checked out; `None` for a commit alone.
    pub fn branch(&self) -> Option<String> {
        let name = self.ask("branch", &["symbolic-ref", "--quiet", "--short", "HEAD"])?;
        Some(name.trim().to_owned()).filter(|name| !name.is_empty())
    }

    /// Every file and link below the folder that git tracks or does not ignore, sorted; also
    /// those of submodules and other repositories in it. A submodule that is not checked out
    /// is one entry. `None` if git does not list all of them.
    pub fn files(&self) -> Option<Vec<PathBuf>> {
        let mut files = Vec::new();
        self.add_files(Path::new(""), &mut files, DEEPEST)?;
        files.sort_unstable();
        files.dedup();
        Some(files)
    }

    fn add_files(&self, below: &Path, files: &mut Vec<PathBuf>, deepest: usize) -> Option<()> {
        let arguments = ["ls-files", "-coz", "--exclude-standard", "--", "."];
        let listed = self.ask_as("files", &arguments, self.environment)?;
        for path in paths(&listed) {
            let place = self.folder.join(path);
            // A repository in the repository is listed as its folder, without its files.
            let is_folder = place.symlink_metadata().is_ok_and(|data| data.is_dir());
            if is_folder && place.join(".git").exists() {
                let nested = Git { folder: &place, ..*self };
                nested.add_files(&below.join(path), files, deepest.checked_sub(1)?)?;
            } else {
                files.push(below.join(path));
            }
        }
        Some(())
    }

    /// The commit of a revision.
    pub fn commit_of(&self, revision: &str) -> Option<String> {
        let peeled = format!("{revision}^{{commit}}");
        // A revision that begins with a dash must not be read as a flag of git.
        let arguments = ["rev-parse", "--verify", "--quiet", "--end-of-options", &peeled];
        self.ask("commit-of", &arguments).map(|text| text.trim().to_owned())
    }

    /// The tree of a commit.
    pub fn tree_of(&self, commit: &str) -> Option<String> {
        let tree = format!("{commit}^{{tree}}");
        self.ask("tree-of", &["rev-parse", "--verify", "--quiet", &tree])
            .map(|text| text.trim().to_owned())
    }

    /// The last common commit.
    pub fn merge_base(&self, one: &str, other: &str) -> Option<String> {
        self.ask("merge-base", &["merge-base", one, other]).map(|text| text.trim().to_owned())
    }

    /// Whether the history is truncated by a shallow clone.
    pub fn is_shallow(&self) -> bool {
        let said = self.ask("shallow", &["rev-parse", "--is-shallow-repository"]);
        said.is_some_and(|said| said.trim() == "true")
    }

    /// The root folder of the working tree.
    pub fn top(&self) -> Option<PathBuf> {
        let text = self.ask("top", &["rev-parse", "--show-toplevel"])?;
        Some(PathBuf::from(text.trim_end_matches('\n')))
    }
}

/// The paths of an output with `-z`.
fn paths(output: &[u8]) -> impl Iterator<Item = &Path> {
    let paths = output.split(|byte| *byte == 0).filter(|path| !path.is_empty());
    paths.map(|path| Path::new(OsStr::from_bytes(path)))
}
