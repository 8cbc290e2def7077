//! The findings of a verdict: each decides the exit code with a message of its own.

use super::wording::{TOOTHLESS, line, silent_task};
use super::{Finding, Subject, ThresholdResult, Verdict};

/// The findings of a verdict; none if every rule passed or is a warning. With `strict`,
/// warnings fail too.
pub fn of_verdict(verdict: &Verdict, strict: bool) -> Vec<Finding> {
    let mut findings: Vec<Finding> = verdict.failing(strict).map(violated).collect();
    let silent = verdict.silent_tasks.iter();
    findings.extend(
        silent.map(|task| Finding::no_data(silent_task(task)).about(Subject::Task(task.clone()))),
    );
    let about = |judged: &ThresholdResult| Subject::Threshold(judged.rule.subject());
    let without = verdict.without_data();
    findings.extend(without.map(|judged| Finding::no_data(line(judged)).about(about(judged))));
    findings.extend(verdict.is_toothless().then(toothless));
    findings
}

/// The findings that only report a difference from the baseline.
pub fn of_baseline(verdict: &Verdict, strict: bool) -> Vec<Finding> {
    let failing = verdict.failing(strict).filter(|judged| judged.rule.derived.is_some());
    failing.map(violated).collect()
}

/// The baseline is missing in CI, where a new one would not be kept.
pub fn missing_baseline(file: &std::path::Path) -> Finding {
    let message = format!("no baseline: {} does not exist", file.display());
    Finding::violated(message).about(Subject::Baseline)
}

/// No rule could have failed the run.
pub fn toothless() -> Finding {
    Finding::no_data(TOOTHLESS)
}

fn violated(judged: &ThresholdResult) -> Finding {
    Finding::violated(line(judged)).about(Subject::Threshold(judged.rule.subject()))
}
