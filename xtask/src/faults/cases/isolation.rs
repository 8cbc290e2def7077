//! Projects that force their own settings: their own files are never written.

use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::super::actions::prepend;
use super::super::case::{FaultCase, case};
use super::super::sandbox::{Outcome, Sandbox};
use crate::tools;

/// The developer's own files, in the copy of the service.
const OWNED: [&str; 3] = ["db.sqlite3", ".env", "logs/upstream.log"];

/// The cases.
pub fn cases() -> Vec<FaultCase> {
    let all = [
        insisting(),
        databases(),
        super::isolation_served::cases(),
        interpreters(),
        places(),
        writes(),
    ];
    all.into_iter().flatten().collect()
}

/// Projects that choose their settings themselves: the run's databases are used for all of
/// them.
fn insisting() -> Vec<FaultCase> {
    let served = |name, what, before: fn(&Sandbox) -> Result<()>| {
        owned(name, what, 0, before)
            .edit("requirements.lock\"]", format!("requirements.lock\", {:?}]", gunicorn()))
            .edit(
                RUNSERVER,
                "\"-m\", \"gunicorn\", \"hello_world.wsgi\", \"--bind\", \"127.0.0.1:{port}\", \
                 \"--no-control-socket\"",
            )
            .says("user_a exists")
    };
    vec![
        owned(
            "isolation/settings-assigned-in-manage",
            "`manage.py` assigns `DJANGO_SETTINGS_MODULE` and calls `django.setup()`: the run's \
             own database is still used.",
            0,
            |sandbox| replace(sandbox, "manage.py", INSISTING_MANAGE),
        )
        .says("user_a exists")
        .quick(),
        served(
            "isolation/settings-assigned-in-wsgi",
            "`wsgi.py` assigns `DJANGO_SETTINGS_MODULE` and gunicorn serves it: the run's own \
             database is used.",
            |sandbox| replace(sandbox, "hello_world/wsgi.py", INSISTING_WSGI),
        ),
        served(
            "isolation/settings-configured-by-hand",
            "`wsgi.py` calls `settings.configure()` with the project's values: the run's \
             databases are still used.",
            |sandbox| replace(sandbox, "hello_world/wsgi.py", CONFIGURING_WSGI),
        ),
        owned(
            "isolation/other-settings-than-configured",
            "`manage.py` forces other settings than `[django] settings`: nothing is migrated.",
            3,
            |sandbox| {
                replace(
                    sandbox,
                    "hello_world/local.py",
                    "from .settings import *  # noqa: F403\n",
                )?;
                let manage = INSISTING_MANAGE.replace("hello_world.settings", "hello_world.local");
                replace(sandbox, "manage.py", &manage)
            },
        )
        .stage("migrate")
        .says("uses the settings hello_world.local instead of hello_world.settings"),
    ]
}

/// Code that bypasses Django's settings.
fn databases() -> Vec<FaultCase> {
    let refused = |name, what, code: &'static str, before: fn(&Sandbox) -> Result<()>| {
        owned(name, what, 3, before)
            .says(code)
            .says("try: let the code use the databases of the run")
    };
    vec![
        refused(
            "isolation/raw-sqlite-while-starting",
            "An application opens the project's `db.sqlite3` with `sqlite3.connect` when it starts.",
            "db.sqlite3 was to be opened, which is not a database of this run",
            |sandbox| in_ready(sandbox, "import sqlite3; sqlite3.connect('db.sqlite3')"),
        )
        .stage("migrate")
        .quick(),
        refused(
            "isolation/sqlite-by-uri-in-the-seed",
            "The seed opens the project's `db.sqlite3` with a URI.",
            "db.sqlite3 was to be opened, which is not a database of this run",
            |sandbox| {
                let uri = "'file:' + os.path.abspath('db.sqlite3') + '?mode=rwc'";
                let text = format!("import os, sqlite3; sqlite3.connect({uri}, uri=True)\n");
                prepend(sandbox, "perf/seed_user_a.py", &text)
            },
        )
        .stage("seed"),
        owned(
            "isolation/connection-pointed-elsewhere",
            "An application changes Django's own connection to the project's database.",
            3,
            |sandbox| {
                in_ready(
                    sandbox,
                    "from django.db import connections; connections['default'].settings_dict\
                     .__setitem__('NAME', 'db.sqlite3')",
                )
            },
        )
        .stage("migrate")
        .says("uses a database of its own (default: "),
        owned(
            "isolation/child-without-the-environment",
            "The seed starts `manage.py` with an empty environment: its databases are refused.",
            3,
            |sandbox| {
                let text = "import subprocess, sys; subprocess.run([sys.executable, 'manage.py', \
                            'migrate'], env={'SECRET_KEY': 'x'}, check=True)\n";
                prepend(sandbox, "perf/seed_user_a.py", text)
            },
        )
        .stage("seed")
        .says("a command lost the environment of this run: its databases were refused"),
        owned(
            "isolation/declared-sqlite-file",
            "A file listed in `[django] sqlite_files` can be opened.",
            0,
            |sandbox| in_ready(sandbox, "import sqlite3; sqlite3.connect('db.sqlite3').close()"),
        )
        .edit("seed_user =", "sqlite_files = [\"db.sqlite3\"]\nseed_user ="),
    ]
}

