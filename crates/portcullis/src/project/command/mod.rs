//! Any project that commands prepare and start: FastAPI, Flask, Node, Go. Each run has a
//! folder of its own, and an empty database if the configuration asks for one. Programs of
//! Python load the same hook as Django's; for all others, [`isolation`] looks at what the
//! server has open.

pub mod isolation;

use std::path::PathBuf;

use portcullis_core::config::{Engine, When};
use portcullis_core::plan::ServePlan;

use super::django::Project;
use super::django::database_server::{self, DatabaseServer};
use super::django::environment::Venv;
use super::django::isolation::hook::{self, in_run};
use super::{django, steps};
use crate::run::{StageFailure, StageOutput, Version};

/// The variable with the URL of the run's database.
const VARIABLE: &str = "DATABASE_URL";
/// The name of a database, after the prefix of the run.
const NAME: &str = "default";

/// The steps from an empty folder to a server, each with its name.
pub fn describe(plan: &ServePlan) -> Vec<(&'static str, String)> {
    let mut all = Vec::new();
    if super::needs_environment(plan) {
        all.extend(django::install::describe(plan));
    }
    let database = plan.database.engine.map(|engine| format!(", {} database", engine.name()));
    all.push(("step", format!("a folder of the run{}", database.unwrap_or_default())));
    all.extend(steps::describe(plan, When::AfterSeed));
    all.push(("serve", steps::describe_server(plan)));
    all
}

/// Where the run's database is.
struct Place {
    /// The scheme of its URL.
    scheme: &'static str,
    /// The slashes of its URL.
    slashes: &'static str,
    /// The rest of its URL: a path; or user, server and name.
    rest: String,
}

/// Collects the environment, and makes the run's empty database.
///
/// # Errors
/// A file cannot be read or written, or the database server cannot be started.
pub fn open(
    version: Version<'_>,
    venv: Option<&Venv>,
) -> Result<StageOutput<(Project, Option<DatabaseServer>)>, StageFailure> {
    let mut project = django::isolate(version, venv)?;
    let folder = version.folder;
    let (place, server) = match version.plan.database.engine {
        None => (None, None),
        Some(Engine::Sqlite | Engine::Any) => (Some(sqlite(folder.databases())), None),
        Some(Engine::Postgresql) => {
            let names = [format!("{}_{NAME}", hook::PREFIX)];
            let server = database_server::start(version, &project, &names)?;
            (Some(postgresql(&server.access())), Some(server))
        }
    };
    let detail = match (&place, &server) {
        (None, _) => "a folder of the run".to_owned(),
        (_, None) => "a folder of the run, with an empty SQLite database".to_owned(),
        (_, Some(server)) => format!("an empty database on {}", server.described()),
    };
    if let Some(place) = place {
        let url = format!("{}:{}{}", place.scheme, place.slashes, place.rest);
        let filled = |value: &str| {
            let value =
                in_run(&project.ports.fill(value), folder.path()).replace("{database_url}", &url);
            value.replace("{database}", &place.rest)
        };
        let fixed = project.fixed.iter().map(|(name, value)| (name.clone(), filled(value)));
        let fixed: Vec<(String, String)> = fixed.collect();
        project.environment.set(VARIABLE, &url);
        fixed.iter().for_each(|(name, value)| project.environment.set(name, value));
    }
    Ok(StageOutput::new((project, server), detail))
}

fn sqlite(folder: PathBuf) -> Place {
    // The path is absolute: four slashes.
    let rest = folder.join(format!("{NAME}.sqlite3")).to_string_lossy().into_owned();
    Place { scheme: "sqlite", slashes: "///", rest }
}

fn postgresql(server: &hook::Server) -> Place {
    let hook::Server { host, port, user, password, options, shared, prefix } = server;
    let host = if host.contains(':') { format!("[{host}]") } else { host.clone() };
    let (user, password) = (encoded(user), encoded(password));
    let mut rest = format!("{user}:{password}@{host}:{port}/{prefix}_{NAME}");
    // A private server needs no options, and not every driver knows them.
    for (at, (name, value)) in options.iter().filter(|_| *shared).enumerate() {
        let sign = if at == 0 { '?' } else { '&' };
        rest.push_str(&format!("{sign}{name}={}", encoded(value)));
    }
    Place { scheme: "postgresql", slashes: "//", rest }
}

/// A text in a part of a URL (RFC 3986, unreserved characters).
fn encoded(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
            char::from(byte).to_string()
        }
        other => format!("%{other:02X}"),
    };
    text.bytes().map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_does_not_change_the_url() {
        let server = hook::Server {
            host: "::1".to_owned(),
            port: 5433,
            user: "a".to_owned(),
            password: "p@ss/ö".to_owned(),
            options: [("sslmode".to_owned(), "require".to_owned())].into(),
            shared: true,
            prefix: "portcullis_x".to_owned(),
        };
        let expected = "a:p%40ss%2F%C3%B6@[::1]:5433/portcullis_x_default?sslmode=require";
        assert_eq!(postgresql(&server).rest, expected);
        let private = hook::Server { shared: false, ..server };
        assert!(postgresql(&private).rest.ends_with("/portcullis_x_default"));
    }
}
