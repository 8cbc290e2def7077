//! The stages as a waterfall, and the calls of the first round.

use std::time::Duration;

use portcullis_core::event::{StageEnd, StageRecord};
use portcullis_core::units::{show_duration, show_ms};

use super::Section;
use super::charts::time::span;
use super::markup::{Cell, Column, Rows, numbers, table, words};
use crate::record::{FirstCall, RunRecord};
use crate::wording::shortened;

const COLUMNS: [Column; 5] =
    [words("stage"), words("timeline"), numbers("duration"), words("result"), words("details")];

/// The section; empty before the first stage has ended.
pub fn section(run: &RunRecord) -> Section {
    let whole: Duration = run.stages.iter().map(|record| record.took).sum();
    let mut start = Duration::ZERO;
    let rows = run.stages.iter().map(|record| {
        let cells = cells(record, start, whole);
        start += record.took;
        cells
    });
    let rows: Rows = rows.collect();
    let body = match rows.is_empty() {
        true => String::new(),
        false => {
            table("Stages in order", "waterfall", &COLUMNS, &rows) + &first_round(&run.first_round)
        }
    };
    Section { id: "stages", title: "Stages", body }
}

fn cells(record: &StageRecord, start: Duration, whole: Duration) -> Vec<Cell> {
    let share = |at: Duration| at.as_secs_f64() / whole.as_secs_f64().max(1e-9);
    let (class, end, what) = match &record.end {
        end @ (StageEnd::Completed | StageEnd::Cached) => (end.name(), end.name(), &*record.detail),
        StageEnd::Failed(why) => ("broken", "✗ failed", why.as_str()),
    };
    let took = show_duration(record.took);
    let says = format!("starts after {}, takes {took}", show_duration(start));
    let bar = span(share(start), share(start + record.took), class, &says);
    vec![
        Cell::text(record.stage.name()),
        Cell::markup(bar),
        Cell::text(&took),
        Cell::text(end),
        Cell::text(&shortened(what, 500)),
    ]
}

fn first_round(calls: &[FirstCall]) -> String {
    let columns = [words("task"), numbers("latency"), words("failure")];
    let rows: Rows = calls
        .iter()
        .map(|call| {
            let ms = call.latency.as_secs_f64() * 1e3;
            let failure = call.failure.as_deref().unwrap_or("");
            vec![
                Cell::text(&call.task),
                Cell::number(&show_ms(ms), ms),
                Cell::text(&shortened(failure, 500)),
            ]
        })
        .collect();
    if rows.is_empty() {
        return String::new();
    }
    let table = table("One call of each task before the load", "sorts", &columns, &rows);
    format!("<details><summary>First round: {} calls</summary>\n{table}</details>\n", rows.len())
}
