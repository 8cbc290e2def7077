//! What a template has in it, and its way out of a run and into another: the files that
//! belong to the project in the run's folder. These are its SQLite databases, and whatever
//! migrations or seed have made beside them (media, static files, indexes, caches). The
//! databases of a server are beside them ([`super::super::database_server`]).

use std::ffi::OsStr;
use std::fs::{self, File, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use memchr::memmem::Finder;

use crate::run::{RunFolder, SERVICES};

/// Why the database of a run is no template.
#[derive(Debug, thiserror::Error)]
pub enum NotKept {
    /// The database is not completely in its file.
    #[error("{0} is a side file that its checkpoint has left")]
    SideFile(String),
    /// A later run would refer to a folder that no longer exists.
    #[error("{0} has the path of this run in it")]
    NamesRun(String),
    /// Something that is neither a file nor a link.
    #[error("{0} is neither a file nor a link")]
    Special(String),
    /// The system refuses.
    #[error("{0}")]
    Unwritable(#[from] io::Error),
}

/// Readable by their owner only: a database has the hashes of passwords.
const PRIVATE: u32 = 0o600;
/// The folder of the databases.
const DATABASES: &str = "db";

/// Copies everything that belongs to the project from a run's folder into `to`.
///
/// # Errors
/// A later run could not use it, or the system refuses.
pub fn take(run: &RunFolder, to: &Path) -> Result<(), NotKept> {
    let copy = Copy { from: run.path(), to, run: Some(run.name().as_bytes()) };
    run.data()?.iter().try_for_each(|path| copy.entry(path))
}

/// Copies a template into a run's folder.
///
/// # Errors
/// The system refuses, or there is no database in it.
pub fn give(from: &Path, run: &RunFolder) -> Result<(), NotKept> {
    let copy = Copy { from, to: run.path(), run: None };
    let has_files = fs::read_dir(from.join(DATABASES)).is_ok_and(|mut all| all.next().is_some());
    if !has_files && !from.join(SERVICES).is_dir() {
        return Err(io::Error::from(io::ErrorKind::NotFound).into());
    }
    for entry in fs::read_dir(from)? {
        let path = entry?.path();
        // Everything else are folders and files of the project.
        let is_theirs = |name: &OsStr| name != crate::cache::MARKER && name != SERVICES;
        if path.file_name().is_some_and(is_theirs) {
            copy.entry(&path)?;
        }
    }
    Ok(())
}

/// A copy of files below one folder into another.
struct Copy<'a> {
    from: &'a Path,
    to: &'a Path,
    /// The name of the run, which no file may have in it.
    run: Option<&'a [u8]>,
}

impl Copy<'_> {
    /// Copies a file, a link, or a folder with everything in it; empty folders are left out.
    fn entry(&self, path: &Path) -> Result<(), NotKept> {
        let name = path.strip_prefix(self.from).unwrap_or(path);
        let (to, shown) = (self.to.join(name), || name.display().to_string());
        let kind = path.symlink_metadata()?.file_type();
        if kind.is_dir() {
            for entry in fs::read_dir(path)? {
                self.entry(&entry?.path())?;
            }
            return Ok(());
        }
        if name.parent() == Some(Path::new(DATABASES))
            && name.extension().is_none_or(|extension| extension != "sqlite3")
        {
            return Err(NotKept::SideFile(shown()));
        }
        if let Some(parent) = to.parent() {
            fs::create_dir_all(parent)?;
        }
        if kind.is_symlink() {
            let target = fs::read_link(path)?;
            if self.has_run(target.as_os_str().as_bytes()) {
                return Err(NotKept::NamesRun(shown()));
            }
            return Ok(std::os::unix::fs::symlink(target, to)?);
        }
        if !kind.is_file() {
            return Err(NotKept::Special(shown()));
        }
        match self.run {
            None => fs::copy(path, to).map(drop)?,
            Some(run) if copy_without(path, &to, run)? => {}
            Some(_) => return Err(NotKept::NamesRun(shown())),
        }
        Ok(())
    }

    fn has_run(&self, bytes: &[u8]) -> bool {
        self.run.is_some_and(|run| Finder::new(run).find(bytes).is_some())
    }
}

