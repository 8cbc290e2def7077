//! Locust with `FastHttpUser`, the faster of its clients.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use super::{Told, told_by_script};
use crate::bench::pinned;
use crate::bench::scenario::Place;
use crate::tools;

/// Installs Locust into its own environment.
///
/// # Errors
/// It cannot be installed.
pub fn install() -> Result<PathBuf> {
    Ok(tools::venv("bench-venv-locust", &["locust==2.47.0"], "")?.join("locust"))
}

/// 50 users of the ten tasks, without waits.
///
/// # Errors
/// Locust failed, or its requests did.
pub fn scenario(locust: &Path, place: &Place, seconds: u64) -> Result<Told> {
    scenario_with(locust, place, 50, 0, seconds)
}

/// The CPU time that Locust needs to start and to end, with a login and one task.
///
/// # Errors
/// Locust failed, or its requests did.
pub fn start_cpu_s(locust: &Path, place: &Place) -> Result<f64> {
    Ok(scenario_with(locust, place, 1, 60, 1)?.cpu_s)
}

fn scenario_with(
    locust: &Path,
    place: &Place,
    users: u32,
    wait_s: u32,
    seconds: u64,
) -> Result<Told> {
    let script = place.folder.join("locust_scenario.py");
    std::fs::write(&script, include_str!("locust_scenario.py"))?;
    let mut command = command(locust, place, &script, users, seconds);
    command.env("BENCH_SCENARIO", place.tasks()?).env("BENCH_WAIT_S", wait_s.to_string());
    told_by_script("Locust", &pinned::run(&command, seconds)?)
}

/// One URL from 50 users, each with a pacing that gives this rate together.
///
/// # Errors
/// Locust failed, or its requests did.
pub fn at_rate(locust: &Path, place: &Place, path: &str, rate: u32, seconds: u64) -> Result<Told> {
    let users = 50;
    let script = place.folder.join("locust_rate.py");
    std::fs::write(&script, include_str!("locust_rate.py"))?;
    let mut command = command(locust, place, &script, users, seconds);
    let period_s = f64::from(users) / f64::from(rate);
    command.env("BENCH_PATH", path).env("BENCH_PERIOD_S", period_s.to_string());
    told_by_script("Locust", &pinned::run(&command, seconds)?)
}

/// All users start within the first second.
fn command(locust: &Path, place: &Place, script: &Path, users: u32, seconds: u64) -> Command {
    let users = users.to_string();
    let mut command = Command::new(locust);
    command.args(["--headless", "--only-summary", "--loglevel", "ERROR", "--locustfile"]);
    command.arg(script).args(["--host", &place.base(), "--users", &users, "--spawn-rate", &users]);
    command.args(["--run-time", &format!("{seconds}s"), "--stop-timeout", "5s"]);
    command.current_dir(place.folder);
    command
}
