//! Whole runs of the bundled service with the bundled load: healthy, and with one rare
//! task that takes three seconds.

use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result, anyhow, bail};
use serde_json::Value;

use super::Extent;
use super::ledger::{SEED_LOADS, SeedLoad};
use super::live::when_and_where;
use crate::bench::{Figure, Target};
use crate::tools;

/// The fault that makes one rare task take three seconds.
const SLOW: &str = "reports=delay:3s";
/// The exit code of an invalid measurement.
const INVALID: i64 = 5;

/// The number of runs: healthy ones, and ones with a slow rare task.
fn counts(extent: Extent) -> (u32, u32) {
    match extent {
        Extent::Quick => (1, 1),
        Extent::Medium => (6, 12),
        Extent::Full => (50, 100),
    }
}

/// Makes the runs of this extent, and returns the figures of all runs so far.
///
/// # Errors
/// A run wrote no results.
pub fn measure(extent: Extent) -> Result<Vec<Figure>> {
    let (sound, slow) = counts(extent);
    for (faults, count) in [("", sound), (SLOW, slow)] {
        // The full measurement can be interrupted and continued.
        let counted = match extent {
            Extent::Full => valid(&SEED_LOADS.read()?, faults).len(),
            Extent::Quick | Extent::Medium => 0,
        };
        runs(extent, count.saturating_sub(counted as u32), faults)?;
    }
    let all = SEED_LOADS.read()?;
    let (sound, slow) = (valid(&all, ""), valid(&all, SLOW));
    let figure = |what: &str, runs: &[&SeedLoad], is: &dyn Fn(&SeedLoad) -> bool, target| {
        let hits = runs.iter().filter(|run| is(run)).count();
        let what = format!("{what} ({hits} of {} runs)", runs.len());
        Figure::of_ours(what, hits as f64 / runs.len() as f64, "share", target)
    };
    let all_of_them = Target::AtLeast(1.0);
    Ok(vec![
        figure("one rare task at 3 s: red", &slow, &|run| run.exit == 1, all_of_them),
        figure("healthy fixture: green", &sound, &|run| run.exit == 0, all_of_them),
        figure(
            "healthy fixture: extra requests after the window",
            &sound,
            &|run| run.more > 0,
            Target::AtMost(0.1),
        ),
    ])
}

/// The valid runs with these faults.
fn valid<'a>(all: &'a [SeedLoad], faults: &str) -> Vec<&'a SeedLoad> {
    all.iter().filter(|run| run.faults == faults && run.exit != INVALID).collect()
}

/// The number of runs at the same time. Five users that wait for seconds between requests
/// leave two CPUs idle, and runners in CI have neighbours too.
const AT_ONCE: usize = 3;

/// Makes `count` valid runs. Runs that are invalid because the machine is busy are printed
/// and repeated, a limited number of times.
fn runs(extent: Extent, count: u32, faults: &str) -> Result<()> {
    let file = Mutex::new(());
    let begun = AtomicU32::new(0);
    let invalid = AtomicU32::new(0);
    let worker = |lane: usize| -> Result<()> {
        let one_more =
            |begun: u32| (begun < count + invalid.load(Ordering::Relaxed)).then_some(begun + 1);
        while begun.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more).is_ok() {
            let ended = once(extent, faults, lane)?;
            let is_invalid = ended.exit == INVALID;
            let alone = file.lock().map_err(|_| anyhow!("a run panicked"))?;
            SEED_LOADS.append(vec![ended])?;
            drop(alone);
            if is_invalid && invalid.fetch_add(1, Ordering::Relaxed) > count {
                bail!("more runs are invalid than valid: this machine is too busy");
            }
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let lanes: Vec<_> = (0..AT_ONCE).map(|lane| scope.spawn(move || worker(lane))).collect();
        lanes.into_iter().try_for_each(|lane| lane.join().map_err(|_| anyhow!("a run panicked"))?)
    })
}

fn once(extent: Extent, faults: &str, lane: usize) -> Result<SeedLoad> {
    let out = tools::root().join(format!("target/judge-seed-load-{lane}"));
    let mut perf = Command::new(std::env::current_exe()?);
    perf.args(["perf", "-q", "--port", "auto", "--out"]).arg(&out).current_dir(tools::root());
    // The bundled load takes half a minute; it is shortened unless all runs are made.
    if extent != Extent::Full {
        perf.args(["-r", "5/s", "-t", "12s"]);
    }
    perf.env("UPSTREAM_FAULTS", faults).stdin(Stdio::null()).stderr(Stdio::inherit());
    let said = perf.output()?.stdout;
    let results: Value = serde_json::from_slice(&std::fs::read(out.join("perf_results.json"))?)?;
    let tasks = results["summary"]["tasks"].as_array().context("the results have no summary")?;
    let after = |task: &Value| task["extension_requests"].as_u64().unwrap_or(0);
    // A task that was not called in the window is called once; that is not because of doubt.
    let more: u64 = tasks.iter().map(after).filter(|after| *after > 1).sum();
    let exit = results["exit_code"].as_i64().context("the results have no exit code")?;
    eprintln!(
        "faults {faults:?}: exit {exit}, {more} extra requests: {}",
        String::from_utf8_lossy(&said)
    );
    let (date, machine) = when_and_where(&results);
    Ok(SeedLoad { date, machine, faults: faults.to_owned(), exit, more })
}
