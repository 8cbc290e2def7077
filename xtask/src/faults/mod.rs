//! `cargo xtask faults`: checks that every fault leads to the right exit code and correct
//! artifacts, and that nothing is left behind. Each fault is a case, written as data; one
//! function runs it and checks what is left.

pub mod actions;
pub mod below;
pub mod case;
mod cases;
mod commands;
mod endurance;
mod leaks;
mod panics;
mod report;
pub mod sandbox;

use anyhow::{Result, bail};
use clap::Args;

use case::FaultCase;
pub use panics::Panics;
use sandbox::Sandbox;

/// Flags of `faults`.
#[derive(Debug, Args)]
pub struct FaultsArgs {
    /// Run only the quick part, as CI does
    #[arg(long)]
    quick: bool,
    /// Run only cases whose name contains NAME
    #[arg(long, value_name = "NAME")]
    filter: Option<String>,
    /// Run the cases N times
    #[arg(long, value_name = "N", default_value_t = 1)]
    repeat: u32,
    /// List the cases and their expected exit codes; run nothing
    #[arg(long)]
    list: bool,
    /// Kill N runs at random moments instead
    #[arg(long, value_name = "N", conflicts_with_all = ["soak", "write", "list"])]
    chaos: Option<u32>,
    /// Make N short runs in a row instead, and check that nothing grows
    #[arg(long, value_name = "N", conflicts_with_all = ["write", "list"])]
    soak: Option<u32>,
    /// Write docs/reference/faults.md from the results (needs all cases)
    #[arg(long)]
    write: bool,
}

/// How often a case is tried on a busy machine.
const TRIES: u32 = 3;
/// The text with which a run says that the machine was too busy.
pub const BUSY: &str = "the load generator was late by";
/// The same for a load that was too small.
const SHORT: &str = "because waits of users ended late";

/// The result of a case.
pub enum CaseResult {
    /// As expected; with the verdict that a user sees.
    Passed(String),
    /// Not as expected; with the reason.
    Failed(String),
    /// Not run, because this machine lacks something; with the reason.
    Skipped(String),
}

/// Runs the quick cases, as CI does.
///
/// # Errors
/// A case failed.
pub fn quick() -> Result<()> {
    run(&FaultsArgs {
        quick: true,
        filter: None,
        repeat: 1,
        list: false,
        chaos: None,
        soak: None,
        write: false,
    })
}

/// Runs the cases.
///
/// # Errors
/// A case failed.
pub fn run(args: &FaultsArgs) -> Result<()> {
    match (args.chaos, args.soak) {
        (Some(count), _) => return endurance::chaos(count),
        (None, Some(count)) => return endurance::soak(count),
        (None, None) => {}
    }
    let all = cases::all();
    let wanted = |case: &&FaultCase| {
        let named = args.filter.as_ref().is_none_or(|part| case.name.contains(part.as_str()));
        named && (!args.quick || case.quick)
    };
    let chosen: Vec<&FaultCase> = all.iter().filter(wanted).collect();
    if args.list {
        chosen
            .iter()
            .for_each(|case| println!("{:<44} exit {:<4} {}", case.name, case.code, case.what));
        return Ok(());
    }
    let (mut passed, mut failed, mut skipped) = (0, Vec::new(), 0);
    let mut seen = Vec::new();
    for _ in 0..args.repeat {
        // The page has the results of one pass, the last.
        seen.clear();
        for case in &chosen {
            let start = std::time::Instant::now();
            let came = check(case);
            let took = start.elapsed().as_secs_f64();
            match &came {
                CaseResult::Passed(_) => {
                    passed += 1;
                    println!("PASS {took:6.1} s  {}", case.name);
                }
                CaseResult::Failed(why) => {
                    failed.push(case.name);
                    println!("FAIL {took:6.1} s  {}\n{}", case.name, indented(why));
                }
                CaseResult::Skipped(why) => {
                    skipped += 1;
                    println!("SKIP {took:6.1} s  {}: {why}", case.name);
                }
            }
            seen.push((*case, came));
        }
    }
    println!("{passed} passed, {} failed, {skipped} skipped", failed.len());
    if !failed.is_empty() {
        bail!("{} cases failed: {}", failed.len(), failed.join(", "));
    }
    if args.write {
        report::write(&seen)?;
    }
    Ok(())
}

/// Runs one case: checks its needs, runs it, then checks its output and what is left.
fn check(case: &FaultCase) -> CaseResult {
    if let Some(why) = case.need.and_then(case::Need::missing) {
        return CaseResult::Skipped(why);
    }
    let attempt = || -> Result<String> {
        let sandbox = Sandbox::new(case)?;
        let outcome = sandbox.play(case)?;
        case.judge(&outcome)?;
        if let Some(then) = case.then {
            then(&sandbox, &outcome)?;
        }
        leaks::look(&sandbox)?;
        // The process that outlives a killed run may not have written its last files yet.
        let has_ended = outcome.code.is_some_and(|code| code >= 0);
        if let [log, ..] = &outcome.dead_links()[..]
            && has_ended
        {
            bail!("the page links {log}, which does not exist");
        }
        Ok(outcome.verdict())
    };
    // On a busy machine a run is invalid, whatever its fault. That is no result, so
    // the case is tried again.
    let mut came = attempt();
    for _ in 1..TRIES {
        match &came {
            Err(error) if [BUSY, SHORT].iter().any(|text| format!("{error:#}").contains(text)) => {
                println!("     retry: {}: the generator was late, this machine is busy", case.name);
                came = attempt();
            }
            _ => break,
        }
    }
    match came {
        Ok(verdict) => CaseResult::Passed(verdict),
        Err(error) => CaseResult::Failed(format!("{error:#}")),
    }
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("    {line}\n")).collect()
}
