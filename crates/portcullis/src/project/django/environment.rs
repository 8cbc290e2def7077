//! Environment and install: a virtual environment built in place under a lock,
//! its marker written last, kept while interpreter and requirements stay.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use portcullis_core::outcome::Finding;
use portcullis_core::plan::ServePlan;
use portcullis_supervise::finite::{self, Step, StepError};

use super::requirements::Requirements;
use crate::cache::cache_key::Key;
use crate::cache::{self, Entry, Hold};
use crate::project::django::python::{self, NoPython, Python};
use crate::run::{Done, Failure, Run};
use crate::stages::{cache_failure, disk, filling, preparation};

/// Environments that nobody has used for so long are removed when a new one is made.
const OLDEST: Duration = Duration::from_secs(30 * 24 * 3600);
/// Their kind in the cache.
const KIND: &str = "venv";

/// A virtual environment, locked while it is used.
#[derive(Debug)]
pub struct Venv {
    /// Its interpreter.
    pub python: PathBuf,
    /// What it is made of.
    pub key: String,
    /// The local code that it points to.
    pub code: String,
    entry: Entry,
    is_complete: bool,
    detail: String,
}

/// Finds Python, then reuses the environment or makes an empty one.
///
/// # Errors
/// No Python will do, the cache is not writable, or `venv` failed.
pub fn prepare(run: &mut Run<'_>, plan: &ServePlan) -> Result<Done<Venv>, Failure> {
    let scratch = run.scratch();
    let python = python::find(plan.python, &plan.root, &scratch, &run.inherited, run.interrupts)
        .map_err(no_python)?;
    let (key, code) = key(run, plan, &python);
    let detail = format!("Python {}", python.version);
    // What this run has made anew for its ordinary load it holds: to make it anew once more
    // would wait for itself.
    let is_fresh = run.fresh && !run.holds(&key);
    if !is_fresh {
        let venv = open(run, (&key, &code), Hold::Shared, &detail)?;
        if is_usable(run, plan, &venv)? {
            let venv = Venv { is_complete: true, ..venv };
            return Ok(Done { value: venv, cached: true, detail });
        }
    }
    let venv = open(run, (&key, &code), Hold::Alone, &detail)?;
    // Another run may have made it while we waited for it.
    if !is_fresh && is_usable(run, plan, &venv)? {
        venv.entry.share().map_err(|e| disk("the cached environment", &e))?;
        return Ok(Done { value: Venv { is_complete: true, ..venv }, cached: true, detail });
    }
    venv.entry.clear().map_err(|error| disk("the cached environment", &error))?;
    let argv: [OsString; 5] =
        [python.path.into(), "-I".into(), "-m".into(), "venv".into(), venv.entry.path().into()];
    step(run, plan, &argv, "environment", plan.install_timeout).map_err(|error| {
        let advice = "see whether `python3 -m venv` works by hand";
        filling(run, error, "the virtual environment", "environment", advice)
    })?;
    Ok(Done::new(venv, detail))
}

/// Installs the requirements into a new environment.
///
/// # Errors
/// pip failed or took too long.
pub fn install(run: &mut Run<'_>, plan: &ServePlan, venv: Venv) -> Result<Done<Venv>, Failure> {
    if venv.is_complete {
        venv.entry.touch();
        let detail = venv.detail.clone();
        return Ok(Done { value: venv, cached: true, detail });
    }
    if !plan.requirements.is_empty() {
        let mut argv: Vec<OsString> = vec![venv.python.clone().into()];
        argv.extend(
            ["-m", "pip", "install", "--no-input", "--disable-pip-version-check"].map(Into::into),
        );
        for path in &plan.requirements {
            argv.extend(["-r".into(), path.clone().into()]);
        }
        step(run, plan, &argv, "install", plan.install_timeout).map_err(|error| {
            let advice = "check the requirements and that a package index can be reached";
            filling(run, error, "the requirements", "install", advice)
        })?;
    }
    if !works(run, plan, &venv)? {
        let finding = "the environment has no working Django: do the requirements name it?";
        let failure = Failure::new(Finding::Preparation(finding.to_owned()));
        return Err(failure.with_log("install"));
    }
    venv.entry.complete().map_err(|error| disk("the cached environment", &error))?;
    venv.entry.share().map_err(|error| disk("the cached environment", &error))?;
    cache::prune(&run.cache, KIND, OLDEST);
    let files = plan.requirements.len();
    Ok(Done::new(venv, format!("{files} requirement file{}", if files == 1 { "" } else { "s" })))
}

fn open(
    run: &Run<'_>,
    (key, code): (&str, &str),
    hold: Hold,
    detail: &str,
) -> Result<Venv, Failure> {
    let waiting = |who| run.note(format!("waiting for {who}, which has the cached environment"));
    let entry = cache::open(&run.cache, KIND, key, hold, (run.interrupts, run.left()), waiting)
        .map_err(cache_failure)?;
    Ok(Venv {
        python: entry.path().join("bin/python"),
        key: key.to_owned(),
        code: code.to_owned(),
        entry,
        is_complete: false,
        detail: detail.to_owned(),
    })
}

/// Whether an environment of an earlier run is whole and still works.
fn is_usable(run: &Run<'_>, plan: &ServePlan, venv: &Venv) -> Result<bool, Failure> {
    Ok(venv.entry.age().is_some() && works(run, plan, venv)?)
}

/// Whether the environment's own interpreter imports Django.
fn works(run: &Run<'_>, plan: &ServePlan, venv: &Venv) -> Result<bool, Failure> {
    let argv = [venv.python.clone().into(), "-c".into(), "import django".into()];
    match step(run, plan, &argv, "environment", Duration::from_secs(60)) {
        Ok(()) => Ok(true),
        Err(StepError::Interrupted(signal)) => Err(Failure::new(Finding::Interrupted(signal))),
        // No time is left: that is not the environment's fault.
        Err(error @ StepError::TimedOut { .. }) if run.is_overdue() => {
            Err(preparation(error, "the environment", "environment"))
        }
        Err(_) => Ok(false),
    }
}

fn step(
    run: &Run<'_>,
    plan: &ServePlan,
    argv: &[OsString],
    log: &str,
    deadline: Duration,
) -> Result<(), finite::StepError> {
    let mut environment = run.inherited.clone();
    environment.set("PYTHONPYCACHEPREFIX", run.bytecode());
    let step = Step {
        argv: argv.to_vec(),
        folder: &plan.root,
        environment: &environment,
        stdin: None,
        log: &run.log(log),
        deadline: run.within(deadline),
    };
    finite::run(&step, run.interrupts)
}

fn no_python(error: NoPython) -> Failure {
    match error {
        NoPython::Interrupted(signal) => Failure::new(Finding::Interrupted(signal)),
        other => Failure::new(Finding::Preparation(other.to_string()))
            .with_advice("install one, or lower project.python in perf.toml"),
    }
}

/// The key of an environment, and that of the local code in it.
fn key(run: &Run<'_>, plan: &ServePlan, python: &Python) -> (String, String) {
    let scratch = run.scratch();
    let listed = |folder: &Path| run.git(folder, &scratch).files();
    let (mut key, mut code) = (Key::default(), Key::default());
    key.add("format", "1");
    key.add("path", python.path.to_string_lossy().as_bytes());
    key.add("version", &python.version).add("platform", &python.platform);
    let mut requirements = Requirements::new(&mut key, &mut code, &plan.root, &listed);
    plan.requirements.iter().for_each(|path| requirements.add(path));
    (key.finish(), code.finish())
}
