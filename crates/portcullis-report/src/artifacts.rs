//! The folder of artifacts: its owner, the removal of an earlier run's files, and writing
//! files completely or not at all.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::format::Format;
use crate::formats::FORMATS;
use crate::record::RunRecord;
use crate::{html, results};

/// The folder, ready to be written to.
#[derive(Clone, Debug)]
pub struct Folder {
    path: PathBuf,
    /// Locks the folder as long as it is written to, where the file system can.
    _lock: Option<Arc<File>>,
}

/// Why a folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// It contains files that are not from Portcullis.
    #[error(
        "{0} is not empty and was not made by Portcullis; choose another folder with --out, or empty it"
    )]
    Foreign(PathBuf),
    /// Another run writes to it.
    #[error("another run is writing to {0}; wait for its end, or choose another folder with --out")]
    InUse(PathBuf),
    /// It cannot be created, or is not writable.
    #[error("{0} cannot be written to: {1}")]
    Unwritable(PathBuf, io::Error),
}

/// Marks a folder as one of Portcullis, and keeps it out of the user's commits.
const MARK: &str = ".gitignore";
const MARK_TEXT: &str = "# Artifacts of Portcullis; made anew by every run.\n*\n";

/// The prefix of incomplete files.
const WRITING: &str = ".writing-";

/// The results as JSON.
pub const RESULTS: &str = "perf_results.json";
/// The results as a page.
pub const PAGE: &str = html::FILE;
/// Copies of the logs, without secrets.
pub const LOGS: &str = "logs";
/// The results of the last run, if a later one was refused.
const PREVIOUS: &str = "previous";

/// Prepares a folder: creates it if it is missing, refuses one of another owner, removes
/// the files of an earlier run, and checks that it is writable.
///
/// # Errors
/// It belongs to something else, or is not writable.
pub fn prepare(path: &Path) -> Result<Folder, FolderError> {
    let unwritable = |error| FolderError::Unwritable(path.to_owned(), error);
    fs::create_dir_all(path).map_err(unwritable)?;
    let is_ours = is_ours(path);
    let is_empty = fs::read_dir(path).map_err(unwritable)?.next().is_none();
    if !is_ours && !is_empty {
        return Err(FolderError::Foreign(path.to_owned()));
    }
    let lock = match lock(path) {
        Lock::Ours(file) => Some(Arc::new(file)),
        Lock::Unknown => None,
        Lock::Anothers => return Err(FolderError::InUse(path.to_owned())),
    };
    remove_ours(path).map_err(unwritable)?;
    let folder = Folder { path: path.to_owned(), _lock: lock };
    folder.write(MARK, MARK_TEXT.as_bytes()).map_err(unwritable)?;
    Ok(folder)
}

/// The folder of some results, unchanged: rendered files are written into it.
pub fn beside(results: &Path) -> Folder {
    let parent = results.parent().filter(|parent| !parent.as_os_str().is_empty());
    Folder { path: parent.unwrap_or(Path::new(".")).to_owned(), _lock: None }
}

/// Moves the files of an earlier run into `previous/` of a folder of Portcullis, if it has
/// any: a run that is refused must not leave an older verdict that could be uploaded as its
/// own. Returns the folder with the files.
///
/// # Errors
/// The system refuses.
pub fn set_aside(path: &Path) -> io::Result<Option<PathBuf>> {
    let names = FORMATS.iter().flat_map(|format| format.files).chain(&[RESULTS, LOGS]);
    let there: Vec<&str> = names.copied().filter(|name| path.join(name).exists()).collect();
    // The files of a run that goes on are not old.
    if !is_ours(path) || there.is_empty() || matches!(lock(path), Lock::Anothers) {
        return Ok(None);
    }
    let previous = path.join(PREVIOUS);
    remove_folder(&previous)?;
    fs::create_dir(&previous)?;
    let moved = there.iter().try_for_each(|name| fs::rename(path.join(name), previous.join(name)));
    // What cannot be moved must not stay.
    moved.and_then(|()| remove_ours(path)).or_else(|_| remove_ours(path))?;
    Ok(Some(previous))
}

/// Who may write to a folder.
enum Lock {
    /// This process, as long as the file is open.
    Ours(File),
    /// Another process.
    Anothers,
    /// The file system cannot lock folders.
    Unknown,
}

/// Locks the folder itself, so that no other file is needed. The lock ends with the process.
fn lock(path: &Path) -> Lock {
    let Ok(folder) = File::open(path) else { return Lock::Unknown };
    match folder.try_lock() {
        Ok(()) => Lock::Ours(folder),
        Err(TryLockError::WouldBlock) => Lock::Anothers,
        Err(TryLockError::Error(_)) => Lock::Unknown,
    }
}

fn is_ours(path: &Path) -> bool {
    fs::read_to_string(path.join(MARK)).is_ok_and(|text| text == MARK_TEXT)
}

fn remove_ours(path: &Path) -> io::Result<()> {
    for name in FORMATS.iter().flat_map(|format| format.files).chain(&[RESULTS]) {
        remove(&path.join(name))?;
    }
    // Incomplete files of a killed run.
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(WRITING) {
            remove(&entry.path())?;
        }
    }
    remove_folder(&path.join(LOGS))
}