/// Copies a file, readable by its owner only, as long as `needle` is not in it. Returns
/// whether it was copied completely.
fn copy_without(from: &Path, to: &PathBuf, needle: &[u8]) -> io::Result<bool> {
    let (mut from, mut to) = (File::open(from)?, File::create(to)?);
    to.set_permissions(Permissions::from_mode(PRIVATE))?;
    let finder = Finder::new(needle);
    let mut window = Vec::new();
    let mut piece = vec![0; 1 << 20];
    loop {
        let read = from.read(&mut piece)?;
        let read = piece.get(..read).unwrap_or_default();
        if read.is_empty() {
            return Ok(true);
        }
        // The end of the piece before, because the needle may lie across the border.
        window.extend_from_slice(read);
        if finder.find(&window).is_some() {
            return Ok(false);
        }
        to.write_all(read)?;
        let kept = window.len().saturating_sub(needle.len().saturating_sub(1));
        window.drain(..kept);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(id: &str) -> (impl Sized, RunFolder) {
        RunFolder::private(&format!("{id}-{}", std::process::id())).unwrap()
    }

    fn write(run: &RunFolder, name: &str, bytes: &[u8]) {
        let path = run.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    #[test]
    fn files_of_the_project_come_back_and_ours_do_not() {
        let (template, (_one, from), (_other, to)) =
            (tempfile::tempdir().unwrap(), run("take"), run("give"));
        for name in ["db/default.sqlite3", "media/a/b.txt", "index/MAIN", "caches/default/x"] {
            write(&from, name, name.as_bytes());
        }
        for name in ["logs/migrate.log", "scratch/script.py", "project-logs/app.log", "tmp/x"] {
            write(&from, name, b"ours");
        }
        fs::create_dir_all(from.path().join("storages/empty")).unwrap();
        std::os::unix::fs::symlink("a/b.txt", from.path().join("media/link")).unwrap();
        take(&from, template.path()).unwrap();
        give(template.path(), &to).unwrap();
        for name in ["db/default.sqlite3", "media/a/b.txt", "index/MAIN", "caches/default/x"] {
            let path = to.path().join(name);
            assert_eq!(fs::read(&path).unwrap(), name.as_bytes());
            let mode = fs::metadata(path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, PRIVATE, "{name}");
        }
        assert_eq!(fs::read_link(to.path().join("media/link")).unwrap(), Path::new("a/b.txt"));
        for name in ["logs/migrate.log", "tmp/x", "storages/empty", "project-logs/app.log"] {
            assert!(!to.path().join(name).exists(), "{name}");
        }
        to.clear_data().unwrap();
        assert!(!to.path().join("index").exists() && to.path().join("media").is_dir());
        assert_eq!(fs::read_dir(to.databases()).unwrap().count(), 0);
    }

    #[test]
    fn what_a_later_run_cannot_use_is_not_kept() {
        let because = |name: &str, bytes: &dyn Fn(&RunFolder) -> Vec<u8>| {
            let (template, (_run, from)) = (tempfile::tempdir().unwrap(), run("kept"));
            write(&from, "db/default.sqlite3", b"rows");
            write(&from, name, &bytes(&from));
            take(&from, template.path()).map_err(|why| why.to_string())
        };
        assert_eq!(because("media/x", &|_| b"x".to_vec()), Ok(()));
        let wal = because("db/default.sqlite3-wal", &|_| b"x".to_vec()).unwrap_err();
        assert_eq!(wal, "db/default.sqlite3-wal is a side file that its checkpoint has left");
        // Also across the border of two pieces.
        for before in [0, (1 << 20) - 5] {
            let path = |run: &RunFolder| {
                [&vec![b'.'; before][..], run.path().as_os_str().as_bytes(), b"/media"].concat()
            };
            let why = because("media/index.json", &path).unwrap_err();
            assert_eq!(why, "media/index.json has the path of this run in it");
        }
    }

    #[test]
    fn a_template_without_a_database_is_none() {
        let (template, (_run, to)) = (tempfile::tempdir().unwrap(), run("none"));
        fs::create_dir(template.path().join("db")).unwrap();
        assert!(give(template.path(), &to).is_err());
    }
}
