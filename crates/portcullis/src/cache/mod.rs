//! The cache: environments and database templates, shared by all checkouts. An entry is
//! valid only with its marker, which is written last.

pub mod cache_key;

use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use portcullis_core::judge::Signal;
use portcullis_supervise::interrupt::Interrupts;
use portcullis_supervise::tree;

/// The name of the folder in a folder of caches.
const NAME: &str = "portcullis";
/// The name of the marker.
pub(crate) const MARKER: &str = ".complete";

/// The folder of the cache: `PORTCULLIS_CACHE`, else `XDG_CACHE_HOME/portcullis`, else
/// `HOME/.cache/portcullis`, else inside `fallback`.
pub fn root(fallback: &Path) -> PathBuf {
    let folder = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    let absolute = |path: &PathBuf| path.is_absolute();
    folder("PORTCULLIS_CACHE")
        .filter(absolute)
        .or_else(|| folder("XDG_CACHE_HOME").filter(absolute).map(|p| p.join(NAME)))
        .or_else(|| folder("HOME").filter(absolute).map(|p| p.join(".cache").join(NAME)))
        .unwrap_or_else(|| fallback.join("cache"))
}

/// An entry of the cache, locked until it is dropped.
#[derive(Debug)]
pub struct Entry {
    path: PathBuf,
    lock: File,
}

/// How an entry is locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// To use it together with other runs.
    Shared,
    /// To rebuild it.
    Alone,
}

/// Why an entry cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// The cache folder cannot be written to.
    #[error("the cache {0} cannot be written to: {1}; set PORTCULLIS_CACHE to another folder")]
    Unwritable(PathBuf, io::Error),
    /// Another run used it for as long as the whole run may take.
    #[error("{0} has locked the cached {1} for longer than steps.run_timeout")]
    TooLong(String, String),
    /// The run was interrupted while waiting.
    #[error("interrupted")]
    Interrupted(Signal),
}

/// Opens the entry `kind/key` and locks it. Waits for another run that uses it, until an
/// interrupt or the limit; `waiting` is called once, with the other run if it is known.
///
/// # Errors
/// The cache is not writable, the wait was too long, or the run was interrupted.
pub fn open(
    root: &Path,
    kind: &str,
    key: &str,
    hold: Hold,
    (interrupts, patience): (&Interrupts, Duration),
    waiting: impl FnOnce(String),
) -> Result<Entry, CacheError> {
    let unwritable = |error| CacheError::Unwritable(root.to_owned(), error);
    let folder = root.join(kind);
    for folder in [root, &folder] {
        private(folder).map_err(unwritable)?;
    }
    let lock_path = folder.join(format!("{key}.lock"));
    let lock = File::options().create(true).append(true).open(lock_path).map_err(unwritable)?;
    let (mut waiting, start) = (Some(waiting), Instant::now());
    loop {
        let locked = match hold {
            Hold::Shared => lock.try_lock_shared(),
            Hold::Alone => lock.try_lock(),
        };
        match locked {
            Ok(()) => return Ok(Entry { path: folder.join(key), lock }),
            Err(TryLockError::Error(error)) => return Err(unwritable(error)),
            Err(TryLockError::WouldBlock) => {
                if let Some(waiting) = waiting.take() {
                    waiting(holder(&lock));
                }
                if let Some(signal) = interrupts.signal() {
                    return Err(CacheError::Interrupted(signal));
                }
                if start.elapsed() > patience {
                    return Err(CacheError::TooLong(holder(&lock), kind.to_owned()));
                }
                std::thread::sleep(Duration::from_millis(50));
            }
        }
    }
}

/// The mode of folders that only their owner may read: databases have hashes of passwords.
const PRIVATE: u32 = 0o700;

/// Creates a folder for its owner only. One that exists is closed to others too if it has
/// our own name: a folder that the user has chosen for more than us keeps its mode.
fn private(folder: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(PRIVATE).create(folder)?;
    let is_ours = folder.file_name().is_some_and(|name| name == NAME);
    let mode = fs::metadata(folder)?.permissions().mode() & 0o777;
    if is_ours && mode != PRIVATE {
        // If it belongs to somebody else, its mode is theirs.
        let _ = fs::set_permissions(folder, fs::Permissions::from_mode(PRIVATE));
    }
    Ok(())
}

/// The process that holds a lock, in words: its line in `/proc/locks` ends with the file's
/// inode (proc(5)).
fn holder(lock: &File) -> String {
    use std::os::unix::fs::MetadataExt;
    let inode = lock.metadata().map(|data| data.ino()).unwrap_or_default().to_string();
    let table = fs::read_to_string("/proc/locks").unwrap_or_default();
    let pid = table.lines().find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().filter(|word| *word != "->").collect();
        let of = fields.get(5)?.rsplit(':').next()?;
        (of == inode).then(|| fields.get(4)?.parse::<u32>().ok()).flatten()
    });
    pid.map_or("another run".to_owned(), |pid| format!("process {pid} ({})", tree::command_of(pid)))
}

