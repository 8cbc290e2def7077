//! Locust's four CSV files, with the columns of Locust 2.47, so that programs for Locust's
//! files can read ours.

use portcullis_core::measure::{
    Distribution, FailureGroup, REPORTED_PERCENTILES, Row, SeriesPoint, Summary, TaskSummary,
};
use portcullis_core::threshold::Percentile;

use crate::format::{Flag, Format};

/// The format.
pub const FORMAT: Format = Format {
    flag: Some(Flag { name: "csv", help: "Write the four CSV files of Locust", place: 4 }),
    files: &[
        "perf_results_stats.csv",
        "perf_results_stats_history.csv",
        "perf_results_failures.csv",
        "perf_results_exceptions.csv",
    ],
    write: |run| {
        let files = run.summary.as_ref().map(write);
        let texts = |of: Files| vec![of.stats, of.history, of.failures, of.exceptions];
        files.map(texts).unwrap_or_default()
    },
};

/// The four files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Files {
    /// `perf_results_stats.csv`
    pub stats: String,
    /// `perf_results_stats_history.csv`
    pub history: String,
    /// `perf_results_failures.csv`
    pub failures: String,
    /// `perf_results_exceptions.csv`
    pub exceptions: String,
}

/// Columns of percentiles, in the order of [`REPORTED_PERCENTILES`].
pub(crate) const PERCENTILES: [&str; 11] =
    ["50%", "66%", "75%", "80%", "90%", "95%", "98%", "99%", "99.9%", "99.99%", "100%"];

/// Columns of the statistics file.
pub fn stats_columns() -> Vec<&'static str> {
    let mut columns = vec![
        "Type",
        "Name",
        "Request Count",
        "Failure Count",
        "Median Response Time",
        "Average Response Time",
        "Min Response Time",
        "Max Response Time",
        "Average Content Size",
        "Requests/s",
        "Failures/s",
    ];
    columns.extend(PERCENTILES);
    columns
}

/// Columns of the history file.
pub fn history_columns() -> Vec<&'static str> {
    let mut columns = vec!["Timestamp", "User Count", "Type", "Name", "Requests/s", "Failures/s"];
    columns.extend(PERCENTILES);
    columns.extend([
        "Total Request Count",
        "Total Failure Count",
        "Total Median Response Time",
        "Total Average Response Time",
        "Total Min Response Time",
        "Total Max Response Time",
        "Total Average Content Size",
    ]);
    columns
}

/// Columns of the failures file; before Locust 2.47 without the last two.
pub(crate) const FAILURE_COLUMNS: [&str; 6] =
    ["Method", "Name", "Error", "Occurrences", "First Seen", "Last Seen"];
/// Columns of the exceptions file.
pub(crate) const EXCEPTION_COLUMNS: [&str; 4] = ["Count", "Message", "Traceback", "Nodes"];

/// Writes all four files.
pub fn write(summary: &Summary) -> Files {
    Files {
        stats: table(&stats_columns(), stats_rows(summary)),
        history: table(&history_columns(), history_rows(summary)),
        failures: table(&FAILURE_COLUMNS, summary.failures.iter().map(failure_row)),
        // Locust's exceptions are errors in a user's own code.
        exceptions: table(&EXCEPTION_COLUMNS, std::iter::empty()),
    }
}

