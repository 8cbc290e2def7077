//! Each task over the window: a strip with p50, p95 and failures, all on the same axes, so
//! that a different one is visible.

use portcullis_core::measure::{TaskSummary, TimeBucket};

use super::scale::{Scale, tick_ms};
use super::svg::{bars, drawing, line, polyline, text};
use super::time::time_axis;
use crate::wording::shortened;

const WIDTH: f64 = 960.0;
const LEFT: f64 = 200.0;
const RIGHT: f64 = 870.0;
const ROW: f64 = 46.0;
const TOP: f64 = 4.0;

/// The chart; empty if no task has two steps. `end_s` is the length of the window.
pub fn timelines(tasks: &[&TaskSummary], end_s: f64) -> String {
    let tasks: Vec<&&TaskSummary> = tasks.iter().filter(|task| task.timeline.len() > 1).collect();
    let steps = || tasks.iter().flat_map(|task| &task.timeline);
    let values = || steps().flat_map(|step| [step.p50_ms, step.p95_ms]).flatten();
    let (low, high) = (values().fold(f64::MAX, f64::min), values().fold(0.0, f64::max));
    if high <= 0.0 {
        return String::new();
    }
    let x = Scale::straight((0.0, end_s), (LEFT, RIGHT));
    let bottom = TOP + ROW * tasks.len() as f64;
    let strip = |(index, task): (usize, &&&TaskSummary)| {
        let top = TOP + ROW * index as f64;
        let y = Scale::log((low * 0.9, high * 1.1), (top + ROW - 8.0, top + 2.0));
        strip(task, &x, &y, top + ROW - 3.0)
    };
    let inside: String = tasks.iter().enumerate().map(strip).collect();
    let says = format!(
        "Latencies of {} tasks over time, from {} to {}",
        tasks.len(),
        tick_ms(low),
        tick_ms(high)
    );
    drawing(WIDTH, bottom + 30.0, "chart", &says, &(inside + &time_axis(&x, bottom + 12.0)))
}

fn strip(task: &TaskSummary, x: &Scale, y: &Scale, base: f64) -> String {
    let step_s = match &task.timeline[..] {
        [first, second, ..] => second.at.saturating_sub(first.at).as_secs_f64(),
        _ => 1.0,
    };
    let middle = |step: &TimeBucket| x.at(step.at.as_secs_f64() + step_s / 2.0);
    let drawn = |pick: fn(&TimeBucket) -> Option<f64>, class: &str| {
        let places = task.timeline.iter().map(|step| pick(step).map(|ms| (middle(step), y.at(ms))));
        polyline(places, class)
    };
    let failed = task.timeline.iter().filter(|step| step.failures > 0).map(|step| {
        let share = step.failures as f64 / step.requests.max(1) as f64;
        let left = x.at(step.at.as_secs_f64());
        let right = x.at(step.at.as_secs_f64() + step_s);
        // A single failure among many must be visible.
        (left, right.max(left + 1.5), base - 3.0 - share * 12.0)
    });
    let last = task.timeline.iter().rev().find_map(|step| step.p95_ms).map(tick_ms);
    text((LEFT - 12.0, base - ROW / 2.0 + 8.0), "end", &shortened(&task.name, 28))
        + &line((LEFT, base), (RIGHT, base), "grid")
        + &bars(base, failed, "failed")
        + &drawn(|step| step.p50_ms, "line p50")
        + &drawn(|step| step.p95_ms, "line p95")
        + &text((RIGHT + 8.0, base - ROW / 2.0 + 8.0), "start p95", &last.unwrap_or_default())
}
