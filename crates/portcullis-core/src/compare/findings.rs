//! What a comparison with the base finds.

use super::words::rise;
use super::{Comparison, Decision, TaskComparison};
use crate::judge::Finding;

/// What the comparison with the base finds. `strict` makes what stayed undecided
/// fail too.
pub fn findings(comparison: &Comparison, strict: bool) -> Vec<Finding> {
    let violated = |task: &TaskComparison| Finding::Violated(task.line());
    let mut findings: Vec<Finding> = comparison.of(Decision::Slower).map(violated).collect();
    findings.extend(comparison.rise().map(|more| Finding::Violated(rise(more))));
    findings.extend(comparison.unmeasured().map(|task| Finding::NoData(task.line())));
    if comparison.is_of_nothing() {
        let base = comparison.short();
        let message = format!("the base ({base}): every request to it failed: nothing is compared");
        findings.push(Finding::Preparation(message));
    }
    if strict {
        findings.extend(comparison.unsettled().map(violated));
    }
    findings
}
