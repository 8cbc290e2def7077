//! Projects that are not Django: commands prepare and start them, each run has its own
//! database, and a server with anybody else's is refused.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Command;

use crate::harness::Project;

/// A configuration that measures one path of a service in the folder `service`.
fn configuration(sections: &str, path: &str) -> String {
    format!(
        "[project]\nroot = \"service\"\n{sections}\n\
         [load]\nusers = 2\nspawn_rate = \"2/s\"\nduration = \"2s\"\n\
         [scenario]\nwait = {{ constant = \"50ms\" }}\n\
         [[scenario.task]]\nname = \"items\"\npath = \"{path}\"\ncheck = {{ min_items = 2 }}\n\
         [thresholds]\nfail = [\"error_rate < 1%\"]\n"
    )
}

/// A service of these files.
struct Service {
    project: Project,
    folder: PathBuf,
}

impl Service {
    fn new(config: String, files: &[(&str, &str)]) -> Self {
        let project = Project::of(config);
        let folder = project.folder().join("project");
        for (name, text) in files {
            let path = folder.join("service").join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        Self { project, folder }
    }

    fn commit(&self) {
        std::fs::write(self.folder.join(".gitignore"), ".portcullis/\nperf.toml\n").unwrap();
        let author = ["-c", "user.name=Test", "-c", "user.email=test@localhost"];
        for arguments in [&["init", "-q"][..], &["add", "-A"], &["commit", "-qm", "base"]] {
            let mut git = Command::new("git");
            let status = git.args(author).args(arguments).current_dir(&self.folder).status();
            assert!(status.unwrap().success(), "git {arguments:?}");
        }
    }
}

const FLASK: &str = r#"
import os
import sqlite3

from flask import Flask, jsonify

app = Flask(__name__)


def database():
    url = os.environ.get("SERVICE_DATABASE", "dev.sqlite3")
    return sqlite3.connect(url)


@app.get("/items")
def items():
    connection = database()
    rows = connection.execute("SELECT name FROM item").fetchall()
    connection.close()
    return jsonify([name for (name,) in rows])


@app.cli.command("fill")
def fill():
    connection = database()
    connection.execute("CREATE TABLE item (name TEXT)")
    names = ["one", os.environ["STEP_NAME"]]
    connection.executemany("INSERT INTO item VALUES (?)", [(name,) for name in names])
    connection.commit()
"#;

const FLASK_SECTIONS: &str = r#"
requirements = ["service/requirements.txt"]
[env]
set = { SERVICE_DATABASE = "{database}" }
[database]
engine = "sqlite"
[[step]]
name = "tables and rows"
argv = ["flask", "--app", "main", "fill"]
env = { STEP_NAME = "two" }
[server]
argv = ["flask", "--app", "main", "run", "--port", "{port}"]
port = "auto"
"#;

#[test]
fn flask_gets_a_database_of_the_run_and_no_other() {
    let files = [("main.py", FLASK), ("requirements.txt", "flask>=3,<4\n")];
    let service = Service::new(configuration(FLASK_SECTIONS, "/items"), &files);
    let done = service.project.run(&[]);
    done.expect(0, &["an empty SQLite database", "tables and rows", "it accepts connections"]);
    assert!(!service.folder.join("service/dev.sqlite3").exists());

    // Without the variable the service would use its own file: nothing is written to it. Its
    // list of requirements is found.
    let sections = FLASK_SECTIONS
        .replace("set = { SERVICE_DATABASE = \"{database}\" }", "")
        .replace("requirements = [\"service/requirements.txt\"]\n", "");
    let project = Project::of(configuration(&sections, "/items"));
    let own = project.folder().join("project/service");
    crate::harness::copy_tree(&service.folder.join("service"), &own);
    let refused = project.run(&[]);
    refused.expect(3, &["dev.sqlite3", "which is not a database of this run"]);
    assert!(!own.join("dev.sqlite3").exists());
}

const CONNECTED: &str = r#"
import os
import socket
import sys
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

if os.environ.get("OTHER"):
    kept = socket.create_connection(("127.0.0.1", int(os.environ["OTHER"])))
if os.environ.get("FILE"):
    opened = open(os.environ["FILE"], "rb")
ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), SimpleHTTPRequestHandler).serve_forever()
"#;

