//! `cargo xtask bench judge`: measures how often the verdict is wrong, by live runs with
//! a known truth.

mod calibration;
mod commands;
mod ledger;
mod live;
pub mod neighbour;
mod page;
mod rates;
mod rivals;
mod sandbox;
mod seed_load;
mod separate;
mod thresholds;
mod veridict;

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Result;
use clap::ValueEnum;
use portcullis::comparison::POLICY;
use portcullis::rng::{Domain, Rng};

use super::Figure;
use super::statistics::median;
use calibration::Shares;
use ledger::{COMPARISONS, Level, Levels, Line};
use live::{Compared, Setting};
use neighbour::Noise;
use sandbox::{Sandbox, TASKS};

/// The parts of the judge that can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// Measure thresholds, and the extra requests of runs in doubt
    Thresholds,
    /// Measure comparisons with the base
    Pairs,
    /// Measure whole commands with --against
    Commands,
}

/// The number of measurements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// A few minutes.
    Quick,
    /// A quarter of an hour.
    Medium,
    /// More than an hour.
    Full,
}

/// A kind of comparison with a known truth.
#[derive(Clone, Copy, Debug)]
struct Card {
    noise: Noise,
    is_slowed: bool,
    gunicorn: bool,
}

/// For each kind of comparison (noise, whether one task is slowed, whether gunicorn
/// serves) the number of restarts in each extent.
const DECK: [(Noise, bool, bool, [usize; 3]); 7] = [
    (Noise::Quiet, false, false, [2, 6, 60]),
    (Noise::Bursty, false, false, [2, 6, 60]),
    (Noise::Quiet, true, false, [1, 4, 16]),
    (Noise::Bursty, true, false, [1, 4, 16]),
    (Noise::Steady, true, false, [1, 2, 8]),
    (Noise::Quiet, false, true, [0, 1, 4]),
    (Noise::Quiet, true, true, [0, 2, 4]),
];

/// Comparisons for each restart.
const RUNS: u32 = 5;

/// Measures, and returns all figures so far. `noise` selects the measurements with that
/// neighbour process.
///
/// # Errors
/// A run gave no result.
pub fn measure(part: Part, extent: Extent, noise: Option<Noise>) -> Result<Vec<Figure>> {
    match part {
        Part::Thresholds => {
            let simulated = thresholds::measure(extent);
            return Ok(simulated.into_iter().chain(seed_load::measure(extent)?).collect());
        }
        Part::Pairs => pairs(extent, noise)?,
        Part::Commands => commands::measure(extent, noise)?,
    }
    page::write()?;
    rates::figures()
}

fn deck(extent: Extent, noise: Option<Noise>) -> Vec<Card> {
    let mut deck = Vec::new();
    for (beside, is_slowed, gunicorn, restarts) in DECK {
        if noise.is_none_or(|noise| noise == beside) {
            let card = Card { noise: beside, is_slowed, gunicorn };
            deck.extend(std::iter::repeat_n(card, restarts[extent as usize]));
        }
    }
    deck
}

fn pairs(extent: Extent, noise: Option<Noise>) -> Result<()> {
    let sandbox = Sandbox::new()?;
    let veridict = veridict::install()?;
    let shares = calibration::shares(&sandbox)?;
    let mut deck = deck(extent, noise);
    let mut seed = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    Rng::stream(seed, Domain::Deck, 0).shuffle(&mut deck);
    let all = deck.len();
    for (index, card) in deck.into_iter().enumerate() {
        seed += 1;
        // A restart without a result is not counted; a message says so.
        match restart(&sandbox, &shares, &veridict, card, seed) {
            Ok(told) => eprintln!("restart {}/{all}: {told}", index + 1),
            Err(error) => eprintln!("restart {}/{all}: no result: {error:#}", index + 1),
        }
    }
    Ok(())
}

