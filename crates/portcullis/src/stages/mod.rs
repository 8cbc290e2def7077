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

use portcullis_core::config::{ProjectKind, ServiceStart, When};
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
    pub venv: Option<Venv>,
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
    let venv = match project::needs_environment(version.plan) {
        true => Some(environment(journal, version, held)?),
        false => None,
    };
    let mut services = Services::default();
    let (project, database) = match version.plan.kind {
        ProjectKind::Django => django(journal, version, venv.as_ref(), &mut services)?,
        ProjectKind::Command => {
            let open = || project::open_command(version, venv.as_ref());
            let (project, database) = journal.stage(version.folder, Stage::Step, open)?;
            start(journal, version, &project, &mut services, ServiceStart::Migrate)?;
            (project, database)
        }
    };
    steps(journal, version, &project, When::AfterSeed)?;
    start(journal, version, &project, &mut services, ServiceStart::Serve)?;
    Ok(Prepared { project, companions: Companions { services, database }, venv })
}

/// The environment of Python, with the requirements.
fn environment(
    journal: &mut Journal<'_>,
    version: Version<'_>,
    held: Option<&Venv>,
) -> Result<Venv, Aborted> {
    let folder = version.folder;
    let venv = journal.stage(folder, Stage::Environment, || match host::small_files() {
        Some(lack) => {
            let failure = StageFailure::new(Finding::preparation(lack.to_string()));
            Err(failure.with_advice("raise the limit: `ulimit -f unlimited`"))
        }
        None => project::environment(version, held),
    })?;
    journal.stage(folder, Stage::Install, || project::install(version, venv))
}

/// The filled database of a Django project.
fn django(
    journal: &mut Journal<'_>,
    version: Version<'_>,
    venv: Option<&Venv>,
    services: &mut Services,
) -> Result<(Project, Option<DatabaseServer>), Aborted> {
    let Version { folder, plan, .. } = version;
    let explained = |failure| project::explained(folder, &plan.django.settings, failure);
    let mut isolated = None;
    if services::has_any(version, ServiceStart::Migrate) {
        let first = ServiceStart::Migrate;
        isolated = Some(journal.stage(folder, Stage::Services, || {
            let project = project::isolate(version, venv)?;
            let started = services::start(version, &project, services, first)?;
            Ok(StageOutput::new(project, started.detail))
        })?);
    }
    let mut opened = None;
    if plan.steps_at(When::BeforeMigrate).next().is_some() {
        let project = journal.stage(folder, Stage::Step, || {
            let project = isolated.take().map_or_else(|| project::isolate(version, venv), Ok)?;
            opened = Some(project::open(version, &project).map_err(&explained)?);
            Ok(StageOutput::new(project, "empty databases of the run"))
        })?;
        steps(journal, version, &project, When::BeforeMigrate)?;
        isolated = Some(project);
    }
    let (project, database) = journal.stage(folder, Stage::Migrate, || {
        let project = isolated.map_or_else(|| project::isolate(version, venv), Ok)?;
        let StageOutput { value, cached, detail } =
            project::migrate(version, &project, venv, opened).map_err(&explained)?;
        Ok(StageOutput { value: (project, value), cached, detail })
    })?;
    steps(journal, version, &project, When::AfterMigrate)?;
    let database = journal.stage(folder, Stage::Seed, || {
        let seeded = project::seed(version, &project, database).map_err(&explained)?;
        services::still_up(services)?;
        Ok(seeded)
    })?;
    Ok((project, database))
}

/// The services of one time, if there are any.
fn start(
    journal: &mut Journal<'_>,
    version: Version<'_>,
    project: &Project,
    services: &mut Services,
    at: ServiceStart,
) -> Result<(), Aborted> {
    if !services::has_any(version, at) {
        return Ok(());
    }
    let start = || services::start(version, project, services, at);
    journal.stage(version.folder, Stage::Services, start)
}

/// The steps at one place, each a stage.
fn steps(
    journal: &mut Journal<'_>,
    version: Version<'_>,
    project: &Project,
    when: When,
) -> Result<(), Aborted> {
    let Version { folder, plan, .. } = version;
    plan.steps_at(when).try_for_each(|step| {
        journal.stage(folder, Stage::Step, || {
            project::step(version, project, step)
                .map_err(|failure| project::explained(folder, &plan.django.settings, failure))
        })
    })
}
