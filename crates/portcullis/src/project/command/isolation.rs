//! The proof that a server without Django uses no databases but the run's: its open files and
//! its connections. What is open for a moment only can be missed; programs of Python also
//! have the hook, which misses nothing.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use portcullis_core::judge::Finding;
use portcullis_core::plan::ServePlan;
use portcullis_supervise::port::{self, Owner};
use portcullis_supervise::server::Server;
use portcullis_supervise::tree;

use super::super::django::isolation::is_sqlite;
use super::super::django::refusal;
use crate::run::{RunFolder, StageFailure};

/// The ports that databases usually have, with their names.
const DATABASES: [(u16, &str); 7] = [
    (1433, "SQL Server"),
    (3306, "MySQL"),
    (5432, "PostgreSQL"),
    (6379, "Redis"),
    (6432, "PgBouncer"),
    (9200, "Elasticsearch"),
    (27017, "MongoDB"),
];
/// Folders whose databases belong to programs: those of the system, and of packages.
const OF_PROGRAMS: [&str; 5] = ["/usr/", "/opt/", "/nix/", "/site-packages/", "/node_modules/"];

const ADVICE: &str = "let the service use the database in DATABASE_URL ([database] engine), or a \
                      path below {run}; measure a server with its own data with --host";

/// Checks that no process of the server has a database of anybody else open.
///
/// # Errors
/// There is one.
pub fn keeps_to(folder: &RunFolder, plan: &ServePlan, server: &Server) -> Result<(), StageFailure> {
    if let Some(refused) = refusal::refused(folder, "server") {
        return Err(refused);
    }
    let foreign = |what: String| {
        let failure = StageFailure::new(Finding::server(what)).with_log("server");
        Err(failure.with_advice(ADVICE))
    };
    let own = folder.path().canonicalize().unwrap_or_else(|_| folder.path().to_owned());
    let open = tree::open_files(server.pid());
    if let Some(path) = open.iter().find(|path| is_foreign_file(path, &own)) {
        let path = path.display();
        return foreign(format!("the server has {path} open, which is not a database of this run"));
    }
    // Whatever this run has started: its database server, its services.
    let is_ours = |port| port::owner(port, || tree::members(std::process::id())) == Owner::Ours;
    for place in port::connections(&tree::members(server.pid())) {
        let known = DATABASES.iter().find(|(port, _)| *port == place.port());
        let Some((port, name)) = known else { continue };
        // A configured server has the run's databases; the hook knows the others there.
        let is_configured = plan.database.url.is_some() && *port == 5432;
        let is_own = is_local(&place) && is_ours(*port);
        if !(is_configured || is_own) {
            return foreign(format!(
                "the server is connected to {place} ({name}), which this run has not started"
            ));
        }
    }
    Ok(())
}

fn is_local(place: &SocketAddr) -> bool {
    place.ip().to_canonical().is_loopback()
}

fn is_foreign_file(path: &Path, own: &PathBuf) -> bool {
    let text = path.to_string_lossy();
    let is_of_program = OF_PROGRAMS.iter().any(|folder| match folder.starts_with("/usr") {
        true => text.starts_with(folder),
        false => text.contains(folder),
    });
    !path.starts_with(own) && !is_of_program && is_sqlite(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn databases_beside_the_run_are_foreign_and_those_of_packages_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, b"SQLite format 3\0 and the rest").unwrap();
            path
        };
        let own = folder.path().join("run");
        assert!(is_foreign_file(&file("instance/app.sqlite"), &own));
        assert!(!is_foreign_file(&file("run/db/default.sqlite3"), &own));
        assert!(!is_foreign_file(&file("lib/site-packages/pyproj/proj.db"), &own));
    }
}
