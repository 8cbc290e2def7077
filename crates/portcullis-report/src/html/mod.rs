//! `perf_results.html`: one file that needs no network and no script. Each
//! section is a pure function from the report to markup; the page puts them
//! together under a policy that lets nothing else run.

mod against;
mod charts;
mod failures;
mod markup;
mod measuring;
mod next;
mod page;
mod policy;
mod repeat;
mod samples;
mod stages;
mod tasks;
mod thresholds;
mod time;
mod top;

use portcullis_core::compare::Decision;

use crate::format::{Flag, Format};
use crate::record::RunRecord;

/// The results as a page.
pub const FILE: &str = "perf_results.html";

/// The format.
pub const FORMAT: Format = Format {
    flag: Some(Flag { name: "html", help: "Write the HTML page", place: 1 }),
    files: &[FILE],
    write: |run| vec![write(run)],
};

/// A part of the page under a heading of its own.
struct Section {
    id: &'static str,
    title: &'static str,
    /// Markup; a section without any is left out.
    body: String,
}

/// Writes the page.
pub fn write(run: &RunRecord) -> String {
    let mut sections = [
        thresholds::section(run),
        against::section(run),
        time::section(run),
        tasks::section(run),
        failures::section(run),
        measuring::section(run),
        stages::section(run),
        repeat::section(run),
    ];
    // What is slower than the base stands before rules that may all hold.
    let mut tasks = run.comparison.iter().flat_map(|comparison| &comparison.tasks);
    if tasks.any(|task| task.decision == Decision::Slower) {
        sections.swap(0, 1);
    }
    let sections: Vec<Section> = sections.into_iter().filter(|one| !one.body.is_empty()).collect();
    page::whole(run, &top::header(run), &sections)
}