/// Starts both versions, compares them several times, and counts.
fn restart(
    sandbox: &Sandbox,
    shares: &Shares,
    veridict: &Path,
    card: Card,
    seed: u64,
) -> Result<String> {
    let slowed = if card.is_slowed { TASKS[seed as usize % TASKS.len()].0 } else { "" };
    let only = shares.iter().filter(|(task, _)| task.as_str() == slowed);
    sandbox.slow_down(&only.map(|(t, s)| (t.clone(), *s)).collect(), 10)?;
    let setting = Setting { noise: card.noise, runs: RUNS, gunicorn: card.gunicorn };
    let compared = live::compare(sandbox, setting, seed)?;
    // If veridict fails, only its column stays empty; the comparison still counts.
    let lines = compared.iter().map(|one| {
        let alarms = veridict::alarms(veridict, &but_for(one, slowed)).ok();
        Line { veridict: alarms, restart: Some(seed), ..line(one, setting, slowed) }
    });
    let lines: Vec<Line> = lines.collect();
    let wrong: u32 = lines.iter().map(|line| line.wrong).sum();
    let found = lines.iter().filter(|line| line.found).count();
    let (server, noise, runs) = (setting.server(), card.noise.name(), lines.len());
    COMPARISONS.append(lines)?;
    Ok(format!(
        "{server}, {noise}, slowed: {slowed:?}: {runs} comparisons, {wrong} wrong, {found} found"
    ))
}

/// The comparison without the slowed task, so that no task in it is really slower.
fn but_for(compared: &Compared, slowed: &str) -> Compared {
    let tasks = compared.tasks.iter().filter(|task| task.name != slowed);
    Compared { tasks: tasks.cloned().collect(), ..compared.clone() }
}

fn line(compared: &Compared, setting: Setting, slowed: &str) -> Line {
    let of = |name: &str| compared.tasks.iter().find(|task| task.name == name);
    let is_slower = |task: &&live::Task| task.decision == "slower";
    let truly = of(slowed);
    let others = but_for(compared, slowed);
    let found = truly.filter(is_slower);
    let decided = |name: &str| of(name).and_then(|task| task.decided_after_s);
    Line {
        date: compared.date.clone(),
        machine: compared.machine.clone(),
        rule: POLICY.hash(),
        server: setting.server().to_owned(),
        noise: setting.noise.name().to_owned(),
        slowed: slowed.to_owned(),
        wrong: others.tasks.iter().filter(is_slower).count() as u32,
        found: found.is_some(),
        undecided: compared.tasks.iter().filter(|t| t.decision == "undecided").count() as u32,
        alarm_s: found.and_then(|task| task.decided_after_s),
        took_s: compared.took_s,
        pairs: compared.pairs as u32,
        seen: truly.and_then(|task| task.median_ratio),
        rarest_s: decided("list_reports"),
        commonest_s: decided("list_claims"),
        p95_rule: rivals::p95_rule(&others),
        mann_whitney: rivals::mann_whitney(&others),
        paired_mean: rivals::paired_mean(&others),
        spread: spread(compared),
        levels: if slowed.is_empty() { levels(compared) } else { Levels::default() },
        ..Line::default()
    }
}

/// The spread of the logarithms of ratios around the median of their task: 1.4826 times
/// the median distance, which is the standard deviation of a normal distribution.
fn spread(compared: &Compared) -> Option<f64> {
    let distances = compared.tasks.iter().filter_map(|task| {
        let middle = task.median_ratio?.ln();
        Some(task.latencies_ms.iter().map(move |(base, own)| ((own / base).ln() - middle).abs()))
    });
    let spread = 1.4826 * median(distances.flatten());
    spread.is_finite().then_some(spread)
}

fn levels(compared: &Compared) -> Levels {
    let level = |(name, ..): &(&str, &str, &str)| {
        let task = compared.tasks.iter().find(|task| task.name == *name)?;
        Some(Level {
            base_ms: median(task.latencies_ms.iter().map(|(base, _)| *base)),
            candidate_ms: median(task.latencies_ms.iter().map(|(_, candidate)| *candidate)),
            ratio: task.median_ratio?,
        })
    };
    TASKS.iter().map(level).collect::<Option<_>>().map(Levels).unwrap_or_default()
}