fn table(columns: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut writer =
        csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(vec![]);
    // Writing to memory cannot fail.
    let _ = writer.write_record(columns);
    for row in rows {
        let _ = writer.write_record(&row);
    }
    let bytes = writer.into_inner().unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

fn stats_rows(summary: &Summary) -> Vec<Vec<String>> {
    let row = |task: &TaskSummary| {
        stats_row((&task.method, &task.name), &task.judged(), &task.window, summary)
    };
    let mut rows: Vec<Vec<String>> = summary.tasks.iter().map(row).collect();
    rows.extend(summary.login.iter().map(row));
    let all = summary.aggregate();
    rows.push(stats_row(("", "Aggregated"), &all, &all, summary));
    rows
}

/// Rates are of the planned window only.
fn stats_row(
    (method, name): (&str, &str),
    row: &Row,
    window: &Row,
    summary: &Summary,
) -> Vec<String> {
    let latency = &row.latency;
    let mut cells = vec![
        method.to_owned(),
        guard(name),
        row.requests.to_string(),
        row.failures.to_string(),
        median(latency),
        float(latency.mean_ms().unwrap_or(0.0)),
        latency.min_ms().map_or("0".to_owned(), float),
        latency.max_ms().map_or("0".to_owned(), float),
        float(row.mean_body_bytes()),
        float(summary.rate(window.requests)),
        float(summary.rate(window.failures)),
    ];
    cells.extend(REPORTED_PERCENTILES.map(|percentile| match latency.percentile_ms(percentile) {
        Some(ms) => rounded(ms).to_string(),
        None => "N/A".to_owned(),
    }));
    cells
}

fn median(latency: &Distribution) -> String {
    let (Some(ms), Some(min), Some(max)) =
        (latency.percentile_ms(Percentile::P50), latency.min_ms(), latency.max_ms())
    else {
        return "0".to_owned();
    };
    // Locust limits the rounded median to the exact minimum and maximum.
    let median = rounded(ms) as f64;
    if median > max {
        float(max)
    } else if median < min {
        float(min)
    } else {
        rounded(ms).to_string()
    }
}

fn history_rows(summary: &Summary) -> Vec<Vec<String>> {
    let (mut requests, mut failures) = (0, 0);
    let rows = summary.series.iter().enumerate().map(|(index, second)| {
        requests += second.requests;
        failures += second.failures;
        let recent = &summary.series[(index + 1).saturating_sub(10)..=index];
        history_row(summary, second, recent, (requests, failures))
    });
    rows.collect()
}

fn history_row(
    summary: &Summary,
    second: &SeriesPoint,
    recent: &[SeriesPoint],
    totals: (u64, u64),
) -> Vec<String> {
    let rate = |count: u64| format!("{:.6}", count as f64 / recent.len().max(1) as f64);
    let timestamp = summary.started_unix_ms / 1000 + second.second + 1;
    let to_date = &second.to_date;
    let mut cells = vec![
        timestamp.to_string(),
        second.users.to_string(),
        String::new(),
        "Aggregated".to_owned(),
        rate(recent.iter().map(|second| second.requests).sum()),
        rate(recent.iter().map(|second| second.failures).sum()),
    ];
    cells.extend((0..REPORTED_PERCENTILES.len()).map(
        |index| match second.percentiles_ms.get(index) {
            Some(ms) => rounded(*ms).to_string(),
            None => "N/A".to_owned(),
        },
    ));
    cells.extend([
        totals.0.to_string(),
        totals.1.to_string(),
        rounded(to_date.p50_ms).to_string(),
        float(to_date.mean_ms),
        float(to_date.min_ms),
        float(to_date.max_ms),
        float(to_date.mean_body_bytes),
    ]);
    cells
}

fn failure_row(group: &FailureGroup) -> Vec<String> {
    vec![
        guard(&group.method),
        guard(&group.task),
        guard(&format!("{}: {}", group.kind.name(), group.message)),
        group.count.to_string(),
        crate::instant::rfc3339(group.first_unix_ms),
        crate::instant::rfc3339(group.last_unix_ms),
    ]
}

/// A cell that a spreadsheet would read as a formula gets a leading quote (OWASP, "CSV
/// Injection").
fn guard(text: &str) -> String {
    match text.chars().next() {
        Some('=' | '+' | '-' | '@' | '\t' | '\r') => format!("'{text}"),
        _ => text.to_owned(),
    }
}

/// As Python writes a float.
fn float(value: f64) -> String {
    format!("{value:?}")
}

/// Locust's rounding: to about two digits, halves to even, as Python rounds.
pub fn rounded(ms: f64) -> u64 {
    let to = |unit: f64| ((ms / unit).round_ties_even() * unit) as u64;
    match ms {
        ms if ms < 100.0 => to(1.0),
        ms if ms < 1_000.0 => to(10.0),
        ms if ms < 10_000.0 => to(100.0),
        _ => to(1_000.0),
    }
}
