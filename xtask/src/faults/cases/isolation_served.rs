//! The isolation of what serves, and of other programs that load the settings: ASGI
//! servers, Celery, `django-admin`, and code that opens databases in a request.

use anyhow::Result;

use super::super::actions::prepend;
use super::super::case::FaultCase;
use super::super::sandbox::Sandbox;
use super::isolation::{in_ready, owned, replace};
use crate::tools;

/// The cases.
pub fn cases() -> Vec<FaultCase> {
    let asgi = |name, what, argv: &'static str| {
        owned(name, what, 0, |sandbox| replace(sandbox, "hello_world/asgi.py", ASGI))
            .edit("requirements.lock\"]", servers())
            .edit(BY_PYTHON, argv)
            .says("user_a exists")
    };
    vec![
        asgi(
            "isolation/served-by-uvicorn",
            "`asgi.py` assigns `DJANGO_SETTINGS_MODULE` and uvicorn serves it: the run's own \
             database is used.",
            "\"uvicorn\", \"--host\", \"127.0.0.1\", \"--port\", \"{port}\", \
             \"hello_world.asgi:application\"",
        ),
        asgi(
            "isolation/served-by-daphne",
            "The same with daphne.",
            "\"daphne\", \"-b\", \"127.0.0.1\", \"-p\", \"{port}\", \
             \"hello_world.asgi:application\"",
        ),
        owned(
            "isolation/other-programs",
            "The seed starts Celery, `django-admin` and an isolated Python (`-I`): all of them \
             use the run's own database.",
            0,
            |sandbox| {
                replace(sandbox, "worker.py", CELERY)?;
                prepend(sandbox, "perf/seed_user_a.py", SEED)
            },
        )
        .edit("requirements.lock\"]", servers()),
        in_a_request(
            "isolation/raw-sqlite-in-a-request",
            "A request opens the project's `db.sqlite3` with `sqlite3.connect`.",
            |sandbox| per_request(sandbox, "sqlite3.connect('db.sqlite3').close()"),
        )
        .says("db.sqlite3 was to be opened, which is not a database of this run")
        .quick(),
        in_a_request(
            "isolation/database-kept-open",
            "A request opens the project's `db.sqlite3` in a way that the hook does not see, and \
             keeps it open.",
            |sandbox| per_request(sandbox, "kept.append(sqlite3.Connection('db.sqlite3'))"),
        )
        .says("db.sqlite3 open, which is not a database of this run"),
    ]
}

fn in_a_request(
    name: &'static str,
    what: &'static str,
    before: fn(&Sandbox) -> Result<()>,
) -> FaultCase {
    owned(name, what, 3, before)
        .stage("load")
        .says("try: let the code use the databases of the run")
}

/// Makes the application execute an expression in each request of one task.
fn per_request(sandbox: &Sandbox, work: &str) -> Result<()> {
    let line = format!(
        "import sqlite3; from django.core.signals import request_started; kept = []; \
         request_started.connect(lambda environ, **_: environ['PATH_INFO'] == '/api/v1/dashboard/' \
         and {work}, weak=False)"
    );
    in_ready(sandbox, &line)
}

fn servers() -> String {
    let file = tools::root().join("fixtures/faults/servers.txt");
    format!("requirements.lock\", {:?}]", file.display().to_string())
}

const BY_PYTHON: &str =
    "\"{python}\", \"{manage}\", \"runserver\", \"--noreload\", \"127.0.0.1:{port}\"";

const ASGI: &str = r#"import os

from django.core.asgi import get_asgi_application

os.environ["DJANGO_SETTINGS_MODULE"] = "hello_world.settings"
application = get_asgi_application()
"#;

const CELERY: &str = r#"from celery import Celery
from django.conf import settings

app = Celery("worker")
app.config_from_object("django.conf:settings", namespace="CELERY")
print(settings.DATABASES["default"]["NAME"])
"#;

const SEED: &str = r#"import os, subprocess, sys
from django.conf import settings as _settings
_own = str(_settings.DATABASES["default"]["NAME"])
_code = "import sys; sys.path.insert(0, %r); from django.conf import settings; print(settings.DATABASES)"
for _argv in [
    [sys.executable, "-m", "celery", "-A", "worker", "report"],
    ["django-admin", "diffsettings"],
    [sys.executable, "-I", "-c", _code % os.getcwd()],
]:
    _environ = {**os.environ, "PYTHONPATH": os.getcwd()}
    _ran = subprocess.run(_argv, capture_output=True, text=True, env=_environ)
    assert _own in _ran.stdout and "portcullis-" in _own, (_argv, _own, _ran)
"#;