fn remove_folder(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

impl Folder {
    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a file completely: first beside its place, then renamed. `name` may contain
    /// folders. If that fails, an older file is removed too.
    ///
    /// # Errors
    /// The system refuses.
    pub fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let path = self.path.join(name);
        if !self.path.is_dir() {
            // If it was deleted during the run, the next run must still recognise it.
            fs::create_dir_all(&self.path)?;
            self.place(&self.path.join(MARK), MARK_TEXT.as_bytes())?;
        }
        self.place(&path, bytes).or_else(|_| {
            // The old file is no longer true, and its space may be what is missing.
            remove(&path)?;
            self.place(&path, bytes)
        })
    }

    fn place(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let parent = path.parent().unwrap_or(&self.path);
        fs::create_dir_all(parent)?;
        // The umask decides who may read it, as for any file that the user makes.
        let readable = std::os::unix::fs::PermissionsExt::from_mode(0o666);
        let mut builder = tempfile::Builder::new();
        let builder = builder.prefix(WRITING).permissions(readable);
        let mut file = builder.tempfile_in(parent)?;
        file.write_all(bytes)?;
        file.flush()?;
        file.persist(path).map_err(|error| error.error)?;
        Ok(())
    }

    /// Removes the logs, and the files written before, to make space: the results at the end
    /// are more important.
    ///
    /// # Errors
    /// The system refuses.
    pub fn make_room(&self) -> io::Result<()> {
        remove_ours(&self.path)
    }

    /// Writes what must not be lost if the run is killed: its results as JSON, from which every
    /// format can be made.
    ///
    /// # Errors
    /// The system refuses.
    pub fn write_results_early(&self, run: &RunRecord) -> io::Result<()> {
        let json = results::write(run).map_err(io::Error::other)?;
        self.write(RESULTS, json.as_bytes())
    }

    /// Writes the results, and every format that the run has data for.
    ///
    /// # Errors
    /// The first file that could not be written; the others are still tried.
    pub fn write_all(&self, run: &RunRecord) -> io::Result<()> {
        // The most important one first, because the disk may become full.
        let results = self.write_results_early(run);
        let others = self.write_formats(run, FORMATS);
        results.and(others.map(drop))
    }

    /// Writes the files of these formats, if the run has data for them; returns their names.
    ///
    /// # Errors
    /// The first file that could not be written; the others are still tried.
    pub fn write_formats<'f>(
        &self,
        run: &RunRecord,
        formats: impl IntoIterator<Item = &'f Format>,
    ) -> io::Result<Vec<&'static str>> {
        let formats = formats.into_iter();
        let texts = formats.flat_map(|format| format.files.iter().zip((format.write)(run)));
        let texts: Vec<(&&'static str, String)> = texts.collect();
        let written = texts.into_iter().map(|(name, text)| {
            self.write(name, text.as_bytes())?;
            Ok(*name)
        });
        let results: Vec<io::Result<&'static str>> = written.collect();
        results.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_of_ours_is_taken_over_and_emptied_of_our_files() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("deep/perf");
        let folder = prepare(&path).unwrap();
        folder.write(RESULTS, b"{}").unwrap();
        folder.write("logs/server.log", b"x").unwrap();
        fs::write(path.join("mine.txt"), "kept").unwrap();
        drop(folder);
        prepare(&path).unwrap();
        assert!(!path.join(RESULTS).exists() && !path.join(LOGS).exists());
        assert_eq!(fs::read_to_string(path.join("mine.txt")).unwrap(), "kept");
    }

    #[test]
    fn a_folder_is_for_one_run_at_a_time() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("perf");
        let first = prepare(&path).unwrap();
        first.write(RESULTS, b"{}").unwrap();
        assert!(matches!(prepare(&path), Err(FolderError::InUse(_))));
        set_aside(&path).unwrap();
        assert!(path.join(RESULTS).exists(), "the results of a run that goes on");
        drop(first);
        set_aside(&path).unwrap();
        assert!(!path.join(RESULTS).exists());
        prepare(&path).unwrap();
    }

    #[test]
    fn results_are_set_aside_once() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("perf");
        assert_eq!(set_aside(&path).unwrap(), None);
        let folder = prepare(&path).unwrap();
        assert_eq!(set_aside(&path).unwrap(), None);
        folder.write(RESULTS, b"{}").unwrap();
        folder.write("logs/server.log", b"x").unwrap();
        drop(folder);
        let previous = set_aside(&path).unwrap().unwrap();
        assert!(!path.join(RESULTS).exists() && !path.join(LOGS).exists());
        assert_eq!(fs::read(previous.join(RESULTS)).unwrap(), b"{}");
        assert!(previous.join("logs/server.log").exists());
        // A second refusal has nothing to move, and keeps them.
        assert_eq!(set_aside(&path).unwrap(), None);
        assert!(previous.join(RESULTS).exists());
        // Files of somebody else stay where they are.
        fs::write(parent.path().join(RESULTS), "somebody's").unwrap();
        assert_eq!(set_aside(parent.path()).unwrap(), None);
        assert!(parent.path().join(RESULTS).exists());
    }

    #[test]
    fn a_folder_that_was_deleted_is_ours_again() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("perf");
        let folder = prepare(&path).unwrap();
        fs::remove_dir_all(&path).unwrap();
        folder.write("logs/server.log", b"x").unwrap();
        assert!(path.join("logs/server.log").exists());
        prepare(&path).unwrap();
    }

    #[test]
    fn a_foreign_folder_is_refused_and_left_alone() {
        let parent = tempfile::tempdir().unwrap();
        fs::write(parent.path().join(RESULTS), "somebody's").unwrap();
        assert!(matches!(prepare(parent.path()), Err(FolderError::Foreign(_))));
        assert_eq!(fs::read_to_string(parent.path().join(RESULTS)).unwrap(), "somebody's");
    }

    #[test]
    fn an_impossible_folder_is_unwritable() {
        let parent = tempfile::tempdir().unwrap();
        fs::write(parent.path().join("file"), "").unwrap();
        let error = prepare(&parent.path().join("file/below")).unwrap_err();
        assert!(matches!(error, FolderError::Unwritable(..)), "{error}");
    }
}
