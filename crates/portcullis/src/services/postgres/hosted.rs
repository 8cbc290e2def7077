//! Databases on a server that runs already, such as a service container of a CI job. Only
//! databases that this run has made are used there. A process of the run keeps them: it
//! creates them, has a session as long as the run lasts, and drops them.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use portcullis_core::config::DatabaseUrl;
use portcullis_core::judge::Finding;
use portcullis_supervise::environment::Environment;
use portcullis_supervise::log;
use portcullis_supervise::service::{self, Launch, Service};
use portcullis_supervise::step::{self, Step};
use portcullis_supervise::tree::StopSignal;
use serde::Deserialize;

use crate::run::{StageFailure, Version};

const KEEPER: &str = include_str!("keeper.py");
const URL: &str = "PORTCULLIS_DATABASE_URL";
const LOG: &str = "database";
/// How long connecting and creating may take.
const READY: Duration = Duration::from_secs(60);
const TICK: Duration = Duration::from_millis(10);
/// Dropping a database waits for the disk of a server that others use too.
const STOP: &[(StopSignal, Duration)] = &[(StopSignal::Terminate, Duration::from_secs(30))];

/// The databases of one run on a server that others use too.
#[derive(Debug)]
pub struct Hosted {
    keeper: Service,
    script: PathBuf,
    environment: Environment,
    names: Vec<String>,
    /// How to connect.
    pub place: HostedPlace,
}

/// How to connect to the server, as the driver has understood its URL.
#[derive(Clone, Debug, Deserialize)]
pub struct HostedPlace {
    /// The host.
    pub host: String,
    /// The port.
    pub port: u16,
    /// The role.
    pub user: String,
    /// Its password; may be empty.
    pub password: String,
    /// The server's version.
    pub version: String,
    /// Parameters of TLS.
    pub options: BTreeMap<String, String>,
}

/// Creates the databases. `python` is the interpreter with the project's driver; `run` is
/// the beginning of all names of the run.
///
/// # Errors
/// There is no URL; the server cannot be reached, or does not allow new databases.
pub fn create(
    version: Version<'_>,
    python: &Path,
    url: &DatabaseUrl,
    run: &str,
    names: Vec<String>,
) -> Result<Hosted, StageFailure> {
    let Version { context, folder, .. } = version;
    let disk = |error: std::io::Error| StageFailure::disk("a script of our own", &error);
    let url = match url {
        DatabaseUrl::Written(url) => url.clone(),
        DatabaseUrl::Variable(name) => std::env::var(name).map_err(|_| no_variable(name))?,
    };
    context.hide(&url);
    let mut environment = context.inherited.clone();
    environment.set(URL, url);
    let script = folder.script("keeper.py");
    std::fs::write(&script, KEEPER).map_err(disk)?;
    let ready = folder.script("database.json");
    let _ = std::fs::remove_file(&ready);
    let mut argv: Vec<OsString> = vec![python.into(), (&script).into(), "hold".into()];
    argv.extend([(&ready).into(), run.into()]);
    argv.extend(names.iter().map(OsString::from));
    let launch = Launch {
        argv: &argv,
        folder: Path::new("/"),
        environment: &environment,
        log: &folder.log(LOG),
        account: None,
        stop: STOP,
    };
    let keeper =
        service::start(&launch).map_err(|error| failed(&format!("{error}")).with_log(LOG))?;
    let place = HostedPlace {
        host: String::new(),
        port: 0,
        user: String::new(),
        password: String::new(),
        version: String::new(),
        options: BTreeMap::new(),
    };
    let mut hosted = Hosted { keeper, script, environment, names, place };
    hosted.wait(version, &ready)?;
    context.hide(&hosted.place.password);
    Ok(hosted)
}

fn no_variable(name: &str) -> StageFailure {
    let message = format!("database.url_variable names {name}, which is not set");
    StageFailure::new(Finding::refused(message))
}

fn failed(why: &str) -> StageFailure {
    StageFailure::new(Finding::preparation(format!("the server of [database] url: {why}")))
}

impl Hosted {
    fn wait(&mut self, version: Version<'_>, ready: &Path) -> Result<(), StageFailure> {
        let Version { context, folder, .. } = version;
        let (start, limit) = (Instant::now(), context.within(READY));
        loop {
            if let Ok(text) = std::fs::read(ready) {
                let _ = std::fs::remove_file(ready);
                self.place = serde_json::from_slice(&text)
                    .map_err(|error| failed(&error.to_string()).with_log(LOG))?;
                return Ok(());
            }
            if self.keeper.ended_within(TICK).is_some() {
                let last = log::tail(&folder.log(LOG), 1).pop().unwrap_or_default();
                return Err(failed(&last).with_log(LOG).with_advice(
                    "the role of the URL must be able to connect and to create databases",
                ));
            }
            if let Some(signal) = context.interrupts.signal() {
                return Err(StageFailure::new(Finding::interrupted(signal)));
            }
            if start.elapsed() >= limit {
                let why = format!("no answer within {:.0} s", limit.as_secs_f64());
                return Err(failed(&why).with_log(LOG));
            }
        }
    }

    /// Makes the statistics of the databases.
    ///
    /// # Errors
    /// The server refuses.
    pub fn analyze(&self, version: Version<'_>, python: &Path) -> Result<(), StageFailure> {
        let Version { context, folder, plan } = version;
        let mut argv: Vec<OsString> = vec![python.into(), (&self.script).into(), "analyze".into()];
        argv.extend(self.names.iter().map(OsString::from));
        let step = Step {
            argv,
            folder: Path::new("/"),
            environment: &self.environment,
            stdin: None,
            log: &folder.log(LOG),
            deadline: context.within(plan.migrate_timeout),
        };
        step::run(&step, context.interrupts).map_err(|error| {
            StageFailure::preparation(error, "the statistics of the databases", LOG)
        })
    }

    /// The finding if the session of the run has ended by itself.
    pub fn ended(&mut self) -> Option<Finding> {
        let status = self.keeper.ended_within(Duration::ZERO)?;
        Some(Finding::server(format!("the run's session on the database server ended: {status}")))
    }
}
