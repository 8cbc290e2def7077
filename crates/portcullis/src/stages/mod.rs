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

use portcullis_core::config::{ProjectKind, When};
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
    pub venv: Option<Venv>,
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
    let venv = match version.plan.needs_environment() {
        true => Some(environment(journal, version, held)?),
        false => None,
    };
    let (project, database) = match version.plan.kind {
        ProjectKind::Django => django(journal, version, venv.as_ref())?,
        ProjectKind::Command => {
            let open = || project::open_command(version, venv.as_ref());
            journal.stage(version.folder, Stage::Step, open)?
        }
    };
    steps(journal, version, &project, When::AfterSeed)?;
    Ok(Prepared { project, database, venv })
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
) -> Result<(Project, Option<DatabaseServer>), Aborted> {
    let folder = version.folder;
    let settings = &version.plan.django.settings;
    let explained = |failure| project::explained(folder, settings, failure);
    let migrate = |project: Project, opened| {
        let StageOutput { value, cached, detail } =
            project::migrate(version, &project, venv, opened).map_err(&explained)?;
        Ok(StageOutput { value: (project, value), cached, detail })
    };
    let is_plain = version.plan.steps_at(When::BeforeMigrate).next().is_none();
    let (project, database) = if is_plain {
        journal.stage(folder, Stage::Migrate, || migrate(project::isolate(version, venv)?, None))?
    } else {
        let (project, opened) = journal.stage(folder, Stage::Step, || {
            let project = project::isolate(version, venv)?;
            let opened = project::open(version, &project).map_err(&explained)?;
            Ok(StageOutput::new((project, opened), "empty databases of the run"))
        })?;
        steps(journal, version, &project, When::BeforeMigrate)?;
        journal.stage(folder, Stage::Migrate, || migrate(project, Some(opened)))?
    };
    steps(journal, version, &project, When::AfterMigrate)?;
    let seed = || project::seed(version, &project, database).map_err(&explained);
    let database = journal.stage(folder, Stage::Seed, seed)?;
    Ok((project, database))
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
