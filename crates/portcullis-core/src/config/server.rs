//! `[server]`: how the server is started, and when it is ready.

use std::time::Duration;

use super::project_kind::ProjectKind;
use super::reader::{Problems, Reader, list, note};
use super::tree::{Place, Value};
use crate::text::nearest;

/// How the server is started, and when it is ready.
#[derive(Clone, Debug)]
pub struct ServerSection {
    /// The command, with `{python}`, `{manage}`, `{app}` and `{port}`.
    pub argv: Vec<String>,
    /// The package that the command needs, besides the requirements.
    pub package: Option<Package>,
    /// The preferred port.
    pub port: u16,
    /// Whether the run fails if the port is taken.
    pub port_insists: bool,
    /// Path of the health check; empty if a connection is enough.
    pub health: String,
    /// From the start to the first healthy answer.
    pub ready_timeout: Duration,
    /// The time between SIGTERM and SIGKILL.
    pub stop_grace: Duration,
    /// The CPUs of the server; all if the list is empty.
    pub cpus: Vec<usize>,
}

/// A package with a server, which is installed if the requirements lack it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Package {
    /// The program that shows whether it is there.
    pub program: &'static str,
    /// What pip installs otherwise, of one major version.
    pub requirement: &'static str,
    /// Whether it serves ASGI applications; WSGI otherwise.
    pub is_asgi: bool,
}

/// The values of `server.kind`.
pub const KINDS: &[&str] =
    &["runserver", "gunicorn", "uvicorn", "daphne", "uwsgi", "granian", "hypercorn", "command"];

/// Decodes the section.
pub fn decode(
    section: Option<Reader<'_>>,
    kind: ProjectKind,
    serves: bool,
    problems: &mut Problems,
) -> ServerSection {
    let mut server = ServerSection {
        argv: Vec::new(),
        package: None,
        port: 8000,
        port_insists: false,
        health: "/".to_owned(),
        ready_timeout: Duration::from_secs(60),
        stop_grace: Duration::from_secs(5),
        cpus: Vec::new(),
    };
    let Some(mut section) = section else { return server };
    (server.argv, server.package) = command(&mut section, kind, serves, problems);
    match section.optional("port").map(|node| (node, &node.value)) {
        Some((_, Value::Text(word))) if word == "auto" => server.port = 0,
        Some((node, _)) => {
            let port = super::reader::integer(node, "server.port", 1..=65_535, problems);
            server.port = port.and_then(|port| u16::try_from(port).ok()).unwrap_or(8000);
            server.port_insists = node.at.is_given();
        }
        None => {}
    }
    let at = section.optional("health").map_or(section.at(), |node| node.at);
    server.health = section.text("health", problems);
    // The default is a path that Django projects often have.
    if kind == ProjectKind::Command && at == Place::Default {
        server.health.clear();
    } else if !server.health.starts_with('/') {
        note(problems, at, format!("server.health = \"{}\" must begin with /", server.health));
    }
    server.ready_timeout = section.duration("ready_timeout", problems);
    server.stop_grace = section.duration("stop_grace", problems);
    if let Some(node) = section.optional("cpus") {
        let cpus = list(node, "server.cpus", problems).iter();
        let read = |item| super::reader::integer(item, "server.cpus", 0..=1023, problems);
        server.cpus = cpus.filter_map(read).filter_map(|cpu| usize::try_from(cpu).ok()).collect();
    }
    section.finish(problems);
    server
}

/// The command, and the package that it needs.
fn command(
    section: &mut Reader<'_>,
    kind: ProjectKind,
    serves: bool,
    problems: &mut Problems,
) -> (Vec<String>, Option<Package>) {
    let at = section.optional("argv").map_or(section.at(), |node| node.at);
    let argv = section.texts("argv", problems);
    let is_written = at != Place::Default;
    let named_at = section.optional("kind").map_or(section.at(), |node| node.at);
    let named = section.optional_text("kind", problems);
    let named = named.filter(|name| is_known(name, named_at, problems));
    let named = named.as_deref().filter(|name| *name != "command");
    let [workers, threads] = ["workers", "threads"].map(|key| {
        section.optional(key)?;
        section.integer(key, 1..=1024, problems)
    });
    let app = section.optional_text("app", problems);
    let is_command = kind == ProjectKind::Command;
    let Some(name) = named else {
        let excess = [("workers", workers.is_some()), ("threads", threads.is_some())];
        let excess = excess.into_iter().chain([("app", app.is_some())]);
        for (key, _) in excess.filter(|(_, is_given)| *is_given) {
            note(
                problems,
                section.at(),
                format!("server.{key} needs a server.kind; argv has its own"),
            );
        }
        if argv.is_empty() {
            note(problems, section.at(), "server.argv must name a command");
        } else if is_command && !is_written && serves {
            note(problems, section.at(), "server.argv is missing: the command of the server");
        } else if !(is_command && is_written || argv.iter().any(|word| word.contains("{port}"))) {
            note(problems, at, "server.argv must contain {port}: the port is chosen for each run");
        }
        return (argv, None);
    };
    if is_written {
        note(problems, at, format!("server.argv and server.kind = \"{name}\" exclude another"));
    }
    if is_command && name == "runserver" {
        note(problems, named_at, "server.kind = \"runserver\" needs a Django project");
    } else if is_command && app.is_none() && serves {
        note(problems, named_at, "server.app is missing, such as \"main:app\"");
    }
    let server = Named { workers, threads, app: app.as_deref() };
    for (key, given) in [("workers", workers), ("threads", threads)] {
        if given.is_some() && !server.takes(name, key) {
            note(problems, named_at, format!("server.{key}: {name} has no such setting here"));
        }
    }
    server.command(name)
}

