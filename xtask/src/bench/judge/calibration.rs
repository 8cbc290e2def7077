//! How many extra queries make each task slower by a fifth, as a long comparison
//! sees it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};

use super::live::{self, Setting};
use super::neighbour::Noise;
use super::scene::{Scene, TASKS};
use crate::tools;

/// What "slowed" means: the ratio that is seen.
const SLOWED: f64 = 1.20;
/// How far from it a task may be.
const NEAR: f64 = 0.02;
/// Pairs of each task in a look: the median's standard error is half a percent.
const PAIRS: u32 = 400;
/// Looks at most.
const LOOKS: u64 = 4;
/// How long a calibration holds.
const KEPT: Duration = Duration::from_secs(12 * 3600);

/// The share of a request's own time that extra queries take, by task.
pub type Shares = BTreeMap<String, f64>;

/// The shares by which each task is seen to be slower by a fifth, within two
/// points; measured, or taken from a measurement of the last hours.
///
/// # Errors
/// No comparison could be made.
pub fn shares(scene: &Scene) -> Result<Shares> {
    let kept = kept();
    let fresh = |path: &PathBuf| -> Option<Shares> {
        let age = path.metadata().ok()?.modified().ok()?.elapsed().ok()?;
        let text = std::fs::read_to_string(path).ok().filter(|_| age < KEPT)?;
        serde_json::from_str(&text).ok()
    };
    if let Some(shares) = fresh(&kept) {
        eprintln!("calibration: as in {}", kept.display());
        return Ok(shares);
    }
    let mut shares: Shares =
        TASKS.iter().map(|(task, ..)| ((*task).to_owned(), SLOWED - 1.0)).collect();
    for look in 1..=LOOKS {
        let worst = correct(scene, look, &mut shares)?;
        if worst <= NEAR {
            break;
        }
        if look == LOOKS {
            eprintln!("calibration: after {LOOKS} looks still {:.1} points off", worst * 100.0);
        }
    }
    std::fs::write(&kept, serde_json::to_string_pretty(&shares)?)?;
    Ok(shares)
}

fn kept() -> PathBuf {
    tools::root().join("target/judge-calibration.json")
}

/// Looks once, corrects what is off, and says how far off the worst was.
fn correct(scene: &Scene, look: u64, shares: &mut Shares) -> Result<f64> {
    scene.slow_down(shares, PAIRS)?;
    let setting = Setting { noise: Noise::Quiet, runs: 1, gunicorn: false };
    let compared = live::compare(scene, setting, look)?;
    let mut worst: f64 = 0.0;
    for task in &compared.first().context("no comparison")?.tasks {
        let seen = task.median_ratio.context("no ratio")?;
        let pairs = task.latencies_ms.len();
        eprintln!(
            "calibration {look}: {} {:+.1} % ({pairs} pairs)",
            task.name,
            (seen - 1.0) * 100.0
        );
        let off = (seen - SLOWED).abs();
        worst = worst.max(off);
        if off > NEAR
            && let Some(share) = shares.get_mut(&task.name)
        {
            *share *= (SLOWED - 1.0) / (seen - 1.0).max(0.05);
        }
    }
    Ok(worst)
}
