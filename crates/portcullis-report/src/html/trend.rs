//! The page of `portcullis history`: each task over many runs, and what changed when.

use portcullis_core::history::{ChangePoint, Entry, EntryRow, Outcome, change_points};

use super::Section;
use super::charts::scale::tick_ms;
use super::charts::trend::{Point, trend};
use super::markup::{Cell, Rows, esc, numbers, table, words};
use super::page::{Frame, frame};
use crate::instant::rfc3339;

/// Runs in the table at the end; the charts have all.
const MOST_LISTED: usize = 60;

/// One task over the runs that have it.
struct Series<'a> {
    task: &'a str,
    runs: Vec<(&'a Entry, &'a EntryRow)>,
    p50: Vec<ChangePoint>,
    p95: Vec<ChangePoint>,
}

/// Writes the page of these runs, oldest first. All have the same key; `notes` say what is
/// left out.
pub fn write(entries: &[Entry], notes: &[String]) -> String {
    let all = series(entries);
    let changes: usize = all.iter().map(|one| one.p50.len() + one.p95.len()).sum();
    let name = |id, title, body| Section { id, title, body };
    let charts = all.iter().map(|one| format!("<h3>{}</h3>\n{}", esc(one.task), chart(one)));
    let sections = [
        name("changes", "Changes", changes_table(&all)),
        name("tasks", "Tasks", charts.collect()),
        name("runs", "Runs", runs(entries)),
    ];
    let sections: Vec<Section> = sections.into_iter().filter(|one| !one.body.is_empty()).collect();
    let header = header(entries, changes, notes);
    let title = format!("Performance over {} runs", entries.len());
    let exit_code = entries.last().map_or(0, |entry| entry.exit_code);
    let footer = "The method of the changes is described in the documentation (history).";
    frame(&Frame { title, exit_code, header: &header, footer }, &sections)
}

fn series<'a>(entries: &'a [Entry]) -> Vec<Series<'a>> {
    let valid = || entries.iter().filter(|entry| entry.outcome() != Outcome::Invalid);
    let mut tasks: Vec<&'a str> = Vec::new();
    for row in valid().flat_map(|entry| &entry.rows) {
        if !tasks.contains(&row.task.as_str()) {
            tasks.push(&row.task);
        }
    }
    let one = |task: &&'a str| {
        let row = |entry: &'a Entry| entry.rows.iter().find(|row| row.task == *task);
        let runs: Vec<_> = valid().filter_map(|entry| Some((entry, row(entry)?))).collect();
        let changes = |pick: fn(&EntryRow) -> Option<f64>| {
            let values: Vec<f64> =
                runs.iter().map(|(_, row)| pick(row).unwrap_or(f64::NAN)).collect();
            change_points(&values)
        };
        let (p50, p95) = (changes(|row| row.p50_ms), changes(|row| row.p95_ms));
        Series { task, p50, p95, runs }
    };
    tasks.iter().map(one).collect()
}

fn header(entries: &[Entry], changes: usize, notes: &[String]) -> String {
    let span = match (entries.first(), entries.last()) {
        (Some(first), Some(last)) => format!("{} to {}", day(first), day(last)),
        _ => "no runs".to_owned(),
    };
    let found = match changes {
        0 => "no lasting change".to_owned(),
        1 => "1 lasting change".to_owned(),
        more => format!("{more} lasting changes"),
    };
    let notes = notes.iter().map(|note| format!("<p class=\"support\">{}</p>\n", esc(note)));
    format!(
        "<header>\n<h1>Performance over {} runs</h1>\n<p class=\"sentence\">{span}: {found}.</p>\n\
         {}</header>\n",
        entries.len(),
        notes.collect::<String>()
    )
}

