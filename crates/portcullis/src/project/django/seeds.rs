//! The kinds of seeds: what fills the database of a run. All run through `manage.py` with the
//! run's settings, so that none reaches another database.

use std::path::{Path, PathBuf};

use portcullis_core::config::SeedSource;
use portcullis_core::plan::Seed;

use super::database_server::DatabaseServer;
use super::seed::python_literal;
use super::{Command, Project, refusal};
use crate::run::{StageFailure, Version};

const LOG: &str = "seed";

/// Statements into the default database. They run as they are on a connection of the
/// database's own driver, and the rows of `COPY` are sent as `psql` does.
const SQL: &str = include_str!("seed_sql.py");

/// Runs one seed.
///
/// # Errors
/// It failed or took too long.
pub fn run(
    version: Version<'_>,
    project: &Project,
    seed: &Seed,
    server: Option<&DatabaseServer>,
) -> Result<(), StageFailure> {
    let deadline = version.plan.seed_timeout;
    let manage = |arguments: Vec<&str>| {
        project.manage(version, Command { arguments, stdin: None, log: LOG, deadline })
    };
    let shell = |script: PathBuf| project.manage(version, Command::shell(script, LOG, deadline));
    let path = |path: &Path| python_literal(&path.to_string_lossy());
    let done = match seed {
        Seed::Manage(arguments) => manage(arguments.iter().map(String::as_str).collect()),
        Seed::File(SeedSource::Fixture, file) => {
            manage(vec!["loaddata", file.to_string_lossy().as_ref()])
        }
        Seed::File(SeedSource::Sql, file) => {
            shell(script(version, &SQL.replace("\"PATH\"", &path(file)))?)
        }
        Seed::File(SeedSource::Python, file) => shell(script(version, &program(&path(file)))?),
        Seed::File(_, file) => shell(file.clone()),
    };
    done.map_err(|error| {
        let what = match version.plan.seeds.len() {
            1 => "the seed".to_owned(),
            _ => format!("the seed \"{seed}\""),
        };
        refusal::refused(version.folder, LOG)
            .or_else(|| server?.missing_extension(version.folder, LOG))
            .unwrap_or_else(|| StageFailure::preparation(error, &what, LOG))
    })
}

/// A program as Python itself runs one, but after Django's setup.
fn program(path: &str) -> String {
    format!(
        "import os as _os, runpy as _runpy, sys as _sys\n\
         _sys.argv = [{path}]\n\
         _sys.path.insert(0, _os.path.dirname({path}))\n\
         _runpy.run_path({path}, run_name=\"__main__\")\n"
    )
}

fn script(version: Version<'_>, text: &str) -> Result<PathBuf, StageFailure> {
    let path = version.folder.script("seed.py");
    std::fs::write(&path, text)
        .map_err(|error| StageFailure::disk("a script of our own", &error))?;
    Ok(path)
}
