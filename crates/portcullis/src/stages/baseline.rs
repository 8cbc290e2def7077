//! The baseline at a run's end: written if the run is to, and found nothing but
//! differences from the one before.

use portcullis_core::judge::Finding;
use portcullis_report::baseline::{RenewError, renewed};

use crate::planning::baseline_file::{self, BaselineFileError};
use crate::run::{Journal, RunContext, RunResults, is_acceptable, record};

/// Why it was not written.
#[derive(Debug, thiserror::Error)]
enum KeepError {
    #[error(transparent)]
    Renew(#[from] RenewError),
    #[error(transparent)]
    File(#[from] BaselineFileError),
}

/// Writes the baseline if this run may.
pub fn keep(context: &RunContext<'_>, journal: &mut Journal<'_>, results: &mut RunResults) {
    let keeping = &context.planned.baseline;
    let (Some(plan), true) = (&context.planned.plan.baseline, keeping.may_write) else { return };
    if !is_acceptable(journal, results) {
        context.note(
            "the baseline is not written: this run ended early, or has findings other than \
             differences from it",
        );
        return;
    }
    let write = || -> Result<(), KeepError> {
        let run = record(context, journal, results);
        let text = renewed(&run, keeping.stored.as_ref(), None)?;
        Ok(baseline_file::write(&plan.file, &text, keeping.stored.is_none())?)
    };
    match write() {
        Ok(()) => results.baseline_written = true,
        Err(why) => journal.find(Finding::refused(format!("the baseline: {why}"))),
    }
}
