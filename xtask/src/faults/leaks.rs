//! Checks that a run leaves nothing behind: no processes, private folders, changed
//! project files or locks.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use super::sandbox::Sandbox;
use crate::tools;

/// Files with their length and modification time.
pub type Tree = BTreeMap<String, (u64, Option<std::time::SystemTime>)>;

/// How long a stopped process may take to disappear.
const PATIENCE: Duration = Duration::from_secs(2);

/// Checks everything.
///
/// # Errors
/// Something is left.
pub fn look(sandbox: &Sandbox) -> Result<()> {
    let start = Instant::now();
    loop {
        let left = [strays(sandbox), segments()].concat();
        if left.is_empty() {
            break;
        }
        if start.elapsed() > PATIENCE {
            bail!("processes or shared memory are left: {left:?}");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let folders: Vec<_> = std::fs::read_dir(sandbox.tmp())?.flatten().map(|e| e.path()).collect();
    if !folders.is_empty() {
        bail!("private folders are left: {folders:?}");
    }
    let now = tree(&sandbox.folder.join("service"))?;
    if now != sandbox.service {
        let changed = now.iter().filter(|(name, state)| sandbox.service.get(*name) != Some(state));
        let changed: Vec<_> = changed.map(|(name, _)| name).collect();
        bail!("files of the project have changed: {changed:?}");
    }
    locks(sandbox.cache())
}

/// The ids of all present processes.
pub fn processes() -> Vec<u32> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

/// Processes that belong to the sandbox, by environment, working folder, or command
/// line. A daemon can clear some of these, but hardly all.
fn strays(sandbox: &Sandbox) -> Vec<String> {
    let needle = sandbox.folder.display().to_string();
    let faults = tools::root().join("fixtures/faults").display().to_string();
    let own = std::process::id();
    let new = processes().into_iter().filter(|pid| *pid != own && !sandbox.processes.contains(pid));
    let is_ours = |pid: &u32| {
        let read = |name: &str| std::fs::read(format!("/proc/{pid}/{name}")).unwrap_or_default();
        let text = |name: &str| String::from_utf8_lossy(&read(name)).into_owned();
        let folder = std::fs::read_link(format!("/proc/{pid}/cwd")).unwrap_or_default();
        let command = text("cmdline");
        let is_zombie = text("stat").rsplit_once(')').is_none_or(|(_, s)| s.starts_with(" Z"));
        let marked = text("environ").contains(&needle)
            || command.contains(&needle)
            || command.contains(&faults)
            || folder.starts_with(&sandbox.folder);
        marked && !is_zombie
    };
    let shown = |pid: u32| {
        let command = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        format!("{pid} {}", String::from_utf8_lossy(&command).replace('\0', " "))
    };
    new.filter(is_ours).map(shown).collect()
}

/// Segments of shared memory that no process uses, as a killed database server leaves them.
fn segments() -> Vec<String> {
    let table = std::fs::read_to_string("/proc/sysvipc/shm").unwrap_or_default();
    // proc(5): key, shmid, perms, size, cpid, lpid, nattch.
    let is_free = |line: &&str| line.split_whitespace().nth(6) == Some("0");
    table.lines().skip(1).filter(is_free).map(|line| format!("shared memory {line}")).collect()
}

/// The files of a folder, with their length and modification time.
///
/// # Errors
/// The folder cannot be read.
pub fn tree(folder: &Path) -> Result<Tree> {
    let mut found = Tree::new();
    walk(folder, folder, &mut found)?;
    Ok(found)
}

fn walk(root: &Path, folder: &Path, found: &mut Tree) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        if path.is_dir() {
            walk(root, &path, found)?;
        } else {
            let data = entry.metadata()?;
            let name = path.strip_prefix(root)?.display().to_string();
            found.insert(name, (data.len(), data.modified().ok()));
        }
    }
    Ok(())
}

/// Checks that no lock of the cache is held.
fn locks(cache: &Path) -> Result<()> {
    for kind in ["venv", "database"] {
        for entry in std::fs::read_dir(cache.join(kind)).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.extension().is_some_and(|extension| extension == "lock")
                && File::open(&path)?.try_lock().is_err()
            {
                bail!("{} is still locked", path.display());
            }
        }
    }
    Ok(())
}
