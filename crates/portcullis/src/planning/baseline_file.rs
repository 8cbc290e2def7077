//! The baseline's file: read before anything starts, written when a run is over or when
//! somebody accepts a regression.

use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use portcullis_core::baseline::{Fingerprint, Origin};
use portcullis_core::config::{Loaded, to_measured_toml};
use portcullis_report::baseline::{self, Stored};

use crate::cache::cache_key::Key;
use crate::host::machine;

/// What a run does with the file.
#[derive(Debug, Default)]
pub struct BaselineFile {
    /// What stands in it; `None` if there is no such file, or none is named.
    pub stored: Option<Stored>,
    /// Whether the run may write it.
    pub may_write: bool,
    /// Whether it is missing where nobody would keep it: in CI.
    pub is_missed: bool,
}

/// Why the file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BaselineFileError {
    /// It is to be written, and no file is named.
    #[error("--update-baseline needs a file: set [baseline] file")]
    NotNamed,
    /// Another file, a broken or a newer one.
    #[error("{0}")]
    Content(String),
    /// The folder that it should be in.
    #[error("baseline.file: the folder of {} does not exist", .0.display())]
    NoFolder(PathBuf),
    /// The system's reason.
    #[error("baseline.file: {file}: {1}", file = .0.display())]
    Unreadable(PathBuf, io::Error),
    /// Somebody else wrote it meanwhile.
    #[error("{0} appeared during the run, and is left unchanged")]
    Appeared(String),
    /// The system's reason.
    #[error("{0} cannot be written: {1}")]
    Unwritable(String, io::Error),
}

impl BaselineFile {
    /// What a run does with the configured file; `must_write` if it was told to write it.
    ///
    /// # Errors
    /// Another file, a broken or a newer one; none is named although it must be written.
    pub fn of(loaded: &Loaded, base: &Path, must_write: bool) -> Result<Self, BaselineFileError> {
        let Some(file) = &loaded.config.baseline.file else {
            return match must_write {
                true => Err(BaselineFileError::NotNamed),
                false => Ok(Self::default()),
            };
        };
        let stored = read(&base.join(file), file)?;
        let is_new = stored.is_none();
        let in_ci = std::env::var_os("CI").is_some_and(|value| !value.is_empty());
        Ok(Self {
            stored,
            may_write: must_write || is_new && !in_ci,
            is_missed: is_new && in_ci && !must_write,
        })
    }
}

/// What stands in a baseline's file; `None` if there is none.
///
/// # Errors
/// Another file, a broken or a newer one, or no folder to keep it in.
pub fn read(file: &Path, shown: &str) -> Result<Option<Stored>, BaselineFileError> {
    match std::fs::read_to_string(file) {
        Ok(text) => baseline::read(&text)
            .map(Some)
            .map_err(|error| BaselineFileError::Content(error.within(shown))),
        Err(error) if error.kind() == ErrorKind::NotFound => match file.parent() {
            Some(folder) if folder.is_dir() => Ok(None),
            _ => Err(BaselineFileError::NoFolder(file.to_owned())),
        },
        Err(error) => Err(BaselineFileError::Unreadable(file.to_owned(), error)),
    }
}

/// Writes a file whole, never over one that is not a baseline.
///
/// # Errors
/// Another file stands there, or the system's reason.
pub fn write(file: &Path, text: &str, is_new: bool) -> Result<(), BaselineFileError> {
    // What a link names is replaced, not the link.
    let file = file.canonicalize().unwrap_or_else(|_| file.to_owned());
    let shown = file.display().to_string();
    if !is_new {
        read(&file, &shown)?;
    }
    let parent = file.parent().unwrap_or(Path::new("/"));
    let write = || {
        let mut beside = tempfile::Builder::new().prefix(".perf_baseline-").tempfile_in(parent)?;
        beside.write_all(text.as_bytes())?;
        let readable = std::os::unix::fs::PermissionsExt::from_mode(0o644);
        beside.as_file().set_permissions(readable)?;
        beside.as_file().sync_all()?;
        match is_new {
            true => beside.persist_noclobber(&file).map_err(|error| error.error),
            false => beside.persist(&file).map_err(|error| error.error),
        }
    };
    write().map(drop).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => BaselineFileError::Appeared(shown),
        _ => BaselineFileError::Unwritable(shown, error),
    })
}

/// Where this process measures, and what a configuration makes it measure.
pub fn origin(loaded: &Loaded) -> Origin {
    let machine = machine::describe();
    let mut key = Key::default();
    key.add("measured", to_measured_toml(&loaded.tree));
    Origin {
        machine: Fingerprint {
            system: machine.system,
            cores: machine.cores as u64,
            processor: machine.processor,
            memory_bytes: machine.memory_bytes,
            quota_cores: machine.quota_cores,
        },
        configuration: key.finish(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: &str = r#"{"version": 1, "metrics": {"p50": 1, "p95": 1, "p99": 1, "avg_response_time": 1,
        "requests_per_sec": 1, "error_rate": 0, "total_requests": 1}}"#;

    #[test]
    fn only_a_baseline_is_replaced_and_what_a_link_names_rather_than_the_link() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("b.json");
        write(&file, OWN, true).unwrap();
        let appeared = write(&file, "new", true).unwrap_err().to_string();
        assert!(appeared.contains("appeared during the run"), "{appeared}");
        let link = folder.path().join("link.json");
        std::os::unix::fs::symlink(&file, &link).unwrap();
        write(&link, "theirs", false).unwrap();
        assert!(link.is_symlink());
        let foreign = write(&file, OWN, false).unwrap_err().to_string();
        assert!(foreign.contains("b.json:1:2: "), "{foreign}");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "theirs");
        std::fs::remove_file(&file).unwrap();
        write(&file, OWN, false).unwrap();
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 2, "halves are left");
    }
}
