//! What `report` says: the files that it wrote, or two runs side by side.

use std::path::PathBuf;

use portcullis_core::compare::percent;
use portcullis_report::wording;

use super::final_output::{Style, fitted};
use super::table::{self, KEPT};
use super::{line, plain};

/// Two runs.
#[derive(Clone, Debug)]
pub struct SideBySide {
    /// Each in a line.
    pub runs: [String; 2],
    /// All tasks first, then each of them, the login last.
    pub rows: Vec<Row>,
    /// Thresholds that stand differently.
    pub changes: Vec<Change>,
    /// How many stand as before.
    pub unchanged: usize,
    /// What must be known to read it.
    pub notes: Vec<String>,
}

/// The figures of one task in both; `None` where a run has none.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The task.
    pub name: String,
    /// Requests.
    pub requests: [Option<u64>; 2],
    /// The median latency of good answers, in milliseconds.
    pub p50_ms: [Option<f64>; 2],
    /// The latency that 95 % of them do not exceed, in milliseconds.
    pub p95_ms: [Option<f64>; 2],
    /// Failed requests as a share of all.
    pub error_rate: [Option<f64>; 2],
}

/// A threshold that stands differently.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// What is judged, and its rule.
    pub rule: String,
    /// How it stands in each, with its value; `None` where it is not judged.
    pub standing: [Option<String>; 2],
}

/// Prints the files that were written, and a remark.
pub fn print_written(paths: &[PathBuf], remark: Option<&str>) {
    for path in paths {
        line(&plain(&path.display().to_string()));
    }
    remark.into_iter().for_each(|remark| line(&format!("note: {remark}")));
}

/// Prints two runs, as wide as the terminal is.
pub fn print_side_by_side(both: &SideBySide) {
    side_by_side(both, super::for_output()).iter().for_each(|one| line(one));
}

fn side_by_side(both: &SideBySide, style: Style) -> Vec<String> {
    let runs = ["A", "B"].iter().zip(&both.runs);
    let mut lines: Vec<String> =
        runs.map(|(name, run)| format!("{name}  {}", plain(run))).collect();
    lines.push(String::new());
    let mut rows = vec![COLUMNS.map(|(title, _)| title.to_owned()).to_vec()];
    rows.extend(both.rows.iter().map(cells));
    let rows = table::narrowed(rows, COLUMNS.map(|(_, importance)| importance), style.columns);
    lines.extend(table::drawn(&rows, style));
    lines.push(String::new());
    for change in &both.changes {
        let [before, after] =
            change.standing.each_ref().map(|one| one.as_deref().unwrap_or("not judged"));
        let rule = plain(&change.rule);
        lines.push(format!("changed: {rule}: A {}; B {}", plain(before), plain(after)));
    }
    let unchanged = both.unchanged;
    lines.push(match (both.changes.len(), unchanged) {
        (0, 0) => "no thresholds were judged".to_owned(),
        (0, _) => format!("all {unchanged} thresholds have the same result in A and B"),
        _ => format!("{unchanged} other thresholds have the same result"),
    });
    lines.extend(both.notes.iter().map(|note| format!("note: {}", plain(note))));
    lines.iter().map(|line| fitted(line, style.columns)).collect()
}

/// The columns, each with its importance: those of one metric go together.
const COLUMNS: [(&str, u8); 11] = [
    ("latencies in ms", KEPT),
    ("requests A", 3),
    ("B", 3),
    ("p50 A", 4),
    ("B", 4),
    ("B/A", 4),
    ("p95 A", KEPT),
    ("B", KEPT),
    ("B/A", KEPT),
    ("errors A", 5),
    ("B", 5),
];

fn cells(row: &Row) -> Vec<String> {
    let ms = |ms: [Option<f64>; 2]| {
        ms.map(|ms| ms.map_or_else(nothing, |ms| format!("{ms:.1}"))).to_vec()
    };
    let ratio = |[before, after]: [Option<f64>; 2]| {
        let ratio = before.zip(after).filter(|(before, _)| *before > 0.0);
        ratio.map_or_else(nothing, |(before, after)| percent(after / before))
    };
    let mut cells = vec![row.name.clone()];
    cells.extend(row.requests.map(|count| count.map_or_else(nothing, |count| count.to_string())));
    for percentile in [row.p50_ms, row.p95_ms] {
        cells.extend(ms(percentile));
        cells.push(ratio(percentile));
    }
    cells.extend(row.error_rate.map(|share| share.map_or_else(nothing, wording::percent)));
    cells
}

fn nothing() -> String {
    "-".to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::paint::Paint;
    use super::super::wrap::shown_width;
    use super::*;

    #[test]
    fn two_runs_fit_a_narrow_terminal_and_keep_what_matters_most() {
        let row = Row {
            name: "list_claims_of_a_payer".to_owned(),
            requests: [Some(1_234), Some(1_250)],
            p50_ms: [Some(12.0), Some(13.0)],
            p95_ms: [Some(40.0), Some(50.0)],
            error_rate: [Some(0.0), Some(0.01)],
        };
        let both = SideBySide {
            runs: ["A", "B"].map(|run| format!("{run} passed: {}", "all is well, ".repeat(9))),
            rows: vec![row],
            changes: Vec::new(),
            unchanged: 6,
            notes: vec!["nothing is decided here, ".repeat(5)],
        };
        let shown = |columns| {
            let paint = Paint::new(false);
            side_by_side(&both, Style { quiet: false, verbose: true, columns, paint })
        };
        let titles = |lines: &[String]| {
            let title = lines.iter().find(|line| line.contains("latencies")).unwrap().clone();
            title.split_whitespace().map(str::to_owned).collect::<Vec<_>>().join(" ")
        };
        let narrow = shown(Some(60)).join("\n");
        assert!(narrow.lines().all(|line| shown_width(line) <= 60), "{narrow}");
        assert_eq!(titles(&shown(Some(60))), "latencies in ms p95 A B B/A");
        let whole = "latencies in ms requests A B p50 A B B/A p95 A B B/A errors A B";
        assert_eq!(titles(&shown(None)), whole);
    }
}