/// Servers that do not use the run's virtual environment.
fn interpreters() -> Vec<FaultCase> {
    let unproved = |name, what, argv: &'static str| {
        owned(name, what, 4, |_| Ok(()))
            .edit("argv = [\"{python}\", \"{manage}\", \"runserver\", \"--noreload\", \"127.0.0.1:{port}\"]", argv)
            .edit("ready_timeout = \"60s\"", "ready_timeout = \"6s\"")
            .stage("ready")
            .says("within 6 s the server has not loaded this run's settings")
            .says("not ready after 5.")
    };
    vec![
        unproved(
            "isolation/another-interpreter",
            "The server runs in another Python that answers well: no request is sent to it.",
            "argv = [\"python3\", \"-m\", \"http.server\", \"{port}\", \"--bind\", \"127.0.0.1\"]",
        ),
        unproved(
            "isolation/python-without-site",
            "The server's Python is started with `-S`, which does not load the hook: no request is \
             sent to it.",
            "argv = [\"{python}\", \"-S\", \"-m\", \"http.server\", \"{port}\", \"--bind\", \"127.0.0.1\"]",
        ),
    ]
}

/// A service that writes into its own folder.
fn writes() -> Vec<FaultCase> {
    vec![
        case(
            "isolation/writes-into-the-checkout",
            "The service writes into its own folder, for example a search index: the files are named.",
            0,
        )
        .before(|sandbox| {
            in_ready(
                sandbox,
                "import os, time; os.makedirs('index', exist_ok=True); \
                 open('index/segment', 'w').write(str(time.time()))",
            )
        })
        .says("during the run these files in ")
        .says(" were written: index/segment; ")
        // What was said was wanted here; everything else must be unchanged.
        .then(|sandbox, _| Ok(std::fs::remove_dir_all(sandbox.folder.join("service/index"))?))
        .quick(),
    ]
}

/// Replaced values keep their type, and the run's folder can be named.
fn places() -> Vec<FaultCase> {
    vec![
        owned(
            "isolation/paths-stay-paths",
            "`MEDIA_ROOT`, `STATIC_ROOT` and a database's `NAME` are paths, and `{run}` is the \
             run's folder: code that joins them works.",
            0,
            |sandbox| {
                let settings = "\nMEDIA_ROOT = BASE_DIR / \"media\"\nSTATIC_ROOT = BASE_DIR / \
                                \"static\"\nINDEX = config(\"INDEX\")\nPLACES = {}\n";
                append(sandbox, "hello_world/settings.py", settings)?;
                in_ready(
                    sandbox,
                    "from django.conf import settings as s; (s.MEDIA_ROOT / 'a').parent, \
                     (s.STATIC_ROOT / 'a').parent, (s.DATABASES['default']['NAME'] / 'a'); \
                     assert s.INDEX == s.PLACES['index'] and not s.INDEX.startswith('{'); \
                     import os; os.makedirs(s.INDEX, exist_ok=True)",
                )
            },
        )
        .edit("set = { DEBUG = \"True\" }", "set = { DEBUG = \"True\", INDEX = \"{run}/index\" }")
        .edit("[django.overrides]\n", "[django.overrides]\n\"PLACES.index\" = \"{run}/index\"\n"),
    ]
}

const RUNSERVER: &str = "\"{manage}\", \"runserver\", \"--noreload\", \"127.0.0.1:{port}\"";

/// A case whose project has its own database, `.env` and log, which must not change.
pub(super) fn owned(
    name: &'static str,
    what: &'static str,
    code: i32,
    before: fn(&Sandbox) -> Result<()>,
) -> FaultCase {
    case(name, what, code).before(own).before(before).then(untouched)
}

const CONFIGURING_WSGI: &str = r#"import importlib

from django.conf import settings
from django.core.wsgi import get_wsgi_application

module = importlib.import_module("hello_world.settings")
settings.configure(**{name: getattr(module, name) for name in dir(module) if name.isupper()})
application = get_wsgi_application()
"#;

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

pub(super) fn replace(sandbox: &Sandbox, file: &str, text: &str) -> Result<()> {
    Ok(std::fs::write(sandbox.folder.join("service").join(file), text)?)
}

fn append(sandbox: &Sandbox, file: &str, text: &str) -> Result<()> {
    let path = sandbox.folder.join("service").join(file);
    let before = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    Ok(std::fs::write(&path, format!("{before}{text}"))?)
}

/// Makes the application execute a line when it starts.
pub(super) fn in_ready(sandbox: &Sandbox, line: &str) -> Result<()> {
    let ready = format!("\n\ndef _ready(self):\n    {line}\n\n\nUpstreamConfig.ready = _ready\n");
    append(sandbox, "upstream/apps.py", &ready)
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
