//! The table by task: one row each, the login apart, the aggregate last.

use portcullis_core::pairs::{Comparison, Decision, Effect, percent};
use portcullis_core::remarks::remarks;
use portcullis_core::summary::{Row, Summary, TaskSummary};
use portcullis_core::threshold::Percentile;
use portcullis_core::units::show_duration;
use portcullis_core::verdict::Verdict;

use super::columns::{left, right, width};
use super::ending::Style;
use super::plain;

/// The columns in their order, each with its importance: where the terminal is too
/// narrow, the least important ones are left out; the most important ones never.
const COLUMNS: [(&str, u8); 9] = [
    ("task", 9),
    ("requests", 9),
    ("failed", 9),
    ("p50", 5),
    ("p95", 9),
    ("p99", 6),
    ("max", 4),
    ("size", 2),
    ("wait", 3),
];

/// The table in lines, in milliseconds and bytes.
pub fn by_task(summary: &Summary, verdict: Option<&Verdict>, style: Style) -> Vec<String> {
    let silent = |task: &TaskSummary| verdict.is_some_and(|v| v.silent_tasks.contains(&task.name));
    let mut rows = vec![COLUMNS.map(|(title, _)| title.to_owned()).to_vec()];
    for task in summary.tasks.iter().filter(|task| task.weight > 0) {
        let mut name = task.name.clone();
        match task.requests_after() {
            0 => {}
            _ if task.window.requests == 0 => name.push_str(" (after the window)"),
            n => name.push_str(&format!(" (+{n} after)")),
        }
        if silent(task) {
            name.push_str(" (no data)");
        }
        rows.push(cells(&name, &task.judged()));
    }
    rows.push(cells("all tasks", &summary.aggregate()));
    rows.extend(summary.login.iter().map(|login| cells("login (apart)", &login.judged())));
    let mut lines = vec![String::new()];
    lines.extend(drawn(&narrowed(rows, style.columns), style));
    lines.extend(below(summary));
    lines.push(String::new());
    lines.extend(remarks(summary).iter().map(|remark| format!("note: {}", plain(remark))));
    lines
}

/// What belongs to the figures above it.
fn below(summary: &Summary) -> [String; 1] {
    let resent = match summary.resent {
        0 => String::new(),
        n => format!(", {n} sent again on a new connection"),
    };
    let reopened = match summary.reopened {
        0 => String::new(),
        n => format!(", {n} idle connections closed by the server and opened anew"),
    };
    let late = match summary.generator.lag.percentile_ms(Percentile::P99) {
        Some(ms) => format!("; the generator was late by {ms:.1} ms at p99"),
        None => String::new(),
    };
    [format!(
        "{:.1} requests/s over {}, {} of {} users ran{resent}{reopened}; latencies in ms, of good \
         answers, wait to their first byte; size in bytes{late}",
        summary.rate(summary.aggregate().requests),
        show_duration(summary.measured),
        summary.users_ran,
        summary.users_asked
    )]
}

/// The rows without the columns that do not fit.
fn narrowed(mut rows: Vec<Vec<String>>, columns: Option<usize>) -> Vec<Vec<String>> {
    let mut kept: Vec<u8> = COLUMNS.iter().map(|(_, importance)| *importance).collect();
    let Some(columns) = columns else { return rows };
    while widths(&rows).iter().map(|width| width + 2).sum::<usize>() > columns {
        let least = kept.iter().enumerate().filter(|(_, importance)| **importance < 9);
        let Some((place, _)) = least.min_by_key(|(_, importance)| **importance) else { break };
        kept.remove(place);
        rows.iter_mut().for_each(|row| drop(row.remove(place)));
    }
    rows
}

/// Rows of equally many cells in lines, the first one as their titles.
pub fn drawn(rows: &[Vec<String>], style: Style) -> Vec<String> {
    let widths = widths(rows);
    let line = |(index, row): (usize, &Vec<String>)| {
        let line = aligned(row, &widths);
        if index == 0 { style.paint.dim(&line) } else { line }
    };
    rows.iter().enumerate().map(line).collect()
}

/// Base and candidate by task, and what else is to be known of the comparison.
pub fn against(comparison: &Comparison, style: Style) -> Vec<String> {
    const TITLES: [&str; 8] =
        ["against the base", "pairs", "median", "95 % from", "to", "base p50", "p50", "cpu"];
    let mut rows = vec![TITLES.map(str::to_owned).to_vec()];
    for task in &comparison.tasks {
        let ms = |value: Option<f64>| value.map_or("-".to_owned(), |ms| format!("{ms:.1}"));
        let of = |pick: fn(&Effect) -> f64, effect: &Option<Effect>| {
            effect.as_ref().map_or("-".to_owned(), |effect| percent(pick(effect)))
        };
        let word = match task.decision {
            Decision::Slower => "slower",
            Decision::NotSlower => "not slower",
            Decision::Undecided if task.effect.is_none() => "not compared",
            Decision::Undecided => "undecided",
        };
        rows.push(vec![
            format!("{}: {word}", task.name),
            match task.effect.as_ref().map_or(0, |effect| effect.pairs as u64) {
                whole if whole == task.pairs => whole.to_string(),
                some => format!("{some} of {}", task.pairs),
            },
            of(|effect| effect.median, &task.effect),
            of(|effect| effect.low, &task.effect),
            of(|effect| effect.high, &task.effect),
            ms(task.p50_ms.base),
            ms(task.p50_ms.candidate),
            of(|effect| effect.median, &task.cpu),
        ]);
    }
    let mut lines = vec![String::new()];
    lines.extend(drawn(&rows, style));
    if let Some(why) = &comparison.unplaced {
        lines.push(format!(
            "note: both servers could not be placed on one processor, so more pairs are needed: \
             {}",
            plain(why)
        ));
    }
    lines.extend([format!("note: {}", plain(&comparison.blind_spot())), String::new()]);
    lines
}

fn cells(name: &str, row: &Row) -> Vec<String> {
    let ms = |value: Option<f64>| value.map_or("-".to_owned(), |ms| format!("{ms:.1}"));
    let percentile = |percentile| ms(row.latency.percentile_ms(percentile));
    vec![
        name.to_owned(),
        row.requests.to_string(),
        row.failures.to_string(),
        percentile(Percentile::P50),
        percentile(Percentile::P95),
        percentile(Percentile::P99),
        ms(row.latency.max_ms()),
        format!("{:.0}", row.mean_body_bytes()),
        ms(row.first_byte.mean_ms()),
    ]
}

fn widths(rows: &[Vec<String>]) -> Vec<usize> {
    let columns = rows.first().map_or(0, Vec::len);
    let cell = |row: &Vec<String>, column: usize| row.get(column).map_or(0, |text| width(text));
    let widest = |column: usize| rows.iter().map(|row| cell(row, column)).max().unwrap_or(0);
    (0..columns).map(widest).collect()
}

fn aligned(row: &[String], widths: &[usize]) -> String {
    let cell = |(index, (text, width)): (usize, (&String, &usize))| {
        let cell = if index == 0 { left(&plain(text), *width) } else { right(text, *width) };
        format!("  {cell}")
    };
    row.iter().zip(widths).enumerate().map(cell).collect()
}
