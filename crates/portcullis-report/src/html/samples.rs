//! Single requests of a task: the slowest ones, and the first failed answers with their
//! bodies.

use portcullis_core::measure::{FailureKind, Summary, TaskSummary};

use super::markup::{Cell, Column, Rows, esc, numbers, table, whole, words};
use crate::instant::rfc3339;
use crate::wording::{shortened, status};

/// The number of shown characters of a body; the results have more.
const LONGEST: usize = 1_000;

const COLUMNS: [Column; 4] =
    [numbers("second"), words("time"), numbers("latency"), words("status")];

/// The exemplars of a task; empty if there are none.
pub fn samples(task: &TaskSummary, summary: &Summary) -> String {
    format!("{}{}", errors(task), slowest(task, summary))
}

fn slowest(task: &TaskSummary, summary: &Summary) -> String {
    let rows = task.samples.slowest.iter().map(|slow| {
        vec![
            Cell::number(&format!("{:.1}", slow.at.as_secs_f64()), slow.at.as_secs_f64()),
            Cell::text(&rfc3339(summary.wall_ms(slow.at))),
            Cell::ms(Some(slow.latency.as_secs_f64() * 1e3)),
            Cell::text(&status(slow.status)),
        ]
    });
    let rows: Rows = rows.collect();
    if rows.is_empty() {
        String::new()
    } else {
        table("Slowest requests, latency in ms", "", &COLUMNS, &rows)
    }
}

fn errors(task: &TaskSummary) -> String {
    let shown = task.samples.errors.iter().map(|error| {
        let body = match &error.body.text {
            Some(text) if !text.trim().is_empty() => {
                format!("<pre tabindex=\"0\">{}</pre>\n", esc(&shortened(text, LONGEST)))
            }
            _ => format!("<p>{}</p>\n", esc(&error.body.shown())),
        };
        let what = match error.kind {
            FailureKind::Status => status(error.status),
            kind => format!("{}, {}", kind.name(), status(error.status)),
        };
        format!(
            "<figure>\n<figcaption>After {:.1} s: <b>{what}</b>, {} bytes</figcaption>\n{body}\
             </figure>\n",
            error.at.as_secs_f64(),
            whole(error.body.bytes)
        )
    });
    shown.collect()
}