#[test]
fn a_server_of_any_program_is_measured_unless_it_uses_the_data_of_others() {
    let sections = |more: &str| {
        format!(
            "[env]\nset = {{ PORT = \"{{port}}\"{more} }}\n[server]\nport = \"auto\"\n\
             argv = [\"python3\", \"serve.py\"]\n"
        )
    };
    let files = [("serve.py", CONNECTED), ("items.json", "[1, 2]")];
    let run = |more: &str| {
        let config = configuration(&sections(more), "/items.json");
        Service::new(config, &files).project.run(&[])
    };
    let done = run("");
    done.expect(0, &["it accepts connections"]);
    assert!(!done.text.contains("environment"), "nothing needs Python:\n{}", done.text);

    // A database file beside the run.
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("own.db");
    std::fs::write(&file, b"SQLite format 3\0 and the rest").unwrap();
    let refused = run(&format!(", FILE = {file:?}"));
    refused.expect(4, &["own.db open, which is not a database of this run"]);

    // A port that a database usually has, if this machine has a free one.
    let free = [27017_u16, 9200, 3306, 1433].map(|port| TcpListener::bind(("127.0.0.1", port)));
    if let Some(other) = free.into_iter().flatten().next() {
        let port = other.local_addr().unwrap().port();
        let refused = run(&format!(", OTHER = \"{port}\""));
        refused.expect(4, &[&format!("connected to 127.0.0.1:{port}"), "has not started"]);
    }
}

const FASTAPI: &str = r#"
import os

from fastapi import FastAPI
from sqlalchemy import create_engine, text

engine = create_engine(os.environ["SERVICE_DATABASE"])
app = FastAPI()


@app.get("/health")
def health():
    return {}


@app.get("/items")
def items():
    with engine.connect() as connection:
        return [name for (name,) in connection.execute(text("SELECT name FROM item"))]
"#;

const ALEMBIC_ENV: &str = r#"
import os

from alembic import context
from sqlalchemy import create_engine

with create_engine(os.environ["SERVICE_DATABASE"]).connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
"#;

const ALEMBIC_VERSION: &str = r#"
import sqlalchemy as sa
from alembic import op

revision, down_revision = "1", None


def upgrade():
    item = op.create_table("item", sa.Column("name", sa.Text))
    op.bulk_insert(item, [{"name": "one"}, {"name": "two"}])
"#;

/// FastAPI with SQLAlchemy and Alembic, on this engine.
fn fastapi(engine: &str, url: &str, driver: &str) -> Service {
    let sections = format!(
        "requirements = [\"service/requirements.txt\"]\n\
         [env]\nset = {{ SERVICE_DATABASE = \"{url}\" }}\n\
         [database]\nengine = \"{engine}\"\n\
         [[step]]\nargv = [\"{{python}}\", \"-m\", \"alembic\", \"upgrade\", \"head\"]\n\
         [server]\nkind = \"uvicorn\"\napp = \"main:app\"\nport = \"auto\"\nhealth = \"/health\"\n\
         [against]\nlimit = \"20s\"\n"
    );
    let requirements = format!("fastapi<1\nsqlalchemy>=2,<3\nalembic<2\n{driver}\n");
    let files = [
        ("main.py", FASTAPI),
        ("requirements.txt", requirements.as_str()),
        ("alembic.ini", "[alembic]\nscript_location = migrations\nprepend_sys_path = .\n"),
        ("migrations/env.py", ALEMBIC_ENV),
        ("migrations/versions/1_item.py", ALEMBIC_VERSION),
    ];
    Service::new(configuration(&sections, "/items"), &files)
}

#[test]
#[ignore = "long: cargo xtask test --full"]
fn fastapi_with_alembic_on_sqlite_and_with_an_older_version() {
    let service = fastapi("sqlite", "sqlite:///{database}", "");
    service.commit();
    let done = service.project.run(&["--against", "HEAD"]);
    done.expect(0, &["python -m alembic", "/health is healthy", "pairs in"]);
    let changed = service.folder.join("service/main.py");
    let slow =
        FASTAPI.replace("    with engine", "    __import__(\"time\").sleep(0.05)\n    with engine");
    std::fs::write(changed, slow).unwrap();
    service.project.run(&["--against", "HEAD"]).expect(1, &["slower"]);
}

#[test]
#[ignore = "long: cargo xtask test --full"]
fn fastapi_with_alembic_on_postgresql() {
    let url = "postgresql+psycopg://{database}";
    let driver = crate::postgresql::PSYCOPG;
    let done = fastapi("postgresql", url, driver).project.run(&[]);
    done.expect(0, &["an empty database on PostgreSQL", "/health is healthy"]);
    // Another server than that of the run, with the address of one that nobody has.
    let url = "postgresql+psycopg://a:b@127.0.0.1:9/x";
    fastapi("postgresql", url, driver).project.run(&[]).expect(3, &["127.0.0.1:9/x"]);
}

#[test]
#[ignore = "long: cargo xtask test --full"]
fn a_server_of_node_is_measured() {
    if Command::new("node").arg("--version").output().is_err() {
        println!("skipped: there is no node");
        return;
    }
    let script = r#"
require("node:http").createServer((_, answer) => {
  answer.setHeader("Content-Type", "application/json");
  answer.end("[1, 2]");
}).listen(Number(process.argv[2]), "127.0.0.1");
"#;
    let sections = "[server]\nargv = [\"node\", \"serve.js\", \"{port}\"]\nport = \"auto\"\n\
                    health = \"/\"\n";
    let service = Service::new(configuration(sections, "/items"), &[("serve.js", script)]);
    service.project.run(&[]).expect(0, &["/ is healthy"]);
}
