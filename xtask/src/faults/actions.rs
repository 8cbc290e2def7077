//! Actions of the cases on a run and its sandbox.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::below;
use super::sandbox::Sandbox;

/// How long a process may take to appear.
const SOON: Duration = Duration::from_secs(20);

/// Waits for a descendant process of a run with these words in its command line.
///
/// # Errors
/// There is none in time.
pub fn find(run: u32, words: &str) -> Result<u32> {
    let start = Instant::now();
    loop {
        let holds = |pid: &u32| below::text(*pid, "cmdline").contains(words);
        if let Some(pid) = below::of(run).into_iter().find(holds) {
            return Ok(pid);
        }
        if start.elapsed() > SOON {
            bail!("no child process of the run has {words:?} in its command line");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The worker process of a run's guard.
///
/// # Errors
/// There is none.
pub fn worker(guard: u32) -> Result<u32> {
    find(guard, " __worker ")
}

/// Waits until a process has ended, reaped or not.
///
/// # Errors
/// It takes too long.
pub fn ended_within(pid: u32, limit: Duration) -> Result<()> {
    let start = Instant::now();
    loop {
        let stat = below::text(pid, "stat");
        if stat.rsplit_once(')').is_none_or(|(_, rest)| rest.starts_with(" Z")) {
            return Ok(());
        }
        if start.elapsed() > limit {
            bail!("process {pid} has not ended within {limit:?}");
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Replaces the service's requirements.
///
/// # Errors
/// The disk refuses.
pub fn require(sandbox: &Sandbox, text: &str) -> Result<()> {
    Ok(std::fs::write(sandbox.folder.join("service/requirements.lock"), text)?)
}

/// Inserts text at the start of a file of the service.
///
/// # Errors
/// The disk refuses.
pub fn prepend(sandbox: &Sandbox, file: &str, text: &str) -> Result<()> {
    let path = sandbox.folder.join("service").join(file);
    let rest = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    Ok(std::fs::write(&path, format!("{text}{rest}"))?)
}

/// Adds a migration after the service's last one, with this Python as its body.
///
/// # Errors
/// The disk refuses.
pub fn add_migration(sandbox: &Sandbox, body: &str) -> Result<()> {
    let text = format!(
        "from django.db import migrations\n\n\ndef work(apps, schema_editor):\n    {body}\n\n\n\
         class Migration(migrations.Migration):\n    \
         dependencies = [(\"upstream\", \"0006_list_indexes\")]\n    \
         operations = [migrations.RunPython(work)]\n"
    );
    let path = sandbox.folder.join("service/upstream/migrations/0007_fault.py");
    Ok(std::fs::write(path, text)?)
}

/// Writes a shell script as `python3`, the only program in the folder `bin`.
///
/// # Errors
/// The disk refuses.
pub fn pretend_python(sandbox: &Sandbox, script: &str) -> Result<()> {
    let folder = sandbox.folder.join("bin");
    std::fs::create_dir_all(&folder)?;
    let path = folder.join("python3");
    std::fs::write(&path, format!("#!/bin/sh\n{script}\n"))?;
    Ok(std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755))?)
}

/// Moves the sandbox into a folder of this name; symbolic links stay at the usual names.
/// The configuration refers to the service from the new place, as in a real checkout.
///
/// # Errors
/// The disk refuses.
pub fn move_into(sandbox: &Sandbox, name: &[u8]) -> Result<()> {
    let folder = sandbox.folder.join(OsStr::from_bytes(name));
    std::fs::create_dir(&folder)?;
    for part in ["service", "project", "tmp"] {
        std::fs::rename(sandbox.folder.join(part), folder.join(part))?;
        symlink(folder.join(part), sandbox.folder.join(part))?;
    }
    symlink(sandbox.cache(), folder.join("cache"))?;
    let path = folder.join("project/perf.toml");
    let service = sandbox.folder.join("service").display().to_string();
    let config = std::fs::read_to_string(&path)?.replace(&service, "../service");
    Ok(std::fs::write(path, config)?)
}

/// The run's private folder.
///
/// # Errors
/// There is none.
pub fn private(sandbox: &Sandbox) -> Result<std::path::PathBuf> {
    let mut entries = std::fs::read_dir(sandbox.tmp())?.flatten().map(|entry| entry.path());
    entries.next().context("the run has no private folder")
}
