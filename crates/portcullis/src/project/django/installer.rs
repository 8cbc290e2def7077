//! Who installs: uv, where it installs the same as pip would, else pip; and how both are
//! called.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use portcullis_core::config::Installer;
use portcullis_core::judge::Finding;
use portcullis_supervise::environment::Environment;
use portcullis_supervise::step::{self, Step};

use super::pip_configuration::{Translated, translated};
use super::requirements::configuration;
use super::uv::{self, Uv};
use crate::run::{StageFailure, Version};

/// The program that installs, and why.
#[derive(Debug)]
pub struct Chosen {
    /// uv; else pip.
    uv: Option<Uv>,
    /// Why this one; empty if there is nothing to say.
    pub why: String,
    /// Variables that tell uv what pip's configuration says.
    pub variables: Vec<(&'static str, String)>,
    /// Whether pip does the same if uv fails.
    pub has_alternative: bool,
    /// Whether all indexes are compared, as pip does.
    compares_all: bool,
}

/// What is installed, as far as it matters for the choice.
#[derive(Clone, Copy, Debug)]
pub struct Task<'a> {
    /// Whether only uv understands it.
    pub needs_uv: bool,
    /// What uv does not understand in a file of requirements, if anything.
    pub beyond_uv: Option<&'a str>,
    /// Folders in which uv looks for its configuration.
    pub places: &'a [PathBuf],
}

/// Chooses the program. `python` is the interpreter of the environment.
///
/// # Errors
/// uv is needed and cannot be had.
pub fn choose(
    version: Version<'_>,
    python: &Path,
    environment: &Environment,
    task: Task<'_>,
) -> Result<Chosen, StageFailure> {
    let wanted = version.plan.installer;
    if wanted == Installer::Pip {
        return match task.needs_uv {
            true => {
                Err(needed("project.installer is \"pip\", but [tool.uv] names places of packages"))
            }
            false => Ok(Chosen::pip(String::new())),
        };
    }
    let configured = pip_configuration(version, python, environment);
    let has_uv_places = has_places(environment, task.places);
    let is_forced = wanted == Installer::Uv || task.needs_uv;
    let doubt = doubt(&configured, task.beyond_uv, has_uv_places);
    if let Some(why) = doubt.clone().filter(|_| !is_forced) {
        return Ok(Chosen::pip(why));
    }
    let Some(uv) = uv::find(version, python)? else {
        return match is_forced {
            true => Err(needed("uv is neither on this machine nor in the package index")),
            false => Ok(Chosen::pip("uv cannot be had".to_owned())),
        };
    };
    let Translated { mut variables, .. } = configured;
    // What uv itself is told comes first.
    variables.retain(|(name, _)| environment.get(name).is_none());
    Ok(Chosen {
        uv: Some(uv),
        why: doubt.map(|doubt| format!("although {doubt}")).unwrap_or_default(),
        variables,
        has_alternative: !is_forced,
        compares_all: !has_uv_places,
    })
}

/// Why uv might not install what pip would.
fn doubt(pip: &Translated, beyond_uv: Option<&str>, has_uv_places: bool) -> Option<String> {
    if let Some(option) = &pip.beyond {
        return Some(format!("pip is configured with {option}, which uv has not"));
    }
    if let Some(option) = beyond_uv {
        return Some(format!("the requirements use {option}, which uv has not"));
    }
    (pip.has_places && has_uv_places)
        .then(|| "pip and uv are both told where packages come from".to_owned())
}

fn needed(why: &str) -> StageFailure {
    StageFailure::new(Finding::preparation(format!("the requirements need uv: {why}"))).with_advice(
        "install uv (`pip install uv`), or write a list with `uv export --frozen -o \
         requirements.txt` and name it in project.requirements",
    )
}

/// What pip is told besides its command line. If it cannot be asked, that is a reason for
/// pip.
fn pip_configuration(version: Version<'_>, python: &Path, environment: &Environment) -> Translated {
    let Version { context, folder, plan } = version;
    // Nothing is told if there are neither variables nor files, which saves the question.
    let has_variables =
        environment.variables().any(|(name, _)| name.to_string_lossy().starts_with("PIP_"));
    let has_files = configuration::files(environment).iter().any(|file| file.exists());
    if !has_variables && !has_files {
        return Translated::default();
    }
    let argv: Vec<OsString> = std::iter::once(python.into())
        .chain(["-m", "pip", "config", "list"].map(OsString::from))
        .collect();
    let log =
        folder.scratch().join(format!("pip-configuration-{}", folder.name().to_string_lossy()));
    let _ = std::fs::remove_file(&log);
    let step = Step {
        argv,
        folder: &plan.root,
        environment,
        stdin: None,
        log: &log,
        deadline: context.within(std::time::Duration::from_secs(60)),
    };
    let output = step::capture(&step, context.interrupts);
    // It may name a token.
    let _ = std::fs::remove_file(&log);
    match output {
        Some(output) => translated(&String::from_utf8_lossy(&output)),
        None => Translated {
            beyond: Some("something that it does not say".to_owned()),
            ..Translated::default()
        },
    }
}

