//! The project under test as its commands see it: the environment of every
//! child, and the generated settings module.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use portcullis_core::outcome::Finding;
use portcullis_core::plan::ServePlan;
use portcullis_supervise::environment::Environment;
use portcullis_supervise::finite::{self, Step, StepError};

pub mod database;
mod dotenv;
pub mod environment;
mod isolation;
mod python;
mod requirements;
pub mod seed;
mod settings_overlay;

use crate::host::random;
use crate::run::{Failure, Run};
use crate::stages::disk;
use environment::Venv;

/// How the project's commands are run.
#[derive(Debug)]
pub struct Project {
    /// The interpreter.
    pub python: PathBuf,
    /// The environment of every child.
    pub environment: Environment,
    /// The generated settings module.
    pub settings: String,
    /// What was set, without random secrets and variables passed through:
    /// the part of the environment that decides what a database holds.
    pub fixed: Vec<(String, String)>,
    /// Whether variables were passed through from the caller's shell.
    pub has_passed: bool,
    /// The developer's `.env`, if it reaches the service all the same.
    pub leaking_env: Option<PathBuf>,
}

/// Writes the settings module and gathers the environment.
///
/// # Errors
/// A file that cannot be read or written.
pub fn describe(run: &mut Run<'_>, plan: &ServePlan, venv: &Venv) -> Result<Project, Failure> {
    let fixed = fixed(plan)?;
    let mut environment = run.inherited.clone();
    fixed.iter().for_each(|(name, value)| environment.set(name, value));
    for name in &plan.env.random {
        let secret = random::secret().map_err(|error| disk("/dev/urandom", &error))?;
        run.secrets.add(&secret);
        environment.set(name, secret);
    }
    let mut has_passed = false;
    for name in &plan.env.pass {
        if let Some(value) = std::env::var_os(name) {
            run.note(format!("{name} is passed through from your shell"));
            run.secrets.add_environment([(name.as_str(), value.to_string_lossy().as_ref())]);
            environment.set(name, value);
            has_passed = true;
        }
    }
    // Not those of the example: what is committed for everybody is no secret,
    // and an ordinary word among them would be struck out everywhere.
    run.secrets.add_environment(plan.env.set.iter().map(|(n, v)| (n.as_str(), v.as_str())));
    let settings = write_settings(run, plan)?;
    environment.set("PYTHONPATH", run.folder().join("settings"));
    environment.set("PYTHONPYCACHEPREFIX", run.bytecode());
    environment.set("PYTHONUNBUFFERED", "1");
    environment.set("DJANGO_SETTINGS_MODULE", &settings);
    let leaking_env = leaking(plan)?.map(|leak| {
        run.warn(leak.warning(plan));
        run.secrets.add_environment(leak.values.iter().map(|(n, v)| (n.as_str(), v.as_str())));
        leak.path
    });
    let python = venv.python.clone();
    Ok(Project { python, environment, settings, fixed, has_passed, leaking_env })
}

/// What is set for every child, without random secrets and what is passed through.
fn fixed(plan: &ServePlan) -> Result<Vec<(String, String)>, Failure> {
    let mut fixed = Vec::new();
    if let Some(path) = &plan.env_example {
        let text = std::fs::read_to_string(path)
            .map_err(|error| disk(&format!("{}", path.display()), &error))?;
        fixed.extend(dotenv::parse(&text));
    }
    for (name, value) in &plan.env.set {
        fixed.retain(|(known, _)| known != name);
        fixed.push((name.clone(), value.clone()));
    }
    fixed.retain(|(name, _)| !plan.env.random.contains(name));
    Ok(fixed)
}

/// Unique for each run: a module that was compiled for another run must not
/// be taken for this one's.
fn write_settings(run: &Run<'_>, plan: &ServePlan) -> Result<String, Failure> {
    let unique = random::seed().map_err(|error| disk("/dev/urandom", &error))?;
    let module = format!("portcullis_settings_{:x}_{unique:08x}", std::process::id());
    let path = run.folder().join("settings").join(format!("{module}.py"));
    let text = settings_overlay::text(&plan.django.settings, &run.folder(), &plan.django.overrides);
    std::fs::write(&path, text).map_err(|error| disk("the settings module", &error))?;
    Ok(module)
}

/// What only the developer's own file sets: the service will see it all the same.
pub struct Leak {
    /// The file.
    pub path: PathBuf,
    /// Names and values that nothing else sets.
    pub values: Vec<(String, String)>,
}

/// What leaks from a `.env`, as python-decouple looks for it: in the project, else in
/// the folders above.
///
/// # Errors
/// The example cannot be read.
pub fn leaking(plan: &ServePlan) -> Result<Option<Leak>, Failure> {
    let names = [".env", "settings.ini"];
    let mut places = plan.root.ancestors().flat_map(|folder| names.map(|name| folder.join(name)));
    let Some(path) = places.find(|path| path.is_file()) else { return Ok(None) };
    let Ok(text) = std::fs::read_to_string(&path) else { return Ok(None) };
    let fixed = fixed(plan)?;
    let is_set = |name: &String| {
        fixed.iter().any(|(known, _)| known == name)
            || plan.env.random.contains(name)
            || plan.env.pass.contains(name) && std::env::var_os(name).is_some()
    };
    let mut values = dotenv::parse(&text);
    values.retain(|(name, _)| !is_set(name));
    Ok((!values.is_empty()).then_some(Leak { path, values }))
}

impl Leak {
    /// The names, without their values.
    pub fn names(&self) -> String {
        let names: Vec<&str> = self.values.iter().map(|(name, _)| name.as_str()).collect();
        names.join(", ")
    }

    fn warning(&self, plan: &ServePlan) -> String {
        format!(
            "{} sets {}, which {} does not name: the service will see it; add it to [env] set",
            self.path.display(),
            self.names(),
            plan.env_example.as_ref().map_or("no env.example".into(), |p| p.display().to_string()),
        )
    }
}

impl Project {
    /// Runs a command of `manage.py`, with the settings module also as a flag:
    /// some projects set the variable themselves.
    ///
    /// # Errors
    /// As [`finite::run`].
    pub fn manage(
        &self,
        run: &Run<'_>,
        plan: &ServePlan,
        arguments: &[String],
        stdin: Option<PathBuf>,
        log: &str,
        deadline: Duration,
    ) -> Result<(), StepError> {
        let mut argv: Vec<OsString> =
            vec![self.python.clone().into(), (&plan.django.manage).into()];
        argv.extend(arguments.iter().map(OsString::from));
        argv.push(format!("--settings={}", self.settings).into());
        let step = Step {
            argv,
            folder: &plan.root,
            environment: &self.environment,
            stdin,
            log: &run.log(log),
            deadline: run.within(deadline),
        };
        finite::run(&step, run.interrupts)
    }
}

/// The settings were refused because of their database: a matter of
/// configuration, whatever stage stumbled over it.
pub fn unsupported_database(run: &Run<'_>, log: &str) -> Option<Failure> {
    let text = std::fs::read(run.log(log)).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let line = text.lines().find(|line| line.contains(settings_overlay::UNSUPPORTED_DATABASE))?;
    let (_, which) = line.split_once(settings_overlay::UNSUPPORTED_DATABASE)?;
    let message = format!(
        "only SQLite databases can be replaced by a throwaway one, but the database{}",
        which.trim_end()
    );
    let advice = "choose SQLite through [env] set, or measure a running server with --host";
    Some(Failure::new(Finding::Refused(message)).with_advice(advice))
}
