//! What `report` says: the files that it wrote, or two runs side by side.

use std::path::PathBuf;

use portcullis_core::pairs::percent;
use portcullis_report::words;

use super::{line, plain, table};
use crate::report::{Row, SideBySide};

/// Prints the files that were written, and a remark.
pub fn print_written(paths: &[PathBuf], remark: Option<&str>) {
    for path in paths {
        line(&plain(&path.display().to_string()));
    }
    remark.into_iter().for_each(|remark| line(&format!("note: {remark}")));
}

/// Prints two runs.
pub fn print_side_by_side(both: &SideBySide) {
    for (name, run) in ["A", "B"].iter().zip(&both.runs) {
        line(&format!("{name}  {}", plain(run)));
    }
    line("");
    let mut rows = vec![TITLES.map(str::to_owned).to_vec()];
    rows.extend(both.rows.iter().map(cells));
    table::drawn(&rows, super::for_output()).iter().for_each(|row| line(row));
    line("");
    for change in &both.changes {
        let [before, after] =
            change.standing.each_ref().map(|one| one.as_deref().unwrap_or("not there"));
        let rule = plain(&change.rule);
        line(&format!("changed: {rule}: A {}; B {}", plain(before), plain(after)));
    }
    let unchanged = both.unchanged;
    match (both.changes.len(), unchanged) {
        (0, 0) => line("no thresholds were judged"),
        (0, _) => line(&format!("all {unchanged} thresholds stand in B as in A")),
        _ => line(&format!("{unchanged} other thresholds stand in B as in A")),
    }
    both.notes.iter().for_each(|note| line(&format!("note: {}", plain(note))));
}

const TITLES: [&str; 11] = [
    "latencies in ms",
    "requests A",
    "B",
    "p50 A",
    "B",
    "B/A",
    "p95 A",
    "B",
    "B/A",
    "errors A",
    "B",
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
    cells.extend(row.error_rate.map(|share| share.map_or_else(nothing, words::percent)));
    cells
}

fn nothing() -> String {
    "-".to_owned()
}
