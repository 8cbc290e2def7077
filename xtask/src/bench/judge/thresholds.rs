//! Simulates how often thresholds are judged wrongly; in a simulation the truth is known
//! exactly.

use portcullis::evidence::{Counts, ProportionTest, State, states};

use portcullis::rng::{Domain, Rng};

use super::Extent;
use crate::bench::{Figure, Target};

/// Requests of the bundled load in its window, and with the most extra requests.
const WINDOW: u64 = 70;
const LONGEST: u64 = 280;
/// The number of `fail` rules of the bundled file; the error is over all of them.
const FAMILY: usize = 12;

/// Simulates.
pub fn measure(extent: Extent) -> Vec<Figure> {
    let runs: u64 = match extent {
        Extent::Quick => 2_000,
        Extent::Medium | Extent::Full => 10_000,
    };
    // Latencies are log-normal with a spread of 0.4, as measured for the bundled service on
    // a shared machine. The share beyond the limit follows from the true p95.
    let below = simulate(runs, share_beyond(0.95));
    let above = simulate(runs, share_beyond(1.20));
    let share = |n: u64| n as f64 / runs as f64;
    vec![
        Figure::of_ours(
            "aggregate p95 truly 5 % under the limit: surely violated",
            share(below.surely),
            "share",
            Target::AtMost(0.01),
        ),
        Figure::beside("the same: red by the estimate", share(below.red), "share"),
        Figure::beside("the same: extra requests after the window", share(below.longer), "share"),
        Figure::of_ours(
            "aggregate p95 truly 20 % over the limit: red",
            share(above.red),
            "share",
            Target::AtLeast(0.95),
        ),
        Figure::beside("the same: surely violated", share(above.surely), "share"),
    ]
}

/// The share of latencies beyond a limit if the true p95 is `ratio` times it.
fn share_beyond(ratio: f64) -> f64 {
    const SPREAD: f64 = 0.4;
    const Z95: f64 = 1.644_853_626_951_472_2;
    // ln p95 = mean + Z95 · spread; the limit lies at p95 / ratio.
    1.0 - normal(Z95 - ratio.ln() / SPREAD)
}

/// The normal distribution function: Abramowitz and Stegun 26.2.17, to 7.5e-8.
fn normal(z: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.231_641_9 * z.abs());
    let poly = t
        * (0.319_381_530
            + t * (-0.356_563_782
                + t * (1.781_477_937 + t * (-1.821_255_978 + t * 1.330_274_429))));
    let tail = (-z * z / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt() * poly;
    if z >= 0.0 { 1.0 - tail } else { tail }
}

#[derive(Default)]
struct Ended {
    surely: u64,
    red: u64,
    longer: u64,
}

/// Simulates runs of the bundled load: the window, then extra requests while in doubt.
fn simulate(runs: u64, share: f64) -> Ended {
    let mut ended = Ended::default();
    let mut chance = Rng::stream(88, Domain::Values, 0);
    for _ in 0..runs {
        let mut counts = Counts::default();
        let standing = loop {
            counts.all += 1;
            counts.hits += u64::from(chance.unit() < share);
            if counts.all < WINDOW {
                continue;
            }
            let standing = judged(counts);
            if standing != State::InDoubt || counts.all >= LONGEST {
                break standing;
            }
        };
        ended.surely += u64::from(standing == State::Violated);
        ended.longer += u64::from(counts.all > WINDOW);
        ended.red += u64::from(counts.hits as f64 > 0.05 * counts.all as f64);
    }
    ended
}

/// Judges the rule together with other rules that have almost no data.
fn judged(counts: Counts) -> State {
    let case = |counts| ProportionTest { counts, allowed: 0.05, design_effect: 1.0 };
    let mut family = vec![case(Counts { all: 6, hits: 0 }); FAMILY - 1];
    family.push(case(counts));
    states(&family).last().copied().unwrap_or(State::InDoubt)
}
