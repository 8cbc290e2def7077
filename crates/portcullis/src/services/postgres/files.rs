//! Copies of folders: a data directory belongs to the account that runs its server, and is
//! closed to all others; programs are open to everyone.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;

use portcullis_supervise::account::Account;

/// Copies a data directory. The copy belongs to `account`, and nobody else may read it.
///
/// # Errors
/// The system refuses.
pub fn copy_private(from: &Path, to: &Path, account: Option<Account>) -> io::Result<()> {
    let own = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
        account.map_or(Ok(()), |account| account.own(path))
    };
    copy(from, to, &own)
}

/// Copies a folder of programs, which everyone may read and run.
///
/// # Errors
/// The system refuses.
pub fn copy_open(from: &Path, to: &Path) -> io::Result<()> {
    if let Some(above) = to.parent() {
        // The umask must not close it.
        create_open(above)?;
    }
    let open = |path: &Path, _| fs::set_permissions(path, fs::Permissions::from_mode(0o755));
    copy(from, to, &open)
}

/// Makes a folder, and those above it as far as they are missing, that everyone may enter.
fn create_open(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    folder.parent().map_or(Ok(()), create_open)?;
    fs::create_dir(folder)?;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755))
}

/// Copies a folder; `finish` gets each new path with its private mode.
fn copy(from: &Path, to: &Path, finish: &dyn Fn(&Path, u32) -> io::Result<()>) -> io::Result<()> {
    fs::DirBuilder::new().mode(0o700).create(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (kind, path, copied) = (entry.file_type()?, entry.path(), to.join(entry.file_name()));
        if kind.is_dir() {
            copy(&path, &copied, finish)?;
        } else if kind.is_symlink() {
            std::os::unix::fs::symlink(fs::read_link(&path)?, &copied)?;
        } else if kind.is_file() {
            fs::copy(&path, &copied)?;
            finish(&copied, 0o600)?;
        }
    }
    finish(to, 0o700)
}

/// Makes an empty folder that belongs to `account` alone.
///
/// # Errors
/// The system refuses.
pub fn create_private(folder: &Path, account: Option<Account>) -> io::Result<()> {
    fs::DirBuilder::new().mode(0o700).create(folder)?;
    account.map_or(Ok(()), |account| account.own(folder))
}

/// Writes a file that only `account` may read.
///
/// # Errors
/// The system refuses.
pub fn write_private(path: &Path, text: &str, account: Option<Account>) -> io::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let mut file =
        fs::File::options().create(true).write(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    account.map_or(Ok(()), |account| account.own(path))
}

/// The first file below a folder that has some bytes in it.
///
/// # Errors
/// A file cannot be read.
pub fn file_with(folder: &Path, needle: &[u8]) -> io::Result<Option<String>> {
    let finder = memchr::memmem::Finder::new(needle);
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            if let Some(found) = file_with(&path, needle)? {
                return Ok(Some(found));
            }
        } else if finder.find(&fs::read(&path)?).is_some() {
            return Ok(Some(path.display().to_string()));
        }
    }
    Ok(None)
}

/// Whether every account can reach a path: it may enter all folders above.
pub fn is_open_to_all(path: &Path) -> bool {
    closed_above(path).is_none()
}

/// The first folder above a path that not every account may enter.
pub fn closed_above(path: &Path) -> Option<&Path> {
    let above = path.ancestors().skip(1).filter(|folder| !folder.as_os_str().is_empty());
    let is_closed = |folder: &&Path| {
        fs::metadata(folder).is_ok_and(|data| data.permissions().mode() & 0o001 == 0)
    };
    above.filter(is_closed).last()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn copies_are_closed_or_open_whatever_the_original_is() {
        let folder = tempfile::tempdir().unwrap();
        let from = folder.path().join("from");
        fs::create_dir_all(from.join("pg_wal/empty")).unwrap();
        fs::write(from.join("pg_wal/1"), "log").unwrap();
        fs::set_permissions(from.join("pg_wal/1"), fs::Permissions::from_mode(0o644)).unwrap();
        std::os::unix::fs::symlink("pg_wal/1", from.join("link")).unwrap();
        let closed = folder.path().join("closed");
        copy_private(&from, &closed, None).unwrap();
        assert_eq!(fs::read(closed.join("link")).unwrap(), b"log");
        assert!(closed.join("pg_wal/empty").is_dir(), "PostgreSQL needs its empty folders");
        assert_eq!((mode(&closed), mode(&closed.join("pg_wal/1"))), (0o700, 0o600));
        let open = folder.path().join("a/b/open");
        copy_open(&from, &open).unwrap();
        assert_eq!((mode(&open), mode(&open.join("pg_wal/1"))), (0o755, 0o755));
        assert_eq!(mode(&folder.path().join("a")), 0o755);
        assert!(copy_private(&from, &closed, None).is_err(), "nothing is overwritten");
    }

    #[test]
    fn a_closed_folder_above_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("open/file");
        fs::create_dir(folder.path().join("open")).unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).unwrap();
        assert_eq!(closed_above(&inner), Some(folder.path()));
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o711)).unwrap();
        assert_eq!(closed_above(&inner), None);
        assert!(is_open_to_all(Path::new("/usr/bin/env")));
    }
}
