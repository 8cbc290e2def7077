//! Base and candidate: the ratio of each task's latency with its interval, on one
//! logarithmic axis with "the same" in its middle (a forest plot).

use portcullis_core::compare::{Decision, POLICY, TaskComparison, percent};

use super::scale::Scale;
use super::svg::{dot, drawing, line, rect, text};
use crate::wording::shortened;

const WIDTH: f64 = 960.0;
const LEFT: f64 = 200.0;
const RIGHT: f64 = 740.0;
const ROW: f64 = 26.0;
const TOP: f64 = 24.0;

/// Ratios beyond these are drawn at the edge.
const WIDEST: (f64, f64) = (0.25, 4.0);

/// The chart; empty without a ratio.
pub fn forest(tasks: &[TaskComparison]) -> String {
    let effects = || tasks.iter().filter_map(|task| task.effect.as_ref());
    if effects().next().is_none() {
        return String::new();
    }
    let low = effects().map(|effect| effect.low).fold(0.9, f64::min).max(WIDEST.0);
    let high = effects().map(|effect| effect.high).fold(1.2, f64::max).min(WIDEST.1);
    let x = Scale::log((low, high), (LEFT, RIGHT));
    let bottom = TOP + ROW * tasks.len() as f64;
    let mut inside = axis(&x, bottom);
    for (index, task) in tasks.iter().enumerate() {
        inside.push_str(&row(task, &x, TOP + ROW * (index as f64 + 0.5)));
    }
    let says: Vec<String> = tasks.iter().map(TaskComparison::line).collect();
    drawing(WIDTH, bottom + 24.0, "chart", &says.join("; "), &inside)
}

fn axis(x: &Scale, bottom: f64) -> String {
    let named = [0.25, 0.5, 0.8, 0.9, 1.0, 1.1, 1.25, 1.5, 2.0, 3.0, 4.0];
    let mut free = f64::MIN;
    let ticks = named.into_iter().filter(|ratio| x.holds(*ratio)).map(|ratio| {
        let at = x.at(ratio);
        let mark = line((at, bottom), (at, bottom + 4.0), "axis");
        // Overlapping labels are left out.
        if at < free {
            return mark;
        }
        free = at + 52.0;
        let name = if ratio == 1.0 { "same".to_owned() } else { percent(ratio) };
        mark + &text((at, bottom + 17.0), "middle", &name)
    });
    let ticks: String = ticks.collect();
    let slower = x.at(POLICY.slower_margin);
    rect((slower, TOP - 8.0), (RIGHT - slower, bottom - TOP + 8.0), "beyond")
        + &text((slower + 5.0, TOP - 12.0), "start small", "slower by more than the margin")
        + &line((x.at(1.0), TOP - 8.0), (x.at(1.0), bottom), "same")
        + &line((LEFT, bottom), (RIGHT, bottom), "axis")
        + &ticks
}

fn row(task: &TaskComparison, x: &Scale, y: f64) -> String {
    let name = text((LEFT - 12.0, y + 4.0), "end", &shortened(&task.name, 28));
    let Some(effect) = &task.effect else {
        return name + &text((RIGHT + 14.0, y + 4.0), "start", word(task));
    };
    let (left, right) = (x.at(effect.low), x.at(effect.high));
    let class = if task.decision == Decision::Slower { "possible worse" } else { "possible" };
    let size = format!("{} {}", percent(effect.median), word(task));
    name + &line((left, y), (right, y), class)
        + &line((left, y - 5.0), (left, y + 5.0), class)
        + &line((right, y - 5.0), (right, y + 5.0), class)
        + &dot((x.at(effect.median), y), 4.0, "estimate")
        + &text((RIGHT + 14.0, y + 4.0), "start", &size)
}

/// A task's decision in a word.
pub fn word(task: &TaskComparison) -> &'static str {
    match task.decision {
        Decision::Undecided if task.is_new() => "new, not compared",
        Decision::Undecided if task.effect.is_none() => "not compared",
        decision => decision.name(),
    }
}