fn changes_table(all: &[Series<'_>]) -> String {
    let columns = [
        words("Task"),
        words("Metric"),
        numbers("Change"),
        numbers("Before"),
        numbers("After"),
        words("Since"),
        words("Commit"),
    ];
    let mut rows = Rows::new();
    for one in all {
        for (metric, changes) in [("p50", &one.p50), ("p95", &one.p95)] {
            for change in changes {
                let Some((entry, _)) = one.runs.get(change.at) else { continue };
                let percent = change.effect() * 100.0;
                rows.push(vec![
                    Cell::text(one.task),
                    Cell::text(metric),
                    Cell::number(&format!("{percent:+.0} %"), percent),
                    Cell::number(&tick_ms(change.before), change.before),
                    Cell::number(&tick_ms(change.after), change.after),
                    Cell::text(&day(entry)),
                    Cell::text(&commit(entry)),
                ]);
            }
        }
    }
    if rows.is_empty() {
        return "<p>No task has a level that changed and stayed changed.</p>\n".to_owned();
    }
    table("Lasting changes, each with the first run of the new level", "sorts", &columns, &rows)
}

fn chart(one: &Series<'_>) -> String {
    let point = |(entry, row): &(&Entry, &EntryRow)| Point {
        day: day(entry),
        commit: commit(entry),
        p50_ms: row.p50_ms,
        p95_ms: row.p95_ms,
        has_failures: row.error_rate > 0.0,
    };
    let points: Vec<Point> = one.runs.iter().map(point).collect();
    let chart = trend(one.task, &points, &one.p95);
    format!(
        "<figure><div class=\"wide\" role=\"region\" aria-label=\"{0}\" tabindex=\"0\">{chart}</div>\
         <figcaption>Vertical lines: p95 changed and stayed changed, at the named commit. Dots \
         below: runs with failed requests.</figcaption></figure>\n",
        esc(one.task)
    )
}

fn runs(entries: &[Entry]) -> String {
    let columns = [words("Started"), words("Commit"), words("Verdict"), numbers("Exit code")];
    let row = |entry: &Entry| {
        let verdict = match entry.outcome() {
            Outcome::Passed => "passed",
            Outcome::Failed => "failed",
            Outcome::Invalid => "invalid",
        };
        vec![
            Cell::text(&rfc3339(entry.started_unix_ms)),
            Cell::text(&commit(entry)),
            Cell::text(verdict),
            Cell::count(entry.exit_code.into()),
        ]
    };
    let rows: Rows = entries.iter().rev().take(MOST_LISTED).map(row).collect();
    table("The latest runs, the newest first", "sorts", &columns, &rows)
}

fn day(entry: &Entry) -> String {
    rfc3339(entry.started_unix_ms).chars().take(10).collect()
}

fn commit(entry: &Entry) -> String {
    entry.commit.as_deref().unwrap_or("unknown").chars().take(10).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sixty runs of two tasks, of which one has three planted changes.
    fn planted() -> Vec<Entry> {
        let wave = [0.0, 0.02, -0.01, 0.015, -0.02, 0.005];
        let row = |task: &str, level: f64, run: usize| EntryRow {
            task: task.to_owned(),
            requests: 100,
            error_rate: if run == 31 { 0.1 } else { 0.0 },
            p50_ms: Some(level * 0.5 * (1.0 + wave[run % 6])),
            p95_ms: Some(level * (1.0 + wave[(run + 3) % 6])),
        };
        let entry = |run: usize| {
            let level = [100.0, 130.0, 104.0, 150.0][run / 15];
            Entry {
                started_unix_ms: 1_700_000_000_000 + run as u64 * 86_400_000,
                commit: Some(format!("{run:04x}<b>")),
                branch: None,
                exit_code: if run == 31 { 1 } else { 0 },
                key: String::new(),
                rows: vec![row("list", level, run), row("detail", 80.0, run)],
            }
        };
        (0..60).map(entry).collect()
    }

    #[test]
    fn three_planted_changes_are_named_with_their_commits() {
        let page = write(&planted(), &["2 runs on another machine are left out".to_owned()]);
        for text in ["000f&lt;b&gt;", "001e&lt;b&gt;", "002d&lt;b&gt;", "2 runs on another"] {
            assert!(page.contains(text), "no {text}");
        }
        assert!(page.contains("6 lasting changes"), "p50 and p95 of one task");
        assert!(!page.contains("<b>"), "a commit is text");
        assert!(page.len() < 300_000, "{} bytes", page.len());
    }

    #[test]
    fn a_page_without_runs_says_so() {
        assert!(write(&[], &[]).contains("no runs"));
    }
}
