//! A cluster: PostgreSQL's word for a data directory with its databases, and the server that
//! uses it. It belongs to one version of one run.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use portcullis_core::judge::Finding;
use portcullis_supervise::account::Account;
use portcullis_supervise::environment::Environment;
use portcullis_supervise::service::{self, Launch, Service};
use portcullis_supervise::step::{self, Step};
use portcullis_supervise::tree::{Ended, StopSignal};
use portcullis_supervise::{log, port, shared_memory};
use serde::{Deserialize, Serialize};

use super::binaries::{self, Binaries};
use super::{files, settings};
use crate::host::random;
use crate::run::{StageFailure, Version};

/// The role that owns everything, a superuser: migrations may create extensions.
pub const ROLE: &str = "portcullis";

/// A fast shutdown, then an immediate one; both remove the shared memory. SIGTERM would
/// wait for clients.
const STOP: &[(StopSignal, Duration)] =
    &[(StopSignal::Interrupt, Duration::from_secs(10)), (StopSignal::Quit, Duration::from_secs(3))];
/// How long a server may take to accept connections.
const READY: Duration = Duration::from_secs(60);
const TICK: Duration = Duration::from_millis(5);
/// How often another port is tried when the chosen one was taken in the meantime.
const PORTS: u32 = 3;

const LOG: &str = "postgres";
const DATA: &str = "postgres";
const NOTES: &str = "postgres.json";

/// A data directory, and its server if that runs.
#[derive(Debug)]
pub struct Cluster {
    binaries: Binaries,
    account: Option<Account>,
    environment: Environment,
    /// The folder of the data directory.
    folder: PathBuf,
    notes: Notes,
    server: Option<Service>,
    port: u16,
}

/// What must be known of a data directory besides its files.
#[derive(Debug, Serialize, Deserialize)]
struct Notes {
    /// The build that made it.
    build: String,
    /// The password of [`ROLE`].
    password: String,
    /// The databases of the project.
    databases: Vec<String>,
}

impl Cluster {
    /// Makes a data directory with these empty databases. The server does not run yet.
    ///
    /// # Errors
    /// No usable programs; the folder cannot be given to another account; `initdb` failed.
    pub fn create(
        version: Version<'_>,
        python: &Path,
        databases: &[String],
    ) -> Result<Self, StageFailure> {
        let binaries = binaries::find(version, &version.plan.database, python)?;
        let password = random::secret().map_err(|error| disk(&error))?;
        let (build, databases) = (binaries.build(), databases.to_vec());
        let cluster = Self::new(version, binaries, Notes { build, password, databases })?;
        cluster.initialize(version)?;
        Ok(cluster)
    }

    /// Takes a copy of a kept data directory, unless another build of PostgreSQL made it.
    ///
    /// # Errors
    /// As [`Cluster::create`]; or the copy cannot be made.
    pub fn restore(
        version: Version<'_>,
        python: &Path,
        template: &Path,
    ) -> Result<Option<Self>, StageFailure> {
        let text = std::fs::read(template.join(NOTES)).unwrap_or_default();
        let Ok(notes) = serde_json::from_slice::<Notes>(&text) else { return Ok(None) };
        let binaries = binaries::find(version, &version.plan.database, python)?;
        if binaries.build() != notes.build {
            return Ok(None);
        }
        let cluster = Self::new(version, binaries, notes)?;
        files::copy_private(&template.join(DATA), &cluster.data(), cluster.account)
            .map_err(|error| disk(&error))?;
        Ok(Some(cluster))
    }

    /// Whether a folder has a kept data directory.
    pub fn is_kept_in(template: &Path) -> bool {
        template.join(NOTES).is_file()
    }

    /// Copies the data directory of a stopped server into a folder.
    ///
    /// # Errors
    /// The copy cannot be made.
    pub fn keep_in(&self, template: &Path) -> std::io::Result<()> {
        files::create_private(template, None)?;
        files::copy_private(&self.data(), &template.join(DATA), None)?;
        let notes = serde_json::to_string(&self.notes)?;
        files::write_private(&template.join(NOTES), &notes, None)
    }

