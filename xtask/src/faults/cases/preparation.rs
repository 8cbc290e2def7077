//! Migrations and seeds that fail, hang, ask questions, flood the log, or create nothing.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::super::actions::{add_migration, find, prepend, private};
use super::super::below::signal;
use super::super::case::{FaultCase, case};
use super::super::sandbox::{Outcome, Sandbox};

/// The bundled seed, in the copy of the service.
const SEED: &str = "perf/seed_user_a.py";

/// The cases.
pub fn cases() -> Vec<FaultCase> {
    [migrations(), seeds(), steps(), templates()].into_iter().flatten().collect()
}

/// The copy of the service becomes a repository.
fn commit(sandbox: &Sandbox) -> Result<()> {
    for arguments in [
        &["init", "-q"][..],
        &["add", "-A"],
        &["-c", "user.name=F", "-c", "user.email=f@localhost", "commit", "-q", "-m", "all"],
    ] {
        let mut git = Command::new("git");
        let status = git.args(arguments).current_dir(sandbox.folder.join("service")).status()?;
        ensure!(status.success(), "git {arguments:?}");
    }
    Ok(())
}

/// Code of the server that fails without what the seed has stored.
const NEEDS_STORED: &str = "\
import sys
from django.core.files.storage import default_storage
if 'runserver' in sys.argv:
    assert default_storage.exists('stored.txt'), 'the file of the seed is missing'
";
const STORES: &str = "\
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
default_storage.save('stored.txt', ContentFile(b'1'))
";

fn steps() -> Vec<FaultCase> {
    const FAILING: &str = "[[step]]\nname = \"assets\"\nargv = [\"sh\", \"-c\", \"echo no \
                           compiler here; exit 7\"]\n\n[server]\n";
    const FOREIGN: &str = "[[step]]\nargv = [\"{python}\", \"-c\", \"import sqlite3; \
                           sqlite3.connect('mine.sqlite3')\"]\n\n[server]\n";
    vec![
        case("step/fails", "A step ends with 7: its name, its log, and no server.", 3)
            .edit("[server]\n", FAILING)
            .says("the step \"assets\": ")
            .says("exit 7 ended with exit status: 7")
            .says("no compiler here")
            .stage("step"),
        case("step/opens-another-database", "A step opens a database file of its own.", 3)
            .edit("[server]\n", FOREIGN)
            .says("mine.sqlite3 was to be opened, which is not a database of this run")
            .stage("step")
            .then(|sandbox, _| {
                let file = sandbox.folder.join("service/mine.sqlite3");
                ensure!(!file.exists(), "the file was made");
                Ok(())
            }),
    ]
}

fn templates() -> Vec<FaultCase> {
    vec![
        case(
            "migrate-and-seed/files-of-the-seed-come-back",
            "The service needs a file that the seed has stored: a restored run has it too.",
            0,
        )
        .before(|sandbox| {
            prepend(sandbox, SEED, STORES)?;
            prepend(sandbox, "upstream/views.py", NEEDS_STORED)?;
            commit(sandbox)
        })
        .then(|sandbox, _| {
            let again = sandbox.again(&case("again", "", 0), 0)?;
            ensure!(
                again.text.contains("restored from cache, with its seed"),
                "the second run was not restored:\n{}",
                again.text
            );
            Ok(())
        }),
        case(
            "migrate-and-seed/template-with-the-path-of-a-run",
            "The seed stores the path of the run's folder: such a database is not cached.",
            0,
        )
        .before(|sandbox| {
            let text = "\
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
default_storage.save('where.txt', ContentFile(str(settings.MEDIA_ROOT).encode()))
";
            prepend(sandbox, SEED, text)?;
            commit(sandbox)
        })
        .says("not cached: media/where.txt has the path of this run in it")
        .then(|sandbox, _| {
            let again = sandbox.again(&case("again", "", 0), 0)?;
            let says = "restored from cache before its seed";
            ensure!(again.text.contains(says), "not {says}:\n{}", again.text);
            Ok(())
        }),
        case(
            "migrate-and-seed/migration-is-edited",
            "A migration that was applied is edited: the database is made again.",
            0,
        )
        .before(|sandbox| {
            add_migration(sandbox, "pass")?;
            commit(sandbox)
        })
        .then(|sandbox, _| {
            let path = sandbox.folder.join("service/upstream/migrations/0007_fault.py");
            let written = std::fs::metadata(&path)?.modified()?;
            add_migration(sandbox, "raise SystemExit('the edited migration ran')")?;
            let again = sandbox.again(&case("again", "", 3), 3)?;
            ensure!(again.text.contains("the edited migration ran"), "{}", again.text);
            // As it was: nothing else may have changed.
            add_migration(sandbox, "pass")?;
            Ok(std::fs::File::options().append(true).open(&path)?.set_modified(written)?)
        }),
    ]
}

