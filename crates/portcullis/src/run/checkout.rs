//! What the service writes into the checkout: its files before the run and after it. The
//! isolation keeps databases, media and logs away from there, but a service may have other
//! places, such as a search index.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{DirEntry, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The largest number of files that are looked at: about a second of work.
const MOST_FILES: usize = 100_000;
/// The largest number of files that are named.
const MOST_NAMES: usize = 10;

/// The files of a checkout at one moment.
#[derive(Clone, Debug)]
pub struct Checkout {
    top: PathBuf,
    /// Folders that a run itself writes.
    own: Vec<PathBuf>,
    files: BTreeMap<PathBuf, State>,
    /// Whether there are more files.
    is_cut: bool,
}

/// The state of a file. A file that is replaced has another inode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct State {
    size: u64,
    modified: (i64, i64),
    inode: u64,
}

impl State {
    fn of(data: &Metadata) -> Self {
        Self { size: data.size(), modified: (data.mtime(), data.mtime_nsec()), inode: data.ino() }
    }
}

impl Checkout {
    /// The files of the repository with `root`, or of `root` itself without one. Folders of
    /// git, of other package managers and of caches are left out, and those in `own`.
    pub fn of(root: &Path, own: &[PathBuf]) -> Self {
        // Without `..`, so that the folders above are the real ones.
        let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let (root, own) = (real(root), own.iter().map(|path| real(path)).collect::<Vec<_>>());
        let top = root.ancestors().find(|folder| folder.join(".git").exists()).unwrap_or(&root);
        Self::below(top, &own, MOST_FILES)
    }

    fn below(top: &Path, own: &[PathBuf], most: usize) -> Self {
        let mut files = BTreeMap::new();
        let mut folders = vec![top.to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
                let Ok(data) = entry.metadata() else { continue };
                let path = entry.path();
                if !data.is_dir() {
                    files.insert(path, State::of(&data));
                } else if !is_left_out(&entry) && !own.contains(&path) {
                    folders.push(path);
                }
                if files.len() > most {
                    return Self { top: top.to_owned(), own: own.to_vec(), files, is_cut: true };
                }
            }
        }
        Self { top: top.to_owned(), own: own.to_vec(), files, is_cut: false }
    }

    /// A warning about the files that were written since then; `None` if there are none.
    pub fn warning(&self) -> Option<String> {
        let written = self.written();
        if written.is_empty() {
            return None;
        }
        let named = written.iter().take(MOST_NAMES).map(|path| path.display().to_string());
        let named = named.collect::<Vec<_>>().join(", ");
        let more = written.len().saturating_sub(MOST_NAMES);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let cut = match self.is_cut {
            true => format!(" (only {} files of it were compared)", self.files.len()),
            false => String::new(),
        };
        let top = self.top.display();
        Some(format!(
            "during the run these files in {top} were written: {named}{more}{cut}; a place in the \
             run's folder is {{run}}, in [env] set and [django.overrides]"
        ))
    }

    /// The files that are new, gone, or have another state, relative to the checkout.
    fn written(&self) -> Vec<PathBuf> {
        let mut written: Vec<PathBuf> = match self.is_cut {
            // Another walk might be cut elsewhere.
            true => self.files.keys().filter(|path| self.has_changed(path)).cloned().collect(),
            false => {
                let now = Self::below(&self.top, &self.own, MOST_FILES.max(self.files.len()) * 2);
                let is_other = |(path, state): &(&PathBuf, &State)| {
                    self.files.get(*path).is_none_or(|before| before != *state)
                };
                let changed = now.files.iter().filter(is_other).map(|(path, _)| path.clone());
                let gone = self.files.keys().filter(|path| !now.files.contains_key(*path));
                changed.chain(gone.cloned()).collect()
            }
        };
        written.sort_unstable();
        let relative = |path: PathBuf| path.strip_prefix(&self.top).map(Path::to_owned);
        written.into_iter().filter_map(|path| relative(path).ok()).collect()
    }

    fn has_changed(&self, path: &Path) -> bool {
        let now = path.symlink_metadata().ok().map(|data| State::of(&data));
        now.as_ref() != self.files.get(path)
    }
}

/// Whether a folder is not the user's own work: git, packages, virtual environments, and
/// folders that say that they are caches (<https://bford.info/cachedir/>).
fn is_left_out(folder: &DirEntry) -> bool {
    let (name, path) = (folder.file_name(), folder.path());
    [".git", "node_modules"].iter().any(|left_out| name == OsStr::new(left_out))
        || ["pyvenv.cfg", "CACHEDIR.TAG"].iter().any(|mark| path.join(mark).exists())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(folder: &Path, name: &str, text: &str) {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn checkout() -> (tempfile::TempDir, Vec<PathBuf>) {
        let folder = tempfile::tempdir().unwrap();
        for name in ["app/a.py", "app/b.py", "app/index/segment", ".git/HEAD", "libs/c.py"] {
            write(folder.path(), name, "old");
        }
        write(folder.path(), "env/pyvenv.cfg", "");
        write(folder.path(), "target/CACHEDIR.TAG", "");
        std::fs::create_dir(folder.path().join("app/.portcullis")).unwrap();
        let own = vec![folder.path().join("app/.portcullis")];
        (folder, own)
    }

    #[test]
    fn new_changed_replaced_and_removed_files_are_named_and_nothing_else() {
        let (folder, own) = checkout();
        let top = folder.path().canonicalize().unwrap();
        let top = top.as_path();
        let before = Checkout::of(&top.join("app"), &own);
        assert_eq!(before.warning(), None);
        for name in [
            "app/db.sqlite3",
            "libs/c.py",
            "app/.portcullis/results",
            ".git/index",
            "env/lib/x.py",
            "target/debug/y",
            "app/node_modules/z.js",
        ] {
            write(top, name, "written");
        }
        std::fs::remove_file(top.join("app/b.py")).unwrap();
        // The same size and time, but another file.
        let (old, new) = (top.join("app/index/segment"), top.join("app/index/new"));
        let modified = std::fs::metadata(&old).unwrap().modified().unwrap();
        write(top, "app/index/new", "new");
        std::fs::File::options().write(true).open(&new).unwrap().set_modified(modified).unwrap();
        std::fs::rename(new, old).unwrap();
        let written = ["app/b.py", "app/db.sqlite3", "app/index/segment", "libs/c.py"];
        assert_eq!(before.written(), written.map(PathBuf::from));
        let text = before.warning().unwrap();
        assert!(text.contains(&written.join(", ")) && !text.contains("only"), "{text}");
    }

    #[test]
    fn a_large_checkout_is_cut_and_that_is_said() {
        let (folder, own) = checkout();
        let before = Checkout::below(folder.path(), &own, 2);
        assert!(before.is_cut);
        let first = before.files.keys().next().unwrap().clone();
        write(folder.path(), "app/new", "a new file is no surprise");
        assert_eq!(before.warning(), None);
        std::fs::write(first, "written").unwrap();
        let text = before.warning().unwrap();
        assert!(text.contains("(only 3 files of it were compared)"), "{text}");
    }
}
