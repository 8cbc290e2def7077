//! What a judgement finds: what decides the exit code, each a line of its own.

use super::wording::{TOOTHLESS, line, silent_task};
use super::{Finding, Verdict};

/// What a verdict finds; nothing where every rule holds or only warns. `strict`
/// makes warnings fail too.
pub fn of_verdict(verdict: &Verdict, strict: bool) -> Vec<Finding> {
    let failing = verdict.failing(strict);
    let mut findings: Vec<Finding> =
        failing.map(|judged| Finding::Violated(line(judged))).collect();
    let silent = verdict.silent_tasks.iter();
    findings.extend(silent.map(|task| Finding::NoData(silent_task(task))));
    findings.extend(verdict.without_data().map(|judged| Finding::NoData(line(judged))));
    findings.extend(verdict.is_toothless().then(toothless));
    findings
}

/// Those of them that only say how the run differs from the baseline.
pub fn of_baseline(verdict: &Verdict, strict: bool) -> Vec<Finding> {
    let failing = verdict.failing(strict).filter(|judged| judged.rule.derived.is_some());
    failing.map(|judged| Finding::Violated(line(judged))).collect()
}

/// No rule could have failed the run.
pub fn toothless() -> Finding {
    Finding::NoData(TOOTHLESS.to_owned())
}
