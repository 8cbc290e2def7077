//! Environment and install: a virtual environment, built in place under a lock. Its marker
//! is written last. It is reused as long as interpreter, requirements, and everything else
//! that pip reads stay the same. If that is not known, it belongs to one version in one run.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use portcullis_core::config::ProjectKind;
use portcullis_core::judge::Finding;
use portcullis_core::plan::Mode;
use portcullis_supervise::disk_space::free_bytes;
use portcullis_supervise::environment::Environment;
use portcullis_supervise::log;
use portcullis_supervise::step::{self, Step, StepError};

use super::bytecode;
use super::isolation::{hook, stub};
use super::package;
use super::pip;
use super::python::{self, NoPython, Python};
use super::requirements::Requirements;
use crate::cache::cache_key::Key;
use crate::cache::{self, Entry, Hold};
use crate::run::{StageFailure, StageOutput, Version};

/// Environments without use for this time are removed when a new one is created.
const OLDEST: Duration = Duration::from_secs(30 * 24 * 3600);
/// Their kind in the cache.
const KIND: &str = "venv";

/// A virtual environment, locked while it is used.
#[derive(Debug)]
pub struct Venv {
    /// Its interpreter.
    pub python: PathBuf,
    /// The key of its content, wherever its local code is; `None` if it is not known.
    pub content: Option<String>,
    key: String,
    entry: Entry,
    is_complete: bool,
    detail: String,
}

/// Finds Python, then reuses the environment or creates an empty one. `held` is the one
/// that the run already has, which is up to date.
///
/// # Errors
/// No suitable Python, the cache is not writable, or `venv` failed.
pub fn environment(
    version: Version<'_>,
    held: Option<&Venv>,
) -> Result<StageOutput<Venv>, StageFailure> {
    let Version { context, folder, plan } = version;
    let scratch = folder.scratch();
    let (inherited, interrupts) = (&context.inherited, context.interrupts);
    let python = python::find(&plan.python, &plan.root, &scratch, inherited, interrupts)
        .map_err(no_python)?;
    let wanted = wanted(version, &python);
    let detail = match &wanted.private {
        Some(why) => format!("Python {}, not cached: {why}", python.version),
        None => format!("Python {}", python.version),
    };
    let failed = |error: std::io::Error| StageFailure::disk("the cached environment", &error);
    // If this run has already rebuilt the environment for its ordinary load, it holds the
    // lock. Rebuilding it once more would wait for itself.
    let is_fresh = context.options.fresh && held.is_none_or(|held| held.key != wanted.key);
    if !is_fresh {
        let venv = open(version, &wanted, Hold::Shared, &detail)?;
        if is_usable(version, &venv)? {
            let venv = Venv { is_complete: true, ..venv };
            return Ok(StageOutput { value: venv, cached: true, detail });
        }
    }
    let venv = open(version, &wanted, Hold::Alone, &detail)?;
    // Another run may have created it while we waited.
    if !is_fresh && is_usable(version, &venv)? {
        venv.entry.share().map_err(failed)?;
        let venv = Venv { is_complete: true, ..venv };
        return Ok(StageOutput { value: venv, cached: true, detail });
    }
    venv.entry.clear().map_err(failed)?;
    let argv: [OsString; 5] =
        [python.path.into(), "-I".into(), "-m".into(), "venv".into(), venv.entry.path().into()];
    step(version, &argv, "environment", plan.install_timeout).map_err(|error| {
        let advice = "check that `python3 -m venv` works";
        filling(version, error, "the virtual environment", "environment", advice)
    })?;
    Ok(StageOutput::new(venv, detail))
}

