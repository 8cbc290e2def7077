//! The stages of a run, one file each, in order. A stage takes its inputs as arguments and
//! returns its output; the journal records how it ended.

pub mod baseline;
pub mod collect;
mod health;
pub mod history;
pub mod judge;
pub mod load;
pub mod ready;
pub mod serve;
pub mod stop;

use portcullis_core::event::Stage;
use portcullis_core::judge::Finding;

use crate::host;
use crate::project::{self, DatabaseServer, Project, Venv};
use crate::run::{Aborted, Journal, StageFailure, StageOutput, Version};

/// A version that can be started.
pub struct Prepared {
    /// How its commands are run.
    pub project: Project,
    /// Its database server, if it needs one. It must run until the version's server has
    /// stopped.
    pub database: Option<DatabaseServer>,
    /// Its environment, which stays locked while its server uses it.
    pub venv: Venv,
}

/// From an empty folder to a version that can be started. `held` is an environment that the
/// run already has.
///
/// # Errors
/// A stage failed.
pub fn prepare(
    journal: &mut Journal<'_>,
    version: Version<'_>,
    held: Option<&Venv>,
) -> Result<Prepared, Aborted> {
    let folder = version.folder;
    let settings = &version.plan.django.settings;
    let explained = |failure| project::explained(folder, settings, failure);
    let venv = journal.stage(folder, Stage::Environment, || match host::small_files() {
        Some(lack) => {
            let failure = StageFailure::new(Finding::preparation(lack.to_string()));
            Err(failure.with_advice("raise the limit: `ulimit -f unlimited`"))
        }
        None => project::environment(version, held),
    })?;
    let venv = journal.stage(folder, Stage::Install, || project::install(version, venv))?;
    let (project, database) = journal.stage(folder, Stage::Migrate, || {
        let project = project::isolate(version, &venv)?;
        let StageOutput { value, cached, detail } =
            project::migrate(version, &project, &venv).map_err(&explained)?;
        Ok(StageOutput { value: (project, value), cached, detail })
    })?;
    let seed = || project::seed(version, &project, database).map_err(&explained);
    let database = journal.stage(folder, Stage::Seed, seed)?;
    Ok(Prepared { project, database, venv })
}
