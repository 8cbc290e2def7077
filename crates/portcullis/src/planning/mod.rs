//! From files and flags to a plan: everything that is wrong is told before anything is
//! started. Nothing here knows how the command line is written.

pub mod baseline_file;
mod configuration;
mod error;

pub use configuration::{LoadedConfig, configuration, likely_outputs, read, shown};
pub use error::PlanError;

use std::path::{Path, PathBuf};

use portcullis_core::config::{FlagValue, Loaded};
use portcullis_core::plan::{self, Mode, Plan, PlanInputs, TlsPlan};
use portcullis_load::Trust;
use portcullis_load::http::client_config;
use portcullis_supervise::descriptors::{self, TooFew};
use portcullis_supervise::placement;

use crate::host::random;
use baseline_file::BaselineFile;

/// What a plan is made of, beside the files.
#[derive(Clone, Debug, Default)]
pub struct PlanRequest {
    /// The configuration file; without one `perf.toml`, here or in a folder above.
    pub config: Option<PathBuf>,
    /// The profile that is laid over it.
    pub profile: Option<String>,
    /// Where artifacts go, if not where the configuration says.
    pub output: Option<PathBuf>,
    /// Values that are laid over the file and its profile.
    pub flags: Vec<FlagValue>,
    /// Whether the run is to become the baseline.
    pub update_baseline: bool,
    /// Whether the run compares two versions.
    pub is_compared: bool,
}

/// A plan and the configuration that it was made of.
#[derive(Debug)]
pub struct Planned {
    /// The plan.
    pub plan: Plan,
    /// The configuration.
    pub loaded: Loaded,
    /// Its file.
    pub file: PathBuf,
    /// The file's folder.
    pub base: PathBuf,
    /// Whom to believe about the server's name.
    pub trust: Trust,
    /// What is done with the baseline's file.
    pub baseline: BaselineFile,
    /// The hash of what decides the figures.
    pub configuration_hash: String,
}

impl Planned {
    /// Where caches go if the environment names no place for them.
    pub fn cache_fallback(&self) -> PathBuf {
        self.base.join("target/portcullis")
    }
}

/// Reads the configuration and resolves it.
///
/// # Errors
/// Everything that is wrong, a sentence each.
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
    if let Some(missed) = plan.baseline.as_ref().filter(|_| baseline.is_missed) {
        let file = missed.file.display();
        plan.warnings.push(format!("no baseline: {file} does not exist, and {MISSED}"));
    }
    let missing = missing_files(&plan);
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
    Ok(Planned { plan, loaded, file, base, trust, baseline, configuration_hash })
}

/// What is to be done about a baseline that is missing in CI.
const MISSED: &str = "in CI none is created automatically: commit one from another run, or create \
                      it with --update-baseline";

/// What a run holds open beside its connections: logs, locks, pipes, folders
/// while they are read; and per worker a poll and its waker.
const FILES: u64 = 64;
const FILES_PER_WORKER: u64 = 4;

/// How many files a run may have to hold open at once: a connection per user.
fn open_files(plan: &Plan) -> u64 {
    let (users, workers) = (u64::from(plan.load.users), plan.load.workers as u64);
    users + workers * FILES_PER_WORKER + FILES
}

fn few_files(few: TooFew, plan: &Plan) -> PlanError {
    PlanError::FewFiles { users: plan.load.users, few }
}

/// Raises the limit on open files to what a run may need.
///
/// # Errors
/// The hard limit is lower.
pub fn provide_files(plan: &Plan) -> Result<(), PlanError> {
    descriptors::provide(open_files(plan)).map_err(|few| few_files(few, plan))
}

/// Certificates are read and tried before anything is started.
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

/// Files and folders that the plan needs and that are not there.
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
    if serve.root.is_dir() {
        need("django.manage", &manage, manage.is_file());
    }
    for path in &serve.requirements {
        need("project.requirements", path, path.is_file());
    }
    let optional = [("env.example", &serve.env_example), ("django.seed", &serve.seed_script)];
    for (what, path) in optional {
        if let Some(path) = path {
            need(what, path, path.is_file());
        }
    }
    missing
}
