//! Databases that cannot be replaced by a temporary one: the settings module refuses them,
//! and its message in a log becomes the run's finding.

use portcullis_core::judge::Finding;

use super::settings_overlay::UNSUPPORTED_DATABASE;
use crate::run::{RunFolder, StageFailure};

/// The failure if the settings were refused because of their database, which is a matter of
/// configuration in every stage. `None` if the log does not say so.
pub fn refused(folder: &RunFolder, log: &str) -> Option<StageFailure> {
    let text = std::fs::read(folder.log(log)).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let line = text.lines().find(|line| line.contains(UNSUPPORTED_DATABASE))?;
    let (_, which) = line.split_once(UNSUPPORTED_DATABASE)?;
    let message = format!(
        "only SQLite databases can be replaced by a throwaway one, but the database{}",
        which.trim_end()
    );
    let advice = "select SQLite with [env] set, or measure a running server with --host";
    Some(StageFailure::new(Finding::refused(message)).with_advice(advice))
}
