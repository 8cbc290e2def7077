//! uv: the one on this machine, else an exact version from a wheel, installed once into the
//! cache.

use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use portcullis_supervise::step::{self, Step};

use crate::run::{StageFailure, Version};
use crate::services::wheel::{Installed, Wheel};

/// The hashes are those of Linux (glibc and musl; x86_64, aarch64) and macOS.
const WHEEL: Wheel = Wheel {
    what: ("uv", "20 MB"),
    kind: "uv",
    requirement: "\
uv==0.13.9 \
--hash=sha256:c16ed11e013557536b3e60065f1b912f6407bd6518e041b961e23ef9e6b4fbf5 \
--hash=sha256:66c512266d633bef48384a1f53003f41f2a8e7b36fe6e7fbfd3e0fd52d96fa63 \
--hash=sha256:5435c5ce14a56431208ca0996416d310f1598e8c2c8ba707688985a16bb82dbe \
--hash=sha256:d7f459fe4fd247d830351c75686d3996ace3c6f3f728eb0e85a30b7ada0cef19 \
--hash=sha256:ecb6028d79dc96fbeafffe5c8af62a7099487ebc05a701e76714eebcffd06375 \
--hash=sha256:2c45530751517d6c3bbc69a19473f6effe47cce047bede01ffd8af7ea7b36b25
",
    parts: &["bin"],
    log: "uv-install",
    advice: "install uv (`pip install uv`), or set project.installer = \"pip\"",
};
/// The oldest version whose options we use.
const OLDEST: (u32, u32) = (0, 5);

/// The program, locked while it is used if it is ours.
#[derive(Debug)]
pub struct Uv {
    /// Its path.
    pub program: PathBuf,
    /// `0.13.9`
    pub version: String,
    _wheel: Option<Installed>,
}

/// Finds uv, or installs it; `None` if it cannot be had.
///
/// # Errors
/// The run was interrupted, or the cache cannot be used.
pub fn find(version: Version<'_>, python: &Path) -> Result<Option<Uv>, StageFailure> {
    if let Some(program) = on_this_machine(version)
        && let Some(found) = version_of(version, &program)
        && is_new(&found)
    {
        return Ok(Some(Uv { program, version: found, _wheel: None }));
    }
    let wheel = match WHEEL.install(version, python) {
        Ok(wheel) => wheel,
        Err(failure) if version.context.interrupts.signal().is_some() => return Err(failure),
        Err(_) => return Ok(None),
    };
    let program = wheel.path().join("bin/uv");
    let found = version_of(version, &program);
    Ok(found.map(|version| Uv { program, version, _wheel: Some(wheel) }))
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
    let argv: [OsString; 2] = [program.into(), "--version".into()];
    let scratch = version.folder.scratch().join("uv-version");
    let _ = std::fs::remove_file(&scratch);
    let step = Step {
        argv: argv.to_vec(),
        folder: &version.plan.root,
        environment: &version.context.inherited,
        stdin: None,
        log: &scratch,
        deadline: version.context.within(Duration::from_secs(30)),
    };
    let output = step::capture(&step, version.context.interrupts)?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_requirement_is_exact() {
        assert_eq!(WHEEL.hashes().len(), 6);
    }

    #[test]
    fn old_versions_are_not_used() {
        assert!(is_new("0.13.9") && is_new("1.0.0") && is_new("0.5.0"));
        assert!(!is_new("0.4.30") && !is_new("x"));
    }
}
