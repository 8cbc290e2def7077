//! Writes the files of a commit into a folder, those of its submodules included. The
//! repository and the working tree do not change: each repository gets an index of its own.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use portcullis_supervise::environment::Environment;

use super::{DEEPEST, Git};

/// Why a commit cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum TreeError {
    /// Git fails.
    #[error("git cannot extract its files: is the disk full?")]
    NotExtracted,
    /// The commit of a submodule is not in the local object store.
    #[error(
        "its submodule {path} is at {commit}, which is not in this clone: run `git submodule \
         update --init --recursive`, or fetch that commit in the submodule",
        path = .path.display()
    )]
    Submodule {
        /// Its path in the repository.
        path: PathBuf,
        /// The recorded commit.
        commit: String,
    },
}

/// Where a repository's objects are, and where the files go.
struct Place<'a> {
    /// The git folder; that of the working folder if `None`.
    store: Option<PathBuf>,
    /// The path of the repository below the top.
    below: PathBuf,
    /// The folder for the files of the top repository.
    to: &'a Path,
}

/// An entry of a tree.
struct TreeEntry {
    is_submodule: bool,
    id: String,
    path: PathBuf,
}

impl Git<'_> {
    /// Writes the files of a commit, with its submodules at their recorded commits, into the
    /// folder `to`. Returns their paths relative to it, sorted.
    ///
    /// # Errors
    /// Git fails, or a submodule's commit is not in its local object store.
    pub fn write_out(&self, commit: &str, to: &Path) -> Result<Vec<PathBuf>, TreeError> {
        let mut files = Vec::new();
        let top = Place { store: None, below: PathBuf::new(), to };
        self.write_repository(commit, &top, &mut files, DEEPEST)?;
        files.sort_unstable();
        Ok(files)
    }

    fn write_repository(
        &self,
        commit: &str,
        place: &Place<'_>,
        files: &mut Vec<PathBuf>,
        deepest: usize,
    ) -> Result<(), TreeError> {
        let failed = || TreeError::NotExtracted;
        let deepest = deepest.checked_sub(1).ok_or_else(failed)?;
        let to = place.to.join(&place.below);
        std::fs::create_dir_all(&to).map_err(|_| failed())?;
        let index = self.scratch.join("base.index");
        let _ = std::fs::remove_file(&index);
        let mut environment = place.environment(self.environment);
        environment.set("GIT_INDEX_FILE", &index);
        self.ask_as("read-tree", &["read-tree", commit], &environment).ok_or_else(failed)?;
        let mut prefix = OsString::from("--prefix=");
        prefix.push(to.join(""));
        let prefix = prefix.to_str().ok_or_else(failed)?;
        let arguments = ["checkout-index", "-a", "-q", prefix];
        self.ask_as("checkout-index", &arguments, &environment).ok_or_else(failed)?;
        for entry in self.entries(commit, &environment).ok_or_else(failed)? {
            let path = place.below.join(&entry.path);
            if !entry.is_submodule {
                files.push(path);
                continue;
            }
            let stores = self.stores(commit, place, &entry.path, &environment);
            let has = |store: &PathBuf| self.has_commit(store, &entry.id);
            let Some(store) = stores.into_iter().find(has) else {
                return Err(TreeError::Submodule { path, commit: entry.id });
            };
            let submodule = Place { store: Some(store), below: path, to: place.to };
            self.write_repository(&entry.id, &submodule, files, deepest)?;
        }
        Ok(())
    }

    fn entries(&self, commit: &str, environment: &Environment) -> Option<Vec<TreeEntry>> {
        let arguments = ["ls-tree", "-r", "-z", "--full-tree", commit];
        let output = self.ask_as("ls-tree", &arguments, environment)?;
        output.split(|byte| *byte == 0).filter(|line| !line.is_empty()).map(entry).collect()
    }

    /// The git folders that may have a submodule's objects: of its own checkout, or below
    /// that of its superproject, by its name.
    fn stores(
        &self,
        commit: &str,
        place: &Place<'_>,
        path: &Path,
        environment: &Environment,
    ) -> Vec<PathBuf> {
        let git_dir = ["rev-parse", "--git-common-dir"];
        let checkout = self.folder.join(&place.below).join(path);
        let own = checkout.join(".git").exists().then(|| {
            let nested = Git { folder: &checkout, ..*self };
            let folder = nested.ask_as("git-dir", &git_dir, self.environment);
            folder.map(|text| checkout.join(OsStr::from_bytes(text.trim_ascii_end())))
        });
        let modules = self.ask_as("git-dir", &git_dir, environment);
        let modules =
            modules.map(|text| self.folder.join(OsStr::from_bytes(text.trim_ascii_end())));
        let blob = format!("--blob={commit}:.gitmodules");
        let keys = ["config", &blob, "-z", "--get-regexp", r"^submodule\..*\.path$"];
        let named = self.ask_as("submodules", &keys, environment).unwrap_or_default();
        let name = name_of(&named, path).unwrap_or_else(|| path.to_owned());
        let below = modules.map(|folder| folder.join("modules").join(name));
        own.flatten().into_iter().chain(below).collect()
    }

    fn has_commit(&self, store: &Path, commit: &str) -> bool {
        let mut environment = self.environment.clone();
        environment.set("GIT_DIR", store);
        // Its own working folder need not exist.
        environment.set("GIT_WORK_TREE", self.scratch);
        let commit = format!("{commit}^{{commit}}");
        store.is_dir()
            && self.ask_as("has-commit", &["cat-file", "-e", &commit], &environment).is_some()
    }
}

