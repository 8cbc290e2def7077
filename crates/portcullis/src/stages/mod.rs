//! The stages of a run, one file each, in order. A stage takes its inputs as arguments and
//! returns its output; the journal records how it ended.

pub mod baseline;
pub mod collect;
mod elsewhere;
mod health;
pub mod history;
pub mod judge;
pub mod load;
pub mod ready;
pub mod serve;
pub mod services;
pub mod stop;

use portcullis_core::config::ServiceStart;
use portcullis_core::event::Stage;
use portcullis_core::judge::Finding;

use crate::host;
use crate::project::{self, DatabaseServer, Project, Venv};
use crate::run::{Aborted, Journal, StageFailure, StageOutput, Version};
use crate::services::configured::Services;

/// A version that can be started.
pub struct Prepared {
    /// How its commands are run.
    pub project: Project,
    /// What must run until the version's server has stopped.
    pub companions: Companions,
    /// Its environment, which stays locked while its server uses it.
    pub venv: Venv,
}

/// What runs beside a version's server.
#[derive(Default)]
pub struct Companions {
    /// The services that `perf.toml` names.
    pub services: Services,
    /// Its database server, if it needs one.
    pub database: Option<DatabaseServer>,
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
    let mut services = Services::default();
    let isolated = match services::has_any(version, ServiceStart::Migrate) {
        false => None,
        true => Some(journal.stage(folder, Stage::Services, || {
            let project = project::isolate(version, &venv)?;
            let first = ServiceStart::Migrate;
            let started = services::start(version, &project, &mut services, first)?;
            Ok(StageOutput::new(project, started.detail))
        })?),
    };
    let (project, database) = journal.stage(folder, Stage::Migrate, || {
        let project = isolated.map_or_else(|| project::isolate(version, &venv), Ok)?;
        let StageOutput { value, cached, detail } =
            project::migrate(version, &project, &venv).map_err(&explained)?;
        Ok(StageOutput { value: (project, value), cached, detail })
    })?;
    let database = journal.stage(folder, Stage::Seed, || {
        let seeded = project::seed(version, &project, database).map_err(&explained)?;
        services::still_up(&mut services)?;
        Ok(seeded)
    })?;
    if services::has_any(version, ServiceStart::Serve) {
        journal.stage(folder, Stage::Services, || {
            services::start(version, &project, &mut services, ServiceStart::Serve)
        })?;
    }
    Ok(Prepared { project, companions: Companions { services, database }, venv })
}
