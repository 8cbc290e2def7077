//! Migrate: creates the temporary database, from the cached template or from scratch.

use std::path::{Path, PathBuf};
use std::time::Duration;

use portcullis_core::plan::ServePlan;

use super::environment::Venv;
use super::{Command, Project, isolation, refusal};
use crate::cache::cache_key::Key;
use crate::cache::{self, Entry, Hold};
use crate::run::{Role, RunFolder, StageFailure, StageOutput, Version};

/// The run's database, and the cache entry for a new template.
#[derive(Debug)]
pub struct Database {
    /// Whether it is a copy of a template, already migrated and seeded.
    pub is_copy: bool,
    /// The locked entry for a new template; `None` if no template is kept.
    pub entry: Option<Entry>,
}

/// Templates are rebuilt after this time, because dates in the seed are relative to the
/// day.
const OLDEST: Duration = Duration::from_secs(7 * 24 * 3600);
const KIND: &str = "database";

/// Copies the template, or migrates an empty database.
///
/// # Errors
/// The database does not belong to the run; the migrations failed or took too long; the
/// database is not SQLite.
pub fn migrate(
    version: Version<'_>,
    project: &Project,
    venv: &Venv,
) -> Result<StageOutput<Database>, StageFailure> {
    let Version { context, folder, plan } = version;
    // Variables from the caller's shell are not part of any key, and may change anything. With
    // them no template is used or created.
    let key = match project.has_passed {
        true => None,
        false => key(version, project, venv),
    };
    let is_fresh = context.options.fresh;
    if let Some(key) = key.as_deref().filter(|_| !is_fresh) {
        let entry = open(version, key, Hold::Shared)?;
        if copy_template(folder, &entry) {
            return Ok(copied());
        }
    }
    let mut database = Database { is_copy: false, entry: None };
    if let Some(key) = key {
        let entry = open(version, &key, Hold::Alone)?;
        // Another run may have created it while we waited.
        if !is_fresh && copy_template(folder, &entry) {
            return Ok(copied());
        }
        database.entry = Some(entry);
    }
    isolation::prove(version, project)?;
    let arguments = plan.migrate.iter().map(String::as_str).collect();
    let (log, deadline) = ("migrate", plan.migrate_timeout);
    let command = Command { arguments, stdin: None, log, deadline };
    project.manage(version, command).map_err(|error| {
        refusal::refused(folder, log)
            .unwrap_or_else(|| StageFailure::preparation(error, "the migrations", log))
    })?;
    Ok(StageOutput::new(database, "empty database"))
}

fn copied() -> StageOutput<Database> {
    let value = Database { is_copy: true, entry: None };
    StageOutput { value, cached: true, detail: "restored from cache".to_owned() }
}

fn open(version: Version<'_>, key: &str, hold: Hold) -> Result<Entry, StageFailure> {
    let context = version.context;
    let waiting =
        |who| context.note(format!("waiting for {who}, which is creating the database template"));
    let patience = (context.interrupts, context.left());
    Ok(cache::open(&context.cache, KIND, key, hold, patience, waiting)?)
}

fn copy_template(folder: &RunFolder, entry: &Entry) -> bool {
    let is_fresh = entry.age().is_some_and(|age| age <= OLDEST);
    let folder = folder.databases();
    let is_copied = is_fresh && copy_databases(entry.path(), &folder).is_ok_and(|n| n > 0);
    if !is_copied {
        // A database that is left would be migrated and seeded a second time.
        for left in databases(&folder).unwrap_or_default() {
            let _ = std::fs::remove_file(left);
        }
    }
    is_copied
}

/// Copies every database file of a folder; returns their number.
///
/// # Errors
/// The system refuses.
fn copy_databases(from: &Path, to: &Path) -> std::io::Result<usize> {
    let mut copied = 0;
    for path in databases(from)? {
        if let Some(name) = path.file_name() {
            std::fs::copy(&path, to.join(name))?;
            copied += 1;
        }
    }
    Ok(copied)
}

/// The database files of a folder, without side files.
///
/// # Errors
/// The system refuses.
pub fn databases(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "sqlite3") {
            found.push(path);
        }
    }
    Ok(found)
}

/// Keeps a migrated and seeded database as a template for later runs. It is not kept if it
/// still has side files.
///
/// # Errors
/// The template cannot be written.
pub fn keep(version: Version<'_>, entry: &Entry) -> Result<(), StageFailure> {
    let Version { context, folder: own, .. } = version;
    let folder = own.databases();
    let failed = |error: std::io::Error| StageFailure::disk("the database template", &error);
    let files = std::fs::read_dir(&folder).map_err(failed)?.count();
    if files != databases(&folder).map_err(failed)?.len() {
        context.warn("the database has side files after its checkpoint: it is not cached");
        return Ok(());
    }
    // Rows would refer to files that the template does not have.
    let is_filled = |name: &&str| {
        std::fs::read_dir(own.path().join(name)).is_ok_and(|mut files| files.next().is_some())
    };
    if let Some(name) = ["media", "storages", "sessions", "caches"].into_iter().find(is_filled) {
        context.warn(format!("the seed wrote files ({name}): the database is not cached"));
        return Ok(());
    }
    cache::prune(&context.cache, KIND, OLDEST);
    entry.clear().map_err(failed)?;
    copy_databases(&folder, entry.path()).map_err(failed)?;
    entry.complete().map_err(failed)
}

/// The key over everything that the content of a migrated and seeded database depends on.
/// `None` if something is unknown; then the database is rebuilt.
fn key(version: Version<'_>, project: &Project, venv: &Venv) -> Option<String> {
    let Version { context, folder, plan } = version;
    let scratch = folder.scratch();
    let git = context.git(&plan.root, &scratch);
    let mut key = beside_sources(plan, project, venv);
    // The base may use a seed that is not in its tree.
    for (name, path) in [("seed", &plan.seed_script), (".env", &project.leaking_env)] {
        if let Some(path) = path {
            key.add_file(name, path).ok()?;
        }
    }
    if folder.of_side().is_some() {
        // Seeds use dates relative to the day, so both versions of one comparison use the same
        // day.
        key.add("day", context.day().to_le_bytes());
    }
    // The base's files are not in a repository, but its tree is known.
    if let Role::Base(base) | Role::BaseLoad(base) = folder.role() {
        return Some(key.add("tree", &base.tree).finish());
    }
    let Some(files) = git.files().filter(|files| !files.is_empty()) else {
        context.note("git lists no files here: the database is rebuilt in every run");
        return None;
    };
    // Files that a run may write itself do not influence a database.
    let baseline = context.planned.plan.baseline.as_ref().map(|baseline| baseline.file.as_path());
    for file in files.iter().filter(|file| Some(plan.root.join(file).as_path()) != baseline) {
        key.add_file(&format!("file {}", file.to_string_lossy()), &plan.root.join(file)).ok()?;
    }
    Some(key.finish())
}

/// The parts of the key other than the sources.
fn beside_sources(plan: &ServePlan, project: &Project, venv: &Venv) -> Key {
    let mut key = Key::default();
    key.add("format", "3")
        .add("venv", &venv.key)
        .add("local code", &venv.code)
        .add("settings", &plan.django.settings);
    key.add("migrate", plan.migrate.join("\0"));
    key.add("seed user", plan.django.seed_user.as_deref().unwrap_or(""));
    for (path, value) in &plan.django.overrides {
        key.add(&format!("override {path}"), value.to_string());
    }
    let mut fixed = project.fixed.clone();
    fixed.sort_unstable();
    for (name, value) in &fixed {
        key.add(&format!("environment {name}"), value);
    }
    key
}
