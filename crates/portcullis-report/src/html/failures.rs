//! Failures, grouped by task and kind.

use super::Section;
use super::markup::{Cell, Column, Rows, numbers, table, words};
use crate::instant::rfc3339;
use crate::record::RunRecord;
use crate::wording::shortened;

/// The number of listed groups; the CSV has all.
const MOST: usize = 200;

const COLUMNS: [Column; 6] = [
    words("task"),
    words("kind"),
    numbers("count"),
    words("first seen"),
    words("last seen"),
    words("first message"),
];

/// The section; empty without failures.
pub fn section(run: &RunRecord) -> Section {
    let groups = run.summary.as_ref().map_or(&[][..], |summary| &summary.failures);
    let rows = groups.iter().take(MOST).map(|group| {
        vec![
            Cell::text(&group.task),
            Cell::text(group.kind.name()),
            Cell::count(group.count),
            Cell::text(&rfc3339(group.first_unix_ms)),
            Cell::text(&rfc3339(group.last_unix_ms)),
            Cell::text(&shortened(&group.message, 500)),
        ]
    });
    let rows: Rows = rows.collect();
    let more = match groups.len().saturating_sub(MOST) {
        0 => String::new(),
        n => format!("<p>{n} more are in perf_results_failures.csv.</p>\n"),
    };
    let body = match rows.is_empty() {
        true => String::new(),
        false => table("Failed requests", "sorts filters", &COLUMNS, &rows) + &more,
    };
    Section { id: "failures", title: "Failures", body }
}
