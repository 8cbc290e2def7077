//! The server's port.

use super::{Diagnosis, fine, warning};

const NAME: &str = "port";

/// Judges the preferred port; `holder` has it, if somebody does.
pub fn check(port: u16, holder: Option<&str>) -> Diagnosis {
    match (port, holder) {
        (0, _) => fine(NAME, "a free one is chosen for each run"),
        (_, None) => fine(NAME, format!("{port} is free")),
        (_, Some(holder)) => warning(
            NAME,
            format!("{port} is held by {holder}: a run uses another one"),
            "stop that process, or set [server] port = \"auto\"",
        ),
    }
}
