//! How a server is prepared and started.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::config::{
    Binaries, Config, DatabaseSection, DjangoSection, EnvSection, Installer, ProjectKind,
    PythonChoice, SeedSection, SeedSource, ServerSection, ServiceSection, StepCommand, StepSection,
    When,
};

/// How to prepare and start a server.
#[derive(Clone, Debug)]
pub struct ServePlan {
    /// What kind of project it is.
    pub kind: ProjectKind,
    /// The folder of `manage.py`, and the working folder of every step.
    pub root: PathBuf,
    /// The accepted Python; a path is absolute.
    pub python: PythonChoice,
    /// The uppermost folder in which locks and lists of requirements are looked for: `root`,
    /// or a folder above it.
    pub top: PathBuf,
    /// Requirement files and locks; `None`: those that the project has.
    pub requirements: Option<Vec<PathBuf>>,
    /// Groups and extras that are installed besides the main requirements.
    pub groups: Vec<String>,
    /// Requirements that are installed before all others.
    pub pre_install: Vec<String>,
    /// What installs them.
    pub installer: Installer,
    /// A file with variables that are all set.
    pub env_example: Option<PathBuf>,
    /// The rest of the environment.
    pub env: EnvSection,
    /// The settings of Django.
    pub django: DjangoSection,
    /// The database server, if the project needs one.
    pub database: DatabaseSection,
    /// The programs that it needs beside its server, in the order of their start.
    pub services: Vec<ServiceSection>,
    /// Whether its processes get no way out of the machine.
    pub is_shut: bool,
    /// The seeds, in order.
    pub seeds: Vec<Seed>,
    /// The steps besides migrations and seeds, in order.
    pub steps: Vec<StepSection>,
    /// Files and folders that the database depends on besides those that git knows.
    pub inputs: Vec<PathBuf>,
    /// Arguments of `manage.py` for the migrations.
    pub migrate: Vec<String>,
    /// Deadline for creating the environment, and for installing the requirements.
    pub install_timeout: Duration,
    /// Deadline of the migrations.
    pub migrate_timeout: Duration,
    /// Deadline of the seed.
    pub seed_timeout: Duration,
    /// Server command, port and deadlines.
    pub server: ServerSection,
}

/// Something that fills the database.
#[derive(Clone, Debug)]
pub enum Seed {
    /// A command of `manage.py`, with its arguments.
    Manage(Vec<String>),
    /// A file, and what it has in it.
    File(SeedSource, PathBuf),
}

impl Seed {
    fn new(SeedSection { source, value }: &SeedSection, in_base: impl Fn(&str) -> PathBuf) -> Self {
        match (source, value.first()) {
            (SeedSource::Manage, _) | (_, None) => Self::Manage(value.clone()),
            (source, Some(path)) => Self::File(*source, in_base(path)),
        }
    }

    /// The same with another file in the place of its own.
    pub fn with(&self, place: impl FnOnce(&PathBuf) -> PathBuf) -> Self {
        match self {
            Self::Manage(_) => self.clone(),
            Self::File(source, path) => Self::File(*source, place(path)),
        }
    }

    /// Its file, if it is one.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::Manage(_) => None,
            Self::File(_, path) => Some(path),
        }
    }
}

impl std::fmt::Display for Seed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Manage(arguments) => f.write_str(&arguments.join(" ")),
            Self::File(SeedSource::Shell, path) => write!(f, "shell < {}", path.display()),
            Self::File(source, path) => write!(f, "{} {}", source.name(), path.display()),
        }
    }
}

impl ServePlan {
    /// Whether it needs an environment of Python.
    pub fn needs_environment(&self) -> bool {
        let is_python = |word: &String| word.contains("{python}") || word.contains("{venv}");
        let in_step = |step: &StepSection| match &step.command {
            StepCommand::Argv(words) => words.iter().any(is_python),
            StepCommand::Manage(_) => true,
        };
        self.kind == ProjectKind::Django
            || self.requirements.as_ref().is_some_and(|files| !files.is_empty())
            || !self.pre_install.is_empty()
            || self.server.argv.iter().any(is_python)
            || self.steps.iter().any(in_step)
    }

    /// The steps at one place, in order.
    pub fn steps_at(&self, when: When) -> impl Iterator<Item = &StepSection> {
        self.steps.iter().filter(move |step| step.when == when)
    }

    /// The server's command line for an interpreter and a port.
    pub fn server_argv(&self, python: &Path, port: u16) -> Vec<OsString> {
        let port = port.to_string();
        let venv = python.ancestors().nth(2).unwrap_or(python).to_string_lossy().into_owned();
        let fill = |word: &String| {
            let pieces = word.split("{python}").map(|piece| {
                let piece = piece.replace("{manage}", &self.django.manage).replace("{port}", &port);
                piece.replace("{venv}", &venv)
            });
            // Combined without conversion, because the interpreter's path need not be UTF-8.
            pieces.map(OsString::from).collect::<Vec<_>>().join(python.as_os_str())
        };
        self.server.argv.iter().map(fill).collect()
    }
}

/// The plan of a configuration whose relative paths begin at `base`.
pub fn plan(config: &Config, base: &Path) -> ServePlan {
    let in_base = |path: &str| base.join(path);
    ServePlan {
        root: in_base(&config.project.root),
        python: match &config.project.python {
            PythonChoice::Path(path) => PythonChoice::Path(in_base(path).display().to_string()),
            versions => versions.clone(),
        },
        top: in_base(&config.project.root),
        requirements: config
            .project
            .requirements
            .as_ref()
            .map(|files| files.iter().map(|path| in_base(path)).collect()),
        groups: config.project.groups.clone(),
        pre_install: config.project.pre_install.clone(),
        installer: config.project.installer,
        env_example: config.env.example.as_deref().map(in_base),
        env: config.env.clone(),
        django: config.django.clone(),
        database: DatabaseSection {
            binaries: match &config.database.binaries {
                Binaries::Folder(folder) => Binaries::Folder(base.join(folder)),
                other => other.clone(),
            },
            ..config.database.clone()
        },
        kind: config.project.kind,
        services: config.services.clone(),
        is_shut: config.is_shut,
        seeds: seeds(config, in_base),
        steps: config.step.clone(),
        inputs: config.django.inputs.iter().map(|path| in_base(path)).collect(),
        migrate: config.steps.migrate.clone(),
        install_timeout: config.steps.install_timeout,
        migrate_timeout: config.steps.migrate_timeout,
        seed_timeout: config.steps.seed_timeout,
        server: config.server.clone(),
    }
}

/// All seeds: the script of `[django]` first.
fn seeds(config: &Config, in_base: impl Fn(&str) -> PathBuf) -> Vec<Seed> {
    let script = config.django.seed.as_deref();
    let script = script.map(|path| Seed::File(SeedSource::Shell, in_base(path)));
    let others = config.seed.iter().map(|seed| Seed::new(seed, &in_base));
    script.into_iter().chain(others).collect()
}