/// Variables that tell uv where packages come from.
const PLACES: [&str; 7] = [
    "UV_DEFAULT_INDEX",
    "UV_INDEX_URL",
    "UV_INDEX",
    "UV_EXTRA_INDEX_URL",
    "UV_FIND_LINKS",
    "UV_NO_INDEX",
    "UV_CONFIG_FILE",
];

/// Whether uv is told where packages come from.
fn has_places(environment: &Environment, folders: &[PathBuf]) -> bool {
    let is_set = |name: &&str| environment.get(name).is_some_and(|value| !value.is_empty());
    let text = |file: &PathBuf| std::fs::read_to_string(file).unwrap_or_default();
    let names_some = |text: String| ["index", "find-links"].iter().any(|key| text.contains(key));
    PLACES.iter().any(is_set)
        || uv_files(environment, folders).iter().any(|file| match file.ends_with("uv.toml") {
            true => names_some(text(file)),
            false => portcullis_core::config::read_toml(&text(file))
                .is_some_and(|tree| crate::project::locks::pyproject::needs_uv(&tree)),
        })
}

/// The files that uv reads its configuration from, whether they exist or not.
pub fn uv_files(environment: &Environment, folders: &[PathBuf]) -> Vec<PathBuf> {
    let get = |name| environment.get(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let home = get("XDG_CONFIG_HOME").or_else(|| get("HOME").map(|home| home.join(".config")));
    let mut files: Vec<PathBuf> =
        home.into_iter().map(|folder| folder.join("uv/uv.toml")).collect();
    let system = environment.get("XDG_CONFIG_DIRS").unwrap_or("/etc/xdg".as_ref());
    files.extend(std::env::split_paths(system).map(|folder| folder.join("uv/uv.toml")));
    files.push("/etc/uv/uv.toml".into());
    files.extend(get("UV_CONFIG_FILE"));
    for folder in folders {
        files.extend([folder.join("uv.toml"), folder.join("pyproject.toml")]);
    }
    files
}

impl Chosen {
    fn pip(why: String) -> Self {
        let variables = Vec::new();
        Self { uv: None, why, variables, has_alternative: false, compares_all: false }
    }

    /// pip, which takes over after a failure of uv.
    pub fn alternative(&self) -> Self {
        Self::pip("uv failed".to_owned())
    }

    /// Its name, with the version if that is not the environment's own.
    pub fn name(&self) -> String {
        match &self.uv {
            Some(uv) => format!("uv {}", uv.version),
            None => "pip".to_owned(),
        }
    }

    /// The command line that installs into the environment of `python`.
    pub fn argv(&self, python: &Path, with_dependencies: bool) -> Vec<OsString> {
        let mut argv: Vec<OsString> = Vec::new();
        match &self.uv {
            Some(uv) => {
                argv.push(uv.program.clone().into());
                argv.extend(
                    ["pip", "install", "--no-progress", "--compile-bytecode"].map(Into::into),
                );
                argv.extend(["--python".into(), python.into()]);
                if self.compares_all {
                    argv.push("--index-strategy=unsafe-best-match".into());
                }
            }
            None => {
                argv.push(python.into());
                argv.extend(
                    ["-m", "pip", "install", "--no-input", "--disable-pip-version-check"]
                        .map(Into::into),
                );
            }
        }
        if !with_dependencies {
            argv.push("--no-deps".into());
        }
        argv
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uv_is_not_used_where_it_could_install_something_else() {
        let plain = Translated::default();
        assert_eq!(doubt(&plain, None, false), None);
        assert_eq!(doubt(&plain, None, true), None);
        let private = Translated { has_places: true, ..Translated::default() };
        assert_eq!(doubt(&private, None, false), None);
        assert!(doubt(&private, None, true).unwrap().contains("both"));
        let other = Translated { beyond: Some("trusted-host".into()), ..Translated::default() };
        assert!(doubt(&other, None, false).unwrap().contains("trusted-host"));
        assert!(doubt(&plain, Some("--pre"), false).unwrap().contains("--pre"));
    }

    #[test]
    fn what_tells_uv_where_packages_come_from_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let places = [folder.path().to_owned()];
        let mut environment = Environment::default();
        environment.set("HOME", folder.path());
        environment.set("XDG_CONFIG_DIRS", folder.path().join("xdg"));
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write("pyproject.toml", "[tool.uv]\npackage = false\n");
        write("uv.toml", "compile-bytecode = true\n");
        assert!(!has_places(&environment, &places));
        write("pyproject.toml", "[[tool.uv.index]]\nurl = \"https://p.example\"\n");
        assert!(has_places(&environment, &places));
        assert!(!has_places(&environment, &[]));
        write(".config/uv/uv.toml", "[[index]]\nurl = \"https://p.example\"\n");
        assert!(has_places(&environment, &[]));
        let mut environment = Environment::default();
        environment.set("UV_INDEX_URL", "https://p.example");
        assert!(has_places(&environment, &[]));
    }
}
