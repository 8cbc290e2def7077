//! The server's port.

use super::{Diagnosis, fine, problem, warning};

const NAME: &str = "port";

const REMEDY: &str = "stop that process, or set [server] port = \"auto\"";

/// Judges the port; `holder` has it, if somebody does. A run that `insists` uses no other.
pub fn check(port: u16, insists: bool, holder: Option<&str>) -> Diagnosis {
    match (port, holder) {
        (0, _) => fine(NAME, "a free one is chosen for each run"),
        (_, None) => fine(NAME, format!("{port} is free")),
        (_, Some(holder)) if insists => {
            problem(NAME, format!("{port} is held by {holder}"), REMEDY)
        }
        (_, Some(holder)) => {
            warning(NAME, format!("{port} is held by {holder}: a run uses another one"), REMEDY)
        }
    }
}
