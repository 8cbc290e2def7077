//! From files and flags to a plan: all problems are reported before anything is started.
//! This room does not know the command line's structs.

pub mod baseline_file;
mod configuration;
mod error;
mod inputs;

pub use configuration::{LoadedConfig, configuration, likely_outputs, read, shown};
pub use error::PlanError;

use std::path::{Path, PathBuf};

use portcullis_core::config::{FlagValue, Loaded, ProjectKind, PythonChoice, Value, value_at};
use portcullis_core::plan::{self, Mode, Plan, PlanInputs, TlsPlan};
use portcullis_load::Trust;
use portcullis_load::http::client_config;
use portcullis_supervise::descriptors::{self, TooFew};
use portcullis_supervise::placement;

use crate::host::random;
use baseline_file::BaselineFile;

/// The inputs of a plan besides the files.
#[derive(Clone, Debug, Default)]
pub struct PlanRequest {
    /// The configuration file; by default `perf.toml` in the current folder or a folder above.
    pub config: Option<PathBuf>,
    /// The profile to apply.
    pub profile: Option<String>,
    /// The folder of artifacts, if it overrides the configuration.
    pub output: Option<PathBuf>,
    /// Values that override the file and its profile.
    pub flags: Vec<FlagValue>,
    /// Whether the run must become the baseline.
    pub update_baseline: bool,
    /// Whether the run compares two versions.
    pub is_compared: bool,
}

/// A plan and its configuration.
#[derive(Debug)]
pub struct Planned {
    /// The plan.
    pub plan: Plan,
    /// The configuration.
    pub loaded: Loaded,
    /// The values of flags in it.
    pub flags: Vec<FlagValue>,
    /// Its file.
    pub file: PathBuf,
    /// The file's folder.
    pub base: PathBuf,
    /// The trusted certificates.
    pub trust: Trust,
    /// The use of the baseline's file.
    pub baseline: BaselineFile,
    /// The hash of the settings that influence the figures.
    pub configuration_hash: String,
}

impl Planned {
    /// The folder of caches if the environment does not set one.
    pub fn cache_fallback(&self) -> PathBuf {
        self.base.join("target/portcullis")
    }
}

/// Reads the configuration and makes the plan.
///
/// # Errors
/// All problems, a sentence each.
pub fn plan(request: &PlanRequest) -> Result<Planned, Vec<PlanError>> {
    let LoadedConfig { loaded, file, base, output } = read(request)?;
    let seed = match loaded.config.load.seed {
        Some(seed) => seed,
        None => random::seed().map_err(|error| vec![PlanError::NoSeed(error)])?,
    };
    let baseline = BaselineFile::of(&loaded, &base, request.update_baseline)
        .map_err(|error| vec![error.into()])?;
    let origin = baseline_file::origin(&loaded);
    let configuration_hash = origin.configuration.clone();
    let stored = baseline.stored.as_ref().map(|stored| stored.baseline.clone());
    let around = PlanInputs { base: base.clone(), output, seed, stored, origin };
    let mut plan = plan::resolve(&loaded.config, around)
        .map_err(|problems| configuration::told(&problems, &file))?;
    if let Mode::Serve(serve) = &mut plan.mode {
        serve.top = repository(&serve.root);
    }
    if let Some(missed) = plan.baseline.as_ref().filter(|_| baseline.is_missed) {
        let file = missed.file.display();
        plan.warnings.push(format!("no baseline: {file} does not exist, and {MISSED}"));
    }
    inputs::read(&mut plan.load.scenario, &base)?;
    let mut missing = missing_files(&plan);
    missing.extend(unclear_kind(&plan, &loaded));
    if !missing.is_empty() {
        return Err(missing);
    }
    descriptors::check(open_files(&plan)).map_err(|few| vec![few_files(few, &plan)])?;
    match &plan.mode {
        Mode::Serve(serve) => {
            placement::verify(&serve.server.cpus).map_err(|error| vec![PlanError::Cpus(error)])?;
        }
        Mode::Attach(_) if request.is_compared => return Err(vec![PlanError::AgainstAttached]),
        Mode::Attach(_) => {}
    }
    let trust = trust(plan.load.tls.as_ref()).map_err(|error| vec![error])?;
    let flags = request.flags.clone();
    Ok(Planned { plan, loaded, flags, file, base, trust, baseline, configuration_hash })
}

