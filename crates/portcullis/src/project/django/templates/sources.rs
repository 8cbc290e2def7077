//! The files that a database may depend on: everything in the repository that git tracks
//! or does not ignore, from its top, and what its links lead to.

use std::collections::BTreeSet;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use glob::{MatchOptions, Pattern};

use crate::cache::cache_key::is_missing;

/// Why it is not known what a database depends on, so that there is no template of it.
#[derive(Debug, thiserror::Error)]
pub enum Unknown {
    /// The project is in no repository, or git fails.
    #[error("git lists no files here")]
    NoFiles,
    /// A file cannot be read.
    #[error("{0} cannot be read: {1}")]
    Unreadable(String, io::Error),
    /// A link or an input leads to too many files.
    #[error(
        "{path} has more than {MOST_FILES} files or {mib} MiB",
        path = .0,
        mib = MOST_BYTES >> 20
    )]
    TooLarge(String),
    /// A variable of the caller's shell may change anything.
    #[error("{0} is passed through from your shell")]
    Passed(String),
    /// The databases are on a server that others use too, and are dropped at the end.
    #[error("the databases are on the server of [database] url")]
    Hosted,
    /// A step may change what the migrations do.
    #[error("a step runs before the migrations")]
    Step,
    /// A service may have something that belongs to the database.
    #[error("the service \"{0}\" may keep a part of the data (stateless = true denies it)")]
    Service(String),
    /// The environment is not known.
    #[error("the environment is private to this run")]
    Private,
}

/// The limits of what a link leads to.
const MOST_FILES: usize = 20_000;
const MOST_BYTES: u64 = 512 << 20;

/// Folders that never count: their content follows from other files.
const DERIVED: [&str; 2] = [".git", "__pycache__"];

/// Something that counts.
#[derive(Debug, PartialEq, Eq)]
pub struct Source {
    /// Its name in the key: its path in the repository.
    pub name: PathBuf,
    /// What it is.
    pub content: Content,
}

/// What a source is.
#[derive(Debug, PartialEq, Eq)]
pub enum Content {
    /// A file, at this place.
    File(PathBuf),
    /// A link with this text. What it leads to is a source of its own.
    Link(PathBuf),
    /// Neither: a missing file, a submodule that is not checked out.
    Nothing,
}

/// The files of a repository.
pub struct Repository<'a> {
    /// Its top.
    pub top: &'a Path,
    /// Files and links relative to it, sorted.
    pub files: &'a [PathBuf],
    /// Files and folders that a run writes itself.
    pub written: &'a [PathBuf],
}

impl Repository<'_> {
    /// All sources.
    ///
    /// # Errors
    /// A link leads to too many files, or to something that cannot be read.
    pub fn sources(&self) -> Result<Vec<Source>, Unknown> {
        let real = self.top.canonicalize().unwrap_or_else(|_| self.top.to_owned());
        let mut sources = Vec::new();
        for file in self.files {
            let place = self.top.join(file);
            if is_derived(file) || self.written.iter().any(|path| place.starts_with(path)) {
                continue;
            }
            let unreadable = |error| Unknown::Unreadable(file.display().to_string(), error);
            let content = match place.symlink_metadata() {
                Ok(data) if data.is_symlink() => {
                    self.add_target(&place, file, &real, &mut sources)?;
                    Content::Link(place.read_link().map_err(unreadable)?)
                }
                Ok(data) if data.is_file() => Content::File(place),
                Ok(_) => Content::Nothing,
                Err(error) if is_missing(&error) => Content::Nothing,
                Err(error) => return Err(unreadable(error)),
            };
            sources.push(Source { name: file.clone(), content });
        }
        Ok(sources)
    }

    /// What a link leads to, unless that is in the list already.
    fn add_target(
        &self,
        place: &Path,
        name: &Path,
        real: &Path,
        sources: &mut Vec<Source>,
    ) -> Result<(), Unknown> {
        let Ok(target) = place.canonicalize() else { return Ok(()) };
        if target.strip_prefix(real).is_ok_and(|target| self.lists(target)) {
            return Ok(());
        }
        everything(&target, &name.join("->"), sources)
    }

    /// Whether a file, or a file below a folder, is in the list.
    fn lists(&self, path: &Path) -> bool {
        let at = self.files.partition_point(|file| file.as_path() < path);
        self.files.get(at).is_some_and(|file| file.starts_with(path))
    }
}

fn is_derived(path: &Path) -> bool {
    path.iter().any(|part| DERIVED.iter().any(|name| part == *name))
}

/// Adds a file, or all files below a folder, whether git knows them or not.
///
/// # Errors
/// These are too many, or something cannot be read.
pub fn everything(path: &Path, name: &Path, sources: &mut Vec<Source>) -> Result<(), Unknown> {
    let mut walk = Walk { start: path, files: 0, bytes: 0, seen: BTreeSet::new() };
    walk.add(path, name, sources)
}

/// A bounded walk through a folder and what its links lead to.
struct Walk<'a> {
    start: &'a Path,
    files: usize,
    bytes: u64,
    /// Folders that were visited: links may lead in a circle.
    seen: BTreeSet<PathBuf>,
}

