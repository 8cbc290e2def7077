//! By task: a table, all distributions on one axis, and an expandable part for each task.
//! The login is separate.

use portcullis_core::judge::{ThresholdResult, stall_share};
use portcullis_core::measure::{REPORTED_PERCENTILES, Row, Summary, TaskSummary};
use portcullis_core::threshold::{Limit, Metric, Percentile, Scope};
use portcullis_core::units::show_ms;

use super::Section;
use super::charts::distribution::{Shown, Stall, alone, range, ridges};
use super::charts::timelines::timelines;
use super::markup::{Cell, Column, Rows, esc, facts, numbers, table_with_foot, whole, words};
use super::samples::samples;
use crate::record::RunRecord;
use crate::wording::{bytes, percent, shortened};

/// The number of drawn tasks; the table has all.
const MOST: usize = 40;

/// The section; empty without load.
pub fn section(run: &RunRecord) -> Section {
    let body = run.summary.as_ref().map_or_else(String::new, |summary| body(run, summary));
    Section { id: "tasks", title: "By task", body }
}

/// The anchor of a task's expandable part, if it is drawn.
pub fn anchor(summary: &Summary, name: &str) -> Option<String> {
    let called = summary.rows().filter(|task| task.weight > 0).take(MOST);
    let mut names = called.chain(&summary.login).map(|task| task.name.as_str());
    names.position(|own| own == name).map(|index| format!("task-{index}"))
}

fn body(run: &RunRecord, summary: &Summary) -> String {
    let judged: Vec<&ThresholdResult> =
        run.verdict.iter().flat_map(|verdict| &verdict.judged).collect();
    let called = summary.rows().filter(|task| task.weight > 0);
    let tasks: Vec<(&TaskSummary, Row)> = called.map(|task| (task, task.judged())).collect();
    let login = summary.login.as_ref().map(|login| (login, login.judged()));
    let mut drawn: Vec<&(&TaskSummary, Row)> = tasks.iter().take(MOST).collect();
    drawn.extend(login.iter());
    let shown: Vec<Shown<'_>> = drawn.iter().map(|(task, row)| shown(task, row, &judged)).collect();
    let range = range(&shown);
    let ridges = range.map_or_else(String::new, |range| overview(&shown, range));
    let unfolds = drawn.iter().zip(&shown).enumerate();
    let unfolds = unfolds
        .map(|(index, ((task, row), shown))| unfold(index, (task, row), shown, range, summary));
    let rows: Rows = tasks.iter().enumerate().map(|(i, (t, row))| cells(i, t, row)).collect();
    let aggregate = summary.aggregate();
    let mut apart = vec![plain_cells("all tasks", &aggregate)];
    apart.extend(login.iter().map(|(_, row)| plain_cells("login (not in the totals)", row)));
    format!(
        "{}{ridges}{}<h3>Each task</h3>\n{}",
        table_with_foot(
            "Tasks: latencies of good answers, in ms",
            "sorts filters",
            &COLUMNS,
            &rows,
            &apart
        ),
        over_time(&drawn, summary),
        unfolds.collect::<String>()
    )
}

fn over_time(drawn: &[&(&TaskSummary, Row)], summary: &Summary) -> String {
    let tasks: Vec<&TaskSummary> = drawn.iter().map(|(task, _)| *task).collect();
    let drawing = timelines(&tasks, summary.window.as_secs_f64());
    if drawing.is_empty() {
        return drawing;
    }
    format!(
        "<figure>\n<figcaption>p50 (dotted) and p95 of each task over time, on one logarithmic \
         axis, accurate to about 5 %. The number is the last p95. Bars show the share of failed \
         requests.</figcaption>\n<div class=\"wide\" role=\"region\" aria-label=\"Tasks over time\" \
         tabindex=\"0\">{drawing}</div>\n</figure>\n"
    )
}

const COLUMNS: [Column; 10] = [
    words("task"),
    words("group"),
    numbers("requests"),
    numbers("failures"),
    numbers("p50"),
    numbers("p95"),
    numbers("p99"),
    numbers("max"),
    numbers("mean"),
    numbers("mean bytes"),
];

fn cells(index: usize, task: &TaskSummary, row: &Row) -> Vec<Cell> {
    let name = match index < MOST {
        true => format!("<a href=\"#task-{index}\">{}</a>", esc(&task.name)),
        false => esc(&task.name),
    };
    let after = match task.requests_after() {
        0 => String::new(),
        n => format!(" <span class=\"quiet\">+{n} extra requests after the window</span>"),
    };
    let mut cells =
        vec![Cell::markup(name + &after), Cell::text(task.group.as_deref().unwrap_or("–"))];
    cells.extend(figures(row));
    cells
}

fn plain_cells(name: &str, row: &Row) -> Vec<Cell> {
    let mut cells = vec![Cell::text(name), Cell::text("")];
    cells.extend(figures(row));
    cells
}

fn figures(row: &Row) -> Vec<Cell> {
    let at = |percentile| Cell::ms(row.latency.percentile_ms(percentile));
    let failed = match row.failures {
        0 => Cell::count(0),
        n => {
            let text = format!("{} ({})", whole(n), percent(row.error_rate().unwrap_or(0.0)));
            Cell::number(&text, n as f64)
        }
    };
    vec![
        Cell::count(row.requests),
        failed,
        at(Percentile::P50),
        at(Percentile::P95),
        at(Percentile::P99),
        Cell::ms(row.latency.max_ms()),
        Cell::ms(row.latency.mean_ms()),
        Cell::count(row.mean_body_bytes().round() as u64),
    ]
}