/// Advice for a baseline that is missing in CI.
const MISSED: &str = "in CI none is created automatically: commit one from another run, or create \
                      it with --update-baseline";

/// Open files of a run besides its connections: logs, locks, pipes, folders while they are
/// read; and for each worker a poll and its waker.
const FILES: u64 = 64;
const FILES_PER_WORKER: u64 = 4;

/// The largest number of files that a run may have open: a connection for each user, and
/// others.
fn open_files(plan: &Plan) -> u64 {
    let (users, workers) = (u64::from(plan.load.users), plan.load.workers as u64);
    users + workers * FILES_PER_WORKER + FILES
}

fn few_files(few: TooFew, plan: &Plan) -> PlanError {
    PlanError::FewFiles { users: plan.load.users, few }
}

/// Raises the limit of open files to the number that a run may need.
///
/// # Errors
/// The hard limit is lower.
pub fn provide_files(plan: &Plan) -> Result<(), PlanError> {
    descriptors::provide(open_files(plan)).map_err(|few| few_files(few, plan))
}

/// Certificates are read and checked before anything is started.
fn trust(tls: Option<&TlsPlan>) -> Result<Trust, PlanError> {
    let trust = match tls {
        None => return Ok(Trust::Nobody),
        Some(tls) if tls.insecure => Trust::Anyone,
        Some(TlsPlan { ca: None, .. }) => Trust::System,
        Some(TlsPlan { ca: Some(file), .. }) => {
            let read = std::fs::read(file);
            Trust::Only(read.map_err(|error| PlanError::UnreadableCa(file.clone(), error))?)
        }
    };
    client_config(&trust).map_err(|error| PlanError::Ca(error.to_string()))?;
    Ok(trust)
}

/// The folder of the repository that a folder belongs to; itself if there is none.
fn repository(folder: &Path) -> PathBuf {
    let top = folder.ancestors().find(|place| place.join(".git").exists());
    top.unwrap_or(folder).to_owned()
}

/// A project that looks like Django, but is to be started by a command: its databases would
/// be those of its settings.
fn unclear_kind(plan: &Plan, loaded: &Loaded) -> Option<PlanError> {
    let Mode::Serve(serve) = &plan.mode else { return None };
    let is_chosen = value_at(&loaded.tree, "project.kind")
        .is_some_and(|kind| !matches!(&kind.value, Value::Text(word) if word == "auto"));
    let manage = serve.root.join("manage.py");
    let is_unclear = serve.kind == ProjectKind::Command && !is_chosen && manage.is_file();
    let message = format!(
        "{} exists, but [django] is empty: set django.settings, or project.kind = \"command\" if \
         this is not Django",
        manage.display()
    );
    is_unclear.then_some(PlanError::Configuration(message))
}

/// Files and folders that the plan needs but that do not exist.
fn missing_files(plan: &Plan) -> Vec<PlanError> {
    let Mode::Serve(serve) = &plan.mode else { return Vec::new() };
    let mut missing = Vec::new();
    let mut need = |what: &'static str, path: &Path, is_there: bool| {
        if !is_there {
            missing.push(PlanError::Missing { what, path: path.to_owned() });
        }
    };
    need("project.root", &serve.root, serve.root.is_dir());
    let manage = serve.root.join(&serve.django.manage);
    if serve.root.is_dir() && serve.kind == ProjectKind::Django {
        need("django.manage", &manage, manage.is_file());
    }
    for path in serve.requirements.iter().flatten() {
        need("project.requirements", path, path.is_file());
    }
    if let PythonChoice::Path(path) = &serve.python {
        need("project.python", Path::new(path), Path::new(path).is_file());
    }
    if let Some(path) = &serve.env_example {
        need("env.example", path, path.is_file());
    }
    for seed in &serve.seeds {
        let what = if serve.django.seed.is_some() { "django.seed" } else { "seed" };
        seed.file().into_iter().for_each(|path| need(what, path, path.is_file()));
    }
    missing
}
