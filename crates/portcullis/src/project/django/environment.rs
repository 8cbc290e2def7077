//! Environment: a virtual environment, built in place under a lock. Its marker is written
//! last, after the installation. It is reused as long as interpreter, requirements, and
//! everything else that the installer reads stay the same. If that is not known, it belongs
//! to one version in one run.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use portcullis_core::config::{Installer, ProjectKind};
use portcullis_core::judge::Finding;
use portcullis_core::plan::Mode;
use portcullis_supervise::disk_space::free_bytes;
use portcullis_supervise::environment::Environment;
use portcullis_supervise::log;
use portcullis_supervise::step::{self, Step, StepError};

use super::bytecode;
use super::installer::uv_files;
use super::isolation::{hook, stub};
use super::python::{self, NoPython, Python};
use super::python_choice::{self, Asked};
use super::requirements::Requirements;
use super::sources::{self, Part, Sources};
use crate::cache::cache_key::Key;
use crate::cache::{self, Entry, Hold};
use crate::project::locks;
use crate::run::{StageFailure, StageOutput, Version};

/// Environments without use for this time are removed when a new one is created.
pub const OLDEST: Duration = Duration::from_secs(30 * 24 * 3600);
/// Their kind in the cache.
pub const KIND: &str = "venv";

/// A virtual environment, locked while it is used.
#[derive(Debug)]
pub struct Venv {
    /// Its interpreter.
    pub python: PathBuf,
    /// The key of its content, wherever its local code is; `None` if it is not known.
    pub content: Option<String>,
    key: String,
    /// Its place in the cache, or in the folder of its version.
    pub entry: Entry,
    /// Whether an earlier run has filled it.
    pub is_complete: bool,
    /// Its Python, and why it is not cached, if so.
    pub detail: String,
    /// What it has, or gets.
    pub sources: Sources,
    /// What uv does not understand of that, if anything.
    pub beyond_uv: Option<String>,
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
    let asked = python_choice::of(plan);
    let python = python::find(&asked.choice, &plan.root, &scratch, inherited, interrupts)
        .map_err(|error| no_python(error, &asked))?;
    asked.contradictions(&python.version).into_iter().for_each(|said| context.warn(said));
    let wanted = wanted(version, &python)?;
    let detail = match &wanted.private {
        Some(why) => format!("Python {}{}, not cached: {why}", python.version, asked.shown()),
        None => format!("Python {}{}", python.version, asked.shown()),
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
        sources: wanted.sources.clone(),
        beyond_uv: wanted.beyond_uv.clone(),
    })
}

/// Whether an environment of an earlier run is complete and still works.
fn is_usable(version: Version<'_>, venv: &Venv) -> Result<bool, StageFailure> {
    Ok(venv.entry.age().is_some() && works(version, venv)?)
}

/// Whether the environment's own interpreter runs, and can import Django if the project is one.
///
/// # Errors
/// The run was interrupted, or is over.
pub fn works(version: Version<'_>, venv: &Venv) -> Result<bool, StageFailure> {
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
    step_in(version, argv, log, deadline, of_installer(version))
}

/// A step of an installer in this environment.
///
/// # Errors
/// As [`step::run`].
pub fn step_in(
    version: Version<'_>,
    argv: &[OsString],
    log: &str,
    deadline: Duration,
    mut environment: Environment,
) -> Result<(), StepError> {
    let Version { context, folder, plan } = version;
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
pub fn filling(
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

fn no_python(error: NoPython, asked: &Asked) -> StageFailure {
    match error {
        NoPython::Interrupted(signal) => StageFailure::new(Finding::interrupted(signal)),
        other => {
            let message = format!("{other}{}", asked.shown());
            StageFailure::new(Finding::preparation(message))
                .with_advice("install one, or change project.python in perf.toml")
        }
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
    sources: Sources,
    beyond_uv: Option<String>,
}

fn wanted(version: Version<'_>, python: &Python) -> Result<Wanted, StageFailure> {
    let Version { context, folder, plan } = version;
    let scratch = folder.scratch();
    let listed = |folder: &Path| context.git(folder, &scratch).files();
    let environment = of_installer(version);
    let sources = sources::of(plan).map_err(|error| {
        let failure = StageFailure::new(Finding::preparation(error.to_string()));
        error.advice.into_iter().fold(failure, StageFailure::with_advice)
    })?;
    let mut all = Requirements::new(&plan.root, &environment, &listed);
    add_sources(&mut all, &sources, &plan.root);
    if plan.installer != Installer::Pip {
        add_uv(&mut all, &uv_files(&environment, &sources::places(&plan.root, &plan.top)));
    }
    let add = |key: &mut Key| {
        key.add("format", "4").add("isolation", stub::STUB);
        key.add("path", python.path.to_string_lossy().as_bytes());
        key.add("version", &python.version).add("platform", &python.platform);
        key.add("installer", plan.installer.name()).add("before", plan.pre_install.join("\n"));
        if let Some(package) = plan.server.package {
            key.add("server", package.requirement);
        }
        for (name, value) in set(version) {
            key.add(&format!("set {name}"), value);
        }
    };
    add(&mut all.key);
    add(&mut all.content);
    let (key, content) = (all.key.finish(), all.content.finish());
    let (private, beyond_uv) = (all.unknown, all.beyond_uv);
    Ok(Wanted { key, content, private, sources, beyond_uv })
}

/// Adds what is installed.
fn add_sources(all: &mut Requirements<'_>, sources: &Sources, root: &Path) {
    for part in &sources.parts {
        let shown = part.file().display().to_string();
        match part {
            Part::File(file) => all.add(file),
            Part::List { lines, .. } => {
                let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
                all.add_text(&text, &text, &shown);
                if sources.needs_uv {
                    all.doubt(format!("{shown} has places of packages, but no lock"));
                }
            }
            Part::Lock { file, locked } => {
                let folder = file.parent().unwrap_or(Path::new("."));
                let here = |path: &str| folder.join(path).to_string_lossy().into_owned();
                let text = locks::parts(locked, here).concat();
                let stated = locks::parts(locked, str::to_owned).concat();
                all.add_text(&text, &stated, &shown);
            }
        }
        if let Some(code) = sources::own_code(part, root) {
            all.key.add("own code", code.to_string_lossy().as_bytes());
        }
    }
}

/// Adds the configuration of uv: its files, and its part of each `pyproject.toml`.
fn add_uv(all: &mut Requirements<'_>, files: &[PathBuf]) {
    for file in files {
        if file.ends_with("pyproject.toml") {
            let text = std::fs::read_to_string(file).unwrap_or_default();
            let tree = portcullis_core::config::read_toml(&text);
            let settings = tree.map(|tree| locks::pyproject::settings_of_uv(&tree));
            let settings = settings.unwrap_or_default();
            all.key.add("tool.uv", &settings);
            all.content.add("tool.uv", &settings);
        } else {
            all.add_file("uv.toml", file);
        }
    }
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

/// The environment of the installer.
pub fn of_installer(version: Version<'_>) -> Environment {
    let mut environment = version.context.inherited.clone();
    for (name, value) in set(version) {
        environment.set(name, hook::in_run(value, version.folder.path()));
    }
    environment
}
