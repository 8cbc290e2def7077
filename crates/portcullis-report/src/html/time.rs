//! Over time: latencies, failures, requests and users of the planned window, and the same
//! figures as a table.

use portcullis_core::measure::Change;
use portcullis_core::threshold::{Limit, Metric, Percentile, Scope};

use super::Section;
use super::charts::time;
use super::markup::{Cell, Rows, numbers, table, words};
use crate::record::RunRecord;
use crate::series::{Step, steps};

/// The number of drawn steps for any length of the load.
const MOST: usize = 160;

/// The section; empty without a window.
pub fn section(run: &RunRecord) -> Section {
    let changes = run.summary.as_ref().map_or(&[][..], |summary| &summary.changes);
    let series = run.summary.as_ref().map_or(&[][..], |summary| &summary.series);
    let steps = steps(series, MOST);
    let body = if steps.is_empty() { String::new() } else { drawn(&steps, changes, limit_ms(run)) };
    Section { id: "time", title: "Over time", body }
}

/// The limit of a rule on the p95 of all requests, if there is one.
fn limit_ms(run: &RunRecord) -> Option<f64> {
    let rules = run.verdict.iter().flat_map(|verdict| &verdict.judged).map(|judged| &judged.rule);
    let is_p95 = |metric| metric == Metric::Percentile(Percentile::P95);
    let limits = rules.filter_map(|rule| match rule.limit {
        Limit::Latency(limit) if rule.scope == Scope::Aggregate && is_p95(rule.metric) => {
            Some(limit.as_secs_f64() * 1e3)
        }
        _ => None,
    });
    limits.reduce(f64::min)
}

fn drawn(steps: &[Step], changes: &[Change], limit_ms: Option<f64>) -> String {
    let length = steps.first().map_or(1, Step::seconds);
    let each = match length {
        1 => "Each step is one second.".to_owned(),
        n => format!("Each step is {n} seconds and shows the largest percentiles in it."),
    };
    format!(
        "<figure class=\"over-time\">\n<figcaption>Latency of good answers of all tasks. Each \
         point covers the last ten seconds (logarithmic axis). {each}</figcaption>\n<div \
         class=\"wide\" role=\"region\" aria-label=\"Latency over time\" \
         tabindex=\"0\">{}{}</div>\n<p class=\"readout\" hidden></p>\n</figure>\n<details><summary>\
         These values as a table</summary>\n{}</details>\n",
        time::latencies(steps, changes, limit_ms),
        time::load(steps, changes),
        table("Values over time", "steps", &COLUMNS, &rows(steps))
    )
}

const COLUMNS: [super::markup::Column; 7] = [
    words("second"),
    numbers("users"),
    numbers("requests/s"),
    numbers("failures"),
    numbers("p50 ms"),
    numbers("p95 ms"),
    numbers("p99 ms"),
];

fn rows(steps: &[Step]) -> Rows {
    let cells = |step: &Step| {
        let shown = |ms: Option<f64>| ms.map_or("–".to_owned(), |ms| format!("{ms:.1}"));
        let plain = |text: String| Cell::text(&text);
        vec![
            plain(step.from_s.to_string()),
            plain(step.users.to_string()),
            plain(format!("{:.1}", step.rate())),
            plain(step.failures.to_string()),
            plain(shown(step.p50_ms)),
            plain(shown(step.p95_ms)),
            plain(shown(step.p99_ms)),
        ]
    };
    steps.iter().map(cells).collect()
}
