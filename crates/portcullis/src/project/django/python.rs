//! Finds a suitable Python, and reports the ones that were tried.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use portcullis_core::config::PythonChoice;
use portcullis_core::judge::Signal;
use portcullis_supervise::environment::Environment;
use portcullis_supervise::interrupt::Interrupts;
use portcullis_supervise::step::{Step, StepError, run};
use serde::Deserialize;

/// A suitable interpreter.
#[derive(Clone, Debug, Deserialize)]
pub struct Python {
    /// The real path of the interpreter, outside any virtual environment.
    pub path: PathBuf,
    /// `3.11.7`
    pub version: String,
    /// Platform and implementation.
    pub platform: String,
    /// Whether it can create virtual environments.
    pub venv: bool,
}

/// Why no Python was found.
#[derive(Debug, thiserror::Error)]
pub enum NoPython {
    /// None of the names is suitable.
    #[error("no {0} was found; tried {1}")]
    Tried(PythonChoice, String),
    /// The run was interrupted.
    #[error("interrupted")]
    Interrupted(Signal),
}

/// Precedes the answer of the probe, because wrappers write their warnings before it.
const MARK: &str = "PORTCULLIS-PYTHON ";

const PROBE: &str = "\
import importlib.util, json, os, platform, sys
base = getattr(sys, '_base_executable', None) or sys.executable
print('\\nPORTCULLIS-PYTHON ' + json.dumps({
    'path': os.path.realpath(base),
    'version': platform.python_version(),
    'platform': platform.platform() + ' ' + platform.python_implementation(),
    'venv': all(importlib.util.find_spec(name) for name in ('venv', 'ensurepip')),
}))
";

/// Finds an interpreter: the chosen path, or by name, `python3` first.
///
/// # Errors
/// None was found, or the run was interrupted.
pub fn find(
    choice: &PythonChoice,
    folder: &Path,
    scratch: &Path,
    environment: &Environment,
    interrupts: &Interrupts,
) -> Result<Python, NoPython> {
    let mut tried = Vec::new();
    for name in names(choice) {
        match probe(&name, folder, scratch, environment, interrupts) {
            Ok(python) if !version_of(&python).is_some_and(|version| choice.accepts(version)) => {
                tried.push(format!("{name} (is {})", python.version));
            }
            Ok(python) if !python.venv => {
                tried.push(format!("{name} (lacks venv; Debian: apt-get install python3-venv)"));
            }
            Ok(python) => return Ok(python),
            Err(Unusable::Interrupted(signal)) => return Err(NoPython::Interrupted(signal)),
            Err(Unusable::Absent) => {}
            Err(Unusable::Broken(why)) => tried.push(format!("{name} ({why})")),
        }
    }
    let tried = match (tried.is_empty(), choice) {
        (false, _) => tried.join(", "),
        (true, PythonChoice::Path(path)) => format!("{path}: not found"),
        (true, _) => "python3, python: not found".to_owned(),
    };
    Err(NoPython::Tried(choice.clone(), tried))
}

/// The newest minor version that is searched by name.
const NEWEST: u32 = 15;

fn names(choice: &PythonChoice) -> Vec<String> {
    match choice {
        PythonChoice::Path(path) => vec![path.clone()],
        PythonChoice::Auto => names(&PythonChoice::fallback()),
        PythonChoice::Version { oldest: (major, minor), before } => {
            let newest = before.filter(|before| before.0 == *major).map_or(NEWEST, |b| b.1 - 1);
            let versions = (*minor..=newest.max(*minor)).rev();
            let versioned = versions.map(|minor| format!("python{major}.{minor}"));
            let (first, last) = ("python3".to_owned(), "python".to_owned());
            [first].into_iter().chain(versioned).chain([last]).collect()
        }
    }
}

fn version_of(python: &Python) -> Option<(u32, u32)> {
    let mut parts = python.version.split('.').map(str::parse::<u32>);
    Some((parts.next()?.ok()?, parts.next()?.ok()?))
}

enum Unusable {
    Absent,
    Broken(String),
    Interrupted(Signal),
}