/// Installs the requirements into a new environment.
///
/// # Errors
/// pip failed or took too long.
pub fn install(version: Version<'_>, venv: Venv) -> Result<StageOutput<Venv>, StageFailure> {
    if venv.is_complete {
        venv.entry.touch();
        let detail = venv.detail.clone();
        return Ok(StageOutput { value: venv, cached: true, detail });
    }
    let plan = version.plan;
    if !plan.requirements.is_empty() {
        let mut argv: Vec<OsString> = vec![venv.python.clone().into()];
        argv.extend(
            ["-m", "pip", "install", "--no-input", "--disable-pip-version-check"].map(Into::into),
        );
        for path in &plan.requirements {
            argv.extend(["-r".into(), path.clone().into()]);
        }
        step(version, &argv, "install", plan.install_timeout).map_err(|error| {
            let output = log::tail(&version.folder.log("install"), 400).join("\n");
            let python = venv.detail.trim_start_matches("Python ");
            let known = pip::advice(&output, python);
            let other = "check the requirements and that a package index can be reached";
            let advice = known.as_deref().unwrap_or(other);
            let mut failure = filling(version, error, "the requirements", "install", advice);
            if let (Some(reason), Some(first)) =
                (pip::reason(&output), failure.findings.first_mut())
            {
                *first = first.map_message(|message| format!("{message}: {reason}"));
            }
            failure
        })?;
    }
    let added = package::provide(version, &venv.python)?;
    if !works(version, &venv)? {
        let finding = "the environment has no working Django: check that the requirements list it";
        let failure = StageFailure::new(Finding::preparation(finding.to_owned()));
        return Err(failure.with_log("install"));
    }
    let failed = |error: std::io::Error| StageFailure::disk("the cached environment", &error);
    // Installed after pip, because builds by pip are not part of a run.
    stub::install(venv.entry.path()).map_err(failed)?;
    venv.entry.complete().map_err(failed)?;
    venv.entry.share().map_err(failed)?;
    cache::prune(&version.context.cache, KIND, OLDEST);
    let files = plan.requirements.len();
    let mut detail = format!("{files} requirement file{}", if files == 1 { "" } else { "s" });
    if let Some(added) = added {
        detail.push_str(&format!("; {added} was added"));
    }
    Ok(StageOutput::new(venv, detail))
}

fn open(
    version: Version<'_>,
    wanted: &Wanted,
    hold: Hold,
    detail: &str,
) -> Result<Venv, StageFailure> {
    let context = version.context;
    let waiting =
        |who| context.note(format!("waiting for {who}, which is using the cached environment"));
    let patience = (context.interrupts, context.left());
    // A private one is removed with the folder of its version.
    let place = match wanted.private {
        Some(_) => version.folder.path(),
        None => &context.cache,
    };
    let entry = cache::open(place, KIND, &wanted.key, hold, patience, waiting)?;
    Ok(Venv {
        python: entry.path().join("bin/python"),
        key: wanted.key.clone(),
        content: wanted.private.is_none().then(|| wanted.content.clone()),
        entry,
        is_complete: false,
        detail: detail.to_owned(),
    })
}

/// Whether an environment of an earlier run is complete and still works.
fn is_usable(version: Version<'_>, venv: &Venv) -> Result<bool, StageFailure> {
    Ok(venv.entry.age().is_some() && works(version, venv)?)
}

/// Whether the environment's own interpreter runs, and can import Django if the project is one.
fn works(version: Version<'_>, venv: &Venv) -> Result<bool, StageFailure> {
    let import = match version.plan.kind {
        ProjectKind::Django => "import django",
        ProjectKind::Command => "import sys",
    };
    let argv = [venv.python.clone().into(), "-c".into(), import.into()];
    match step(version, &argv, "environment", Duration::from_secs(60)) {
        Ok(()) => Ok(true),
        Err(StepError::Interrupted(signal)) => Err(StageFailure::new(Finding::interrupted(signal))),
        // The time is over, which is not the environment's fault.
        Err(error @ StepError::TimedOut { .. }) if version.context.is_overdue() => {
            Err(StageFailure::preparation(error, "the environment", "environment"))
        }
        Err(_) => Ok(false),
    }
}

