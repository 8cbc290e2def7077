//! Seed: the fixture, through the Django shell, and the proof that it is there.

use std::ffi::OsString;
use std::time::Duration;

use portcullis_core::outcome::Finding;
use portcullis_core::plan::ServePlan;
use portcullis_supervise::finite::{self, Step};

use super::Project;
use super::database::{self, Database};
use crate::project::django::settings_overlay::python_literal;
use crate::run::{Done, Failure, Run};
use crate::stages::{disk, preparation};

const MARK: &str = "PORTCULLIS-USER-";

/// Folds the write-ahead log into the database, so that a copy is whole.
const CHECKPOINT: &str = "\
import sqlite3, sys
for path in sys.argv[1:]:
    connection = sqlite3.connect(path)
    connection.execute('PRAGMA wal_checkpoint(TRUNCATE)')
    connection.close()
";

/// Seeds the database, proves the user, and keeps the template.
///
/// # Errors
/// The script failed or took too long, or made no user.
pub fn fill(
    run: &mut Run<'_>,
    plan: &ServePlan,
    project: &Project,
    database: Database,
) -> Result<Done<()>, Failure> {
    if database.is_copy {
        return Ok(Done { value: (), cached: true, detail: String::new() });
    }
    let shell = ["shell".to_owned()];
    if let Some(script) = &plan.seed_script {
        let stdin = Some(script.clone());
        project
            .manage(run, plan, &shell, stdin, "seed", plan.seed_timeout)
            .map_err(|error| preparation(error, "the seed", "seed"))?;
    }
    if let Some(user) = &plan.django.seed_user {
        prove_user(run, plan, project, user)?;
    }
    if let Some(entry) = &database.entry {
        checkpoint(run, plan, project)?;
        database::keep(run, entry)?;
    }
    let user = plan.django.seed_user.as_deref();
    Ok(Done::new((), user.map_or(String::new(), |user| format!("{user} exists"))))
}

/// A script that ends well may have made nothing: in Django's shell `__name__`
/// is not `__main__`, and a main guard seeds nothing.
fn prove_user(
    run: &Run<'_>,
    plan: &ServePlan,
    project: &Project,
    user: &str,
) -> Result<(), Failure> {
    let script = format!(
        "from django.contrib.auth import get_user_model as _model\n\
         _found = _model()._base_manager.filter(**{{_model().USERNAME_FIELD: {}}}).exists()\n\
         print(\"{MARK}\" + (\"PRESENT\" if _found else \"ABSENT\"))\n",
        python_literal(user)
    );
    let path = run.folder().join("scratch/prove_user.py");
    std::fs::write(&path, script).map_err(|error| disk("a script of our own", &error))?;
    let shell = ["shell".to_owned()];
    project
        .manage(run, plan, &shell, Some(path), "prove-user", Duration::from_secs(60))
        .map_err(|error| preparation(error, "looking for the seeded user", "prove-user"))?;
    let output = std::fs::read(run.log("prove-user")).unwrap_or_default();
    // Put together when it is printed: a shell that echoes its input proves nothing.
    let present = format!("{MARK}PRESENT");
    if String::from_utf8_lossy(&output).lines().any(|line| line.trim() == present) {
        return Ok(());
    }
    let message = format!("the seed ended well, but there is no user \"{user}\" in the database");
    Err(Failure::new(Finding::Preparation(message)).with_log("seed").with_advice(
        "the script runs inside Django's shell, where __name__ is not \"__main__\": call its \
         functions without a main guard",
    ))
}

fn checkpoint(run: &Run<'_>, plan: &ServePlan, project: &Project) -> Result<(), Failure> {
    let failed = |error: std::io::Error| disk("the database", &error);
    let databases = database::databases(&run.folder().join("db")).map_err(failed)?;
    let mut argv: Vec<OsString> =
        vec![project.python.clone().into(), "-c".into(), CHECKPOINT.into()];
    argv.extend(databases.into_iter().map(OsString::from));
    let step = Step {
        argv,
        folder: &plan.root,
        environment: &project.environment,
        stdin: None,
        log: &run.log("checkpoint"),
        deadline: Duration::from_secs(60),
    };
    finite::run(&step, run.interrupts)
        .map_err(|error| preparation(error, "the database's checkpoint", "checkpoint"))
}
