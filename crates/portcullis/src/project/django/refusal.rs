//! Databases that the hook refuses: its message in a log becomes the run's finding.

use portcullis_core::judge::Finding;

use super::isolation::hook::{FOREIGN_DATABASE, UNSERVED_DATABASE, UNSUPPORTED_DATABASE, VARIABLE};
use super::isolation::stub;
use crate::run::{RunFolder, StageFailure};

/// Django's message if there is no driver for PostgreSQL.
const NO_DRIVER: &str = "Error loading psycopg2";

/// The failure if the log says that a database was refused, which is then the reason in
/// every stage. `None` if the log does not say so.
pub fn refused(folder: &RunFolder, log: &'static str) -> Option<StageFailure> {
    let text = std::fs::read(folder.log(log)).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let after = |mark: &str| text.lines().find_map(|line| line.split_once(mark));
    if let Some((_, which)) = after(UNSUPPORTED_DATABASE) {
        let which = which.trim_end();
        let message = format!(
            "only SQLite and PostgreSQL databases can be replaced by throwaway ones, but the \
             database{which}"
        );
        let advice = "choose another engine through [env] set, or measure a running server with \
                      --host";
        return Some(StageFailure::new(Finding::refused(message)).with_advice(advice));
    }
    if text.contains(NO_DRIVER) {
        let message = "the settings use PostgreSQL, but the environment has no psycopg";
        let advice = "add psycopg[binary] or psycopg2-binary to the requirements";
        let failure = StageFailure::new(Finding::preparation(message)).with_log(log);
        return Some(failure.with_advice(advice));
    }
    if let Some((_, which)) = after(UNSERVED_DATABASE) {
        let which = which.trim();
        let message = format!(
            "the database {which} uses PostgreSQL, but the settings of the migrations did not: no \
             server was started for it"
        );
        let advice = "let every process use the settings that [django] settings names";
        return Some(StageFailure::new(Finding::preparation(message)).with_advice(advice));
    }
    if text.contains(stub::REFUSED) {
        let message = "a command lost the environment of this run: its databases were refused";
        let advice = format!("let child processes keep {VARIABLE}, or their whole environment");
        let failure = StageFailure::new(Finding::preparation(message)).with_log(log);
        return Some(failure.with_advice(advice));
    }
    let (_, path) = after(FOREIGN_DATABASE)?;
    Some(foreign(&format!("{} was to be opened", path.trim())))
}

/// The failure because of a database that is not the run's.
pub fn foreign(what: &str) -> StageFailure {
    let message = format!("{what}, which is not a database of this run");
    let advice = "let the code use the databases of the run: Django's connections, or DATABASE_URL; \
                  a file that is only read may be named in [django] sqlite_files";
    StageFailure::new(Finding::preparation(message)).with_advice(advice)
}
