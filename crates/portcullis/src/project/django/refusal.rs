//! Databases that the hook refuses: its message in a log becomes the run's finding.

use portcullis_core::judge::Finding;

use super::isolation::hook::{FOREIGN_DATABASE, UNSUPPORTED_DATABASE, VARIABLE};
use super::isolation::stub;
use crate::run::{RunFolder, StageFailure};

/// The failure if the log says that a database was refused, which is then the reason in
/// every stage. `None` if the log does not say so.
pub fn refused(folder: &RunFolder, log: &'static str) -> Option<StageFailure> {
    let text = std::fs::read(folder.log(log)).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let after = |mark: &str| text.lines().find_map(|line| line.split_once(mark));
    if let Some((_, which)) = after(UNSUPPORTED_DATABASE) {
        let which = which.trim_end();
        let message = format!(
            "only SQLite databases can be replaced by a throwaway one, but the database{which}"
        );
        let advice = "choose SQLite through [env] set, or measure a running server with --host";
        return Some(StageFailure::new(Finding::refused(message)).with_advice(advice));
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
    let advice = "let the code use Django's connections; a file that is only read may be named \
                  in [django] sqlite_files";
    StageFailure::new(Finding::preparation(message)).with_advice(advice)
}
