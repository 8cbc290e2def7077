//! `cargo xtask faults`: whatever happens, the right exit code, the truth in the
//! artifacts, nothing left behind. Each fault is a case, written as data; one function
//! runs it, and looks at what it left.

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
    /// The half that continuous integration runs
    #[arg(long)]
    quick: bool,
    /// Only rows whose name contains this
    #[arg(long, value_name = "NAME")]
    filter: Option<String>,
    /// Run the rows this often
    #[arg(long, value_name = "N", default_value_t = 1)]
    repeat: u32,
    /// List the rows and what they expect; run nothing
    #[arg(long)]
    list: bool,
    /// Kill this many runs at random moments instead
    #[arg(long, value_name = "N", conflicts_with_all = ["soak", "write", "list"])]
    chaos: Option<u32>,
    /// Do this many short runs in a row instead, and see what grows
    #[arg(long, value_name = "N", conflicts_with_all = ["write", "list"])]
    soak: Option<u32>,
    /// Write docs/reference/faults.md from what was seen (needs all rows)
    #[arg(long)]
    write: bool,
}

/// How often a case is tried on a busy machine.
const TRIES: u32 = 3;
/// How a run says that the machine was too busy.
pub const BUSY: &str = "the load generator was late by";

/// How a case came out.
pub enum CaseResult {
    /// As expected; the verdict that a user sees.
    Passed(String),
    /// Not so.
    Failed(String),
    /// This machine does not give what it needs.
    Skipped(String),
}

/// Runs the half of the cases that continuous integration runs.
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
    let (mut passed, mut failed, mut skipped) = (0, 0, 0);
    let mut seen = Vec::new();
    for _ in 0..args.repeat {
        // The page tells of one pass, the last.
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
                    failed += 1;
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
    println!("{passed} passed, {failed} failed, {skipped} skipped");
    if failed > 0 {
        bail!("{failed} rows are not as they should be");
    }
    if args.write {
        report::write(&seen)?;
    }
    Ok(())
}

/// One case: what it needs, the run, what it said, what it left.
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
        // Who outlives a killed run may not have written its last files yet.
        let has_ended = outcome.code.is_some_and(|code| code >= 0);
        if let [log, ..] = &outcome.dead_links()[..]
            && has_ended
        {
            bail!("the page links {log}, which is not there");
        }
        Ok(outcome.verdict())
    };
    // A machine that is busy with something else makes a run invalid, whatever
    // its fault: that is no answer yet.
    let mut came = attempt();
    for _ in 1..TRIES {
        match &came {
            Err(error) if format!("{error:#}").contains(BUSY) => {
                println!("     again: {}: the generator was late, this machine is busy", case.name);
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
