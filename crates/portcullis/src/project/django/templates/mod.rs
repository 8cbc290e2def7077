//! Database templates: a run starts with a copy of the database that an earlier run has
//! made, if everything that decides its content is the same. There are two levels, so that
//! a changed view costs a check of the migrations, and not all of them.

mod content;
mod keys;
mod migrations;
mod sources;

pub use content::NotKept;
pub use keys::keys;
pub use sources::{Content as SourceContent, Source, everything};

use std::time::Duration;

use portcullis_core::config::ServiceKind;

use super::Project;
use super::database_server::DatabaseServer;
use crate::cache::{self, Entry, Hold};
use crate::run::{StageFailure, Version};
use crate::services::redis;

/// What a template has in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Migrated, without the seed. It depends on the migrations, the settings and the
    /// environment.
    Migrated,
    /// Migrated and seeded. It depends on every file, and on the day.
    Seeded,
}

impl Level {
    /// The kind of its entries in the cache.
    fn kind(self) -> &'static str {
        match self {
            Self::Migrated => "database-migrated",
            Self::Seeded => "database",
        }
    }

    /// Older templates are not used and are removed, because dates in data get old.
    fn oldest(self) -> Duration {
        const DAY: u64 = 24 * 3600;
        match self {
            Self::Migrated => Duration::from_secs(7 * DAY),
            Self::Seeded => Duration::from_secs(2 * DAY),
        }
    }
}

/// What the cache has for a run.
pub enum Restored {
    /// The run has a copy of a template, and its server runs, if it is on one.
    Copy(Option<DatabaseServer>),
    /// There is no template. Its entry is locked, so that other runs wait until it is kept.
    Missing(Entry),
}

/// Gives the run a copy of a template, if there is one.
///
/// # Errors
/// The cache cannot be used, or the server of the databases cannot be started.
pub fn restore(
    version: Version<'_>,
    project: &Project,
    level: Level,
    key: &str,
) -> Result<Restored, StageFailure> {
    let is_fresh = version.context.options.fresh;
    if !is_fresh {
        let entry = open(version, level, key, Hold::Shared)?;
        if let Some(server) = give(version, project, level, &entry)? {
            return Ok(Restored::Copy(server));
        }
    }
    let entry = open(version, level, key, Hold::Alone)?;
    // Another run may have created it while we waited.
    if !is_fresh && let Some(server) = give(version, project, level, &entry)? {
        return Ok(Restored::Copy(server));
    }
    Ok(Restored::Missing(entry))
}

fn open(version: Version<'_>, level: Level, key: &str, hold: Hold) -> Result<Entry, StageFailure> {
    let context = version.context;
    let waiting =
        |who| context.note(format!("waiting for {who}, which is creating the database template"));
    let patience = (context.interrupts, context.left());
    Ok(cache::open(&context.cache, level.kind(), key, hold, patience, waiting)?)
}

/// Copies a template into the run. `None` if it cannot be used; the inner value is its
/// server, if it is on one.
fn give(
    version: Version<'_>,
    project: &Project,
    level: Level,
    entry: &Entry,
) -> Result<Option<Option<DatabaseServer>>, StageFailure> {
    let is_young = entry.age().is_some_and(|age| age <= level.oldest());
    if is_young && content::give(entry.path(), version.folder).is_ok() {
        if !DatabaseServer::is_kept_in(entry.path()) {
            return Ok(Some(None));
        }
        if let Some(server) = DatabaseServer::restore(version, project, entry.path())? {
            return Ok(Some(Some(server)));
        }
    }
    // A database that is left would be migrated and seeded a second time.
    let _ = version.folder.clear_data();
    Ok(None)
}

/// Keeps the run's database as a template; a server of it is stopped. Returns why it is not
/// kept, if it cannot be one: also if a service has something that belongs to it.
///
/// # Errors
/// The template cannot be written.
pub fn keep(
    version: Version<'_>,
    project: &Project,
    level: Level,
    entry: &Entry,
    server: Option<&mut DatabaseServer>,
) -> Result<Option<String>, StageFailure> {
    let failed = |error: std::io::Error| StageFailure::disk("the database template", &error);
    cache::prune(&version.context.cache, level.kind(), level.oldest());
    entry.clear().map_err(failed)?;
    if let Some(why) = kept_elsewhere(version, project) {
        return Ok(Some(why));
    }
    let taken = content::take(version.folder, entry.path());
    let taken = taken.and_then(|()| match server {
        Some(server) => server.keep_in(version, entry.path()),
        None => Ok(()),
    });
    match taken {
        Ok(()) => {
            entry.complete().map_err(failed)?;
            Ok(None)
        }
        Err(NotKept::Unwritable(error)) => Err(failed(error)),
        Err(why) => {
            // What was copied is no template, and may be large.
            entry.clear().map_err(failed)?;
            Ok(Some(why.to_string()))
        }
    }
}

/// Why the database alone is not everything that was migrated and seeded.
fn kept_elsewhere(version: Version<'_>, project: &Project) -> Option<String> {
    let stores = version
        .plan
        .services
        .iter()
        .filter(|service| service.kind == ServiceKind::Redis && !service.is_stateless);
    let ports = stores.filter_map(|store| Some((&store.name, project.ports.of(&store.name)?)));
    ports.filter_map(|(name, port)| redis::kept_by(version, &project.python, name, port)).next()
}
