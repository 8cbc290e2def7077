//! Django: the settings module of the run, the environment of every child, and the commands
//! of `manage.py`.

pub mod bytecode;
pub mod complaint;
pub mod database_server;
pub mod dotenv;
pub mod environment;
pub mod install;
mod installer;
pub mod isolation;
pub mod migrate;
mod package;
mod pip;
mod pip_configuration;
mod python;
mod python_choice;
pub mod refusal;
mod requirements;
pub mod seed;
mod seeds;
mod server;
pub mod sources;
mod templates;
mod uv;

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::time::Duration;

use portcullis_core::config::{ProjectKind, When};
use portcullis_core::plan::ServePlan;
use portcullis_core::units::show_duration;
use portcullis_supervise::environment::Environment;
use portcullis_supervise::step::{self, Step, StepError};

use super::steps;
use crate::host::random;
use crate::run::{StageFailure, Version};
use crate::services::ports::Ports;
use environment::Venv;
use isolation::hook;

pub use server::argv as serve_argv;

/// What is needed to run the project's commands.
#[derive(Debug)]
pub struct Project {
    /// The environment of every child.
    pub environment: Environment,
    /// The interpreter.
    pub python: PathBuf,
    /// The ports of the services that `perf.toml` names.
    pub ports: Ports,
    /// The variables that reach the service, without random secrets and passed-through
    /// variables: the part of the environment that the content of a database depends on.
    pub(in crate::project) fixed: Vec<(String, String)>,
    /// The names of variables that were passed through from the caller's shell.
    passed: Vec<String>,
    /// The developer's `.env`, if it reaches the service in a way that is not understood.
    leaking_env: Option<PathBuf>,
}

/// The steps from an empty folder to a server, each with its name.
pub fn describe(plan: &ServePlan) -> Vec<(&'static str, String)> {
    let deadline = |limit| format!("(within {})", show_duration(limit));
    let mut steps = install::describe(plan);
    let services = plan.services.iter().map(|service| {
        let limit = deadline(service.timeout);
        ("service", format!("{}, before {} {limit}", service.name, service.before.name()))
    });
    steps.extend(services);
    let manage = format!("python {}", plan.django.manage);
    let migrate = plan.migrate.join(" ");
    steps.extend(steps::describe(plan, When::BeforeMigrate));
    steps.push(("migrate", format!("{manage} {migrate} {}", deadline(plan.migrate_timeout))));
    steps.extend(steps::describe(plan, When::AfterMigrate));
    for seed in &plan.seeds {
        steps.push(("seed", format!("{manage} {seed} {}", deadline(plan.seed_timeout))));
    }
    steps.extend(steps::describe(plan, When::AfterSeed));
    steps.push(("serve", steps::describe_server(plan)));
    steps
}

/// The files with the requirements of a plan, and their lines as far as they are resolved
/// in each new environment.
///
/// # Errors
/// A lock cannot be used.
pub fn requirement_texts(plan: &ServePlan) -> Result<Vec<(String, String)>, String> {
    let sources = sources::of(plan).map_err(|error| error.to_string())?;
    let text = |part: &sources::Part| match part {
        sources::Part::File(file) => std::fs::read_to_string(file).unwrap_or_default(),
        sources::Part::List { lines, .. } => lines.join("\n"),
        sources::Part::Lock { .. } => String::new(),
    };
    let name = |part: &sources::Part| {
        part.file().file_name().unwrap_or_default().to_string_lossy().into_owned()
    };
    Ok(sources.parts.iter().map(|part| (name(part), text(part))).collect())
}

/// Writes the hook that isolates the run, and collects the environment. Without an
/// environment of its own it may use the Python of the machine.
///
/// # Errors
/// A file cannot be read or written.
pub fn isolate(version: Version<'_>, venv: Option<&Venv>) -> Result<Project, StageFailure> {
    let Version { context, folder, plan } = version;
    let mut fixed = dotenv::fixed(plan)?;
    let ports = Ports::choose(&plan.services)
        .map_err(|error| StageFailure::disk("the ports of the services", &error))?;
    let mut environment = context.inherited.clone();
    for (name, value) in &fixed {
        environment.set(name, hook::in_run(&ports.fill(value), folder.path()));
    }
    for name in &plan.env.random {
        let secret = random::secret().map_err(no_random)?;
        context.hide(&secret);
        environment.set(name, secret);
    }
    let mut passed = Vec::new();
    for name in &plan.env.pass {
        if let Some(value) = std::env::var_os(name) {
            context.note(format!("{name} is passed through from your shell"));
            context.hide_environment([(name.as_str(), value.to_string_lossy().as_ref())]);
            environment.set(name, value);
            passed.push(name.clone());
        }
    }
    // Values of the example are not hidden: they are committed and not secret, and an ordinary
    // word among them would be replaced everywhere.
    context.hide_environment(plan.env.set.iter().map(|(n, v)| (n.as_str(), v.as_str())));
    if plan.is_shut {
        NO_WAY_OUT.iter().for_each(|(name, value)| environment.set(*name, *value));
    }
    let hook = hook::write(&folder.settings(), folder.path(), plan, &ports, None)
        .map_err(|error| StageFailure::disk("the run's settings", &error))?;
    environment.set(hook::VARIABLE, hook);
    environment.set("PYTHONPYCACHEPREFIX", bytecode::folder(context));
    environment.set("PYTHONUNBUFFERED", "1");
    if let Some(venv) = venv {
        environment.set("PATH", path_through(&venv.python, environment.get("PATH")));
    }
    if plan.kind == ProjectKind::Django {
        environment.set("DJANGO_SETTINGS_MODULE", &plan.django.settings);
    }
    let leak = dotenv::leaking(plan)?.inspect(|leak| {
        context.warn(leak.warning(plan));
        context.hide_environment(leak.values.iter().map(|(n, v)| (n.as_str(), v.as_str())));
    });
    let leaking_env = leak.as_ref().filter(|leak| !leak.is_whole).map(|leak| leak.path.clone());
    fixed.extend(leak.map(|leak| leak.values).unwrap_or_default());
    let python = venv.map_or_else(|| "python3".into(), |venv| venv.python.clone());
    Ok(Project { environment, python, ports, fixed, passed, leaking_env })
}

