//! The bundled ten tasks against another server, with other users and waits.

use anyhow::{Context, Result};

use crate::tools;

/// The configuration: login, ten tasks with their checks, and thresholds.
///
/// # Errors
/// The bundled file cannot be read.
pub fn configuration(port: u16, users: u32, rate: u32, wait: &str, run: &str) -> Result<String> {
    let bundled = std::fs::read_to_string(tools::root().join("perf.toml"))?;
    let cut = |from: &str, to: &str| {
        let start = bundled.find(from).with_context(|| format!("perf.toml has no {from:?}"))?;
        let end = bundled[start..].find(to).map_or(bundled.len(), |end| start + end);
        anyhow::Ok(bundled[start..end].to_owned())
    };
    let tasks = cut("[[scenario.task]]", "# Profiles")?;
    let login = cut("[scenario.login]", "# Ten tasks")?.replace("shared = false", "shared = true");
    Ok(format!(
        "[server]\nhealth = \"/\"\n[load]\nhost = \"http://127.0.0.1:{port}\"\nusers = {users}\n\
         spawn_rate = \"{rate}/s\"\nduration = \"{run}\"\n[scenario]\nwait = {wait}\n{login}\n{tasks}"
    ))
}