fn probe(
    name: &str,
    folder: &Path,
    scratch: &Path,
    environment: &Environment,
    interrupts: &Interrupts,
) -> Result<Python, Unusable> {
    let output = scratch.join(format!("probe-{}", name.replace('/', "-")));
    let step = Step {
        argv: [name, "-I", "-c", PROBE].iter().map(OsString::from).collect(),
        folder,
        environment,
        stdin: None,
        log: &output,
        deadline: Duration::from_secs(30),
    };
    let result = run(&step, interrupts);
    let text = std::fs::read(&output).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    match result {
        Ok(()) => answer(&text).map_err(Unusable::Broken),
        Err(StepError::Interrupted(signal)) => Err(Unusable::Interrupted(signal)),
        Err(StepError::NotStarted { .. }) => Err(Unusable::Absent),
        Err(StepError::TimedOut { .. }) => Err(Unusable::Broken("did not answer".to_owned())),
        Err(StepError::Failed { .. }) => Err(Unusable::Broken(why_not(&text))),
    }
}

/// The answer in the output of the probe.
fn answer(output: &str) -> Result<Python, String> {
    let line = output.lines().rev().find_map(|line| line.strip_prefix(MARK));
    let line = line.ok_or_else(|| format!("unexpected output: {}", last_line(output)))?;
    serde_json::from_str(line).map_err(|error| format!("unexpected output: {error}"))
}

/// Why an interpreter does not run. The last line of pyenv is a note for people with Python
/// 2; the versions are before it.
fn why_not(output: &str) -> String {
    let after = output.split_once("exists in these Python versions:").map(|(_, after)| after);
    let versions = after.map(|after| {
        let lines = after.lines().skip(1).map(str::trim);
        lines.take_while(|line| !line.is_empty()).collect::<Vec<_>>().join(", ")
    });
    match versions.filter(|versions| !versions.is_empty()) {
        Some(versions) => format!("pyenv has {versions}, not selected: set PYENV_VERSION"),
        None if output.contains("No version is set for command") => {
            "asdf has no version selected: set ASDF_PYTHON_VERSION".to_owned()
        }
        None => format!("does not run: {}", last_line(output)),
    }
}

fn last_line(output: &str) -> &str {
    output.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("no output").trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_found_among_warnings() {
        let json = r#"{"path":"/p","version":"3.12.1","platform":"x","venv":true}"#;
        for output in [
            format!("\n{MARK}{json}\n"),
            format!("warning: setlocale: {{}}\n\n{MARK}{json}\nlate warning\n"),
        ] {
            assert_eq!(answer(&output).unwrap().version, "3.12.1");
        }
        assert_eq!(answer("3.12\nno\n").unwrap_err(), "unexpected output: no");
    }

    #[test]
    fn version_managers_say_what_they_have() {
        let pyenv = "pyenv: python3.13: command not found\n\n\
                     The `python3.13' command exists in these Python versions:\n  3.13.0\n  3.13.1\n\n\
                     Note: See 'pyenv help global' for tips on allowing both\n      \
                     python2 and python3 to be found.\n";
        let expected = "pyenv has 3.13.0, 3.13.1, not selected: set PYENV_VERSION";
        assert_eq!(why_not(pyenv), expected);
        let asdf = "No version is set for command python3\nConsider adding one of the following\n";
        assert!(why_not(asdf).contains("ASDF_PYTHON_VERSION"));
        assert_eq!(why_not("Traceback\nImportError: no\n\n"), "does not run: ImportError: no");
        assert_eq!(why_not(""), "does not run: no output");
    }

    #[test]
    fn only_versions_in_the_range_are_searched() {
        let of = |text: &str| names(&PythonChoice::parse(text).unwrap());
        assert_eq!(of("==3.12"), ["python3", "python3.12", "python"]);
        assert_eq!(of(">=3.10,<3.12"), ["python3", "python3.11", "python3.10", "python"]);
        assert_eq!(of("3.14"), ["python3", "python3.15", "python3.14", "python"]);
        assert_eq!(of("./venv/bin/python"), ["./venv/bin/python"]);
    }
}
