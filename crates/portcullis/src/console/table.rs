//! The table by task: a row for each task, then the login, then the aggregate.

use portcullis_core::compare::{Comparison, Decision, Effect, loosened, percent};
use portcullis_core::judge::{Verdict, caveats};
use portcullis_core::measure::{Row, Summary, TaskSummary};
use portcullis_core::threshold::Percentile;
use portcullis_core::units::show_duration;

use super::columns::{fit, left, right, width};
use super::final_output::Style;
use super::plain;

/// The columns in order, each with its importance. If the terminal is too narrow, the least
/// important ones are left out; the most important ones never.
const COLUMNS: [(&str, u8); 9] = [
    ("task", KEPT),
    ("requests", KEPT),
    ("failed", KEPT),
    ("p50", 5),
    ("p95", KEPT),
    ("p99", 6),
    ("max", 4),
    ("size", 2),
    ("TTFB", 3),
];

/// The table in lines, in milliseconds and bytes.
pub fn by_task(summary: &Summary, verdict: Option<&Verdict>, style: Style) -> Vec<String> {
    let silent = |task: &TaskSummary| verdict.is_some_and(|v| v.silent_tasks.contains(&task.name));
    let mut rows = vec![COLUMNS.map(|(title, _)| title.to_owned()).to_vec()];
    for task in summary.rows().filter(|task| task.weight > 0) {
        let mut name = task.name.clone();
        match task.requests_after() {
            0 => {}
            _ if task.window.requests == 0 => name.push_str(" (extra requests only)"),
            n => name.push_str(&format!(" (+{n} extra)")),
        }
        if let skipped @ 1.. = task.judged().skipped {
            name.push_str(&format!(" ({skipped} skipped)"));
        }
        if silent(task) {
            name.push_str(" (no data)");
        }
        rows.push(cells(&name, &task.judged()));
    }
    rows.push(cells("all tasks", &summary.aggregate()));
    rows.extend(
        summary.login.iter().map(|login| cells("login (not in the totals)", &login.judged())),
    );
    let mut lines = vec![String::new()];
    lines.extend(drawn(&narrowed(rows, COLUMNS.map(|(_, n)| n), style.columns), style));
    lines.extend(below(summary));
    lines.push(String::new());
    lines.extend(caveats(summary).iter().map(|remark| format!("note: {}", plain(remark))));
    lines
}

/// The lines below the table.
fn below(summary: &Summary) -> [String; 1] {
    let reopened = match summary.reopened {
        0 => String::new(),
        n => format!(", {n} idle connections reopened after the server closed them"),
    };
    let late = match summary.generator.lag.percentile_ms(Percentile::P99) {
        Some(ms) => format!("; generator lag {ms:.1} ms at p99"),
        None => String::new(),
    };
    [format!(
        "{:.1} requests/s over {}, {} of {} users ran{reopened}; latencies of good answers \
         in ms, TTFB as a mean; size in bytes{late}",
        summary.rate(summary.aggregate().requests),
        show_duration(summary.measured),
        summary.users_ran,
        summary.users_asked
    )]
}

/// The rows without the columns that do not fit: the least important ones are left out
/// first, those of equal importance together; finally names are cut.
pub fn narrowed<const N: usize>(
    mut rows: Vec<Vec<String>>,
    importance: [u8; N],
    columns: Option<usize>,
) -> Vec<Vec<String>> {
    let mut kept: Vec<u8> = importance.to_vec();
    let Some(columns) = columns else { return rows };
    let taken = |rows: &[Vec<String>]| widths(rows).iter().map(|width| width + 2).sum::<usize>();
    while taken(&rows) > columns {
        let least = kept.iter().copied().filter(|importance| *importance < KEPT);
        let Some(least) = least.min() else { break };
        while let Some(place) = kept.iter().position(|importance| *importance == least) {
            kept.remove(place);
            rows.iter_mut().for_each(|row| drop(row.remove(place)));
        }
    }
    let names = widths(&rows).first().copied().unwrap_or(0);
    let room = (names + columns)
        .saturating_sub(taken(&rows))
        .clamp(SHORTEST_NAME, names.max(SHORTEST_NAME));
    for name in rows.iter_mut().filter_map(|row| row.first_mut()) {
        *name = fit(&plain(name), room);
    }
    rows
}

/// The importance of a column that is never left out.
pub const KEPT: u8 = 9;
/// Names are not cut to less than this, because they could not be recognised.
const SHORTEST_NAME: usize = 12;

/// Rows with equal numbers of cells as lines; the first row has the titles.
pub fn drawn(rows: &[Vec<String>], style: Style) -> Vec<String> {
    let widths = widths(rows);
    let line = |(index, row): (usize, &Vec<String>)| {
        let line = aligned(row, &widths);
        if index == 0 { style.paint.dim(&line) } else { line }
    };
    rows.iter().enumerate().map(line).collect()
}

/// Base and candidate by task, and notes on the comparison.
pub fn against(comparison: &Comparison, style: Style) -> Vec<String> {
    const COLUMNS: [(&str, u8); 9] = [
        ("against the base", KEPT),
        ("decision", KEPT),
        ("pairs", 4),
        ("median", 5),
        ("95 % from", KEPT),
        ("to", KEPT),
        ("base p50", 2),
        ("p50", 3),
        ("cpu", 1),
    ];
    let mut rows = vec![COLUMNS.map(|(title, _)| title.to_owned()).to_vec()];
    for task in &comparison.tasks {
        let ms = |value: Option<f64>| value.map_or("-".to_owned(), |ms| format!("{ms:.1}"));
        let of = |pick: fn(&Effect) -> f64, effect: &Option<Effect>| {
            effect.as_ref().map_or("-".to_owned(), |effect| percent(pick(effect)))
        };
        // An end that was not found is open.
        let end = |pick: fn(&Effect) -> Option<f64>, effect: &Option<Effect>| {
            effect.as_ref().and_then(pick).map_or("-".to_owned(), percent)
        };
        let word = match task.decision {
            Decision::Slower => "slower",
            Decision::NotSlower => "not slower",
            Decision::Faster => "faster",
            Decision::Undecided if task.is_new() => "new",
            Decision::Undecided if task.effect.is_none() => "not compared",
            Decision::Undecided => "undecided",
        };
        rows.push(vec![
            task.name.clone(),
            word.to_owned(),
            match task.effect.as_ref().map_or(0, |effect| effect.pairs as u64) {
                whole if whole == task.pairs => whole.to_string(),
                some => format!("{some} of {}", task.pairs),
            },
            of(|effect| effect.median, &task.effect),
            end(Effect::from, &task.effect),
            end(Effect::to, &task.effect),
            ms(task.p50_ms.base),
            ms(task.p50_ms.candidate),
            of(|effect| effect.median, &task.cpu),
        ]);
    }
    let mut lines = vec![String::new()];
    lines.extend(drawn(&narrowed(rows, COLUMNS.map(|(_, n)| n), style.columns), style));
    // In a strict gate each of these is a finding.
    let looser = comparison.loosened.iter().filter(|_| !comparison.is_gate_strict);
    lines.extend(looser.map(|line| format!("warning: {}", plain(&loosened(line)))));
    lines.extend(comparison.notes().iter().map(|note| format!("note: {}", plain(note))));
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