fn migrations() -> Vec<FaultCase> {
    vec![
        case("migrate-and-seed/migration-fails", "A migration raises an exception.", 3)
            .faults("migrate=raise")
            .stage("migrate")
            .says("ERROR: the migrations")
            .quick(),
        case(
            "migrate-and-seed/migration-hangs",
            "A migration hangs: at the deadline its stack is written to the log, and it is stopped.",
            3,
        )
        .faults("migrate=hang")
        .edit("[server]\n", "[steps]\nmigrate_timeout = \"3s\"\n[server]\n")
        .stage("migrate")
        .says("did not end within 3 s and was stopped")
        .says("most recent call first")
        .quick(),
        case(
            "migrate-and-seed/migration-asks",
            "A migration asks a question: it fails at once, because standard input is empty.",
            3,
        )
        .before(|sandbox| add_migration(sandbox, "input('Really? [y/N] ')"))
        .stage("migrate")
        .says("EOFError: EOF when reading a line")
        .quick(),
        case(
            "migrate-and-seed/migrate-killed",
            "The migration process is killed; the next run works.",
            3,
        )
        .faults("migrate=hang")
        .during("  install ", |_, run| {
            let migrate = find(run, " migrate ")?;
            std::thread::sleep(Duration::from_millis(500));
            signal(migrate, "KILL")
        })
        .stage("migrate")
        .says("ended with signal: 9")
        .then(works_again),
    ]
}

fn seeds() -> Vec<FaultCase> {
    vec![
        case(
            "migrate-and-seed/seed-raises-half-way",
            "The seed raises an exception in the middle, twice; the next run works.",
            3,
        )
        .faults("seed=raise@half")
        .stage("seed")
        .then(|sandbox, outcome| {
            sandbox.again(&case("again", "", 3).faults("seed=raise@half"), 3)?;
            works_again(sandbox, outcome)
        }),
        case(
            "migrate-and-seed/seed-hangs",
            "The seed hangs: at the deadline its stack is written to the log, and it is stopped.",
            3,
        )
        .faults("seed=hang")
        .edit("[server]\n", "[steps]\nseed_timeout = \"3s\"\n[server]\n")
        .stage("seed")
        .says("did not end within 3 s and was stopped")
        .says("most recent call first"),
        case("migrate-and-seed/seed-asks", "The seed asks a question: it fails at once.", 3)
            .before(|sandbox| prepend(sandbox, SEED, "input('Really? [y/N] ')\n"))
            .stage("seed")
            .says("EOFError: EOF when reading a line")
            .quick(),
        case("migrate-and-seed/seed-floods", "The seed prints 50 MB: its log is truncated.", 0)
            .before(|sandbox| {
                let flood = "for _ in range(50):\n    print('x' * 1048575)\n";
                prepend(sandbox, SEED, &format!("{flood}\nprint('the flood is over')\n"))
            })
            .then(|_, outcome| {
                let logs = outcome.files.iter().filter(|(name, _)| name.starts_with("logs/seed"));
                let bytes: usize = logs.map(|(_, bytes)| bytes.len()).sum();
                ensure!(bytes < 8 << 20, "the seed's logs in the artifacts are {bytes} bytes long");
                ensure!(outcome.place_of("the flood is over").is_some(), "the log's end is lost");
                Ok(())
            }),
        case(
            "migrate-and-seed/other-user",
            "The seed creates other users than the expected one.",
            3,
        )
        .edit("seed_user = \"user_a\"", "seed_user = \"admin\"")
        .stage("seed")
        .says("no user with username = \"admin\"; there are \"user_a\"")
        .says("try: let the seed create this user"),
        case("migrate-and-seed/no-such-settings", "The settings module does not exist.", 3)
            .edit("settings = \"hello_world.settings\"", "settings = \"hello_wrld.settings\"")
            .stage("migrate")
            .says("exit status: 1: ModuleNotFoundError: No module named 'hello_wrld'")
            .says("try: django.settings = \"hello_wrld.settings\" names no module")
            .quick(),
        case(
            "migrate-and-seed/seed-makes-no-user",
            "The seed exits with 0 but creates nothing.",
            3,
        )
        .faults("seed=nothing")
        .stage("seed")
        .says("the database has no user with username = \"user_a\"; there are no users")
        .quick(),
        case(
            "migrate-and-seed/database-locked",
            "Another process locks the run's database before the seed.",
            3,
        )
        .during("  migrate ", |sandbox, _| hold_database(sandbox))
        .stage("seed")
        .says("database is locked"),
    ]
}

fn works_again(sandbox: &Sandbox, _: &Outcome) -> Result<()> {
    sandbox.again(&case("again", "", 0), 0).map(drop)
}

/// Starts a process that locks the run's database until the file is removed.
fn hold_database(sandbox: &Sandbox) -> Result<()> {
    const HOLD: &str = "\
import os, sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1])
connection.execute('BEGIN EXCLUSIVE')
open(sys.argv[2], 'w').close()
while os.path.exists(sys.argv[1]):
    time.sleep(0.05)
";
    let database = private(sandbox)?.join("db/default.sqlite3");
    let held = sandbox.folder.join("held");
    let mut holder = Command::new("python3");
    holder.args(["-c", HOLD]).arg(&database).arg(&held).stdin(Stdio::null());
    let mut holder = holder.spawn().context("starting the process that locks the database")?;
    let start = Instant::now();
    while !held.exists() {
        ensure!(start.elapsed() < Duration::from_secs(20), "the database cannot be locked");
        std::thread::sleep(Duration::from_millis(5));
    }
    // A thread waits for it, so that it does not stay as a zombie.
    std::thread::spawn(move || holder.wait());
    Ok(())
}