impl Entry {
    /// The entry's folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Allows other runs to use the entry too.
    ///
    /// # Errors
    /// The system refuses, or another run took the entry meanwhile.
    pub fn share(&self) -> io::Result<()> {
        self.lock.unlock()?;
        // If this fails, another run has begun to rebuild the entry meanwhile.
        self.lock.try_lock_shared().map_err(|_| taken())?;
        match self.age() {
            Some(_) => Ok(()),
            None => Err(taken()),
        }
    }

    /// The age of a complete entry; `None` if it is not complete.
    pub fn age(&self) -> Option<Duration> {
        let made = fs::metadata(self.path.join(MARKER)).and_then(|m| m.modified()).ok()?;
        // Created in the future: the clock was changed, so the age is unknown.
        SystemTime::now().duration_since(made).ok()
    }

    /// Sets its age to zero: an entry in use is not pruned. Ignored if the cache is not
    /// writable.
    pub fn touch(&self) {
        let marker = File::options().append(true).open(self.path.join(MARKER));
        let _ = marker.and_then(|marker| marker.set_modified(SystemTime::now()));
    }

    /// Empties the entry, to rebuild it.
    ///
    /// # Errors
    /// The system refuses.
    pub fn clear(&self) -> io::Result<()> {
        self.remove()?;
        private(&self.path)
    }

    fn remove(&self) -> io::Result<()> {
        // The marker is removed first, so that an interrupted removal leaves no valid entry.
        for result in [fs::remove_file(self.path.join(MARKER)), fs::remove_dir_all(&self.path)] {
            match result {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    /// Marks the entry as complete.
    ///
    /// # Errors
    /// The system refuses.
    pub fn complete(&self) -> io::Result<()> {
        fs::write(self.path.join(MARKER), "complete\n")
    }
}

fn taken() -> io::Error {
    io::Error::other("another run with --fresh is rebuilding it; run again")
}

/// Removes the complete entries of a kind that are older than `oldest`, unless a run uses
/// them. Entries that cannot be removed stay.
pub fn prune(root: &Path, kind: &str, oldest: Duration) {
    let entries = fs::read_dir(root.join(kind)).into_iter().flatten().flatten();
    for path in entries.map(|entry| entry.path()).filter(|path| path.is_dir()) {
        let Ok(lock) = File::options().append(true).open(path.with_extension("lock")) else {
            continue;
        };
        let entry = Entry { path, lock };
        if entry.lock.try_lock().is_ok() && entry.age().is_some_and(|age| age > oldest) {
            let _ = entry.remove();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_held_lock_names_its_holder() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.lock");
        let held = File::create(&path).unwrap();
        held.try_lock().unwrap();
        let own = format!("process {} (", std::process::id());
        assert!(holder(&File::open(&path).unwrap()).starts_with(&own));
        drop(held);
        assert_eq!(holder(&File::open(&path).unwrap()), "another run");
    }

    #[test]
    fn only_the_owner_can_read_the_cache() {
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let folder = tempfile::tempdir().unwrap();
        let open = |root: &Path| {
            let patience = (&Interrupts::default(), Duration::ZERO);
            let entry = super::open(root, "kind", "key", Hold::Alone, patience, |_| {}).unwrap();
            entry.clear().unwrap();
            assert_eq!(mode(&root.join("kind")), PRIVATE);
            assert_eq!(mode(entry.path()), PRIVATE);
        };
        let new = folder.path().join("new");
        open(&new);
        assert_eq!(mode(&new), PRIVATE);
        let earlier = folder.path().join(NAME);
        let chosen = folder.path().join("chosen");
        for (root, expected) in [(&earlier, PRIVATE), (&chosen, 0o755)] {
            fs::create_dir(root).unwrap();
            fs::set_permissions(root, fs::Permissions::from_mode(0o755)).unwrap();
            open(root);
            assert_eq!(mode(root), expected, "{}", root.display());
        }
    }

    #[test]
    fn what_is_old_is_pruned_unless_it_is_used() {
        let folder = tempfile::tempdir().unwrap();
        let hour = Duration::from_secs(3600);
        let old = |key: &str| {
            let path = folder.path().join("kind").join(key);
            fs::create_dir_all(&path).unwrap();
            let lock = File::create(path.with_extension("lock")).unwrap();
            let entry = Entry { path, lock };
            entry.complete().unwrap();
            let marker = File::options().append(true).open(entry.path.join(MARKER)).unwrap();
            marker.set_modified(SystemTime::now() - 3 * hour).unwrap();
            entry
        };
        let [held, left, touched] = ["held", "left", "touched"].map(old);
        held.lock.try_lock_shared().unwrap();
        touched.touch();
        prune(folder.path(), "kind", 2 * hour);
        assert_eq!([held, left, touched].map(|entry| entry.path.exists()), [true, false, true]);
    }
}
