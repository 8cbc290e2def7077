//! The package of the server that `server.kind` names, if the requirements do not install it.

use std::ffi::OsString;
use std::path::Path;

use super::environment::step;
use super::pip;
use crate::run::{StageFailure, Version};
use portcullis_supervise::log;

const LOG: &str = "install";

/// Installs it into the environment of the run, without another version of anything that is
/// there. Returns its requirement if it was missing.
///
/// # Errors
/// pip failed or took too long.
pub fn provide(version: Version<'_>, python: &Path) -> Result<Option<String>, StageFailure> {
    let Some(package) = version.plan.server.package else { return Ok(None) };
    let programs = python.parent().unwrap_or(python);
    if programs.join(package.program).exists() {
        return Ok(None);
    }
    let failed = |error, what: &str| {
        let failure = StageFailure::preparation(error, what, LOG);
        let output = log::tail(&version.folder.log(LOG), 400).join("\n");
        let other = "add the server to the requirements";
        let advice = pip::reason(&output).map(|reason| format!("{other}; pip says: {reason}"));
        failure.with_advice(advice.unwrap_or_else(|| other.to_owned()))
    };
    let run = |words: &[&str], log: &str| {
        let mut argv: Vec<OsString> = vec![python.into(), "-m".into(), "pip".into()];
        argv.extend(words.iter().map(OsString::from));
        argv.extend(["--disable-pip-version-check", "--no-input"].map(OsString::from));
        step(version, &argv, log, version.plan.install_timeout)
    };
    // What is there stays as it is: the project chose it.
    const FROZEN: &str = "frozen";
    run(&["freeze", "--all", "--exclude-editable"], FROZEN)
        .map_err(|error| failed(error, "the list of packages"))?;
    let frozen = std::fs::read_to_string(version.folder.log(FROZEN)).unwrap_or_default();
    let constraints = version.folder.script("constraints.txt");
    std::fs::write(&constraints, pinned(&frozen))
        .map_err(|error| StageFailure::disk("the constraints of the server", &error))?;
    let constraints = constraints.to_string_lossy().into_owned();
    run(&["install", package.requirement, "-c", &constraints], LOG)
        .map_err(|error| failed(error, package.program))?;
    Ok(Some(package.requirement.to_owned()))
}

/// The lines of `pip freeze` that may be constraints: a name and its version.
fn pinned(frozen: &str) -> String {
    let lines = frozen.lines().filter(|line| {
        line.split_once("==").is_some_and(|(name, _)| {
            name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
        })
    });
    lines.map(|line| format!("{line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_versions_are_constraints() {
        let frozen = "WARNING: x\nDjango==5.2\n# Editable\nlib @ file:///x\nasgiref==3.9.0\n";
        assert_eq!(pinned(frozen), "Django==5.2\nasgiref==3.9.0\n");
    }
}