    fn new(
        version: Version<'_>,
        mut binaries: Binaries,
        notes: Notes,
    ) -> Result<Self, StageFailure> {
        let Version { context, folder: own, .. } = version;
        let (account, folder) = (Account::without_rights(), own.services());
        context.hide(&notes.password);
        // What an earlier attempt of this run has left would be taken for the new cluster.
        let _ = std::fs::remove_dir_all(folder.join(DATA));
        if account.is_some() {
            own.open_services().map_err(|error| disk(&error))?;
            if let Some(closed) = files::closed_above(&folder.join(DATA)) {
                return Err(unreachable(closed));
            }
            let programs = folder.join("programs");
            binaries = binaries.for_everyone(&programs).map_err(|error| disk(&error))?;
        }
        let mut environment = context.inherited.clone();
        // Messages are read here.
        environment.set("LC_ALL", "C");
        Ok(Self { binaries, account, environment, folder, notes, server: None, port: 0 })
    }

    fn data(&self) -> PathBuf {
        self.folder.join(DATA)
    }

    fn initialize(&self, version: Version<'_>) -> Result<(), StageFailure> {
        const LOG: &str = "initdb";
        let password = self.folder.join("password");
        files::create_private(&self.data(), self.account).map_err(|error| disk(&error))?;
        files::write_private(&password, &self.notes.password, self.account)
            .map_err(|error| disk(&error))?;
        let mut argv: Vec<OsString> = vec![self.binaries.initdb.clone().into()];
        let has_icu = self.binaries.has_icu();
        argv.extend(settings::of_initdb(&self.data(), ROLE, &password, has_icu));
        let made = self.step(version, argv, None, LOG);
        let _ = std::fs::remove_file(password);
        made.map_err(|error| {
            StageFailure::preparation(error, "a private PostgreSQL cluster", LOG)
        })?;
        let create = |name: &String| format!("CREATE DATABASE \"{name}\"\n");
        let all: String = self.notes.databases.iter().map(create).collect();
        self.alone(version, "postgres", &all)
    }

    /// Runs statements, one a line, while no server runs.
    fn alone(&self, version: Version<'_>, database: &str, sql: &str) -> Result<(), StageFailure> {
        const LOG: &str = "postgres-alone";
        let script = version.folder.script("postgres.sql");
        std::fs::write(&script, sql).map_err(|error| disk(&error))?;
        let log = version.folder.log(LOG);
        let mut argv: Vec<OsString> =
            vec![self.binaries.postgres.clone().into(), "--single".into()];
        argv.extend(settings::always(&self.data()));
        argv.push(database.into());
        self.step(version, argv, Some(script), LOG).map_err(|error| {
            StageFailure::preparation(error, "the private PostgreSQL cluster", LOG)
        })?;
        // It ends with 0 whatever the statements did.
        let is_error = |line: &String| line.contains("ERROR:") || line.contains("FATAL:");
        match log::tail(&log, 200).into_iter().find(is_error) {
            None => Ok(()),
            Some(line) => {
                let message = format!("the private PostgreSQL cluster: {}", line.trim());
                Err(StageFailure::new(Finding::preparation(message)).with_log(LOG))
            }
        }
    }

    fn step(
        &self,
        version: Version<'_>,
        argv: Vec<OsString>,
        stdin: Option<PathBuf>,
        log: &str,
    ) -> Result<(), step::StepError> {
        let Version { context, folder, plan } = version;
        let step = Step {
            argv,
            folder: &self.folder,
            environment: &self.environment,
            stdin,
            log: &folder.log(log),
            deadline: context.within(plan.migrate_timeout),
        };
        step::run_as(&step, self.account, context.interrupts)
    }

    /// Starts the server, and waits until it accepts connections.
    ///
    /// # Errors
    /// The configured port is taken; the server ended, or is not ready in time.
    pub fn start(&mut self, version: Version<'_>) -> Result<(), StageFailure> {
        // Two versions cannot have the same one.
        let is_alone = version.folder.of_side().is_none();
        let configured = version.plan.database.port.filter(|_| is_alone);
        if let Some(taken) = configured.filter(|wanted| !port::is_free(*wanted)) {
            let holder = port::describe_holder(taken);
            let message = format!("port {taken} (database.port) is held by {holder}");
            return Err(StageFailure::new(Finding::preparation(message))
                .with_advice("stop it, or leave database.port out to use a free port"));
        }
        let mut tries = 0;
        loop {
            tries += 1;
            let chosen = match configured {
                Some(port) => port,
                None => port::any_free()
                    .map_err(|error| StageFailure::new(Finding::preparation(error.to_string())))?,
            };
            match self.start_on(version, chosen) {
                Err(NotReady::Ended(status)) => {
                    let lines = log::tail(&version.folder.log(LOG), 20);
                    let is_taken = lines.iter().any(|line| line.contains("Address already in use"));
                    if !is_taken || configured.is_some() || tries >= PORTS {
                        let message = format!("PostgreSQL did not start: {status}");
                        return Err(preparation(message));
                    }
                }
                Err(NotReady::Failed(failure)) => return Err(failure),
                Ok(()) => return Ok(()),
            }
        }
    }

