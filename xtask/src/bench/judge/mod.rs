//! `cargo xtask bench judge`: how often the gate itself is wrong, by live runs
//! whose truth is known.

mod ledger;
mod live;
pub mod neighbour;
mod rates;
mod rivals;
mod scene;
mod seed_load;
mod thresholds;

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use clap::ValueEnum;
use portcullis::pairs::RULE;
use portcullis::rng::{Domain, Rng};

use super::Figure;
use ledger::Line;
use live::{Compared, Setting};
use neighbour::Noise;
use scene::{Scene, TASKS};

/// What is measured of the judge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// Thresholds and the extension of doubtful runs
    Thresholds,
    /// Comparisons with the base
    Pairs,
}

/// How much is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// A few minutes.
    Quick,
    /// A quarter of an hour.
    Medium,
    /// More than an hour.
    Full,
}

/// A kind of comparison whose truth is known.
#[derive(Clone, Copy, Debug)]
struct Card {
    noise: Noise,
    is_slowed: bool,
    gunicorn: bool,
}

/// How many restarts of each kind each extent has: noise, whether one task is
/// slowed, whether gunicorn serves.
const DECK: [(Noise, bool, bool, [usize; 3]); 7] = [
    (Noise::Quiet, false, false, [2, 6, 30]),
    (Noise::Bursty, false, false, [2, 6, 30]),
    (Noise::Quiet, true, false, [1, 4, 16]),
    (Noise::Bursty, true, false, [1, 4, 16]),
    (Noise::Steady, true, false, [1, 2, 8]),
    (Noise::Quiet, false, true, [0, 1, 4]),
    (Noise::Quiet, true, true, [0, 2, 4]),
];

/// Comparisons of each restart.
const RUNS: u32 = 5;
/// What "slowed" means: the ratio that is seen.
const SLOWED: f64 = 1.20;

/// Measures and tells.
///
/// # Errors
/// A run brought nothing.
pub fn measure(part: Part, extent: Extent) -> Result<Vec<Figure>> {
    match part {
        Part::Thresholds => {
            let simulated = thresholds::measure(extent);
            Ok(simulated.into_iter().chain(seed_load::measure(extent)?).collect())
        }
        Part::Pairs => {
            pairs(extent)?;
            rates::write()?;
            rates::figures()
        }
    }
}

fn pairs(extent: Extent) -> Result<()> {
    let scene = Scene::new()?;
    let shares = calibrate(&scene)?;
    let mut deck: Vec<Card> = Vec::new();
    for (noise, is_slowed, gunicorn, restarts) in DECK {
        let card = Card { noise, is_slowed, gunicorn };
        deck.extend(std::iter::repeat_n(card, restarts[extent as usize]));
    }
    let mut seed = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    Rng::stream(seed, Domain::Deck, 0).shuffle(&mut deck);
    let all = deck.len();
    for (index, Card { noise, is_slowed, gunicorn }) in deck.into_iter().enumerate() {
        seed += 1;
        let slowed = if is_slowed { TASKS[seed as usize % TASKS.len()].0 } else { "" };
        let only = shares.iter().filter(|(task, _)| task.as_str() == slowed);
        scene.slow_down(&only.map(|(t, s)| (t.clone(), *s)).collect(), 10)?;
        let setting = Setting { noise, runs: RUNS, gunicorn };
        // A restart that brought nothing counts for nothing, and is told.
        match live::compare(&scene, setting, seed) {
            Ok(compared) => {
                let lines: Vec<Line> =
                    compared.iter().map(|one| line(one, setting, slowed)).collect();
                let wrong: u32 = lines.iter().map(|line| line.wrong).sum();
                let found = lines.iter().filter(|line| line.found).count();
                let (noise, runs) = (noise.name(), lines.len());
                eprintln!(
                    "restart {}/{all}: {noise}, slowed: {slowed:?}: {runs} comparisons, {wrong} \
                     wrong, {found} found",
                    index + 1
                );
                ledger::append(&lines)?;
            }
            Err(error) => eprintln!("restart {}/{all}: nothing: {error:#}", index + 1),
        }
    }
    Ok(())
}

/// The share of extra queries that makes each task slower by a fifth, as pairs
/// see it: two corrections, then a look.
fn calibrate(scene: &Scene) -> Result<BTreeMap<String, f64>> {
    let mut shares: BTreeMap<String, f64> =
        TASKS.iter().map(|(task, ..)| ((*task).to_owned(), SLOWED - 1.0)).collect();
    for step in 0..3_u64 {
        scene.slow_down(&shares, 100)?;
        let setting = Setting { noise: Noise::Quiet, runs: 1, gunicorn: false };
        let compared = live::compare(scene, setting, step + 1)?;
        let first = compared.first().context("no comparison")?;
        for task in &first.tasks {
            let seen = task.median_ratio.context("no ratio")?;
            eprintln!("calibration {step}: {} {:+.1} %", task.name, (seen - 1.0) * 100.0);
            if step < 2
                && let Some(share) = shares.get_mut(&task.name)
            {
                *share *= (SLOWED - 1.0) / (seen - 1.0).max(0.05);
            }
        }
    }
    Ok(shares)
}

fn line(compared: &Compared, setting: Setting, slowed: &str) -> Line {
    let of = |name: &str| compared.tasks.iter().find(|task| task.name == name);
    let is_slower = |task: &&live::Task| task.decision == "slower";
    let truly = of(slowed);
    let others = Compared {
        tasks: compared.tasks.iter().filter(|task| task.name != slowed).cloned().collect(),
        ..compared.clone()
    };
    let found = truly.filter(is_slower);
    let decided = |name: &str| of(name).and_then(|task| task.decided_after_s);
    Line {
        date: compared.date.clone(),
        machine: compared.machine.clone(),
        rule: RULE.hash(),
        server: if setting.gunicorn { "gunicorn" } else { "runserver" }.to_owned(),
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
    }
}
