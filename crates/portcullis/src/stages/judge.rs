//! Judge: every threshold, each violation a line of its own, and the verdict in
//! a sentence.

use portcullis_core::outcome::{self, Finding};
use portcullis_core::pairs::{Decision, judge_base_rules};
use portcullis_core::summary::Summary;
use portcullis_core::threshold::Percentile;
use portcullis_core::units::show_ms;
use portcullis_core::verdict::{Judged, Verdict, judge};
pub use portcullis_report::words::line;

use portcullis_report::BaselineReport;

use crate::baseline;
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
        judge_base_rules(&mut verdict, comparison, summary);
    }
    let warnings = verdict.warnings().filter(|_| run.strict);
    let violated: Vec<&Judged> = verdict.violations().chain(warnings).collect();
    let found = |judged: &&Judged| Finding::Violated(line(judged));
    let mut findings: Vec<Finding> = violated.iter().map(found).collect();
    let of_baseline = violated.iter().filter(|judged| judged.rule.derived.is_some());
    let mut differences: Vec<Finding> = of_baseline.map(found).collect();
    findings.extend(verdict.silent_tasks.iter().map(|task| {
        Finding::NoData(format!("{task} was never called, or never answered with a 2xx: no data"))
    }));
    findings.extend(verdict.without_data().map(|judged| Finding::NoData(line(judged))));
    findings.extend(compared(run));
    let baseline = run.planned.plan.baseline.as_ref();
    let missing = baseline.filter(|baseline| baseline.stored.is_none());
    if let Some(missing) = missing.filter(|_| run.strict && run.planned.baseline.is_missed) {
        let file = missing.file.display();
        let finding = Finding::Violated(format!("there is no baseline: {file} is missing"));
        findings.push(finding.clone());
        differences.push(finding);
    }
    if verdict.is_toothless() {
        let finding = Finding::NoData("no threshold was judged".to_owned());
        findings.push(finding.clone());
        // The first baseline has nothing before it to be judged by.
        differences.extend(missing.map(|_| finding));
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

/// What the comparison with the base finds, if there was one.
fn compared(run: &Run<'_>) -> Vec<Finding> {
    let Some(comparison) = &run.comparison else { return Vec::new() };
    let slower = comparison.of(Decision::Slower).map(|task| Finding::Violated(task.line()));
    let mut findings: Vec<Finding> = slower.collect();
    if let Some(rise) = comparison.rise() {
        findings.push(Finding::Violated(format!(
            "the candidate fails more often: {} pairs failed only there, {} only at the base",
            rise.candidate, rise.base
        )));
    }
    for task in comparison.tasks.iter().filter(|task| task.effect.is_none()) {
        // What the base cannot do yet is no fault of the candidate's.
        if task.failures.base < task.pairs || task.failures.candidate == task.pairs {
            findings.push(Finding::NoData(task.line()));
        }
    }
    if run.strict {
        let undecided = comparison.of(Decision::Undecided).filter(|task| task.effect.is_some());
        findings.extend(undecided.map(|task| Finding::Violated(task.line())));
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
    let findings = outcome::in_order(run.findings.clone());
    let Some(first) = findings.first() else {
        return format!("PASSED: {}{}", figures(run.summary.as_ref(), run), on_baseline(run));
    };
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
    format!("{word}: {}{more}{}", first.message(), on_baseline(run))
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
