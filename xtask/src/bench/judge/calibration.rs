//! Finds how many extra queries make each task slower by a fifth, measured by long
//! comparisons.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};

use super::live::{self, Setting};
use super::neighbour::Noise;
use super::sandbox::{Sandbox, TASKS};
use crate::tools;

/// The meaning of "slowed": the measured increase of a request's time.
const ADDED: f64 = 0.20;
/// Pairs of each task in a measurement.
const PAIRS: u32 = 250;
/// Measurements, each with new servers, because two starts of the same code differ by
/// more than the remaining error of that many pairs.
const LOOKS: u64 = 4;
/// How long a calibration stays valid.
const KEPT: Duration = Duration::from_secs(12 * 3600);

/// For each task, the share of a request's own time that extra queries take.
pub type Shares = BTreeMap<String, f64>;

/// The shares with which each task is slower by a fifth, measured now or in the last
/// hours. The measured increase is assumed to be proportional to the share; the factor is
/// the mean over all measurements.
///
/// # Errors
/// No comparison could be made.
pub fn shares(sandbox: &Sandbox) -> Result<Shares> {
    let kept = kept();
    let fresh = |path: &PathBuf| -> Option<Shares> {
        let age = path.metadata().ok()?.modified().ok()?.elapsed().ok()?;
        let text = std::fs::read_to_string(path).ok().filter(|_| age < KEPT)?;
        serde_json::from_str(&text).ok()
    };
    if let Some(shares) = fresh(&kept) {
        eprintln!("calibration: from {}", kept.display());
        return Ok(shares);
    }
    let mut shares: Shares = TASKS.iter().map(|(task, ..)| ((*task).to_owned(), ADDED)).collect();
    let mut factors: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for look in 1..=LOOKS {
        for (task, added) in look_at(sandbox, look, &shares)? {
            let Some(share) = shares.get_mut(&task) else { continue };
            let factors = factors.entry(task).or_default();
            factors.push((added / *share).max(0.25));
            *share = ADDED * factors.len() as f64 / factors.iter().sum::<f64>();
        }
    }
    std::fs::write(&kept, serde_json::to_string_pretty(&shares)?)?;
    Ok(shares)
}

fn kept() -> PathBuf {
    tools::root().join("target/judge-calibration.json")
}

/// The measured increase of each task with these shares.
fn look_at(sandbox: &Sandbox, look: u64, shares: &Shares) -> Result<Vec<(String, f64)>> {
    sandbox.slow_down(shares, PAIRS)?;
    let setting = Setting { noise: Noise::Quiet, runs: 1, gunicorn: false };
    let compared = live::compare(sandbox, setting, look)?;
    let mut seen = Vec::new();
    for task in &compared.first().context("no comparison")?.tasks {
        let added = task.median_ratio.context("no ratio")? - 1.0;
        eprintln!("calibration {look}: {} {:+.1} %", task.name, added * 100.0);
        seen.push((task.name.clone(), added));
    }
    Ok(seen)
}
