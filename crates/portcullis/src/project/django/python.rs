//! Finding a Python that will do, and saying what was tried.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use portcullis_core::judge::Signal;
use portcullis_supervise::environment::Environment;
use portcullis_supervise::interrupt::Interrupts;
use portcullis_supervise::log;
use portcullis_supervise::step::{Step, StepError, run};
use serde::Deserialize;

/// An interpreter that will do.
#[derive(Clone, Debug, Deserialize)]
pub struct Python {
    /// The real path of the interpreter, outside any virtual environment.
    pub path: PathBuf,
    /// `3.11.7`
    pub version: String,
    /// Platform and implementation.
    pub platform: String,
    /// Whether virtual environments can be made.
    pub venv: bool,
}

/// Why there is none.
#[derive(Debug, thiserror::Error)]
pub enum NoPython {
    /// None of the names will do.
    #[error("no Python {0}.{1} or newer was found; tried {2}")]
    Tried(u32, u32, String),
    /// Asked to end.
    #[error("interrupted")]
    Interrupted(Signal),
}

const PROBE: &str = "\
import importlib.util, json, os, platform, sys
base = getattr(sys, '_base_executable', None) or sys.executable
print(json.dumps({
    'path': os.path.realpath(base),
    'version': platform.python_version(),
    'platform': platform.platform() + ' ' + platform.python_implementation(),
    'venv': all(importlib.util.find_spec(name) for name in ('venv', 'ensurepip')),
}))
";

/// Finds an interpreter of at least `oldest` by name, `python3` first.
///
/// # Errors
/// None was found, or we were interrupted.
pub fn find(
    oldest: (u32, u32),
    folder: &Path,
    scratch: &Path,
    environment: &Environment,
    interrupts: &Interrupts,
) -> Result<Python, NoPython> {
    let newest = 15.max(oldest.1);
    let versioned = (oldest.1..=newest).rev().map(|minor| format!("python{}.{minor}", oldest.0));
    let names = ["python3".to_owned()].into_iter().chain(versioned).chain(["python".to_owned()]);
    let mut tried = Vec::new();
    for name in names {
        match probe(&name, folder, scratch, environment, interrupts) {
            Ok(python) if version_of(&python) < Some(oldest) => {
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
    let tried =
        if tried.is_empty() { "python3, python: not found".to_owned() } else { tried.join(", ") };
    Err(NoPython::Tried(oldest.0, oldest.1, tried))
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
    let output = scratch.join(format!("probe-{name}"));
    let step = Step {
        argv: [name, "-I", "-c", PROBE].iter().map(OsString::from).collect(),
        folder,
        environment,
        stdin: None,
        log: &output,
        deadline: Duration::from_secs(30),
    };
    match run(&step, interrupts) {
        Ok(()) => {}
        Err(StepError::Interrupted(signal)) => return Err(Unusable::Interrupted(signal)),
        Err(StepError::NotStarted { .. }) => return Err(Unusable::Absent),
        Err(_) => {
            let last = log::tail(&output, 1).pop().unwrap_or_default();
            return Err(Unusable::Broken(format!("does not run: {last}")));
        }
    }
    let text = std::fs::read_to_string(&output).unwrap_or_default();
    serde_json::from_str(text.trim())
        .map_err(|e| Unusable::Broken(format!("unexpected output: {e}")))
}
