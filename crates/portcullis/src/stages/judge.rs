//! Judge: judges every threshold; each violation is a line of its own.

use portcullis_core::compare::{self, judge_by_pairs};
use portcullis_core::judge::{Finding, findings, headline, judge, late_finding};

use crate::run::{RunContext, RunResults, StageFailure, StageOutput};

/// Judges the measurements; the verdict is kept in any case.
///
/// # Errors
/// A violated threshold, or one without data.
pub fn evaluate(
    context: &RunContext<'_>,
    results: &mut RunResults,
) -> Result<StageOutput<()>, StageFailure> {
    let Some(summary) = &results.load.summary else {
        return Err(StageFailure::new(Finding::no_data("nothing was measured".to_owned())));
    };
    let (planned, strict) = (context.planned, context.options.strict);
    let mut verdict = judge(summary, &planned.plan.thresholds);
    if let Some(comparison) = &results.comparison {
        judge_by_pairs(&mut verdict, comparison, summary);
    }
    // A run that is neither red nor green: what decides it comes first.
    let late = late_finding(summary, &planned.plan.thresholds, &verdict, strict);
    let mut found = findings::of_verdict(&verdict, strict);
    let advice = late.is_some().then(|| BUSY.to_owned());
    found.extend(late);
    let mut differences = findings::of_baseline(&verdict, strict);
    if let Some(comparison) = &results.comparison {
        found.extend(compare::findings(comparison, strict));
    }
    let missing = planned.plan.baseline.as_ref().filter(|baseline| baseline.stored.is_none());
    if let Some(missing) = missing.filter(|_| strict && planned.baseline.is_missed) {
        let finding = findings::missing_baseline(&missing.file);
        found.push(finding.clone());
        differences.push(finding);
    }
    // For the first baseline there is nothing to compare with.
    if verdict.is_toothless() && missing.is_some() {
        differences.push(findings::toothless());
    }
    let counts = headline::counts(&verdict);
    results.verdict = Some(verdict);
    results.differences = differences;
    match found.is_empty() {
        true => Ok(StageOutput::new((), counts)),
        false => Err(StageFailure { findings: found, log: None, advice }),
    }
}

/// The advice for a late load generator.
pub const BUSY: &str = "give the load generator its own core, or use a less busy machine";
