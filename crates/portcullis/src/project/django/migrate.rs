//! Migrate: creates the temporary database, from a cached template or from scratch.

use std::path::PathBuf;
use std::time::Duration;

use portcullis_supervise::step::{self, Step};

use super::environment::Venv;
use super::templates::{self, Level};
use super::{Command, Project, isolation, refusal};
use crate::cache::Entry;
use crate::run::{StageFailure, StageOutput, Version};

/// The run's database, and the cache entry for a new template.
#[derive(Debug)]
pub struct Database {
    /// Whether it was restored, already migrated and seeded.
    pub is_seeded: bool,
    /// The locked entry for a new template; `None` if no template is kept.
    pub entry: Option<Entry>,
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
/// the migrations.
///
/// # Errors
/// The database does not belong to the run; the migrations failed or took too long; the
/// database is not SQLite.
pub fn migrate(
    version: Version<'_>,
    project: &Project,
    venv: &Venv,
) -> Result<StageOutput<Database>, StageFailure> {
    let keys = match templates::keys(version, project, venv) {
        Ok(keys) => keys,
        Err(why) => {
            run_migrations(version, project)?;
            let database = Database { is_seeded: false, entry: None };
            return Ok(StageOutput::new(database, format!("not restored: {why}")));
        }
    };
    let Some(entry) = templates::restore(version, Level::Seeded, &keys.seeded)? else {
        let value = Database { is_seeded: true, entry: None };
        let detail = "restored from cache, with its seed".to_owned();
        return Ok(StageOutput { value, cached: true, detail });
    };
    let database = Database { is_seeded: false, entry: Some(entry) };
    // Django itself applies to a restored database what is new, or says that nothing is.
    let migrated = templates::restore(version, Level::Migrated, &keys.migrated)?;
    run_migrations(version, project)?;
    let detail = match migrated {
        None => "restored from cache before its seed; there is none of these files yet".to_owned(),
        Some(entry) => {
            checkpoint(version, project)?;
            let why = match version.context.options.fresh {
                true => "--fresh",
                false => "none of these migrations, settings and environment yet",
            };
            match templates::keep(version, Level::Migrated, &entry)? {
                None => format!("not restored: {why}"),
                Some(no) => format!("not restored: {why}; not cached: {no}"),
            }
        }
    };
    Ok(StageOutput::new(database, detail))
}

/// Runs the migrations, after the proof that the database belongs to the run.
fn run_migrations(version: Version<'_>, project: &Project) -> Result<(), StageFailure> {
    isolation::prove(version, project)?;
    let Version { folder, plan, .. } = version;
    let arguments = plan.migrate.iter().map(String::as_str).collect();
    let (log, deadline) = ("migrate", plan.migrate_timeout);
    let command = Command { arguments, stdin: None, log, deadline };
    project.manage(version, command).map_err(|error| {
        refusal::refused(folder, log)
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