impl Place<'_> {
    fn environment(&self, inherited: &Environment) -> Environment {
        let mut environment = inherited.clone();
        if let Some(store) = &self.store {
            environment.set("GIT_DIR", store);
            environment.set("GIT_WORK_TREE", self.to);
        }
        environment
    }
}

/// An entry of `git ls-tree -z`: `mode type id<tab>path`.
fn entry(line: &[u8]) -> Option<TreeEntry> {
    let tab = line.iter().position(|byte| *byte == b'\t')?;
    let fields = std::str::from_utf8(line.get(..tab)?).ok()?;
    let mut fields = fields.split(' ');
    let (mode, _, id) = (fields.next()?, fields.next()?, fields.next()?);
    let path = PathBuf::from(OsStr::from_bytes(line.get(tab + 1..)?));
    Some(TreeEntry { is_submodule: mode == "160000", id: id.to_owned(), path })
}

/// The name of the submodule at a path: `submodule.NAME.path<newline>PATH` in `.gitmodules`.
fn name_of(named: &[u8], path: &Path) -> Option<PathBuf> {
    named.split(|byte| *byte == 0).find_map(|line| {
        let end = line.iter().position(|byte| *byte == b'\n')?;
        let (key, value) = (line.get(..end)?, line.get(end + 1..)?);
        let name = key.strip_prefix(b"submodule.")?.strip_suffix(b".path")?;
        (OsStr::from_bytes(value) == path).then(|| PathBuf::from(OsStr::from_bytes(name)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_submodule_is_told_from_files_and_found_by_its_name() {
        let of = |line: &[u8]| entry(line).map(|e| (e.is_submodule, e.id, e.path));
        let submodule = of(b"160000 commit 77de41c\tlibs/a b").unwrap();
        assert_eq!(submodule, (true, "77de41c".to_owned(), "libs/a b".into()));
        assert!(!of(b"120000 blob 77de41c\tlink").unwrap().0);
        assert!(of(b"nothing").is_none());
        let named = b"submodule.one.path\nlibs/other\0submodule.a.b.path\nlibs/common\0";
        assert_eq!(name_of(named, Path::new("libs/common")), Some("a.b".into()));
        assert_eq!(name_of(named, Path::new("libs")), None);
    }

    /// A repository with a submodule in a submodule, and an untracked file.
    const MAKE: &str = r#"
set -e
export GIT_AUTHOR_NAME=T GIT_AUTHOR_EMAIL=t@localhost GIT_COMMITTER_NAME=T
export GIT_COMMITTER_EMAIL=t@localhost GIT_ALLOW_PROTOCOL=file
make() { git init -q "$1"; echo "$1" > "$1/file.txt"; }
keep() { git -C "$1" add -A; git -C "$1" commit -q -m "$1"; }
make inner; keep inner
make outer; git -C outer submodule --quiet add "$PWD/inner" deep/inner; keep outer
make top; ln -s file.txt top/link; git -C top submodule --quiet add --name other "$PWD/outer" libs/outer
git -C top submodule --quiet update --init --recursive; keep top
echo new > inner/new.txt; keep inner
echo 1 > top/untracked.txt; echo 1 > top/libs/outer/deep/inner/untracked.txt
"#;

    #[test]
    fn submodules_are_listed_and_written_as_they_are_recorded() {
        use portcullis_supervise::interrupt::Interrupts;
        use portcullis_supervise::step::{Step, run};
        let folder = tempfile::tempdir().unwrap();
        let environment = Environment::inherited(std::env::vars_os());
        let interrupts = Interrupts::default();
        let shell = |script: &str| {
            let log = folder.path().join("log");
            let step = Step {
                argv: ["sh", "-c", script].map(OsString::from).to_vec(),
                folder: folder.path(),
                environment: &environment,
                stdin: None,
                log: &log,
                deadline: std::time::Duration::from_secs(60),
            };
            let log = || std::fs::read_to_string(&log).unwrap_or_default();
            assert!(run(&step, &interrupts).is_ok(), "{}", log());
        };
        shell(MAKE);
        let scratch = folder.path().join("scratch");
        std::fs::create_dir(&scratch).unwrap();
        let top = folder.path().join("top");
        let git = Git {
            folder: &top,
            scratch: &scratch,
            environment: &environment,
            interrupts: &interrupts,
        };
        let tracked = [
            ".gitmodules",
            "file.txt",
            "libs/outer/.gitmodules",
            "libs/outer/deep/inner/file.txt",
            "libs/outer/file.txt",
            "link",
        ];
        let untracked = ["libs/outer/deep/inner/untracked.txt", "untracked.txt"];
        let mut all: Vec<PathBuf> = tracked.iter().chain(&untracked).map(PathBuf::from).collect();
        all.sort_unstable();
        assert_eq!(git.files().unwrap(), all);
        let to = folder.path().join("out");
        let written = git.write_out("HEAD", &to).unwrap();
        let mut expected = tracked.map(PathBuf::from);
        expected.sort_unstable();
        assert_eq!(written, expected);
        assert!(written.iter().all(|file| to.join(file).symlink_metadata().is_ok()));
        assert_eq!(std::fs::read_link(to.join("link")).unwrap(), Path::new("file.txt"));
        // Not checked out, but its objects are here.
        shell("git -C top submodule --quiet deinit -f libs/outer");
        assert_eq!(git.write_out("HEAD", &folder.path().join("again")).unwrap(), expected);
        shell("rm -rf top/.git/modules/other");
        let error = git.write_out("HEAD", &folder.path().join("third")).unwrap_err().to_string();
        assert!(error.starts_with("its submodule libs/outer is at "), "{error}");
    }
}
