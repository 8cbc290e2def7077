//! Judge: every threshold, each violation a line of its own, and the verdict in
//! a sentence.

use portcullis_core::outcome::{self, Finding};
use portcullis_core::pairs::{Comparison, Decision, TaskComparison, judge_by_pairs};
use portcullis_core::summary::Summary;
use portcullis_core::threshold::Percentile;
use portcullis_core::units::show_ms;
use portcullis_core::verdict::{Verdict, judge};
pub use portcullis_report::complaints::NO_BASELINE;
pub use portcullis_report::words::line;
use portcullis_report::{BaselineReport, words};

use crate::commands::baseline;
use crate::run::{Done, Failure, Run};

/// Judges what was measured.
///
/// # Errors
/// A violated threshold, or one without data.
pub fn evaluate(run: &mut Run<'_>) -> Result<Done<()>, Failure> {
    let Some(summary) = &run.summary else {
        return Err(Failure::new(Finding::NoData("nothing was measured".to_owned())));
    };
    let mut verdict = judge(summary, &run.planned.plan.thresholds);
    if let Some(comparison) = &run.comparison {
        judge_by_pairs(&mut verdict, comparison, summary);
    }
    let mut findings = findings(&verdict, run.strict);
    let of_baseline = verdict.failing(run.strict).filter(|judged| judged.rule.derived.is_some());
    let mut differences: Vec<Finding> =
        of_baseline.map(|judged| Finding::Violated(line(judged))).collect();
    if let Some(comparison) = &run.comparison {
        findings.extend(compared(comparison, run.strict));
    }
    let baseline = run.planned.plan.baseline.as_ref();
    let missing = baseline.filter(|baseline| baseline.stored.is_none());
    if let Some(missing) = missing.filter(|_| run.strict && run.planned.baseline.is_missed) {
        let file = missing.file.display();
        let finding = Finding::Violated(format!("{NO_BASELINE}{file} is missing"));
        findings.push(finding.clone());
        differences.push(finding);
    }
    // The first baseline has nothing before it to be judged by.
    if verdict.is_toothless() && missing.is_some() {
        differences.push(toothless());
    }
    let (judged, warnings) = (verdict.judged_count(), verdict.warnings().count());
    let unjudged = unjudged(&verdict);
    run.verdict = Some(verdict);
    run.differences = differences;
    if findings.is_empty() {
        let detail = match warnings {
            0 => format!("all {judged} hold"),
            1 => format!("{} of {judged} hold, 1 warning", judged - 1),
            _ => format!("{} of {judged} hold, {warnings} warnings", judged - warnings),
        };
        return Ok(Done::new((), format!("{detail}{unjudged}")));
    }
    Err(Failure { findings, log: None, advice: None })
}

/// What a verdict finds; nothing where every rule holds or only warns. `strict`
/// makes warnings fail too.
pub fn findings(verdict: &Verdict, strict: bool) -> Vec<Finding> {
    let failing = verdict.failing(strict);
    let mut findings: Vec<Finding> =
        failing.map(|judged| Finding::Violated(line(judged))).collect();
    let silent = verdict.silent_tasks.iter();
    findings.extend(silent.map(|task| Finding::NoData(words::silent_task(task))));
    findings.extend(verdict.without_data().map(|judged| Finding::NoData(line(judged))));
    findings.extend(verdict.is_toothless().then(toothless));
    findings
}

fn toothless() -> Finding {
    Finding::NoData(words::TOOTHLESS.to_owned())
}

/// What the comparison with the base finds. `strict` makes what stayed undecided
/// fail too.
pub fn compared(comparison: &Comparison, strict: bool) -> Vec<Finding> {
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

/// What a count of rules must add where some were not judged.
fn unjudged(verdict: &Verdict) -> String {
    match verdict.not_judged().count() {
        0 => String::new(),
        count => format!(", {count} not judged"),
    }
}

/// The verdict in a sentence, for people who read one line.
pub fn sentence(run: &Run<'_>) -> String {
    let found = headline(&run.findings);
    let sentence =
        found.unwrap_or_else(|| format!("PASSED: {}", figures(run.summary.as_ref(), run)));
    format!("{sentence}{}", on_baseline(run))
}

/// What was found, in a sentence: the gravest finding. `None` without any.
pub fn headline(findings: &[Finding]) -> Option<String> {
    let findings = outcome::in_order(findings.to_vec());
    let first = findings.first()?;
    let count = findings.iter().filter(|finding| finding.kind() == first.kind()).count();
    let word = match first {
        Finding::Interrupted(_) => "INTERRUPTED",
        Finding::Defect(_) => "DEFECT",
        Finding::Refused(_) => "REFUSED",
        Finding::Preparation(_) | Finding::Server(_) => "ERROR",
        Finding::Invalid(_) | Finding::NoData(_) => "INVALID",
        Finding::Violated(_) => "FAILED",
    };
    let more = if count > 1 { format!(" (and {} more)", count - 1) } else { String::new() };
    Some(format!("{word}: {}{more}", first.message()))
}

/// What the verdict must add on the baseline.
fn on_baseline(run: &Run<'_>) -> String {
    let baseline = run.verdict.as_ref().and_then(|_| baseline::report(run));
    let Some(BaselineReport { shown, plan, written }) = baseline else { return String::new() };
    match (written, &plan.stored, plan.advice()) {
        (true, None, _) => format!("; the baseline is written: {shown}"),
        (true, Some(_), _) => format!("; the baseline is renewed: {shown}"),
        // The finding has said it.
        (false, None, _) if run.strict && run.planned.baseline.is_missed => String::new(),
        (false, None, _) => format!("; there is no baseline: {shown} is missing"),
        (false, Some(_), Some(advice)) => format!("; the baseline: {advice}"),
        (false, Some(_), None) => String::new(),
    }
}

fn figures(summary: Option<&Summary>, run: &Run<'_>) -> String {
    let judged = run.verdict.as_ref().map_or(0, Verdict::judged_count);
    let unjudged = run.verdict.as_ref().map(unjudged).unwrap_or_default();
    let warnings = run.verdict.as_ref().map_or(0, |verdict| verdict.warnings().count());
    let aggregate = summary.map(Summary::aggregate).unwrap_or_default();
    let p95 = aggregate.latency.percentile_ms(Percentile::P95).map_or("-".to_owned(), show_ms);
    let errors = aggregate.error_rate().unwrap_or(0.0) * 100.0;
    let requests = aggregate.requests;
    let warned = match warnings {
        0 => format!("all {judged} thresholds hold"),
        1 => format!("{} of {judged} thresholds hold, 1 warns", judged - 1),
        _ => format!("{} of {judged} thresholds hold, {warnings} warn", judged - warnings),
    };
    let weak = match run.verdict.as_ref().map_or(0, |v| v.on_weak_evidence().count()) {
        0 => String::new(),
        n => format!(", {n} on weak evidence"),
    };
    let against = run.comparison.as_ref().map(|comparison| format!("; {}", comparison.sentence()));
    let against = against.unwrap_or_default();
    format!(
        "{warned}{weak}{unjudged}; {requests} requests, p95 {p95}, {errors:.2} % errors{against}"
    )
}
