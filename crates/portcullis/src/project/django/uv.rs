//! uv: the one on this machine, else an exact version from a wheel, installed once into the
//! cache.

use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use portcullis_supervise::step::{self, Step};

use crate::cache::cache_key::Key;
use crate::cache::{self, Entry, Hold};
use crate::run::{StageFailure, Version};

/// The exact package; its hashes are those of Linux (glibc and musl; x86_64, aarch64) and
/// macOS. pip refuses every other file.
const REQUIREMENT: &str = "\
uv==0.13.9 \
--hash=sha256:c16ed11e013557536b3e60065f1b912f6407bd6518e041b961e23ef9e6b4fbf5 \
--hash=sha256:66c512266d633bef48384a1f53003f41f2a8e7b36fe6e7fbfd3e0fd52d96fa63 \
--hash=sha256:5435c5ce14a56431208ca0996416d310f1598e8c2c8ba707688985a16bb82dbe \
--hash=sha256:d7f459fe4fd247d830351c75686d3996ace3c6f3f728eb0e85a30b7ada0cef19 \
--hash=sha256:ecb6028d79dc96fbeafffe5c8af62a7099487ebc05a701e76714eebcffd06375 \
--hash=sha256:2c45530751517d6c3bbc69a19473f6effe47cce047bede01ffd8af7ea7b36b25
";
/// The oldest version whose options we use.
const OLDEST: (u32, u32) = (0, 5);
const KIND: &str = "uv";
const LOG: &str = "uv-install";
const PATIENCE: Duration = Duration::from_secs(120);
/// Installations without use for this time are removed when a new one is made.
const UNUSED: Duration = Duration::from_secs(60 * 24 * 3600);

/// The program, locked while it is used if it is ours.
#[derive(Debug)]
pub struct Uv {
    /// Its path.
    pub program: PathBuf,
    /// `0.13.9`
    pub version: String,
    _entry: Option<Entry>,
}

/// Finds uv, or installs it; `None` if it cannot be had.
///
/// # Errors
/// The cache cannot be used.
pub fn find(version: Version<'_>, python: &Path) -> Result<Option<Uv>, StageFailure> {
    if let Some(program) = on_this_machine(version)
        && let Some(found) = version_of(version, &program)
        && is_new(&found)
    {
        return Ok(Some(Uv { program, version: found, _entry: None }));
    }
    let failed = |error: std::io::Error| StageFailure::disk("the cached uv", &error);
    let mut key = Key::default();
    key.add("requirement", REQUIREMENT).add("platform", std::env::consts::OS);
    let key = key.add("architecture", std::env::consts::ARCH).finish();
    let entry = open(version, &key, Hold::Shared)?;
    if entry.age().is_some() {
        entry.touch();
        return Ok(usable(version, entry));
    }
    drop(entry);
    let entry = open(version, &key, Hold::Alone)?;
    // Another run may have installed it while we waited.
    if entry.age().is_none() {
        entry.clear().map_err(failed)?;
        if !fetched(version, python, entry.path()).map_err(failed)? {
            return Ok(None);
        }
        entry.complete().map_err(failed)?;
        cache::prune(&version.context.cache, KIND, UNUSED);
    }
    entry.share().map_err(failed)?;
    Ok(usable(version, entry))
}

fn usable(version: Version<'_>, entry: Entry) -> Option<Uv> {
    let program = entry.path().join("bin/uv");
    let found = version_of(version, &program)?;
    Some(Uv { program, version: found, _entry: Some(entry) })
}

fn open(version: Version<'_>, key: &str, hold: Hold) -> Result<Entry, StageFailure> {
    let context = version.context;
    let waiting = |who| context.note(format!("waiting for {who}, which installs uv"));
    let patience = (context.interrupts, context.left());
    Ok(cache::open(&context.cache, KIND, key, hold, patience, waiting)?)
}

fn on_this_machine(version: Version<'_>) -> Option<PathBuf> {
    let path = version.context.inherited.get("PATH")?;
    let programs = std::env::split_paths(path).map(|folder| folder.join("uv"));
    let is_program = |path: &PathBuf| {
        path.metadata().is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
    };
    programs.filter(|path| path.is_absolute()).find(is_program)
}

/// The version that a program says.
fn version_of(version: Version<'_>, program: &Path) -> Option<String> {
    let argv = [program.into(), "--version".into()];
    let scratch = version.folder.scratch().join("uv-version");
    let output = step::capture(&step_of(version, &argv, &scratch, 30), version.context.interrupts)?;
    let text = String::from_utf8_lossy(&output);
    let found = text.lines().find_map(|line| line.trim().strip_prefix("uv "))?;
    found.split_whitespace().next().map(str::to_owned)
}

fn is_new(version: &str) -> bool {
    let mut parts = version.split('.').map(str::parse::<u32>);
    match (parts.next(), parts.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => (major, minor) >= OLDEST,
        _ => false,
    }
}

fn step_of<'a>(version: Version<'a>, argv: &[OsString], log: &'a Path, seconds: u64) -> Step<'a> {
    Step {
        argv: argv.to_vec(),
        folder: &version.plan.root,
        environment: &version.context.inherited,
        stdin: None,
        log,
        deadline: version.context.within(Duration::from_secs(seconds)),
    }
}

/// Whether pip has installed the wheel.
fn fetched(version: Version<'_>, python: &Path, target: &Path) -> std::io::Result<bool> {
    let Version { context, folder, .. } = version;
    let requirement = folder.script("uv.txt");
    std::fs::write(&requirement, REQUIREMENT)?;
    let mut argv: Vec<OsString> = vec![python.into()];
    argv.extend(
        ["-m", "pip", "install", "--no-input", "--disable-pip-version-check", "--no-deps"]
            .map(Into::into),
    );
    argv.extend(["--only-binary", ":all:", "--require-hashes", "--no-compile"].map(Into::into));
    argv.extend(["--target".into(), target.into(), "-r".into(), requirement.into()]);
    let log = folder.log(LOG);
    let done = step::run(&step_of(version, &argv, &log, PATIENCE.as_secs()), context.interrupts);
    Ok(done.is_ok() && target.join("bin/uv").is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_requirement_is_exact() {
        let mut words = REQUIREMENT.split_whitespace();
        assert!(words.next().unwrap().contains("=="));
        let mut hashes: Vec<&str> = words.collect();
        assert!(hashes.iter().all(|hash| hash.strip_prefix("--hash=sha256:").unwrap().len() == 64));
        hashes.sort_unstable();
        hashes.dedup();
        assert_eq!(hashes.len(), 6);
    }

    #[test]
    fn old_versions_are_not_used() {
        assert!(is_new("0.13.9") && is_new("1.0.0") && is_new("0.5.0"));
        assert!(!is_new("0.4.30") && !is_new("x"));
    }
}
