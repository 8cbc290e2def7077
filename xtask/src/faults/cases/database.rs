//! Projects on PostgreSQL: the run's own server, and what keeps it from starting.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};

use super::super::below::{of, signal, text};
use super::super::case::{FaultCase, Need, case};
use super::super::sandbox::{Outcome, Sandbox};
use crate::tools;

/// The cases.
pub fn cases() -> Vec<FaultCase> {
    vec![
        on_postgresql(
            "database/killed-in-load",
            "The run is killed while its PostgreSQL server is in use: no process, folder or shared \
             memory is left, and the next run works.",
            -9,
        )
        .flags(&["-t", "20s"])
        .during(" requests, ", |_, run| {
            std::thread::sleep(std::time::Duration::from_millis(700));
            signal(run, "KILL")
        })
        .without_results()
        .then(works_again)
        .quick(),
        on_postgresql(
            "database/server-killed",
            "The run's PostgreSQL server is killed during the load: nothing is judged green.",
            4,
        )
        .flags(&["-t", "6s"])
        .during(" requests, ", |_, run| signal(postmaster(run)?, "KILL"))
        .says("the run's PostgreSQL server has ended"),
        on_postgresql("database/initdb-fails", "`initdb` fails.", 3)
            .edit("[load]\n", "[database]\nbinaries = \"../service/programs\"\n[load]\n")
            .before(|sandbox| programs(sandbox, "echo 'no space for you' >&2; exit 1"))
            .stage("migrate")
            .says("a private PostgreSQL cluster: initdb")
            .says("no space for you")
            .quick(),
        on_postgresql("database/disk-full", "The disk is full when the cluster is made.", 3)
            .needs(Need::Mounts)
            .within(ON_A_SMALL_DISK)
            .stage("migrate")
            .says("a private PostgreSQL cluster: initdb")
            .says("No space left on device"),
        on_postgresql("database/no-initdb", "The folder of programs has no `initdb`.", 3)
            .edit("[load]\n", "[database]\nbinaries = \"../service/programs\"\n[load]\n")
            .before(|sandbox| {
                programs(sandbox, "exit 1")?;
                Ok(std::fs::remove_file(sandbox.folder.join("service/programs/initdb"))?)
            })
            .stage("migrate")
            .says("has no working postgres and initdb"),
        on_postgresql("database/port-taken", "The configured port of the server is taken.", 3)
            .edit("[load]\n", "[database]\nport = 28471\n[load]\n")
            .before(|sandbox| {
                sandbox.accompany("stranger.py", "28471")?;
                super::wait_for_listener(28471)
            })
            .stage("migrate")
            .says("port 28471 (database.port) is held by"),
        on_postgresql(
            "database/extension-missing",
            "A migration needs an extension that PostgreSQL does not have here.",
            3,
        )
        .before(|sandbox| operation(sandbox, "CreateExtension('no_such_extension')"))
        .stage("migrate")
        .says("has no extension \"no_such_extension\"")
        .says("no-such-extension"),
        on_postgresql(
            "database/superuser-migration",
            "A migration needs a superuser, which the run's own role is.",
            0,
        )
        .before(|sandbox| operation(sandbox, "migrations.RunSQL('CREATE ROLE someone SUPERUSER')"))
        .says(" on PostgreSQL "),
        asking_for_postgresql(case("database/no-driver", "The requirements have no psycopg.", 3))
            .stage("migrate")
            .says("the environment has no psycopg"),
    ]
}

/// Temporary files, and so the run's folder, on a disk with room for pip, but not for a
/// cluster (28 MB).
const ON_A_SMALL_DISK: &str = r#"exec unshare -m sh -c '
mount -t tmpfs -o size=22m,mode=711 none "$SANDBOX/tmp" && exec "$@"' sh "$@""#;

/// The bundled service on PostgreSQL; its own database would be at a host that does not
/// exist.
fn on_postgresql(name: &'static str, what: &'static str, code: i32) -> FaultCase {
    asking_for_postgresql(case(name, what, code))
        .edit("requirements.lock\"]", format!("requirements.lock\", {:?}]", driver()))
}

fn asking_for_postgresql(case: FaultCase) -> FaultCase {
    case.edit(
        "set = { DEBUG = \"True\" }",
        "set = { DEBUG = \"True\", DATABASE_URL = \"postgres://u:p@db.invalid/claims\" }",
    )
    .edit("database = \"sqlite\"", "database = \"postgresql\"")
}

fn driver() -> PathBuf {
    tools::root().join("fixtures/faults/psycopg.txt")
}

/// Programs that only say their version, in the project; `initdb` runs this script.
fn programs(sandbox: &Sandbox, initdb: &str) -> Result<()> {
    let folder = sandbox.folder.join("service/programs");
    std::fs::create_dir_all(&folder)?;
    let version = "echo 'postgres (PostgreSQL) 15.1'";
    for (name, script) in [("postgres", version), ("initdb", initdb)] {
        let path = folder.join(name);
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n"))?;
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    }
    Ok(())
}

/// Adds a migration with one operation.
fn operation(sandbox: &Sandbox, operation: &str) -> Result<()> {
    let folder = sandbox.folder.join("service/upstream/migrations");
    let names = std::fs::read_dir(&folder)?.flatten().map(|entry| entry.file_name());
    let names = names.map(|name| name.to_string_lossy().into_owned());
    let last = names.filter(|name| name.starts_with('0')).max().context("no migrations")?;
    let last = last.trim_end_matches(".py");
    let module = format!(
        "from django.contrib.postgres.operations import CreateExtension  # noqa: F401\n\
         from django.db import migrations\n\n\n\
         class Migration(migrations.Migration):\n    \
         dependencies = [(\"upstream\", \"{last}\")]\n    operations = [{operation}]\n"
    );
    Ok(std::fs::write(folder.join("9999_fault.py"), module)?)
}

/// The database server of a run.
fn postmaster(run: u32) -> Result<u32> {
    let found = of(run).into_iter().find(|pid| text(*pid, "cmdline").contains("listen_addresses"));
    found.context("the run has no database server")
}

/// Waits until the worker of the killed run has ended everything and left its folder.
fn wait_for_worker(sandbox: &Sandbox) -> Result<()> {
    let folder = std::fs::File::open(sandbox.folder.join("project/.portcullis"))?;
    for _ in 0..200 {
        if folder.try_lock().is_ok() {
            return Ok(());
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    anyhow::bail!("the worker of the killed run does not end")
}

fn works_again(sandbox: &Sandbox, _: &Outcome) -> Result<()> {
    wait_for_worker(sandbox)?;
    let again = on_postgresql("again", "", 0);
    let outcome = sandbox.again(&again, 0)?;
    ensure!(outcome.text.contains(" on PostgreSQL "), "not on PostgreSQL:\n{}", outcome.text);
    Ok(())
}
