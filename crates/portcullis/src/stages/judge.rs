//! Judge: every threshold, each violation a line of its own, and the verdict in
//! a sentence.

use portcullis_core::outcome::{self, Finding};
use portcullis_core::summary::Summary;
use portcullis_core::threshold::Percentile;
use portcullis_core::units::show_ms;
use portcullis_core::verdict::judge;
pub use portcullis_report::words::line;

use crate::run::{Done, Failure, Run};

/// Judges what was measured.
///
/// # Errors
/// A violated threshold, or one without data.
pub fn evaluate(run: &mut Run<'_>) -> Result<Done<()>, Failure> {
    let Some(summary) = &run.summary else {
        return Err(Failure::new(Finding::NoData("nothing was measured".to_owned())));
    };
    let verdict = judge(summary, &run.planned.plan.thresholds);
    let mut findings: Vec<Finding> =
        verdict.violations().map(|judged| Finding::Violated(line(judged))).collect();
    findings.extend(verdict.silent_tasks.iter().map(|task| {
        Finding::NoData(format!("{task} was never called, or never answered with a 2xx: no data"))
    }));
    findings.extend(verdict.without_data().map(|judged| Finding::NoData(line(judged))));
    if verdict.judged.is_empty() {
        findings.push(Finding::NoData("no threshold was judged".to_owned()));
    }
    let (judged, warnings) = (verdict.judged.len(), verdict.warnings().count());
    run.verdict = Some(verdict);
    if findings.is_empty() {
        let detail = match warnings {
            0 => format!("all {judged} hold"),
            1 => format!("{} of {judged} hold, 1 warning", judged - 1),
            _ => format!("{} of {judged} hold, {warnings} warnings", judged - warnings),
        };
        return Ok(Done::new((), detail));
    }
    Err(Failure { findings, log: None, advice: None })
}

/// The verdict in a sentence, for people who read one line.
pub fn sentence(run: &Run<'_>) -> String {
    let findings = outcome::in_order(run.findings.clone());
    let Some(first) = findings.first() else {
        return format!("PASSED: {}", figures(run.summary.as_ref(), run));
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
    format!("{word}: {}{more}", first.message())
}

fn figures(summary: Option<&Summary>, run: &Run<'_>) -> String {
    let judged = run.verdict.as_ref().map_or(0, |verdict| verdict.judged.len());
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
    format!("{warned}; {requests} requests, p95 {p95}, {errors:.2} % errors")
}
