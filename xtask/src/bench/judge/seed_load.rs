//! Whole runs of the bundled service by the seed load: sound, and with one rare
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

/// What makes one rare task take three seconds.
const SLOW: &str = "reports=delay:3s";
/// The exit code of a measurement that says nothing.
const INVALID: i64 = 5;

/// Runs that are asked for: sound ones, and such with a slow rare task.
fn counts(extent: Extent) -> (u32, u32) {
    match extent {
        Extent::Quick => (1, 1),
        Extent::Medium => (6, 12),
        Extent::Full => (50, 100),
    }
}

/// Measures what this extent asks for, and tells all that was counted so far.
///
/// # Errors
/// A run left no results.
pub fn measure(extent: Extent) -> Result<Vec<Figure>> {
    let (sound, slow) = counts(extent);
    for (faults, count) in [("", sound), (SLOW, slow)] {
        // The long count may be stopped and taken up again.
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
            "healthy fixture: run longer than planned",
            &sound,
            &|run| run.more > 0,
            Target::AtMost(0.1),
        ),
    ])
}

/// The runs with these faults that say something.
fn valid<'a>(all: &'a [SeedLoad], faults: &str) -> Vec<&'a SeedLoad> {
    all.iter().filter(|run| run.faults == faults && run.exit != INVALID).collect()
}

/// Runs at the same time: five users who wait for seconds between requests leave
/// two processors idle, and a neighbour is what a runner has.
const AT_ONCE: usize = 3;

/// So many valid runs; those that a busy machine made invalid are told and done
/// again, a few times.
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
    // The seed load lasts half a minute; where fewer runs are asked for it is
    // shortened too.
    if extent != Extent::Full {
        perf.args(["-r", "5/s", "-t", "12s"]);
    }
    perf.env("UPSTREAM_FAULTS", faults).stdin(Stdio::null()).stderr(Stdio::inherit());
    let said = perf.output()?.stdout;
    let results: Value = serde_json::from_slice(&std::fs::read(out.join("perf_results.json"))?)?;
    let tasks = results["summary"]["tasks"].as_array().context("no summary")?;
    let after = |task: &Value| task["extension_requests"].as_u64().unwrap_or(0);
    // A task that chance left out is called once: that is no doubt.
    let more: u64 = tasks.iter().map(after).filter(|after| *after > 1).sum();
    let exit = results["exit_code"].as_i64().context("no exit code")?;
    eprintln!("faults {faults:?}: exit {exit}, {more} more: {}", String::from_utf8_lossy(&said));
    let (date, machine) = when_and_where(&results);
    Ok(SeedLoad { date, machine, faults: faults.to_owned(), exit, more })
}
