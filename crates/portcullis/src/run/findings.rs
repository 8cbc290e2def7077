//! What a judgement finds: what decides the exit code, each a line of its own.

use portcullis_core::compare::{Comparison, Decision, TaskComparison};
use portcullis_core::judge::{Finding, Verdict};
use portcullis_report::words;

/// What a verdict finds; nothing where every rule holds or only warns. `strict`
/// makes warnings fail too.
pub fn of_verdict(verdict: &Verdict, strict: bool) -> Vec<Finding> {
    let failing = verdict.failing(strict);
    let mut findings: Vec<Finding> =
        failing.map(|judged| Finding::Violated(words::line(judged))).collect();
    let silent = verdict.silent_tasks.iter();
    findings.extend(silent.map(|task| Finding::NoData(words::silent_task(task))));
    findings.extend(verdict.without_data().map(|judged| Finding::NoData(words::line(judged))));
    findings.extend(verdict.is_toothless().then(toothless));
    findings
}

/// Those of them that only say how the run differs from the baseline.
pub fn of_baseline(verdict: &Verdict, strict: bool) -> Vec<Finding> {
    let failing = verdict.failing(strict).filter(|judged| judged.rule.derived.is_some());
    failing.map(|judged| Finding::Violated(words::line(judged))).collect()
}

/// No rule could have failed the run.
pub fn toothless() -> Finding {
    Finding::NoData(words::TOOTHLESS.to_owned())
}

/// What the comparison with the base finds. `strict` makes what stayed undecided
/// fail too.
pub fn of_comparison(comparison: &Comparison, strict: bool) -> Vec<Finding> {
    let violated = |task: &TaskComparison| Finding::Violated(task.line());
    let mut findings: Vec<Finding> = comparison.of(Decision::Slower).map(violated).collect();
    findings.extend(comparison.rise().map(|rise| Finding::Violated(words::rise(rise))));
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
