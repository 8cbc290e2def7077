//! A task over many runs: p50 and p95, failures, and the runs at which a level changed.

use portcullis_core::history::ChangePoint;

use super::scale::{Scale, tick_ms};
use super::svg::{dot, drawing, line, number, polyline, text};
use super::time::grid;

const WIDTH: f64 = 960.0;
const LEFT: f64 = 62.0;
const RIGHT: f64 = 880.0;
const TOP: f64 = 12.0;
const BASE: f64 = 190.0;

/// A run of the chart.
#[derive(Clone, Debug)]
pub struct Point {
    /// The day, for the axis.
    pub day: String,
    /// The commit, shortened.
    pub commit: String,
    /// Median latency in milliseconds.
    pub p50_ms: Option<f64>,
    /// 95th percentile in milliseconds.
    pub p95_ms: Option<f64>,
    /// Whether requests failed.
    pub has_failures: bool,
}

/// The chart; empty without a latency. `changes` are those of p95.
pub fn trend(task: &str, points: &[Point], changes: &[ChangePoint]) -> String {
    let values = || points.iter().flat_map(|point| [point.p50_ms, point.p95_ms]).flatten();
    let (low, high) = (values().fold(f64::MAX, f64::min), values().fold(0.0, f64::max));
    if high <= 0.0 {
        return String::new();
    }
    let last = points.len().saturating_sub(1);
    let x = Scale::straight((0.0, last as f64), (LEFT, RIGHT));
    let y = Scale::log((low * 0.85, high * 1.15), (BASE, TOP));
    let mut inside = grid(&y, 6, tick_ms) + &days(points, &x);
    type Pick = fn(&Point) -> Option<f64>;
    let lines: [(&str, Pick); 2] = [("p50", |point| point.p50_ms), ("p95", |point| point.p95_ms)];
    for (name, pick) in lines {
        let place =
            |(index, point): (usize, &Point)| Some((x.at(index as f64), y.at(pick(point)?)));
        inside.push_str(&polyline(points.iter().enumerate().map(place), &format!("line {name}")));
        if let Some(end) = points.iter().rev().find_map(pick) {
            inside.push_str(&text((RIGHT + 8.0, y.at(end) + 4.0), &format!("start {name}"), name));
        }
    }
    for change in changes {
        inside.push_str(&mark(change, points, &x, &y));
    }
    for (index, _) in points.iter().enumerate().filter(|(_, point)| point.has_failures) {
        inside.push_str(&dot((x.at(index as f64), BASE + 10.0), 2.5, "broken"));
    }
    let says = format!("{task}: p50 and p95 over {} runs, {} changes", points.len(), changes.len());
    drawing(WIDTH, 232.0, "chart", &says, &inside)
}

/// The levels on both sides of a change, and its commit.
fn mark(change: &ChangePoint, points: &[Point], x: &Scale, y: &Scale) -> String {
    let at = x.at(change.at as f64 - 0.5);
    let commit = points.get(change.at).map_or("", |point| point.commit.as_str());
    let class = if change.after > change.before { "worse line" } else { "same" };
    let level = |ms: f64, from: f64, to: f64| line((from, y.at(ms)), (to, y.at(ms)), "mark");
    line((at, TOP), (at, BASE), class)
        + &level(change.before, at - 24.0, at)
        + &level(change.after, at, at + 24.0)
        + &text((at + 4.0, TOP + 8.0), "start small mark", commit)
}

/// At most eight days along the axis.
fn days(points: &[Point], x: &Scale) -> String {
    let step = points.len().div_ceil(8).max(1);
    let tick = |(index, point): (usize, &Point)| {
        let at = x.at(index as f64);
        line((at, BASE), (at, BASE + 4.0), "axis") + &text((at, BASE + 30.0), "middle", &point.day)
    };
    let ticks: String = points.iter().enumerate().step_by(step).map(tick).collect();
    let axis = format!(
        "<path d=\"M{} {b}H{}\" class=\"axis\"/>",
        number(LEFT),
        number(RIGHT),
        b = number(BASE)
    );
    axis + &ticks
}