fn shown<'a>(task: &'a TaskSummary, row: &'a Row, judged: &[&ThresholdResult]) -> Shown<'a> {
    let is_own = |scope: &Scope| match scope {
        Scope::Task(name) => *name == task.name,
        Scope::Login => task.weight == 0 && task.name == "login",
        Scope::Label(label) => *label == task.label,
        Scope::Aggregate | Scope::Group(_) => false,
    };
    let limit = |judged: &&ThresholdResult| match (judged.rule.metric, judged.rule.limit) {
        (Metric::Percentile(percentile), Limit::Latency(limit)) if is_own(&judged.rule.scope) => {
            Some((percentile.to_string(), limit.as_secs_f64() * 1e3))
        }
        _ => None,
    };
    Shown {
        name: &task.name,
        latencies: &row.latency,
        limits: judged.iter().filter_map(limit).collect(),
        stall: stall(row),
    }
}

/// The range of stalled answers: 35 to 50 ms after the first byte of most answers.
fn stall(row: &Row) -> Option<Stall> {
    let share = stall_share(row)?;
    let (low, high) = (Percentile(5_000), Percentile::P95);
    Some(Stall {
        low_ms: row.first_byte.percentile_ms(low)? + 35.0,
        high_ms: row.first_byte.percentile_ms(high)? + 50.0,
        share,
    })
}

fn overview(shown: &[Shown<'_>], range: (f64, f64)) -> String {
    format!(
        "<h3>Distributions</h3>\n<figure>\n<figcaption>Latency of good answers on one logarithmic \
         axis; each histogram is scaled to its own peak. The thin lines are p50, p95 and p99; the \
         dashed line is a limit.</figcaption>\n<div class=\"wide\" role=\"region\" \
         aria-label=\"Distributions by task\" tabindex=\"0\">{}</div>\n</figure>\n",
        ridges(shown, range)
    )
}

fn unfold(
    index: usize,
    (task, row): (&TaskSummary, &Row),
    shown: &Shown<'_>,
    range: Option<(f64, f64)>,
    summary: &Summary,
) -> String {
    let at = |percentile| row.latency.percentile_ms(percentile).map_or("–".to_owned(), show_ms);
    let drawn = match range.filter(|_| row.latency.count > 0) {
        Some(range) => format!(
            "<div class=\"wide\" role=\"region\" aria-label=\"Distribution of {}\" \
             tabindex=\"0\">{}</div>\n",
            esc(shown.name),
            alone(shown, range)
        ),
        None => "<p>No good answers.</p>\n".to_owned(),
    };
    let stall = shown.stall.map(|stall| {
        format!(
            "<p class=\"note\"><b>Stalls.</b> {} of these answers stalled for about 40 ms \
             between their first and their last byte (shaded). The cause is a delayed TCP \
             acknowledgement, not the work of the service. See <a href=\"#measuring\">measurement \
             quality</a>.</p>\n",
            percent(stall.share)
        )
    });
    format!(
        "<details class=\"task\">\n<summary><b>{}</b> <span class=\"quiet\">{} requests, {} failed, \
         p95 {}</span></summary>\n<div id=\"task-{index}\">\n{}{drawn}{}{}{}{}</div>\n</details>\n",
        esc(&task.name),
        whole(row.requests),
        whole(row.failures),
        at(Percentile::P95),
        facts(&about(task, row)),
        percentiles(row),
        stall.unwrap_or_default(),
        failures(task, summary),
        samples(task, summary)
    )
}

fn about(task: &TaskSummary, row: &Row) -> Vec<(&'static str, String)> {
    let ms = |ms: Option<f64>| ms.map_or("–".to_owned(), show_ms);
    let mut facts = vec![
        ("Request", format!("{} {}", task.method, shortened(&task.label, 300))),
        ("Weight", task.weight.to_string()),
        ("Mean body size", bytes(row.mean_body_bytes())),
        ("TTFB, p95", ms(row.first_byte.percentile_ms(Percentile::P95))),
    ];
    if row.failures > 0 {
        let longest = ms(row.failed_latency.max_ms());
        let p50 = ms(row.failed_latency.percentile_ms(Percentile::P50));
        facts.push(("Latency of failed requests", format!("p50 {p50}, max {longest}")));
    }
    if row.service.count > 0 {
        let p95 = ms(row.service.percentile_ms(Percentile::P95));
        facts.push(("Latency from sending, p95", p95));
    }
    if row.cut > 0 {
        facts.push(("Cut off at the end", row.cut.to_string()));
    }
    facts
}

/// All percentiles of reports, in a line.
fn percentiles(row: &Row) -> String {
    let shown = REPORTED_PERCENTILES.iter().filter_map(|percentile| {
        Some(format!("{percentile} {}", show_ms(row.latency.percentile_ms(*percentile)?)))
    });
    let shown = shown.collect::<Vec<_>>().join(" · ");
    if shown.is_empty() { shown } else { format!("<p class=\"quiet\">{}</p>\n", esc(&shown)) }
}

fn failures(task: &TaskSummary, summary: &Summary) -> String {
    let own = summary.failures.iter().filter(|group| group.task == task.name).take(20);
    let items = own.map(|group| {
        format!(
            "<li>{} × <b>{}</b> {}</li>\n",
            whole(group.count),
            group.kind.name(),
            esc(&shortened(&group.message, 500))
        )
    });
    let items: String = items.collect();
    if items.is_empty() { items } else { format!("<ul>\n{items}</ul>\n") }
}
