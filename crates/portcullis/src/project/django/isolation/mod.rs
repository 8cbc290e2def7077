//! Isolation: the proof that management commands use the run's settings, and that all their
//! databases belong to the run. It is done before the first command that writes; without it
//! nothing is written.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use portcullis_core::judge::Finding;
use portcullis_core::plan::ServePlan;
use portcullis_supervise::server::Server;
use portcullis_supervise::tree;

pub mod hook;
#[cfg(test)]
mod hook_tests;
mod open_files;
pub mod stub;

pub use open_files::{is_sqlite, keeps_to};

use super::{Command, Project, refusal};
use crate::run::{RunFolder, StageFailure, Version};

const SETTINGS: &str = "PORTCULLIS-SETTINGS-";
const DATABASE: &str = "PORTCULLIS-DATABASE-";
const LOG: &str = "isolation";

/// This script only reads. Paths are printed in hexadecimal, because they need not be
/// UTF-8. The markers are put together when they are printed, so that a shell that echoes
/// its input, or a banner, is no proof.
const SCRIPT: &str = r#"
from django.conf import settings as _settings
from django.db import connections as _connections
import os as _os
print("\nPORTCULLIS-" + "SETTINGS-" + str(getattr(_settings, "SETTINGS_MODULE", "")))
print("\n".join("PORTCULLIS-" + "DATABASE-" + _alias + "=" + _os.fsencode("postgresql://%(HOST)s:%(PORT)s/%(NAME)s" % _database if _database.get("PORT") else _os.path.realpath(str(_database.get("NAME", "")))).hex() for _alias, _database in _connections.databases.items()))
"#;

/// Asks a management command for its settings and databases.
///
/// # Errors
/// They are not those of the run, or there was no answer; nothing was written.
pub fn prove(
    version: Version<'_>,
    project: &Project,
    server: Option<&hook::Server>,
) -> Result<(), StageFailure> {
    let Version { folder, plan, .. } = version;
    let script = folder.script("isolation.py");
    std::fs::write(&script, SCRIPT)
        .map_err(|error| StageFailure::disk("a script of our own", &error))?;
    expect_proof(folder);
    let deadline = plan.migrate_timeout.min(Duration::from_secs(120));
    project.manage(version, Command::shell(script, LOG, deadline)).map_err(|error| {
        refusal::refused(folder, LOG)
            .unwrap_or_else(|| StageFailure::preparation(error, "the check of the settings", LOG))
    })?;
    let output = std::fs::read(folder.log(LOG)).unwrap_or_default();
    let answer = Answer::read(&String::from_utf8_lossy(&output));
    let own = folder.databases();
    let own = own.canonicalize().unwrap_or(own);
    let is_hooked = std::fs::read_dir(folder.loaded()).is_ok_and(|mut all| all.next().is_some());
    let place = server.map(|s| format!("postgresql://{}:{}/{}_", s.host, s.port, s.prefix));
    let own = Own { folder: &own, server: place.as_deref() };
    let judged = answer.judge(&plan.django.settings, &own, is_hooked);
    judged.map_err(|why| not_isolated(plan, &why))
}

/// Removes the traces of processes that have loaded the run's settings, before the server's
/// proof.
pub fn expect_proof(folder: &RunFolder) {
    let Ok(traces) = std::fs::read_dir(folder.loaded()) else { return };
    for trace in traces.flatten() {
        let _ = std::fs::remove_file(trace.path());
    }
}

/// Whether a process of the server has loaded the run's settings, which leave a trace.
pub fn is_proved(folder: &RunFolder, server: &Server) -> bool {
    let loaded = folder.loaded();
    if !cfg!(target_os = "linux") {
        return std::fs::read_dir(&loaded).is_ok_and(|mut traces| traces.next().is_some());
    }
    let has_loaded = |pid: &u32| loaded.join(pid.to_string()).exists();
    tree::members(server.pid()).iter().any(has_loaded)
}

fn not_isolated(plan: &ServePlan, why: &NotIsolated) -> StageFailure {
    let manage = &plan.django.manage;
    let message = format!("{manage} {why}: nothing was migrated or seeded");
    let advice = match why {
        NotIsolated::OtherSettings(other, _) => {
            format!("name {other} in [django] settings, or let {manage} take what it is given")
        }
        _ => format!("{manage} must keep the interpreter and the environment that it is given"),
    };
    StageFailure::new(Finding::preparation(message)).with_log(LOG).with_advice(advice)
}

/// Why the database does not belong to the run; the text follows the name of the program.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
enum NotIsolated {
    #[error("did not report its settings")]
    NoSettings,
    #[error("does not run in the environment of this run")]
    NoHook,
    #[error("uses the settings {0} instead of {1}")]
    OtherSettings(String, String),
    #[error("did not say which databases it uses")]
    NoDatabases,
    #[error("uses a database of its own ({0}: {1})")]
    OtherDatabase(String, String),
}

/// Where the run's databases are.
struct Own<'a> {
    /// The folder of its files.
    folder: &'a Path,
    /// The beginning of the places on its own server, if it has one.
    server: Option<&'a str>,
}

