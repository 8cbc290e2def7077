//! The kinds of projects and their preparation. A kind is a folder with
//!
//! - [`describe`]: the steps from an empty folder to a server, in words
//! - [`environment`] and [`install`]: the environment of Python, cached by its content
//! - [`isolate`]: the run's own settings, and the environment of every child
//! - the database of the run: for Django [`open`], [`migrate`] and [`seed`], restored from a
//!   template with the same key (migrated, or migrated and seeded), or made after the proof
//!   that it belongs to the run; for other projects [`open_command`]. A [`DatabaseServer`]
//!   runs until the server has stopped
//! - [`step`]: a command of the configuration; [`shell`]: a script of ours in Django's shell
//! - [`serve_argv`] and [`serve_environment`]: how the server is started; [`expect_proof`] and
//!   [`is_proved`]: whether it has loaded the run's settings; [`keeps_to`]: whether it uses no
//!   other databases
//! - [`refused`]: a failure that the project's log explains better; [`explained`] and
//!   [`advice_of`]: what its log says about other failures
//! - [`leaking`]: settings that reach a version although the plan does not set them
//! - [`forget`]: removes what a run leaves outside of its folder

mod command;
mod django;
mod locks;
mod steps;
mod system_packages;

pub use command::open as open_command;
pub use django::bytecode::forget;
pub use django::complaint::{advice_of, explained};
pub use django::database_server::DatabaseServer;
pub use django::dotenv::leaking;
pub use django::environment::{Venv, environment};
pub use django::install::install;
pub use django::isolation::expect_proof;
pub use django::migrate::{migrate, open};
pub use django::refusal::refused;
pub use django::seed::seed;
pub use django::{Project, isolate, requirement_texts, serve_argv, serve_environment, shell};
pub use locks::file_names;
pub use steps::run as step;
pub use system_packages::advice_to_load;

use portcullis_core::config::ProjectKind;
use portcullis_core::plan::ServePlan;
use portcullis_supervise::server::Server;

use crate::run::{RunFolder, StageFailure};

/// The steps from an empty folder to a server, each with its name.
pub fn describe(plan: &ServePlan) -> Vec<(&'static str, String)> {
    match plan.kind {
        ProjectKind::Django => django::describe(plan),
        ProjectKind::Command => command::describe(plan),
    }
}

/// Whether a project needs an environment of Python: its commands say so, or its own folder
/// has a lock or a list of requirements. One above it may be another project's.
pub fn needs_environment(plan: &ServePlan) -> bool {
    let has_list = || {
        let alone = ServePlan { top: plan.root.clone(), ..plan.clone() };
        // What cannot be read is told by the installation.
        django::sources::of(&alone).map_or(true, |sources| !sources.parts.is_empty())
    };
    plan.needs_environment() || plan.requirements.is_none() && has_list()
}

/// Whether a process of the server has loaded the run's settings. A project that is not
/// Django has none.
pub fn is_proved(plan: &ServePlan, folder: &RunFolder, server: &Server) -> bool {
    plan.kind == ProjectKind::Command || django::isolation::is_proved(folder, server)
}

/// Checks that the server uses no databases but the run's.
///
/// # Errors
/// There is one.
pub fn keeps_to(folder: &RunFolder, plan: &ServePlan, server: &Server) -> Result<(), StageFailure> {
    match plan.kind {
        ProjectKind::Django => django::isolation::keeps_to(folder, plan, server),
        ProjectKind::Command => command::isolation::keeps_to(folder, plan, server),
    }
}
