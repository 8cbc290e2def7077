//! Finds and reads the configuration file, and resolves the paths in it.

use std::path::{Path, PathBuf};

use portcullis_core::config::{self, FlagValue, Loaded, Lookup};
use portcullis_core::threshold::Labels;

use super::{PlanError, PlanRequest};

/// A configuration, and its paths.
pub struct LoadedConfig {
    /// The configuration.
    pub loaded: Loaded,
    /// Its file.
    pub file: PathBuf,
    /// The file's folder.
    pub base: PathBuf,
    /// The folder of artifacts.
    pub output: PathBuf,
}

/// Reads the configuration.
///
/// # Errors
/// All its problems, a sentence each.
pub fn read(request: &PlanRequest) -> Result<LoadedConfig, Vec<PlanError>> {
    let (given, profile) = (request.config.as_deref(), request.profile.as_deref());
    let (file, loaded) = configuration(given, profile, &request.flags, Labels::OfTasks, &variable)?;
    let base = file.parent().map_or_else(|| PathBuf::from("/"), Path::to_owned);
    let output = output(request.output.as_deref(), &loaded, &base).map_err(|error| vec![error])?;
    Ok(LoadedConfig { loaded, file, base, output })
}

/// Finds and reads a configuration file: the given one, or `perf.toml` in the current
/// folder or a folder above; `labels` are the labels that a rule may use, `environment` has
/// the variables that the scenario may name. Returns its path too.
///
/// # Errors
/// All its problems, a sentence each.
pub fn configuration(
    given: Option<&Path>,
    profile: Option<&str>,
    flags: &[FlagValue],
    labels: Labels,
    environment: Lookup<'_>,
) -> Result<(PathBuf, Loaded), Vec<PlanError>> {
    let file = find(given).map_err(|error| vec![error])?;
    let text = std::fs::read_to_string(&file)
        .map_err(|error| vec![PlanError::Unreadable(file.clone(), error)])?;
    let loaded = config::load_with(&text, profile, flags, labels, environment)
        .map_err(|problems| told(&problems, &file))?;
    Ok((file, loaded))
}

/// A variable of our own environment.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Problems of a configuration file, each with its position.
pub fn told(problems: &[config::Problem], file: &Path) -> Vec<PlanError> {
    let shown = shown(file);
    problems.iter().map(|problem| PlanError::Configuration(problem.show(&shown))).collect()
}

/// The path of the file in messages: relative if that is shorter.
pub fn shown(file: &Path) -> String {
    let here = std::env::current_dir().ok();
    let short = here.and_then(|here| file.strip_prefix(here).ok().map(Path::to_owned));
    short.unwrap_or_else(|| file.to_owned()).display().to_string()
}

fn absolute(path: &Path) -> Result<PathBuf, PlanError> {
    std::path::absolute(path).map_err(|error| PlanError::NotAbsolute(path.to_owned(), error))
}

fn find(given: Option<&Path>) -> Result<PathBuf, PlanError> {
    if let Some(given) = given {
        return absolute(given);
    }
    let here = std::env::current_dir().map_err(PlanError::NoCurrentFolder)?;
    let found = here.ancestors().map(|folder| folder.join("perf.toml")).find(|p| p.is_file());
    found.ok_or(PlanError::NoConfiguration(here))
}

/// Possible folders with artifacts of an earlier run, if the configuration is too broken to
/// name the folder.
pub fn likely_outputs(request: &PlanRequest) -> Vec<PathBuf> {
    if let Some(out) = &request.output {
        return absolute(out).into_iter().collect();
    }
    let file = find(request.config.as_deref()).ok();
    let base = file.as_deref().and_then(Path::parent);
    let text = file.as_deref().and_then(|file| std::fs::read_to_string(file).ok());
    let written = text.and_then(|text| config::written_output(&text));
    let names = DEFAULT_OUTPUTS.into_iter().chain(written.as_deref());
    names.filter_map(|name| Some(base?.join(name))).collect()
}

/// In a Cargo workspace, and elsewhere.
const DEFAULT_OUTPUTS: [&str; 2] = ["target/perf", ".portcullis"];

/// The folder of artifacts: `--out`, `[output] dir`, `target/perf` of a Cargo workspace, or
/// `.portcullis`.
fn output(asked: Option<&Path>, loaded: &Loaded, base: &Path) -> Result<PathBuf, PlanError> {
    if let Some(asked) = asked {
        return absolute(asked);
    }
    let cargo = base.join("Cargo.toml").is_file();
    let default = DEFAULT_OUTPUTS[usize::from(!cargo)];
    Ok(base.join(loaded.config.output.as_deref().unwrap_or(default)))
}
