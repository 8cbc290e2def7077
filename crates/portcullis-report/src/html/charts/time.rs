//! The load over its window: latencies, failures, requests and users.

use portcullis_core::measure::Change;

use super::scale::{Scale, short, tick_ms};
use super::svg::{bars, drawing, line, polyline, rect, text};
use crate::series::Step;
use crate::wording::shortened;

const WIDTH: f64 = 960.0;
const LEFT: f64 = 62.0;
const RIGHT: f64 = 880.0;
/// The minimum distance of labels at the end of lines.
const APART: f64 = 13.0;

/// The time axis for some steps.
fn across(steps: &[Step]) -> Scale {
    let end = steps.last().map_or(1, |step| step.to_s + 1);
    let start = steps.first().map_or(0, |step| step.from_s);
    Scale::straight((start as f64, end as f64), (LEFT, RIGHT))
}

fn middle(step: &Step) -> f64 {
    (step.from_s as f64 + step.to_s as f64 + 1.0) / 2.0
}

/// The marks of changes between load stages.
fn marks(changes: &[Change], x: &Scale, (top, base): (f64, f64), is_named: bool) -> String {
    let mark = |change: &Change| {
        let at = x.at(change.at.as_secs_f64());
        let name = text((at + 4.0, top + 8.0), "start small", &shortened(&change.what, 24));
        let line = line((at, top), (at, base), "change");
        if is_named { line + &name } else { line }
    };
    changes.iter().take(MOST_CHANGES).map(mark).collect()
}

/// The number of marked changes.
const MOST_CHANGES: usize = 40;

/// p50, p95 and p99 on a logarithmic axis, with a limit of p95, failures, and changes
/// between load stages.
pub fn latencies(steps: &[Step], changes: &[Change], limit_ms: Option<f64>) -> String {
    let (top, base) = (10.0, 230.0);
    let values = || steps.iter().flat_map(|s| [s.p50_ms, s.p95_ms, s.p99_ms]).flatten();
    let (low, high) = (values().fold(f64::MAX, f64::min), values().fold(0.0, f64::max));
    if high <= 0.0 {
        return String::new();
    }
    // A limit far away would compress all lines.
    let limit = limit_ms.filter(|limit| *limit < high * 40.0);
    let high = limit.map_or(high, |limit| limit.max(high));
    let (x, y) = (across(steps), Scale::log((low * 0.8, high * 1.2), (base, top)));
    let mut inside = grid(&y, 8, tick_ms) + &time_axis(&x, 272.0);
    inside.push_str(&marks(changes, &x, (top, 258.0), false));
    if let Some(limit) = limit {
        inside.push_str(&line((LEFT, y.at(limit)), (RIGHT, y.at(limit)), "limit"));
        inside.push_str(&text((RIGHT - 4.0, y.at(limit) - 4.0), "end", "p95 limit"));
    }
    type Pick = fn(&Step) -> Option<f64>;
    let lines: [(&str, Pick); 3] =
        [("p50", |step| step.p50_ms), ("p95", |step| step.p95_ms), ("p99", |step| step.p99_ms)];
    let mut labels = Vec::new();
    for (name, pick) in lines {
        let place = |step: &Step| pick(step).map(|ms| (x.at(middle(step)), y.at(ms)));
        inside.push_str(&polyline(steps.iter().map(place), &format!("line {name}")));
        labels.extend(steps.iter().rev().find_map(pick).map(|ms| (name, y.at(ms))));
    }
    inside.push_str(&end_labels(labels));
    inside.push_str(&failures(steps, &x));
    let says = format!(
        "Latencies over time, from {} to {}; the same values are in the table below.",
        tick_ms(low),
        tick_ms(high)
    );
    drawing(WIDTH, 292.0, "chart", &says, &inside)
}

/// Labels at the right ends of lines, from the lowest up, moved apart.
fn end_labels(labels: Vec<(&str, f64)>) -> String {
    let mut below = f64::MAX;
    let place = |(name, y): (&str, f64)| {
        below = (y + 4.0).min(below - APART);
        text((RIGHT + 8.0, below), &format!("start {name}"), name)
    };
    labels.into_iter().map(place).collect()
}