pub(super) fn step(
    version: Version<'_>,
    argv: &[OsString],
    log: &str,
    deadline: Duration,
) -> Result<(), StepError> {
    let Version { context, folder, plan } = version;
    let mut environment = of_pip(version);
    environment.set("PYTHONPYCACHEPREFIX", bytecode::folder(context));
    let step = Step {
        argv: argv.to_vec(),
        folder: &plan.root,
        environment: &environment,
        stdin: None,
        log: &folder.log(log),
        deadline: context.within(deadline),
    };
    step::run(&step, context.interrupts)
}

/// Too little disk space for any environment.
const LITTLE: u64 = 16 << 20;

/// The failure of a step that writes into the cache. It reports a full disk, because the
/// step itself may hide that. `advice` is for every other reason.
fn filling(
    version: Version<'_>,
    error: StepError,
    what: &str,
    log: &'static str,
    advice: &str,
) -> StageFailure {
    let failure = StageFailure::preparation(error, what, log);
    let cache = &version.context.cache;
    let free = free_bytes(cache).filter(|free| *free < LITTLE);
    // Python's error number, which does not depend on the language.
    let is_full = |line: &String| line.contains("[Errno 28]");
    if free.is_none() && !log::tail(&version.folder.log(log), 50).iter().any(is_full) {
        return failure.with_advice(advice);
    }
    let (place, kib) = (cache.display(), free.map(|free| free / 1024));
    let room = kib.map_or("too little".to_owned(), |kib| format!("{kib} KiB"));
    failure.with_advice(format!(
        "{place} has {room} space left: free some, or set PORTCULLIS_CACHE to another folder"
    ))
}

fn no_python(error: NoPython) -> StageFailure {
    match error {
        NoPython::Interrupted(signal) => StageFailure::new(Finding::interrupted(signal)),
        other => StageFailure::new(Finding::preparation(other.to_string()))
            .with_advice("install one, or change project.python in perf.toml"),
    }
}

/// The environment that a version needs.
struct Wanted {
    /// Its key.
    key: String,
    /// The key of its content, wherever its local code is.
    content: String,
    /// Why nobody else may use it, if so.
    private: Option<String>,
}

fn wanted(version: Version<'_>, python: &Python) -> Wanted {
    let Version { context, folder, plan } = version;
    let scratch = folder.scratch();
    let listed = |folder: &Path| context.git(folder, &scratch).files();
    let environment = of_pip(version);
    let mut all = Requirements::new(&plan.root, &environment, &listed);
    plan.requirements.iter().for_each(|path| all.add(path));
    let add = |key: &mut Key| {
        key.add("format", "3").add("isolation", stub::STUB);
        key.add("path", python.path.to_string_lossy().as_bytes());
        key.add("version", &python.version).add("platform", &python.platform);
        if let Some(package) = plan.server.package {
            key.add("server", package.requirement);
        }
        for (name, value) in set(version) {
            key.add(&format!("set {name}"), value);
        }
    };
    add(&mut all.key);
    add(&mut all.content);
    Wanted { key: all.key.finish(), content: all.content.finish(), private: all.unknown }
}

/// The variables of `[env] set` that reach pip: no random secrets, which differ in each run,
/// and nothing that a comparison adds.
fn set<'a>(version: Version<'a>) -> impl Iterator<Item = (&'a str, &'a str)> {
    let env = match &version.context.planned.plan.mode {
        Mode::Serve(plan) => &plan.env,
        Mode::Attach(_) => &version.plan.env,
    };
    let all = env.set.iter().filter(|(name, _)| !env.random.contains(name));
    all.map(|(name, value)| (name.as_str(), value.as_str()))
}

/// The environment of pip.
fn of_pip(version: Version<'_>) -> Environment {
    let mut environment = version.context.inherited.clone();
    for (name, value) in set(version) {
        environment.set(name, hook::in_run(value, version.folder.path()));
    }
    environment
}
