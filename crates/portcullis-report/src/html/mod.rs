//! `perf_results.html`: one file that needs no network and no script. Each section is a
//! pure function from the run record to markup. The page combines them, under a policy that
//! allows nothing else.

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
pub mod trend;

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

/// A part of the page with its own heading.
struct Section {
    id: &'static str,
    title: &'static str,
    /// Markup; an empty section is left out.
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
    // Tasks that are slower than the base come before rules that may all have passed.
    let mut tasks = run.comparison.iter().flat_map(|comparison| &comparison.tasks);
    if tasks.any(|task| task.decision == Decision::Slower) {
        sections.swap(0, 1);
    }
    let sections: Vec<Section> = sections.into_iter().filter(|one| !one.body.is_empty()).collect();
    page::whole(run, &top::header(run), &sections)
}