/// A strip of failures below the latencies.
fn failures(steps: &[Step], x: &Scale) -> String {
    let (top, base) = (240.0, 258.0);
    let most = steps.iter().map(|step| step.failures).max().unwrap_or(0);
    let label = text((LEFT - 6.0, base - 4.0), "end", "failures");
    let axis = line((LEFT, base), (RIGHT, base), "grid");
    if most == 0 {
        return label + &axis + &text((RIGHT + 8.0, base - 4.0), "start", "none");
    }
    let y = Scale::straight((0.0, most as f64), (base, top));
    let failed = steps.iter().filter(|step| step.failures > 0);
    let bar = |step: &Step| {
        let (left, right) = (x.at(step.from_s as f64), x.at(step.to_s as f64 + 1.0));
        // A single failure must be visible.
        (left, right.max(left + 1.5), y.at(step.failures as f64).min(base - 4.0))
    };
    label
        + &axis
        + &bars(base, failed.map(bar), "failed")
        + &text((RIGHT + 8.0, base - 4.0), "start failed", &format!("≤ {most}"))
}

/// Requests per second, and users.
pub fn load(steps: &[Step], changes: &[Change]) -> String {
    let x = across(steps);
    let panel = |top: f64, base: f64, name: &str, pick: &dyn Fn(&Step) -> f64| {
        let most = steps.iter().map(pick).fold(0.0, f64::max);
        let y = Scale::straight((0.0, most.max(1.0) * 1.1), (base, top));
        let bar = |step: &Step| {
            let (left, right) = (x.at(step.from_s as f64), x.at(step.to_s as f64 + 1.0));
            (left, right, y.at(pick(step)))
        };
        grid(&y, 3, short)
            + &bars(base, steps.iter().map(bar), "load")
            + &text((RIGHT + 8.0, base - 4.0), "start", name)
    };
    let inside = panel(8.0, 90.0, "requests/s", &Step::rate)
        + &panel(104.0, 158.0, "users", &|step| f64::from(step.users))
        + &marks(changes, &x, (8.0, 158.0), true)
        + &time_axis(&x, 172.0);
    let rate = steps.iter().map(Step::rate).fold(0.0, f64::max);
    let users = steps.iter().map(|step| step.users).max().unwrap_or(0);
    let says = format!("Requests per second, {rate:.1} at most, and users, {users} at most.");
    drawing(WIDTH, 192.0, "chart", &says, &inside)
}

pub fn grid(y: &Scale, most: usize, label: fn(f64) -> String) -> String {
    let ticks = y.ticks(most).into_iter().map(|tick| {
        let at = y.at(tick);
        line((LEFT, at), (RIGHT, at), "grid") + &text((LEFT - 6.0, at + 3.5), "end", &label(tick))
    });
    ticks.collect()
}

pub fn time_axis(x: &Scale, y: f64) -> String {
    let ticks = time_ticks(x).into_iter().map(|tick| {
        let name = if tick >= 120.0 && tick % 60.0 == 0.0 {
            format!("{} min", short(tick / 60.0))
        } else {
            format!("{} s", short(tick))
        };
        line((x.at(tick), y - 8.0), (x.at(tick), y - 4.0), "axis")
            + &text((x.at(tick), y + 10.0), "middle", &name)
    });
    rect((LEFT, y - 8.0), (RIGHT - LEFT, 0.6), "rule") + &ticks.collect::<String>()
}

/// Usual steps for time.
fn time_ticks(x: &Scale) -> Vec<f64> {
    let steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 21_600, 86_400];
    let all = |step: u64| (0..=12u64).map(move |n| (n * step) as f64);
    let reaches = |step: &u64| !x.holds((13 * step) as f64);
    let step = steps.into_iter().find(reaches).unwrap_or(604_800);
    all(step).filter(|tick| x.holds(*tick)).collect()
}

/// A row of the waterfall of stages: one bar from `start` to `end`, as shares of the whole.
pub fn span(start: f64, end: f64, class: &str, says: &str) -> String {
    let (width, height) = (320.0, 14.0);
    let (left, right) = (start.clamp(0.0, 1.0) * width, end.clamp(0.0, 1.0) * width);
    let inside = rect((0.0, 6.5), (width, 1.0), "rule")
        + &rect((left.min(width - 1.5), 2.0), ((right - left).max(1.5), 10.0), class);
    drawing(width, height, "span", says, &inside)
}