impl Own<'_> {
    fn has(&self, database: &Path) -> bool {
        let text = database.to_string_lossy();
        database.parent() == Some(self.folder)
            || self.server.is_some_and(|server| text.starts_with(server))
    }
}

/// The answer of a management command.
#[derive(Debug, Default)]
struct Answer {
    settings: Option<String>,
    databases: Vec<(String, Option<PathBuf>)>,
}

impl Answer {
    fn read(output: &str) -> Self {
        let mut answer = Self::default();
        for line in output.lines().map(str::trim_end) {
            // A shell may have put its prompt before it.
            if let Some((_, module)) = line.split_once(SETTINGS) {
                answer.settings = Some(module.to_owned());
            } else if let Some((_, database)) = line.split_once(DATABASE) {
                let (alias, path) = database.split_once('=').unwrap_or((database, ""));
                answer.databases.push((alias.to_owned(), decode(path)));
            }
        }
        answer
    }

    /// Checks that these are the run's settings, and that all databases are
    /// the run's `own`. Settings without a module come from `settings.configure()`, and are isolated too.
    fn judge(&self, settings: &str, own: &Own<'_>, is_hooked: bool) -> Result<(), NotIsolated> {
        match &self.settings {
            None => return Err(NotIsolated::NoSettings),
            Some(_) if !is_hooked => return Err(NotIsolated::NoHook),
            Some(other) if !other.is_empty() && other != settings => {
                return Err(NotIsolated::OtherSettings(other.clone(), settings.to_owned()));
            }
            Some(_) => {}
        }
        if self.databases.is_empty() {
            return Err(NotIsolated::NoDatabases);
        }
        for (alias, path) in &self.databases {
            let is_own = path.as_ref().is_some_and(|path| own.has(path));
            if !is_own {
                let path = path.as_ref().map_or("no path".to_owned(), |p| p.display().to_string());
                return Err(NotIsolated::OtherDatabase(alias.clone(), path));
            }
        }
        Ok(())
    }
}

/// A path from hexadecimal digits.
fn decode(digits: &str) -> Option<PathBuf> {
    let byte = |at| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
    let bytes: Option<Vec<u8>> = (0..digits.len()).step_by(2).map(byte).collect();
    bytes.filter(|bytes| !bytes.is_empty()).map(|bytes| OsString::from_vec(bytes).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(settings: &str, databases: &[(&str, &str)]) -> Answer {
        let mut output = format!("Banner\n>>> {SETTINGS}{settings}\n");
        for (alias, path) in databases {
            let hex: String = path.bytes().map(|byte| format!("{byte:02x}")).collect();
            output.push_str(&format!("{DATABASE}{alias}={hex}\n"));
        }
        Answer::read(&output)
    }

    #[test]
    fn only_the_runs_settings_with_databases_in_its_folder_are_isolated() {
        let place = Own { folder: Path::new("/run/db"), server: None };
        let judge = |a: Answer| a.judge("run_settings", &place, true);
        let own = ("default", "/run/db/default.sqlite3");
        assert_eq!(judge(answer("run_settings", &[own])), Ok(()));
        for (settings, databases) in [
            ("hello.settings", &[own][..]),
            ("run_settings", &[][..]),
            ("run_settings", &[own, ("other", "/home/me/db.sqlite3")][..]),
            ("run_settings", &[("default", "/run/db/../../home/db.sqlite3")][..]),
            ("run_settings", &[("default", "")][..]),
            ("run_settings", &[("default", "/run/db")][..]),
        ] {
            assert!(judge(answer(settings, databases)).is_err(), "{settings} {databases:?}");
        }
        assert!(judge(Answer::read("nothing at all")).is_err());
        assert_eq!(judge(answer("", &[own])), Ok(()), "settings.configure()");
        let unhooked = answer("run_settings", &[own]);
        assert_eq!(unhooked.judge("run_settings", &place, false), Err(NotIsolated::NoHook));
    }

    #[test]
    fn databases_of_the_runs_own_server_are_isolated_and_no_others() {
        let own = Some("postgresql://127.0.0.1:5433/portcullis_");
        let at = |server| Own { folder: Path::new("/run/db"), server };
        let judge = |place: &str, server| {
            answer("s", &[("default", place)]).judge("s", &at(server), true).is_ok()
        };
        let place = "postgresql://127.0.0.1:5433/portcullis_default";
        assert!(judge(place, own));
        assert!(!judge(place, None), "the run has no server");
        assert!(!judge("postgresql://127.0.0.1:5432/portcullis_default", own));
        assert!(!judge("postgresql://127.0.0.1:5433/claims", own));
        assert!(!judge("postgresql://db:5433/portcullis_default", own));
    }

    #[test]
    fn the_script_prints_marks_that_it_does_not_hold() {
        assert!(!SCRIPT.contains(SETTINGS) && !SCRIPT.contains(DATABASE));
    }

    #[test]
    fn paths_need_not_be_utf_8() {
        assert_eq!(decode("2fff"), Some(PathBuf::from(OsString::from_vec(b"/\xff".to_vec()))));
        for wrong in ["", "2", "zz", "2fé"] {
            assert_eq!(decode(wrong), None, "{wrong}");
        }
    }
}