fn is_known(name: &str, at: Place, problems: &mut Problems) -> bool {
    let is_known = KINDS.contains(&name);
    if !is_known {
        let near = nearest(name, KINDS.iter().copied());
        let message =
            format!("server.kind = \"{name}\": expected one of {}{near}", KINDS.join(", "));
        note(problems, at, message);
    }
    is_known
}

/// A server that is chosen by its name.
struct Named<'a> {
    workers: Option<i64>,
    threads: Option<i64>,
    app: Option<&'a str>,
}

impl Named<'_> {
    fn takes(&self, name: &str, key: &str) -> bool {
        match key {
            "workers" => !["runserver", "daphne"].contains(&name),
            _ => ["gunicorn", "uwsgi", "granian"].contains(&name),
        }
    }

    /// The command line of a server, and its package. Where it is a module of Python, it runs in
    /// the environment's interpreter, whatever the first line of its script says.
    fn command(&self, name: &str) -> (Vec<String>, Option<Package>) {
        let workers = self.workers.unwrap_or(1).to_string();
        let threads = self.threads.map(|threads| threads.to_string());
        let app = self.app.unwrap_or("{app}");
        let place = "127.0.0.1:{port}";
        // Without a name it is the WSGI application of Django.
        let interface =
            if self.app.is_none_or(|app| app.contains("wsgi")) { "wsgi" } else { "asgi" };
        let with_threads = |mut argv: Vec<String>, flag: &str| {
            argv.extend(threads.iter().flat_map(|count| [flag.to_owned(), count.clone()]));
            argv
        };
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        let argv: Vec<String> = match name {
            "gunicorn" => with_threads(
                words(&["{python}", "-m", "gunicorn", app, "--bind", place, "--workers", &workers]),
                "--threads",
            ),
            "uvicorn" => words(&[
                "{python}",
                "-m",
                "uvicorn",
                app,
                "--host",
                "127.0.0.1",
                "--port",
                "{port}",
                "--workers",
                &workers,
            ]),
            "hypercorn" => {
                words(&["{python}", "-m", "hypercorn", app, "--bind", place, "--workers", &workers])
            }
            "daphne" => {
                words(&["{python}", "-m", "daphne", "-b", "127.0.0.1", "-p", "{port}", app])
            }
            "granian" => with_threads(
                words(&[
                    "{python}",
                    "-m",
                    "granian",
                    "--interface",
                    interface,
                    "--host",
                    "127.0.0.1",
                    "--port",
                    "{port}",
                    "--workers",
                    &workers,
                    app,
                ]),
                "--blocking-threads",
            ),
            // Its interpreter is built in, so it must be told the environment.
            "uwsgi" => with_threads(
                words(&[
                    "uwsgi",
                    "--http-socket",
                    place,
                    "--module",
                    app,
                    "--master",
                    "--processes",
                    &workers,
                    "--virtualenv",
                    "{venv}",
                    "--need-app",
                    "--die-on-term",
                ]),
                "--threads",
            ),
            _ => words(&["{python}", "{manage}", "runserver", "--noreload", place]),
        };
        (argv, package(name))
    }
}

fn package(name: &str) -> Option<Package> {
    let (program, requirement, is_asgi) = match name {
        "gunicorn" => ("gunicorn", "gunicorn>=23,<24", false),
        "uvicorn" => ("uvicorn", "uvicorn>=0.30,<1", true),
        "hypercorn" => ("hypercorn", "hypercorn>=0.17,<1", true),
        "daphne" => ("daphne", "daphne>=4,<5", true),
        "granian" => ("granian", "granian>=2,<3", false),
        // The same program as uwsgi, but built.
        "uwsgi" => ("uwsgi", "pyuwsgi>=2,<3", false),
        _ => return None,
    };
    Some(Package { program, requirement, is_asgi })
}
