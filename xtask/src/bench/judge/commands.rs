//! Whole commands, `perf --against HEAD` as a user runs it: they must be green for equal
//! versions, and red only for the slower task.

use anyhow::Result;
use portcullis::comparison::POLICY;
use serde_json::Value;

use super::Extent;
use super::calibration;
use super::ledger::{COMMANDS, Ended};
use super::live::{self, Setting};
use super::neighbour::Noise;
use super::sandbox::Sandbox;

/// The task that is made slower.
const SLOWED: &str = "list_claims";

/// Noise, whether one task is slowed, whether gunicorn serves, and the number of commands
/// in each extent.
const DECK: [(Noise, bool, bool, [u32; 3]); 4] = [
    (Noise::Quiet, false, false, [1, 3, 10]),
    (Noise::Bursty, false, false, [1, 3, 10]),
    (Noise::Quiet, true, false, [1, 4, 20]),
    (Noise::Quiet, true, true, [1, 2, 10]),
];

/// Runs the commands and counts the results; `beside` selects those with that noise.
///
/// # Errors
/// A clone or a calibration could not be made.
pub fn measure(extent: Extent, beside: Option<Noise>) -> Result<()> {
    let sandbox = Sandbox::new()?;
    let mut shares = calibration::shares(&sandbox)?;
    shares.retain(|task, _| task == SLOWED);
    let nothing = calibration::Shares::new();
    let deck = DECK.into_iter().filter(|card| beside.is_none_or(|noise| noise == card.0));
    for (noise, is_slowed, gunicorn, counts) in deck {
        sandbox.slow_down(if is_slowed { &shares } else { &nothing }, 10)?;
        let setting = Setting { noise, runs: 1, gunicorn };
        for _ in 0..counts[extent as usize] {
            let slowed = if is_slowed { SLOWED } else { "" };
            let ended = once(&sandbox, setting, slowed)?;
            let (server, exit, slower) = (&ended.server, ended.exit, &ended.slower);
            eprintln!("{server}, {}: exit {exit}, slower: {slower:?}", ended.noise);
            COMMANDS.append(vec![ended])?;
        }
    }
    Ok(())
}

fn once(sandbox: &Sandbox, setting: Setting, slowed: &str) -> Result<Ended> {
    // All users start at once and the load is short, because only the comparison counts.
    let results = live::command(sandbox, setting, vec!["-r", "5/s", "-t", "5s"])?;
    let (date, machine) = live::when_and_where(&results);
    let tasks = results["against"]["tasks"].as_array();
    let slower: Vec<&str> = tasks
        .into_iter()
        .flatten()
        .filter(|task| task["decision"] == "slower")
        .filter_map(|task| task["name"].as_str())
        .collect();
    Ok(Ended {
        date,
        machine,
        rule: POLICY.hash(),
        server: setting.server().to_owned(),
        noise: setting.noise.name().to_owned(),
        slowed: slowed.to_owned(),
        exit: results.get("exit_code").and_then(Value::as_i64).unwrap_or(-1),
        slower: slower.join(";"),
    })
}
