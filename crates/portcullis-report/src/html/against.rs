//! The comparison with the base: a chart of the ratio of each task, and the figures of both
//! versions.

use portcullis_core::compare::{Comparison, Effect, TaskComparison, percent};
use portcullis_core::units::show_duration;

use super::Section;
use super::charts::forest::{forest, word};
use super::charts::pairs::over_time;
use super::markup::{Cell, Column, Rows, esc, facts, numbers, table, words};
use crate::record::RunRecord;

/// The section; empty without a comparison.
pub fn section(run: &RunRecord) -> Section {
    let body = run.comparison.as_ref().map_or_else(String::new, body);
    Section { id: "against", title: "Against the base", body }
}

fn body(comparison: &Comparison) -> String {
    let unplaced = comparison.unplaced.as_ref().map(|why| {
        format!(
            "<p class=\"note\"><b>Not on one CPU.</b> {}: more pairs are needed.</p>\n",
            esc(why)
        )
    });
    let notes = comparison.base_load.iter().chain(&comparison.base_gate);
    let notes: String =
        notes.map(|note| format!("<p class=\"note\">{}.</p>\n", esc(note))).collect();
    let rows: Rows = comparison.tasks.iter().map(cells).collect();
    format!(
        "<p>{}</p>\n{}{}{notes}{}<figure>\n<figcaption>Latency of the candidate divided by the latency of \
         the base, over all pairs. The dot is the median, the bar is the 95 % interval (valid at \
         any stopping time).</figcaption>\n<div class=\"wide\" role=\"region\" aria-label=\"Ratios by task\" \
         tabindex=\"0\">{}</div>\n</figure>\n{}{}<p class=\"key\">{}.</p>\n",
        esc(&comparison.sentence()),
        facts(&about(comparison)),
        unplaced.unwrap_or_default(),
        gate(comparison),
        forest(&comparison.tasks),
        table("Base and candidate by task", "sorts filters", &COLUMNS, &rows),
        pairs(comparison),
        esc(&comparison.blind_spot())
    )
}

/// Where the configuration is looser than that of the base.
fn gate(comparison: &Comparison) -> String {
    if comparison.loosened.is_empty() {
        return String::new();
    }
    let lines = comparison.loosened.iter().map(|line| format!("<li>{}</li>\n", esc(line)));
    let lines: String = lines.collect();
    format!(
        "<p class=\"note\"><b>The gate is looser than in the base.</b></p>\n<ul>\n{lines}</ul>\n"
    )
}

fn pairs(comparison: &Comparison) -> String {
    let drawn = over_time(comparison);
    if drawn.is_empty() {
        return drawn;
    }
    format!(
        "<figure>\n<figcaption>Each pair over time: latency of the candidate divided by the \
         latency of the base, on a logarithmic axis from 0.4 to 2.5. Ratios outside are drawn at \
         the edge. The thin line is equal latency, the thick line is the median of neighbouring \
         pairs, and the number is the median of all pairs.</figcaption>\n<div class=\"wide\" role=\"region\" aria-label=\"Pairs over time\" \
         tabindex=\"0\">{drawn}</div>\n</figure>\n"
    )
}

const COLUMNS: [Column; 9] = [
    words("task"),
    words("decision"),
    numbers("pairs"),
    numbers("median"),
    numbers("95 % from"),
    numbers("95 % to"),
    numbers("base p50 ms"),
    numbers("candidate p50 ms"),
    numbers("CPU time"),
];

fn cells(task: &TaskComparison) -> Vec<Cell> {
    let of = |pick: fn(&Effect) -> f64, effect: &Option<Effect>| match effect {
        Some(effect) => Cell::number(&percent(pick(effect)), pick(effect)),
        None => Cell::number("–", -1.0),
    };
    // An end that was not found is open.
    let end = |pick: fn(&Effect) -> Option<f64>, effect: &Option<Effect>| {
        let ratio = effect.as_ref().and_then(pick);
        ratio.map_or_else(|| Cell::number("–", -1.0), |ratio| Cell::number(&percent(ratio), ratio))
    };
    vec![
        Cell::text(&task.name),
        Cell::text(word(task)),
        Cell::count(task.pairs),
        of(|effect| effect.median, &task.effect),
        end(Effect::from, &task.effect),
        end(Effect::to, &task.effect),
        Cell::ms(task.p50_ms.base),
        Cell::ms(task.p50_ms.candidate),
        of(|effect| effect.median, &task.cpu),
    ]
}

fn about(comparison: &Comparison) -> Vec<(&'static str, String)> {
    let took = show_duration(comparison.took);
    let mut facts = vec![
        ("Base", format!("{} ({})", comparison.commit, comparison.asked)),
        ("Duration of the pairs", format!("{took} of at most {}", show_duration(comparison.limit))),
    ];
    if !comparison.overrides.is_empty() {
        facts.push(("Settings overridden for the pairs", comparison.overrides.join(", ")));
    }
    facts
}
