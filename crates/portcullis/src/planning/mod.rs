//! From the command line to a plan: finds and reads the configuration, and
//! refuses everything that is wrong with it before anything is started.

use std::path::{Path, PathBuf};

use portcullis_core::config::{self, FlagValue, Loaded};
use portcullis_core::plan::{self, Plan, Surroundings, TlsPlan};
use portcullis_core::threshold::Labels;
use portcullis_load::Trust;
use portcullis_load::http::client_config;
use portcullis_supervise::descriptors::{self, TooFew};
use portcullis_supervise::placement;

use crate::args::PerfArgs;
use crate::commands::baseline::{self, Keeping};
use crate::host::random;

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
    pub baseline: Keeping,
    /// The hash of what decides the figures.
    pub configuration_hash: String,
}

/// A configuration, and the places that it names.
pub struct ReadIn {
    /// The configuration.
    pub loaded: Loaded,
    /// Its file.
    pub file: PathBuf,
    /// The file's folder.
    pub base: PathBuf,
    /// Where artifacts go.
    pub output: PathBuf,
    shown: String,
}

/// Reads the configuration.
///
/// # Errors
/// Lines that each say one thing that is wrong.
pub fn read(args: &PerfArgs) -> Result<ReadIn, Vec<String>> {
    let (given, profile) = (args.config.as_deref(), args.profile.as_deref());
    let (file, loaded) = configuration(given, profile, &args.values(), Labels::OfTasks)?;
    let shown = shown(&file);
    let base = file.parent().map_or_else(|| PathBuf::from("/"), Path::to_owned);
    let output = output(args, &loaded, &base).map_err(|message| vec![message])?;
    Ok(ReadIn { loaded, file, base, output, shown })
}

/// Finds and reads a configuration file: the one that is given, or `perf.toml`
/// here or in a folder above; `labels` are those that a rule may name. The file
/// beside it.
///
/// # Errors
/// Lines that each say one thing that is wrong.
pub fn configuration(
    given: Option<&Path>,
    profile: Option<&str>,
    flags: &[FlagValue],
    labels: Labels,
) -> Result<(PathBuf, Loaded), Vec<String>> {
    let file = find(given).map_err(|message| vec![message])?;
    let text = std::fs::read_to_string(&file)
        .map_err(|error| vec![format!("{} cannot be read: {error}", file.display())])?;
    let loaded = config::load_with(&text, profile, flags, labels)
        .map_err(|problems| lines(&problems, &shown(&file)))?;
    Ok((file, loaded))
}

fn lines(problems: &[config::Problem], shown: &str) -> Vec<String> {
    problems.iter().map(|problem| problem.show(shown)).collect()
}

/// Reads the configuration and resolves it.
///
/// # Errors
/// Lines that each say one thing that is wrong.
pub fn plan(args: &PerfArgs) -> Result<Planned, Vec<String>> {
    let ReadIn { loaded, file, base, output, shown } = read(args)?;
    let seed = match loaded.config.load.seed {
        Some(seed) => seed,
        None => random::seed().map_err(|error| vec![format!("no seed: {error}")])?,
    };
    let baseline = baseline::keeping(args, &loaded, &base).map_err(|message| vec![message])?;
    let origin = baseline::origin(&loaded);
    let configuration_hash = origin.configuration.clone();
    let stored = baseline.stored.as_ref().map(|stored| stored.baseline.clone());
    let around = Surroundings { base: base.clone(), output, seed, stored, origin };
    let mut plan =
        plan::resolve(&loaded.config, around).map_err(|problems| lines(&problems, &shown))?;
    if let Some(missed) = plan.baseline.as_ref().filter(|_| baseline.is_missed) {
        let file = missed.file.display();
        plan.warnings.push(format!("there is no baseline: {file} is missing, and {MISSED}"));
    }
    let missing = missing_files(&plan);
    if !missing.is_empty() {
        return Err(missing);
    }
    descriptors::check(open_files(&plan)).map_err(|few| vec![few_files(few, &plan)])?;
    match &plan.mode {
        plan::Mode::Serve(serve) => placement::verify(&serve.server.cpus)
            .map_err(|error| vec![format!("server.cpus: {error}")])?,
        plan::Mode::Attach(_) if args.against.is_some() => {
            let message = "--against starts both versions itself: leave load.host out";
            return Err(vec![message.to_owned()]);
        }
        plan::Mode::Attach(_) => {}
    }
    let trust = trust(plan.load.tls.as_ref()).map_err(|message| vec![message])?;
    Ok(Planned { plan, loaded, file, base, trust, baseline, configuration_hash })
}

