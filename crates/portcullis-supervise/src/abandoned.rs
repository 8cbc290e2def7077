//! What killed runs have left. If guard and worker are killed together, nobody ends the
//! rest, so the next run does: each process of a run has the run's id in its environment,
//! and each private folder has a file that its worker keeps locked.

use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::guard::{self, RUN_ID, VERB};
use crate::shared_memory;
use crate::tree::{self, Links};

/// What was found and ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Abandoned {
    /// The processes, with their commands.
    pub processes: Vec<String>,
    /// The removed folders.
    pub folders: Vec<PathBuf>,
}

/// The locked file of a private folder.
pub const ALIVE: &str = "alive";
/// A folder without that file may belong to a run that begins just now.
const YOUNG: Duration = Duration::from_secs(3600);
/// How long killed processes may take to disappear.
const LIMIT: Duration = Duration::from_secs(5);

/// Marks a private folder as that of a living process: this one, as long as the value is
/// kept.
///
/// # Errors
/// The system refuses.
pub fn claim(folder: &Path) -> std::io::Result<File> {
    // The file is never there without its lock.
    let new = folder.join(format!("{ALIVE}.new"));
    let file = File::create(&new)?;
    file.lock()?;
    std::fs::rename(new, folder.join(ALIVE))?;
    Ok(file)
}

/// Ends the processes, and removes the private folders, of runs whose guard and worker are
/// both gone.
pub fn end() -> Abandoned {
    Abandoned { processes: end_processes(), folders: remove_folders(&std::env::temp_dir()) }
}

fn end_processes() -> Vec<String> {
    let start = Instant::now();
    let mut ended = BTreeMap::new();
    loop {
        let found = processes();
        if found.is_empty() || start.elapsed() > LIMIT {
            return ended.into_values().collect();
        }
        for pid in found {
            ended.entry(pid).or_insert_with(|| format!("{pid} ({})", tree::command_of(pid)));
            tree::signal(pid, Signal::KILL);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Processes with the id of a run that no guard or worker watches over. Both adopt orphans,
/// so a process of a living run is always below one of them. The ancestors of this process
/// are left alone.
fn processes() -> Vec<u32> {
    let all = tree::processes();
    let marks: BTreeMap<u32, String> =
        all.keys().filter_map(|pid| Some((*pid, run_of(*pid)?))).collect();
    let own = ancestors(&all, std::process::id());
    let is_worker = |pid: &u32, run: &String| marks.get(pid) == Some(run) && is_worker(*pid);
    let is_watched =
        |pid: u32, run: &String| ancestors(&all, pid).iter().any(|above| is_worker(above, run));
    let left = marks.iter().filter(|(pid, run)| !own.contains(pid) && !is_watched(**pid, run));
    left.map(|(pid, _)| *pid).collect()
}

/// A process and its ancestors.
fn ancestors(all: &BTreeMap<u32, Links>, pid: u32) -> Vec<u32> {
    let next = |pid: &u32| all.get(pid).map(|links| links.parent);
    // Limited, because a table that is read while it changes may contain a loop.
    std::iter::successors(Some(pid), next).take(64).collect()
}

/// The run that a process belongs to, by its environment (proc(5): `environ`).
fn run_of(pid: u32) -> Option<String> {
    let environment = std::fs::read(format!("/proc/{pid}/environ")).ok()?;
    let mut variables = environment.split(|byte| *byte == 0);
    let value = variables
        .find_map(|variable| variable.strip_prefix(RUN_ID.as_bytes())?.strip_prefix(b"="))?;
    std::str::from_utf8(value).ok().filter(|run| guard::is_id(run)).map(str::to_owned)
}

fn is_worker(pid: u32) -> bool {
    let command = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    command.split(|byte| *byte == 0).nth(1) == Some(VERB.as_bytes())
}

/// Removes the folders in `parent` that belong to this user and to no living run.
fn remove_folders(parent: &Path) -> Vec<PathBuf> {
    let user = rustix::process::geteuid().as_raw();
    let mut removed = Vec::new();
    for entry in std::fs::read_dir(parent).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let id = name.to_str().and_then(|name| name.strip_prefix(guard::PRIVATE));
        // Not a link's target.
        let Ok(data) = entry.metadata() else { continue };
        if !id.is_some_and(guard::is_id) || !data.is_dir() || data.uid() != user {
            continue;
        }
        let folder = entry.path();
        let is_dead = match File::open(folder.join(ALIVE)) {
            Ok(file) => !matches!(file.try_lock(), Err(TryLockError::WouldBlock)),
            Err(_) => data.modified().is_ok_and(|at| at.elapsed().is_ok_and(|age| age > YOUNG)),
        };
        if is_dead {
            shared_memory::remove_below(&folder);
        }
        if is_dead && std::fs::remove_dir_all(&folder).is_ok() {
            removed.push(folder);
        }
    }
    removed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_folders_of_ended_runs_are_removed() {
        let parent = tempfile::tempdir().unwrap();
        let folder = |name: &str| {
            let path = parent.path().join(name);
            std::fs::create_dir(&path).unwrap();
            path
        };
        let (living, dead) = (folder("portcullis-00aa"), folder("portcullis-00bb"));
        // One that begins just now, and what only looks like a run's.
        let young = folder("portcullis-00cc");
        let (other, mine) = (folder("portcullis-my-notes"), folder("else"));
        let lock = claim(&living).unwrap();
        drop(claim(&dead).unwrap());
        std::os::unix::fs::symlink(&mine, parent.path().join("portcullis-00dd")).unwrap();
        assert_eq!(remove_folders(parent.path()), [dead]);
        assert!([&living, &young, &other, &mine].iter().all(|path| path.is_dir()));
        drop(lock);
        assert_eq!(remove_folders(parent.path()), [living]);
    }
}
