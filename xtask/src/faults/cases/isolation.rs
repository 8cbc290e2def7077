//! Projects that force their own settings: their own files are never written.

use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::super::case::{FaultCase, case};
use super::super::sandbox::{Outcome, Sandbox};
use crate::tools;

/// The developer's own files, in the copy of the service.
const OWNED: [&str; 3] = ["db.sqlite3", ".env", "logs/upstream.log"];

/// The cases.
pub fn cases() -> Vec<FaultCase> {
    vec![
        case(
            "isolation/settings-assigned-in-manage",
            "`manage.py` assigns `DJANGO_SETTINGS_MODULE` and calls `django.setup()`: nothing is \
             migrated or seeded.",
            3,
        )
        .before(|sandbox| {
            own(sandbox)?;
            replace(sandbox, "manage.py", INSISTING_MANAGE)
        })
        .stage("migrate")
        .says("uses the settings hello_world.settings instead of this run's: nothing was migrated")
        .says("try: make ")
        .then(untouched)
        .quick(),
        case(
            "isolation/settings-assigned-in-wsgi",
            "`wsgi.py` assigns `DJANGO_SETTINGS_MODULE` and gunicorn serves it: no request is \
             sent to it.",
            4,
        )
        .edit("requirements.lock\"]", format!("requirements.lock\", {:?}]", gunicorn()))
        .edit(
            "\"{manage}\", \"runserver\", \"--noreload\", \"127.0.0.1:{port}\"",
            "\"-m\", \"gunicorn\", \"hello_world.wsgi\", \"--bind\", \"127.0.0.1:{port}\", \
             \"--no-control-socket\"",
        )
        .edit("ready_timeout = \"60s\"", "ready_timeout = \"6s\"")
        .before(|sandbox| {
            own(sandbox)?;
            replace(sandbox, "hello_world/wsgi.py", INSISTING_WSGI)
        })
        .stage("ready")
        .says("within 6 s the server has not loaded this run's settings")
        .says("not ready after 5.")
        .says("try: it would use another database, so no request was sent to it")
        .then(untouched)
        .quick(),
    ]
}

const INSISTING_MANAGE: &str = r#"#!/usr/bin/env python
import os
import sys

os.environ["DJANGO_SETTINGS_MODULE"] = "hello_world.settings"
import django

django.setup()
if __name__ == "__main__":
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)
"#;

const INSISTING_WSGI: &str = r#"import os

from django.core.wsgi import get_wsgi_application

os.environ["DJANGO_SETTINGS_MODULE"] = "hello_world.settings"
application = get_wsgi_application()
"#;

fn gunicorn() -> String {
    tools::root().join("fixtures/faults/gunicorn.txt").display().to_string()
}

fn replace(sandbox: &Sandbox, file: &str, text: &str) -> Result<()> {
    Ok(std::fs::write(sandbox.folder.join("service").join(file), text)?)
}

/// Creates the developer's files, and a copy of them beside the service.
fn own(sandbox: &Sandbox) -> Result<()> {
    const MAKE: &str = "\
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
connection.execute('CREATE TABLE mine (id INTEGER PRIMARY KEY, note TEXT)')
connection.execute(\"INSERT INTO mine (note) VALUES ('of yesterday')\")
connection.commit()
";
    let service = sandbox.folder.join("service");
    std::fs::create_dir_all(service.join("logs"))?;
    std::fs::write(service.join("logs/upstream.log"), "what happened yesterday\n")?;
    std::fs::write(service.join(".env"), "SECRET_KEY=my-own-secret-key-of-yesterday\n")?;
    let mut python = Command::new(tools::python()?);
    let made = python.args(["-c", MAKE]).arg(service.join("db.sqlite3")).status()?;
    ensure!(made.success(), "the database was not created");
    std::fs::create_dir_all(sandbox.folder.join("owned/logs"))?;
    for file in OWNED {
        std::fs::copy(service.join(file), sandbox.folder.join("owned").join(file))?;
    }
    Ok(())
}

fn untouched(sandbox: &Sandbox, _: &Outcome) -> Result<()> {
    for file in OWNED {
        let read = |folder: &str| {
            let path = sandbox.folder.join(folder).join(file);
            std::fs::read(&path).with_context(|| path.display().to_string())
        };
        ensure!(read("service")? == read("owned")?, "{file} was written");
    }
    for side_file in ["db.sqlite3-journal", "db.sqlite3-wal"] {
        ensure!(!sandbox.folder.join("service").join(side_file).exists(), "{side_file} was left");
    }
    Ok(())
}