/// What is to be done about a baseline that is missing in CI.
const MISSED: &str = "in CI none is made by itself: commit that of a run elsewhere, or one of \
                      --update-baseline";

/// What a run holds open beside its connections: logs, locks, pipes, folders
/// while they are read; and per worker a poll and its waker.
const FILES: u64 = 64;
const FILES_PER_WORKER: u64 = 4;

/// How many files a run may have to hold open at once: a connection per user.
pub fn open_files(plan: &Plan) -> u64 {
    let (users, workers) = (u64::from(plan.load.users), plan.load.workers as u64);
    users + workers * FILES_PER_WORKER + FILES
}

/// Why so many users are refused.
pub fn few_files(few: TooFew, plan: &Plan) -> String {
    format!(
        "{few}; {} users hold a connection each: raise the hard limit (`ulimit -Hn {}`), or run \
         fewer users",
        plan.load.users, few.needed
    )
}

/// Certificates are read and tried before anything is started.
fn trust(tls: Option<&TlsPlan>) -> Result<Trust, String> {
    let trust = match tls {
        None => return Ok(Trust::Nobody),
        Some(tls) if tls.insecure => Trust::Anyone,
        Some(TlsPlan { ca: None, .. }) => Trust::System,
        Some(TlsPlan { ca: Some(file), .. }) => {
            let read = std::fs::read(file);
            Trust::Only(read.map_err(|error| format!("load.ca: {}: {error}", file.display()))?)
        }
    };
    client_config(&trust).map_err(|error| format!("load.ca: {error}"))?;
    Ok(trust)
}

fn absolute(path: &Path) -> Result<PathBuf, String> {
    std::path::absolute(path).map_err(|error| format!("{}: {error}", path.display()))
}

/// The file as it is named in messages: relative where that is shorter.
pub fn shown(file: &Path) -> String {
    let here = std::env::current_dir().ok();
    let short = here.and_then(|here| file.strip_prefix(here).ok().map(Path::to_owned));
    short.unwrap_or_else(|| file.to_owned()).display().to_string()
}

fn find(given: Option<&Path>) -> Result<PathBuf, String> {
    if let Some(given) = given {
        return absolute(given);
    }
    let here = std::env::current_dir().map_err(|error| format!("no current folder: {error}"))?;
    let found = here.ancestors().map(|folder| folder.join("perf.toml")).find(|p| p.is_file());
    found.ok_or_else(|| {
        format!(
            "there is no perf.toml in {} or in a folder above it; name one with --config, or \
             start from what `portcullis defaults` prints",
            here.display()
        )
    })
}

/// Where artifacts of an earlier run may lie, when the configuration is too
/// broken to say where they belong.
pub fn likely_outputs(args: &PerfArgs) -> Vec<PathBuf> {
    if let Some(out) = &args.out {
        return absolute(out).into_iter().collect();
    }
    let file = find(args.config.as_deref()).ok();
    let base = file.as_deref().and_then(Path::parent);
    let text = file.as_deref().and_then(|file| std::fs::read_to_string(file).ok());
    let written = text.and_then(|text| config::written_output(&text));
    let names = DEFAULT_OUTPUTS.into_iter().chain(written.as_deref());
    names.filter_map(|name| Some(base?.join(name))).collect()
}

/// In a Cargo workspace, and elsewhere.
const DEFAULT_OUTPUTS: [&str; 2] = ["target/perf", ".portcullis"];

/// `--out`, `[output] dir`, `target/perf` of a Cargo workspace, `.portcullis`.
fn output(args: &PerfArgs, loaded: &Loaded, base: &Path) -> Result<PathBuf, String> {
    if let Some(out) = &args.out {
        return absolute(out);
    }
    let cargo = base.join("Cargo.toml").is_file();
    let default = DEFAULT_OUTPUTS[usize::from(!cargo)];
    Ok(base.join(loaded.config.output.as_deref().unwrap_or(default)))
}

/// Files and folders that the plan needs and that are not there.
fn missing_files(plan: &Plan) -> Vec<String> {
    let plan::Mode::Serve(serve) = &plan.mode else { return Vec::new() };
    let mut missing = Vec::new();
    let mut need = |what: &str, path: &Path, is_there: bool| {
        if !is_there {
            missing.push(format!("{what} is not there: {}", path.display()));
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
