//! Pairs over time: the ratio of candidate to base in each pair, a strip for each task. It
//! shows a drift, or a disturbance that affected the versions differently.

use portcullis_core::compare::{Comparison, Pair, percent};

use super::scale::{Scale, short};
use super::svg::{drawing, line, number, text};
use crate::wording::shortened;

const WIDTH: f64 = 960.0;
const LEFT: f64 = 200.0;
const RIGHT: f64 = 880.0;
const ROW: f64 = 44.0;
const TOP: f64 = 6.0;
/// Ratios beyond these are drawn at the edge.
const WIDEST: (f64, f64) = (0.4, 2.5);
/// The number of drawn pairs of a task, evenly chosen; the medians are of all pairs.
const DOTS: usize = 150;
/// The number of steps in the line of medians.
const STEPS: usize = 24;
/// The number of drawn tasks.
const MOST: usize = 20;

/// The chart; empty without pairs.
pub fn over_time(comparison: &Comparison) -> String {
    let tasks: Vec<(&str, Vec<(f64, f64)>)> = comparison
        .names
        .iter()
        .enumerate()
        .map(|(index, name)| {
            let own = comparison.pairs.iter().filter(|pair| pair.task == index);
            (name.as_str(), own.filter_map(ratio).collect::<Vec<_>>())
        })
        .filter(|(_, pairs)| pairs.len() > 1)
        .take(MOST)
        .collect();
    let end = comparison.pairs.iter().map(|pair| pair.at.as_secs_f64()).fold(0.0, f64::max);
    if tasks.is_empty() {
        return String::new();
    }
    let x = Scale::straight((0.0, end), (LEFT, RIGHT));
    let bottom = TOP + ROW * tasks.len() as f64;
    let mut inside = String::new();
    for (index, (name, pairs)) in tasks.iter().enumerate() {
        let top = TOP + ROW * index as f64;
        inside.push_str(&strip(name, pairs, &x, (top + 3.0, top + ROW - 3.0)));
    }
    let ticks = x.ticks(8).into_iter().map(|tick| {
        line((x.at(tick), bottom), (x.at(tick), bottom + 4.0), "axis")
            + &text((x.at(tick), bottom + 17.0), "middle", &format!("{} s", short(tick)))
    });
    inside.push_str(&ticks.collect::<String>());
    let count: usize = tasks.iter().map(|(_, pairs)| pairs.len()).sum();
    let says = format!("{count} pairs of {} tasks over {} s", tasks.len(), short(end));
    drawing(WIDTH, bottom + 24.0, "chart", &says, &inside)
}

/// The start of a pair in seconds, and the ratio of candidate to base.
fn ratio(pair: &Pair) -> Option<(f64, f64)> {
    let (base, candidate) = (pair.latency.base?, pair.latency.candidate?);
    let ratio = candidate.as_secs_f64() / base.as_secs_f64();
    (ratio.is_finite() && ratio > 0.0).then_some((pair.at.as_secs_f64(), ratio))
}

fn strip(name: &str, pairs: &[(f64, f64)], x: &Scale, (top, base): (f64, f64)) -> String {
    let y = Scale::log(WIDEST, (base, top));
    let each = pairs.len().div_ceil(DOTS).max(1);
    let dots = pairs
        .iter()
        .step_by(each)
        .map(|(at, ratio)| format!("M{} {}h0", number(x.at(*at)), number(y.at(*ratio))));
    let medians: Vec<(f64, f64)> =
        pairs.chunks(pairs.len().div_ceil(STEPS).max(1)).filter_map(middle).collect();
    let path = medians.iter().enumerate().map(|(index, (at, ratio))| {
        let letter = if index == 0 { 'M' } else { 'L' };
        format!("{letter}{} {}", number(x.at(*at)), number(y.at(*ratio)))
    });
    let same = y.at(1.0);
    let last = middle(pairs).map(|(_, ratio)| percent(ratio)).unwrap_or_default();
    text((LEFT - 12.0, same + 4.0), "end", &shortened(name, 28))
        + &line((LEFT, same), (RIGHT, same), "grid")
        + &format!("<path d=\"{}\" class=\"pairs\"/>", dots.collect::<String>())
        + &format!("<path d=\"{}\" class=\"line p95\"/>", path.collect::<String>())
        + &text((RIGHT + 8.0, same + 4.0), "start", &last)
}

/// The median ratio of some pairs, at their mean time.
fn middle(pairs: &[(f64, f64)]) -> Option<(f64, f64)> {
    let mut ratios: Vec<f64> = pairs.iter().map(|(_, ratio)| *ratio).collect();
    ratios.sort_by(f64::total_cmp);
    let median = *ratios.get(ratios.len().saturating_sub(1) / 2)?;
    let mean = pairs.iter().map(|(at, _)| at).sum::<f64>() / pairs.len() as f64;
    Some((mean, median))
}
