//! Migrate: creates the temporary database, from a cached template or from scratch.

use std::path::PathBuf;
use std::time::Duration;

use portcullis_core::config::When;
use portcullis_supervise::step::{self, Step};

use super::database_server::{self, DatabaseServer};
use super::environment::Venv;
use super::templates::{self, Level, Restored};
use super::{Command, Project, refusal};
use crate::cache::Entry;
use crate::run::{StageFailure, StageOutput, Version};

/// The databases of a run before its migrations: proved to be its own, and on this server
/// if they are on one.
#[derive(Debug)]
pub struct Opened(pub Option<DatabaseServer>);

/// The empty databases of a run, for steps before the migrations.
///
/// # Errors
/// As [`migrate`].
pub fn open(version: Version<'_>, project: &Project) -> Result<Opened, StageFailure> {
    Ok(Opened(database_server::prove(version, project, None)?))
}

/// The run's database, and the cache entry for a new template.
#[derive(Debug)]
pub struct Database {
    /// Whether it was restored, already migrated and seeded.
    pub is_seeded: bool,
    /// The locked entry for a new template; `None` if no template is kept.
    pub entry: Option<Entry>,
    /// The server that it is on; `None` if it is a file.
    pub server: Option<DatabaseServer>,
}

/// Writes the write-ahead log into the database file, so that a copy is complete.
const CHECKPOINT: &str = "\
import sqlite3, sys
for path in sys.argv[1:]:
    connection = sqlite3.connect(path)
    connection.execute('PRAGMA wal_checkpoint(TRUNCATE)')
    connection.close()
";

/// Restores a seeded database; or restores a migrated one, or takes an empty one, and runs
/// the migrations. A step that runs in every run ends what can be restored: `opened` are
/// databases on which a step has run, and after a step that follows, none is seeded.
///
/// # Errors
/// The database does not belong to the run; the migrations failed or took too long; no
/// database of the run's own can replace that of the settings.
pub fn migrate(
    version: Version<'_>,
    project: &Project,
    venv: Option<&Venv>,
    opened: Option<Opened>,
) -> Result<StageOutput<Database>, StageFailure> {
    let keys = match templates::keys(version, project, venv) {
        Ok(keys) => keys,
        Err(why) => {
            let Opened(server) = opened.map_or_else(|| open(version, project), Ok)?;
            run_migrations(version, project, server.as_ref())?;
            let detail = format!("not restored: {why}{}", on(server.as_ref()));
            let database = Database { is_seeded: false, entry: None, server };
            return Ok(StageOutput::new(database, detail));
        }
    };
    let has_step = version.plan.steps_at(When::AfterMigrate).next().is_some();
    let seeded = (!has_step)
        .then(|| templates::restore(version, project, Level::Seeded, &keys.seeded))
        .transpose()?;
    let entry = match seeded {
        None => None,
        Some(Restored::Missing(entry)) => Some(entry),
        Some(Restored::Copy(server)) => {
            let detail = format!("restored from cache, with its seed{}", on(server.as_ref()));
            let value = Database { is_seeded: true, entry: None, server };
            return Ok(StageOutput { value, cached: true, detail });
        }
    };
    // Django itself applies to a restored database what is new, or says that nothing is.
    let (restored, missing) =
        match templates::restore(version, project, Level::Migrated, &keys.migrated)? {
            Restored::Copy(server) => (server, None),
            Restored::Missing(entry) => (None, Some(entry)),
        };
    let mut server = database_server::prove(version, project, restored)?;
    run_migrations(version, project, server.as_ref())?;
    let mut detail = match missing {
        None if has_step => "restored from cache before its steps".to_owned(),
        None => "restored from cache before its seed; there is none of these files yet".to_owned(),
        Some(entry) => {
            checkpoint(version, project)?;
            let why = match version.context.options.fresh {
                true => "--fresh",
                false => "none of these migrations, settings and environment yet",
            };
            let kept = templates::keep(version, project, Level::Migrated, &entry, server.as_mut())?;
            if let Some(server) = &mut server {
                server.resume(version, project)?;
            }
            match kept {
                None => format!("not restored: {why}"),
                Some(no) => format!("not restored: {why}; not cached: {no}"),
            }
        }
    };
    detail.push_str(&on(server.as_ref()));
    let database = Database { is_seeded: false, entry, server };
    Ok(StageOutput::new(database, detail))
}

/// Where a database is, in words.
fn on(server: Option<&DatabaseServer>) -> String {
    server.map_or(String::new(), |server| format!("; on {}", server.described()))
}

/// Runs the migrations, after the proof that the database belongs to the run.
fn run_migrations(
    version: Version<'_>,
    project: &Project,
    server: Option<&DatabaseServer>,
) -> Result<(), StageFailure> {
    let Version { folder, plan, .. } = version;
    let arguments = plan.migrate.iter().map(String::as_str).collect();
    let (log, deadline) = ("migrate", plan.migrate_timeout);
    let command = Command { arguments, stdin: None, log, deadline };
    project.manage(version, command).map_err(|error| {
        refusal::refused(folder, log)
            .or_else(|| server?.missing_extension(folder, log))
            .unwrap_or_else(|| StageFailure::preparation(error, "the migrations", log))
    })
}

/// Completes the database files, before they are copied into a template.
///
/// # Errors
/// SQLite fails.
pub fn checkpoint(version: Version<'_>, project: &Project) -> Result<(), StageFailure> {
    const LOG: &str = "checkpoint";
    let failed = |error: std::io::Error| StageFailure::disk("the database", &error);
    let files = std::fs::read_dir(version.folder.databases()).map_err(failed)?.flatten();
    let is_database = |path: &PathBuf| path.extension().is_some_and(|end| end == "sqlite3");
    let databases = files.map(|file| file.path()).filter(is_database);
    let mut argv = vec![project.python.clone().into(), "-c".into(), CHECKPOINT.into()];
    argv.extend(databases.map(PathBuf::into_os_string));
    let step = Step {
        argv,
        folder: &version.plan.root,
        environment: &project.environment,
        stdin: None,
        log: &version.folder.log(LOG),
        deadline: Duration::from_secs(60),
    };
    step::run(&step, version.context.interrupts)
        .map_err(|error| StageFailure::preparation(error, "the database's checkpoint", LOG))
}
