//! The services that `perf.toml` names, while they run.

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use portcullis_core::config::{ServiceKind, ServiceSection};
use portcullis_core::judge::Finding;
use portcullis_supervise::environment::Environment;
use portcullis_supervise::service::{self, Launch, Service};
use portcullis_supervise::tree::StopSignal;

use super::ports::Ports;
use super::wheel::Installed;
use super::{redis, smtp};
use crate::run::{StageFailure, Version};

/// A worker ends its tasks first.
const STOP: &[(StopSignal, Duration)] = &[(StopSignal::Terminate, Duration::from_secs(10))];

/// The services of one version of the project, in the order of their start.
#[derive(Debug, Default)]
pub struct Services {
    all: Vec<Configured>,
}

/// A service that was started.
#[derive(Debug)]
pub struct Configured {
    /// Its name.
    pub name: String,
    /// Its process.
    pub process: Service,
    /// Its program, if it is not of this machine.
    _wheel: Option<Installed>,
}

/// How the project's programs are run.
#[derive(Clone, Copy, Debug)]
pub struct Programs<'a> {
    /// The interpreter.
    pub python: &'a Path,
    /// The environment of every child.
    pub environment: &'a Environment,
    /// The ports of services.
    pub ports: &'a Ports,
}

impl Programs<'_> {
    /// The environment of a service.
    pub fn environment_of(&self, version: Version<'_>, section: &ServiceSection) -> Environment {
        let mut environment = self.environment.clone();
        for (name, value) in &section.env {
            environment.set(name, self.fill(version, section, value));
        }
        environment
    }

    /// A command with its placeholders replaced.
    pub fn argv(
        &self,
        version: Version<'_>,
        section: &ServiceSection,
        argv: &[String],
    ) -> Vec<OsString> {
        let word = |word: &String| {
            let pieces = word.split("{python}").map(|piece| self.fill(version, section, piece));
            // Combined without conversion, because the interpreter's path need not be UTF-8.
            pieces.map(OsString::from).collect::<Vec<_>>().join(self.python.as_os_str())
        };
        argv.iter().map(word).collect()
    }

    fn fill(&self, version: Version<'_>, section: &ServiceSection, text: &str) -> String {
        let port = self.ports.of(&section.name).unwrap_or_default().to_string();
        let run = version.folder.path().to_string_lossy();
        let text = text.replace("{port}", &port).replace("{run}", &run);
        self.ports.fill(&text.replace("{manage}", &version.plan.django.manage))
    }
}

/// The name of the log of a service.
pub fn log_of(name: &str) -> String {
    format!("service-{name}")
}

impl Services {
    /// Starts a service, which is not ready yet.
    ///
    /// # Errors
    /// Its program does not exist, or cannot be started.
    pub fn start(
        &mut self,
        version: Version<'_>,
        section: &ServiceSection,
        programs: Programs<'_>,
    ) -> Result<Option<&mut Configured>, StageFailure> {
        let Version { context, folder, plan } = version;
        let own = folder.services().join(&section.name);
        std::fs::create_dir_all(&own)
            .map_err(|error| StageFailure::disk("the folder of a service", &error))?;
        context.hide_environment(section.env.iter().map(|(n, v)| (n.as_str(), v.as_str())));
        let port = programs.ports.of(&section.name).unwrap_or_default();
        let (argv, wheel) = match section.kind {
            ServiceKind::Command => (programs.argv(version, section, &section.argv), None),
            ServiceKind::Redis => {
                let (program, wheel) = redis::find(version, programs.python)?;
                (redis::argv(program, port, &own), wheel)
            }
            ServiceKind::Celery => (celery(version, section, programs.python), None),
            ServiceKind::Smtp => (smtp::argv(version, programs.python, port)?, None),
        };
        let launch = Launch {
            argv: &argv,
            folder: &plan.root,
            environment: &programs.environment_of(version, section),
            log: &folder.log(&log_of(&section.name)),
            account: None,
            stop: STOP,
        };
        let process = service::start(&launch).map_err(|error| {
            let program = argv.first().map(|word| word.to_string_lossy().into_owned());
            let (name, program) = (&section.name, program.unwrap_or_default());
            let message = format!("the service \"{name}\": {program} cannot be started: {error}");
            StageFailure::new(Finding::preparation(message))
                .with_advice("install the program, or correct argv of its [[service]]")
        })?;
        self.all.push(Configured { name: section.name.clone(), process, _wheel: wheel });
        Ok(self.all.last_mut())
    }

    /// A finding for each service that has ended by itself.
    pub fn ended(&mut self) -> Vec<Finding> {
        let ended = |one: &mut Configured| {
            let status = one.process.ended_within(Duration::ZERO)?;
            let (name, log) = (&one.name, log_of(&one.name));
            let message = format!("the service \"{name}\" has ended: {status} (logs/{log}.log)");
            Some(Finding::server(message))
        };
        self.all.iter_mut().filter_map(ended).collect()
    }

    /// Stops all, the last one first, because a worker needs what was started before it.
    pub fn stop(&mut self) {
        while let Some(mut last) = self.all.pop() {
            last.process.stop();
        }
    }
}

impl Drop for Services {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A worker of the project's application: one process, alone, so that it starts at once and
/// its load is the same everywhere.
fn celery(version: Version<'_>, section: &ServiceSection, python: &Path) -> Vec<OsString> {
    let settings = &version.plan.django.settings;
    let package = settings.split('.').next().unwrap_or(settings);
    let app = section.app.as_deref().unwrap_or(package);
    let mut argv: Vec<OsString> = vec![python.into(), "-m".into(), "celery".into()];
    argv.extend(["-A", app, "worker", "--loglevel", "INFO", "--concurrency", "1"].map(Into::into));
    argv.extend(["--without-gossip", "--without-mingle", "--without-heartbeat"].map(Into::into));
    argv
}
