//! The folder of artifacts: whose it is, what of an earlier run is removed,
//! and files that are there whole or not at all.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::format::Format;
use crate::formats::FORMATS;
use crate::record::RunRecord;
use crate::{html, results};

/// The folder, ready to be written to.
#[derive(Clone, Debug)]
pub struct Folder {
    path: PathBuf,
}

/// Why a folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// It holds files that are not ours.
    #[error(
        "{0} is not empty and was not made by Portcullis; choose another folder with --out, or empty it"
    )]
    Foreign(PathBuf),
    /// It cannot be made or written to.
    #[error("{0} cannot be written to: {1}")]
    Unwritable(PathBuf, io::Error),
}

/// Marks a folder as ours, and keeps it out of the user's commits.
const MARK: &str = ".gitignore";
const MARK_TEXT: &str = "# Artifacts of Portcullis; made anew by every run.\n*\n";

/// How files begin that are incomplete yet.
const WRITING: &str = ".writing-";

/// The results as JSON.
pub const RESULTS: &str = "perf_results.json";
/// The results as a page.
pub const PAGE: &str = html::FILE;
/// Copies of the logs, without secrets.
pub const LOGS: &str = "logs";
/// Takes over a folder: makes it if there is none, refuses a foreign one,
/// removes our own files of an earlier run, and proves that it is writable.
///
/// # Errors
/// A foreign or an unwritable folder.
pub fn prepare(path: &Path) -> Result<Folder, FolderError> {
    let unwritable = |error| FolderError::Unwritable(path.to_owned(), error);
    fs::create_dir_all(path).map_err(unwritable)?;
    let is_ours = is_ours(path);
    let is_empty = fs::read_dir(path).map_err(unwritable)?.next().is_none();
    if !is_ours && !is_empty {
        return Err(FolderError::Foreign(path.to_owned()));
    }
    remove_ours(path).map_err(unwritable)?;
    let folder = Folder { path: path.to_owned() };
    folder.write(MARK, MARK_TEXT.as_bytes()).map_err(unwritable)?;
    Ok(folder)
}

/// The folder that holds some results, as it is: what is told of them again takes
/// its place among them.
pub fn beside(results: &Path) -> Folder {
    let parent = results.parent().filter(|parent| !parent.as_os_str().is_empty());
    Folder { path: parent.unwrap_or(Path::new(".")).to_owned() }
}

/// Removes our files of an earlier run from a folder of ours, if there is one:
/// a run that is refused must not leave an older verdict to be uploaded.
///
/// # Errors
/// The system's reason.
pub fn discard(path: &Path) -> io::Result<()> {
    if is_ours(path) { remove_ours(path) } else { Ok(()) }
}

fn is_ours(path: &Path) -> bool {
    fs::read_to_string(path.join(MARK)).is_ok_and(|text| text == MARK_TEXT)
}

fn remove_ours(path: &Path) -> io::Result<()> {
    for name in FORMATS.iter().flat_map(|format| format.files).chain(&[RESULTS]) {
        remove(&path.join(name))?;
    }
    // Halves that a killed run was writing.
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
    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a file whole: beside it first, then in its place. `name` may
    /// have folders in it. If that fails, an older file does not stay either.
    ///
    /// # Errors
    /// The system's reason.
    pub fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let path = self.path.join(name);
        if !self.path.is_dir() {
            // It was deleted in mid-run: the next run must know it as ours.
            fs::create_dir_all(&self.path)?;
            self.place(&self.path.join(MARK), MARK_TEXT.as_bytes())?;
        }
        self.place(&path, bytes).or_else(|_| {
            // What it says is no longer true, and its room may be what is missing.
            remove(&path)?;
            self.place(&path, bytes)
        })
    }

    fn place(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let parent = path.parent().unwrap_or(&self.path);
        fs::create_dir_all(parent)?;
        let mut file = tempfile::Builder::new().prefix(WRITING).tempfile_in(parent)?;
        file.write_all(bytes)?;
        file.flush()?;
        let readable = std::os::unix::fs::PermissionsExt::from_mode(0o644);
        file.as_file().set_permissions(readable)?;
        file.persist(path).map_err(|error| error.error)?;
        Ok(())
    }

    /// Gives up the logs, and what was written before: where there is no room for
    /// everything twice, the results of the end are worth more.
    ///
    /// # Errors
    /// The system's reason.
    pub fn make_room(&self) -> io::Result<()> {
        remove_ours(&self.path)
    }

    /// Writes what a run must not lose if it is killed: its results as JSON, of which
    /// every format can be made again.
    ///
    /// # Errors
    /// The system's reason.
    pub fn write_results_early(&self, run: &RunRecord) -> io::Result<()> {
        let json = results::write(run).map_err(io::Error::other)?;
        self.write(RESULTS, json.as_bytes())
    }

    /// Writes the results, and every format that the run has something for.
    ///
    /// # Errors
    /// The first file that could not be written; the others are tried all the same.
    pub fn write_all(&self, run: &RunRecord) -> io::Result<()> {
        // The most telling one first: the disk may fill up.
        let results = self.write_results_early(run);
        let others = self.write_formats(run, FORMATS);
        results.and(others.map(drop))
    }

    /// Writes the files of these formats, as far as the run has something for them;
    /// their names.
    ///
    /// # Errors
    /// The first file that could not be written; the others are tried all the same.
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
        prepare(&path).unwrap();
        assert!(!path.join(RESULTS).exists() && !path.join(LOGS).exists());
        assert_eq!(fs::read_to_string(path.join("mine.txt")).unwrap(), "kept");
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
