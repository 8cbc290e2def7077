//! The findings of a comparison with the base.

use super::wording::rise;
use super::{Comparison, Decision, TaskComparison};
use crate::judge::{Finding, Subject};

/// The message about a configuration that is looser than that of the base.
pub fn loosened(line: &str) -> String {
    format!("the gate is looser than in the base: {line}")
}

/// The findings of a comparison with the base. With `strict`, undecided tasks fail too.
pub fn findings(comparison: &Comparison, strict: bool) -> Vec<Finding> {
    let about = |task: &TaskComparison| Subject::Task(task.name.clone());
    let violated = |task: &TaskComparison| Finding::violated(task.line()).about(about(task));
    let mut findings: Vec<Finding> = comparison.of(Decision::Slower).map(violated).collect();
    findings
        .extend(comparison.rise().map(|more| Finding::violated(rise(more)).about(Subject::Base)));
    findings.extend(
        comparison.unmeasured().map(|task| Finding::no_data(task.line()).about(about(task))),
    );
    if comparison.is_of_nothing() {
        let base = comparison.short();
        let message = format!("the base ({base}): every request failed: nothing is compared");
        findings.push(Finding::preparation(message).about(Subject::Base));
    }
    if comparison.is_gate_strict {
        let lines = comparison.loosened.iter();
        findings.extend(lines.map(|line| Finding::violated(loosened(line)).about(Subject::Base)));
    }
    if strict {
        findings.extend(comparison.unsettled().map(violated));
    }
    findings
}