impl Walk<'_> {
    fn add(&mut self, path: &Path, name: &Path, sources: &mut Vec<Source>) -> Result<(), Unknown> {
        let unreadable = |error| Unknown::Unreadable(path.display().to_string(), error);
        let data = match path.metadata() {
            Ok(data) => data,
            Err(error) if is_missing(&error) => {
                sources.push(Source { name: name.to_owned(), content: Content::Nothing });
                return Ok(());
            }
            Err(error) => return Err(unreadable(error)),
        };
        self.files += 1;
        self.bytes += if data.is_file() { data.len() } else { 0 };
        if self.files > MOST_FILES || self.bytes > MOST_BYTES {
            return Err(Unknown::TooLarge(self.start.display().to_string()));
        }
        if data.is_file() {
            let content = Content::File(path.to_owned());
            sources.push(Source { name: name.to_owned(), content });
        }
        if !data.is_dir() || !self.seen.insert(path.canonicalize().map_err(unreadable)?) {
            return Ok(());
        }
        let entries = path.read_dir().map_err(unreadable)?;
        let entries = entries.map(|entry| Ok(entry?.file_name())).collect::<io::Result<Vec<_>>>();
        let mut entries = entries.map_err(unreadable)?;
        entries.sort_unstable();
        for entry in entries {
            if !is_derived(Path::new(&entry)) {
                self.add(&path.join(&entry), &name.join(&entry), sources)?;
            }
        }
        Ok(())
    }
}

/// Patterns of files that a database does not depend on.
pub struct Ignored(Vec<Pattern>);

impl Ignored {
    /// From valid patterns, relative to the top of the repository. A pattern that matches a
    /// folder matches everything in it.
    pub fn new(patterns: &[String]) -> Self {
        let pattern = |text: &String| Pattern::new(text.trim_end_matches('/')).ok();
        Self(patterns.iter().filter_map(pattern).collect())
    }

    /// Whether a file is ignored.
    pub fn has(&self, path: &Path) -> bool {
        let options = MatchOptions { require_literal_separator: true, ..MatchOptions::default() };
        let is_matched = |path: &Path| {
            let text = String::from_utf8_lossy(path.as_os_str().as_bytes());
            self.0.iter().any(|pattern| pattern.matches_with(&text, options))
        };
        path.ancestors().any(is_matched)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    fn names(sources: &[Source]) -> Vec<String> {
        sources.iter().map(|source| source.name.display().to_string()).collect()
    }

    #[test]
    fn links_lead_to_what_git_does_not_list() {
        let folder = tempfile::tempdir().unwrap();
        let (top, outside) = (folder.path().join("top"), folder.path().join("outside"));
        for path in [&top.join("app"), &top.join("ignored"), &outside.join("deep")] {
            fs::create_dir_all(path).unwrap();
        }
        for file in [top.join("app/a.py"), top.join("ignored/x"), outside.join("deep/y")] {
            fs::write(file, "text").unwrap();
        }
        symlink("..", outside.join("deep/circle")).unwrap();
        symlink("app", top.join("to-app")).unwrap();
        symlink("ignored", top.join("to-ignored")).unwrap();
        symlink("../outside", top.join("to-outside")).unwrap();
        symlink("nowhere", top.join("to-nothing")).unwrap();
        let files = ["app/a.py", "gone", "to-app", "to-ignored", "to-nothing", "to-outside"];
        let files = files.map(PathBuf::from);
        let repository = Repository { top: &top, files: &files, written: &[] };
        let sources = repository.sources().unwrap();
        let expected = [
            "app/a.py",
            "gone",
            "to-app",
            "to-ignored/->/x",
            "to-ignored",
            "to-nothing",
            "to-outside/->/deep/y",
            "to-outside",
        ];
        assert_eq!(names(&sources), expected);
        assert_eq!(sources[2].content, Content::Link("app".into()));
        assert_eq!(sources[1].content, Content::Nothing);
        let written = [top.join("app")];
        let repository = Repository { written: &written, ..repository };
        assert!(!names(&repository.sources().unwrap()).contains(&"app/a.py".to_owned()));
    }

    #[test]
    fn what_is_too_large_is_unknown() {
        let folder = tempfile::tempdir().unwrap();
        let file = fs::File::create(folder.path().join("dump.sql")).unwrap();
        file.set_len(MOST_BYTES + 1).unwrap();
        let result = everything(folder.path(), Path::new("x"), &mut Vec::new());
        assert!(matches!(result, Err(Unknown::TooLarge(_))), "{result:?}");
    }

    #[test]
    fn a_pattern_of_a_folder_ignores_what_is_in_it() {
        let ignored = Ignored::new(&["docs/**".into(), "*.md".into(), "web/".into()]);
        for path in ["docs/a.txt", "docs/a/b.txt", "README.md", "web/src/a.ts"] {
            assert!(ignored.has(Path::new(path)), "{path}");
        }
        for path in ["app/docs/a.txt", "app/README.md", "website/a", "manage.py"] {
            assert!(!ignored.has(Path::new(path)), "{path}");
        }
    }
}
