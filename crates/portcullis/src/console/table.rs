//! The table by task: one row each, the login apart, the aggregate last.

use portcullis_core::pairs::{Comparison, Decision, Effect, percent};
use portcullis_core::remarks::remarks;
use portcullis_core::summary::{Row, Summary, TaskSummary};
use portcullis_core::threshold::Percentile;
use portcullis_core::units::show_duration;
use portcullis_core::verdict::Verdict;

use super::paint::Paint;

const COLUMNS: [&str; 8] = ["task", "requests", "failed", "p50", "p95", "p99", "max", "bytes"];

/// The table as text, in milliseconds.
pub fn by_task(summary: &Summary, verdict: Option<&Verdict>, paint: Paint) -> String {
    let silent = |task: &TaskSummary| verdict.is_some_and(|v| v.silent_tasks.contains(&task.name));
    let mut rows = vec![COLUMNS.map(str::to_owned).to_vec()];
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
    let aggregate = summary.aggregate();
    rows.push(cells("all tasks", &aggregate));
    rows.extend(summary.login.iter().map(|login| cells("login (apart)", &login.judged())));
    let mut text = String::from("\n");
    for (index, row) in rows.iter().enumerate() {
        let line = aligned(row, &widths(&rows));
        text.push_str(&if index == 0 { paint.dim(&line) } else { line });
        text.push('\n');
    }
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
    text.push_str(&format!(
        "{:.1} requests/s over {}, {} of {} users ran{resent}{reopened}; latencies in ms, of good \
         answers{late}\n\n",
        summary.rate(aggregate.requests),
        show_duration(summary.measured),
        summary.users_ran,
        summary.users_asked
    ));
    for remark in remarks(summary) {
        text.push_str(&format!("note: {remark}\n"));
    }
    text
}

/// Base and candidate by task, and what else is to be known of the comparison.
pub fn against(comparison: &Comparison, paint: Paint) -> String {
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
    let mut text = String::from("\n");
    for (index, row) in rows.iter().enumerate() {
        let line = aligned(row, &widths(&rows));
        text.push_str(&if index == 0 { paint.dim(&line) } else { line });
        text.push('\n');
    }
    if let Some(why) = &comparison.unplaced {
        text.push_str(&format!(
            "note: both servers could not be placed on one processor, so more pairs are needed: \
             {why}\n"
        ));
    }
    text.push_str(&format!("note: {}\n\n", comparison.blind_spot()));
    text
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
    ]
}

fn widths(rows: &[Vec<String>]) -> Vec<usize> {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
    (0..COLUMNS.len()).map(|column| width(column).unwrap_or(0)).collect()
}

fn aligned(row: &[String], widths: &[usize]) -> String {
    let cell = |(index, (text, width)): (usize, (&String, &usize))| {
        if index == 0 { format!("  {text:<width$}") } else { format!("  {text:>width$}") }
    };
    row.iter().zip(widths).enumerate().map(cell).collect()
}