/// Variables that lead HTTP clients to a port on which nothing listens: that of the service
/// `discard`, which is never given away as a free one.
const NO_WAY_OUT: [(&str, &str); 8] = [
    ("HTTP_PROXY", CLOSED),
    ("HTTPS_PROXY", CLOSED),
    ("ALL_PROXY", CLOSED),
    ("http_proxy", CLOSED),
    ("https_proxy", CLOSED),
    ("all_proxy", CLOSED),
    ("NO_PROXY", "127.0.0.1,localhost,::1"),
    ("no_proxy", "127.0.0.1,localhost,::1"),
];
const CLOSED: &str = "http://127.0.0.1:9";

/// The search path of children: programs of the environment, such as gunicorn, come first, as
/// in an activated environment.
fn path_through(python: &Path, path: Option<&OsStr>) -> OsString {
    let programs = python.parent().unwrap_or(python);
    let others = path.into_iter().flat_map(std::env::split_paths);
    let all = std::iter::once(programs.to_owned()).chain(others);
    // A folder with a colon cannot be in a search path.
    std::env::join_paths(all).unwrap_or_else(|_| path.unwrap_or_default().to_owned())
}

fn no_random(error: std::io::Error) -> StageFailure {
    StageFailure::disk("/dev/urandom", &error)
}

/// Runs a script in the shell of the project, whose databases are those of the run.
///
/// # Errors
/// It failed or took too long.
pub fn shell(
    version: Version<'_>,
    project: &Project,
    script: PathBuf,
    log: &'static str,
    deadline: Duration,
) -> Result<(), StageFailure> {
    project.manage(version, Command::shell(script, log, deadline)).map_err(|error| {
        refusal::refused(version.folder, log)
            .unwrap_or_else(|| StageFailure::preparation(error, "looking at the project", log))
    })
}

/// The server's environment. Variables of the configuration may have its port in them.
pub fn serve_environment(project: &Project, port: u16) -> Environment {
    let mut environment = project.environment.clone();
    for (name, _) in &project.fixed {
        let value = environment.get(name).map(|value| value.to_string_lossy().into_owned());
        if let Some(value) = value.filter(|value| value.contains(PORT)) {
            environment.set(name, value.replace(PORT, &port.to_string()));
        }
    }
    environment.set(hook::TIMED, "1");
    environment
}

/// The place of the port in a variable.
const PORT: &str = "{port}";

/// A command of `manage.py`.
struct Command<'a> {
    arguments: Vec<&'a str>,
    stdin: Option<PathBuf>,
    log: &'a str,
    deadline: Duration,
}

impl<'a> Command<'a> {
    /// A script for Django's shell.
    fn shell(script: PathBuf, log: &'a str, deadline: Duration) -> Self {
        Self { arguments: vec!["shell"], stdin: Some(script), log, deadline }
    }
}

impl Project {
    /// The command line of `manage.py` with these arguments.
    pub(in crate::project) fn manage_argv(
        &self,
        plan: &ServePlan,
        arguments: &[impl AsRef<OsStr>],
    ) -> Vec<OsString> {
        let mut argv: Vec<OsString> =
            vec![self.python.clone().into(), (&plan.django.manage).into()];
        argv.extend(arguments.iter().map(|word| word.as_ref().to_owned()));
        argv.push(format!("--settings={}", plan.django.settings).into());
        argv
    }

    /// Runs a command of `manage.py`. The settings module is also passed as a flag, because
    /// some projects set the variable themselves.
    ///
    /// # Errors
    /// As [`step::run`].
    fn manage(&self, version: Version<'_>, command: Command<'_>) -> Result<(), StepError> {
        let Version { context, folder, plan } = version;
        let step = Step {
            argv: self.manage_argv(plan, &command.arguments),
            folder: &plan.root,
            environment: &self.environment,
            stdin: command.stdin,
            log: &folder.log(command.log),
            deadline: context.within(command.deadline),
        };
        step::run(&step, context.interrupts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_of_the_environment_come_first_in_the_search_path() {
        let through =
            |path: Option<&str>| path_through(Path::new("/venv/bin/python"), path.map(OsStr::new));
        assert_eq!(through(Some("/usr/bin:/bin")), "/venv/bin:/usr/bin:/bin");
        // An empty entry would be the current folder.
        assert_eq!(through(None), "/venv/bin");
    }
}
