//! The kind of the project and its preparation: the seam for a second kind. Its functions
//! are
//!
//! - [`describe`]: the steps from an empty folder to a server, in words
//! - [`environment`] and [`install`]: the environment of the project, cached by its content
//! - [`isolate`]: the run's own settings, and the environment of every child
//! - [`migrate`] and [`seed`]: the temporary database, restored from a template with the
//!   same key (migrated, or migrated and seeded), or made after the proof that it belongs
//!   to the run; a [`DatabaseServer`] runs until the server has stopped
//! - [`shell`]: a script of ours in the project's own shell, after the proof of isolation
//! - [`serve_argv`] and [`serve_environment`]: how the server is started; [`expect_proof`] and
//!   [`is_proved`]: whether it has loaded the run's settings; [`keeps_to`]: whether it uses no
//!   other databases
//! - [`refused`]: a failure that the project's log explains better; [`explained`] and
//!   [`advice_of`]: what its log says about other failures
//! - [`leaking`]: settings that reach a version although the plan does not set them
//! - [`forget`]: removes what a run leaves outside of its folder
//!
//! Django is the only kind.

mod django;
mod locks;
mod system_packages;

pub use django::bytecode::forget;
pub use django::complaint::{advice_of, explained};
pub use django::database_server::DatabaseServer;
pub use django::dotenv::leaking;
pub use django::environment::{Venv, environment};
pub use django::install::install;
pub use django::isolation::{expect_proof, is_proved, keeps_to};
pub use django::migrate::migrate;
pub use django::refusal::refused;
pub use django::seed::seed;
pub use django::{
    Project, describe, isolate, requirement_texts, serve_argv, serve_environment, shell,
};
pub use locks::file_names;
pub use system_packages::advice_to_load;