    fn start_on(&mut self, version: Version<'_>, port: u16) -> Result<(), NotReady> {
        let Version { context, folder, plan } = version;
        let mut argv: Vec<OsString> = vec![self.binaries.postgres.clone().into()];
        argv.extend(settings::of_server(&self.data(), port, &plan.database.settings));
        let launch = Launch {
            argv: &argv,
            folder: &self.folder,
            environment: &self.environment,
            log: &folder.log(LOG),
            account: self.account,
            stop: STOP,
        };
        let mut server = service::start(&launch).map_err(|error| {
            NotReady::Failed(preparation(format!("PostgreSQL cannot be started: {error}")))
        })?;
        let (start, limit) = (Instant::now(), context.within(READY));
        while !is_ready(&self.data()) {
            if let Some(status) = server.ended_within(TICK) {
                return Err(NotReady::Ended(status));
            }
            if let Some(signal) = context.interrupts.signal() {
                let finding = Finding::interrupted(signal);
                return Err(NotReady::Failed(StageFailure::new(finding)));
            }
            if start.elapsed() >= limit {
                let seconds = limit.as_secs_f64();
                let message = format!("PostgreSQL accepts no connections after {seconds:.0} s");
                return Err(NotReady::Failed(preparation(message)));
            }
        }
        (self.server, self.port) = (Some(server), port);
        Ok(())
    }

    /// Stops the server, and makes the statistics of every database, as a server in
    /// production has them.
    ///
    /// # Errors
    /// The server had ended before, or the statistics cannot be made.
    pub fn analyze(&mut self, version: Version<'_>) -> Result<(), StageFailure> {
        if let Some(finding) = self.ended() {
            return Err(preparation(finding.message));
        }
        self.stop();
        let analyze = |name: &String| self.alone(version, name, "VACUUM ANALYZE\n");
        self.notes.databases.iter().try_for_each(analyze)
    }

    /// Whether its server was started and not stopped.
    pub fn is_running(&self) -> bool {
        self.server.is_some()
    }

    /// A file of the databases that has some bytes in it.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn file_with(&self, needle: &[u8]) -> std::io::Result<Option<String>> {
        files::file_with(&self.data().join("base"), needle)
    }

    /// The finding if the server has ended by itself.
    pub fn ended(&mut self) -> Option<Finding> {
        let status = self.server.as_mut()?.ended_within(Duration::ZERO)?;
        Some(Finding::server(format!("the run's PostgreSQL server has ended: {status}")))
    }

    /// Stops the server.
    pub fn stop(&mut self) {
        let Some(mut server) = self.server.take() else { return };
        // It removes its shared memory itself only if it ends in an orderly way.
        if server.stop() != Ended::Politely {
            shared_memory::remove_below(&self.folder);
        }
    }

    /// The port of its server.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The password of [`ROLE`].
    pub fn password(&self) -> &str {
        &self.notes.password
    }

    /// The programs that it runs with.
    pub fn binaries(&self) -> &Binaries {
        &self.binaries
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Why a server is not ready.
enum NotReady {
    /// It ended.
    Ended(ExitStatus),
    /// Another reason.
    Failed(StageFailure),
}

/// Whether the server that uses a data directory accepts connections: line 8 of its file, as
/// `pg_ctl` reads it.
fn is_ready(data: &Path) -> bool {
    let text = std::fs::read_to_string(data.join("postmaster.pid")).unwrap_or_default();
    text.lines().nth(7).is_some_and(|line| line.trim() == "ready")
}

fn preparation(message: String) -> StageFailure {
    StageFailure::new(Finding::preparation(message)).with_log(LOG)
}

fn disk(error: &std::io::Error) -> StageFailure {
    StageFailure::disk("the run's PostgreSQL cluster", error)
}

fn unreachable(closed: &Path) -> StageFailure {
    let message = format!(
        "PostgreSQL refuses to run as root, and no other account can enter {}",
        closed.display()
    );
    StageFailure::new(Finding::preparation(message))
        .with_advice("set TMPDIR to a folder that everyone may enter, such as /tmp")
}
