//! The verdict in one sentence.

use super::{Finding, FindingKind, Judgement, Verdict, in_order};
use crate::baseline::BaselinePlan;
use crate::evidence::{Evidence, State};
use crate::measure::{Percentile, Summary};
use crate::units::show_ms;

/// The sentence of the most serious finding; `None` without findings.
pub fn headline(findings: &[Finding]) -> Option<String> {
    let findings = in_order(findings.to_vec());
    let first = findings.first()?;
    let count = findings.iter().filter(|finding| finding.kind.name() == first.kind.name()).count();
    let word = match first.kind {
        FindingKind::Interrupted(_) => "INTERRUPTED",
        FindingKind::Defect => "DEFECT",
        FindingKind::Refused => "REFUSED",
        FindingKind::Preparation | FindingKind::Server => "ERROR",
        FindingKind::Invalid | FindingKind::NoData => "INVALID",
        FindingKind::Violated => "FAILED",
    };
    let more = if count > 1 { format!(" (and {} more)", count - 1) } else { String::new() };
    Some(format!("{word}: {}{more}", first.message))
}

/// The sentence of a run without findings; `compared` is the part about a comparison.
pub fn passed(
    summary: Option<&Summary>,
    verdict: Option<&Verdict>,
    compared: Option<&str>,
) -> String {
    let judged = verdict.map_or(0, Verdict::judged_count);
    let warned = match verdict.map_or(0, |verdict| verdict.warnings().count()) {
        0 => format!("all {judged} thresholds passed"),
        1 => format!("{} of {judged} thresholds passed, 1 warning", judged - 1),
        n => format!("{} of {judged} thresholds passed, {n} warnings", judged - n),
    };
    let weak = match verdict.map_or(0, |verdict| verdict.on_weak_evidence().count()) {
        0 => String::new(),
        n => format!(", {n} on weak evidence"),
    };
    let unjudged = verdict.map(unjudged).unwrap_or_default();
    let seen = verdict.and_then(little_seen).unwrap_or_default();
    let aggregate = summary.map(Summary::aggregate).unwrap_or_default();
    let p95 = aggregate.latency.percentile_ms(Percentile::P95).map_or("-".to_owned(), show_ms);
    let errors = aggregate.error_rate().unwrap_or(0.0) * 100.0;
    let requests = aggregate.requests;
    let against = compared.map(|sentence| format!("; {sentence}")).unwrap_or_default();
    format!(
        "PASSED: {warned}{weak}{unjudged}{seen}; {requests} requests, p95 {p95}, {errors:.2} % \
         errors{against}"
    )
}

/// The number of passed rules, for a stage that judged them without findings.
pub fn counts(verdict: &Verdict) -> String {
    let judged = verdict.judged_count();
    let holding = match verdict.warnings().count() {
        0 => format!("all {judged} passed"),
        1 => format!("{} of {judged} passed, 1 warning", judged - 1),
        n => format!("{} of {judged} passed, {n} warnings", judged - n),
    };
    format!("{holding}{}", unjudged(verdict))
}

/// How much was seen, unless every rule with evidence is proven: ` (0 of 14 proven, smallest
/// sample 1)`.
fn little_seen(verdict: &Verdict) -> Option<String> {
    let seen = verdict.judged.iter().filter(|one| one.judgement != Judgement::NotJudged);
    let with_evidence: Vec<_> =
        seen.filter_map(|one| Some((one, one.evidence.as_ref()?))).collect();
    let is_proven = |evidence: &&Evidence| evidence.state == State::Proven;
    let proven = with_evidence.iter().map(|(_, evidence)| *evidence).filter(is_proven).count();
    let smallest = with_evidence.iter().map(|(one, _)| one.samples).min()?;
    let all = with_evidence.len();
    (proven < all).then(|| format!(" ({proven} of {all} proven, smallest sample {smallest})"))
}

/// The part about rules that were not judged.
fn unjudged(verdict: &Verdict) -> String {
    match verdict.not_judged().count() {
        0 => String::new(),
        count => format!(", {count} not judged"),
    }
}

/// The part about the baseline, whose file is `shown`; `is_said` if a finding has already
/// reported that it is missing.
pub fn on_baseline(shown: &str, plan: &BaselinePlan, is_written: bool, is_said: bool) -> String {
    match (is_written, &plan.stored, plan.advice()) {
        (true, None, _) => format!("; baseline written: {shown}"),
        (true, Some(_), _) => format!("; baseline updated: {shown}"),
        (false, None, _) if is_said => String::new(),
        (false, None, _) => format!("; no baseline: {shown} does not exist"),
        (false, Some(_), Some(advice)) => format!("; baseline: {advice}"),
        (false, Some(_), None) => String::new(),
    }
}
