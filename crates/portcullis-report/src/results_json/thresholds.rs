//! Judged thresholds, as `perf_results.json` has them: for people, and whole, so
//! that every report can be made of them again.

use portcullis_core::threshold::{Limit, Policy, Reference, Relative, Scope, Severity};
use portcullis_core::threshold::{Threshold as Rule, Unit};
use portcullis_core::verdict::{Judged, Judgement};
use serde::Serialize;

use crate::baseline_json::WireDerived;
use crate::evidence_json::WireEvidence;

/// One of the field `thresholds` of the results.
#[derive(Serialize)]
pub struct Threshold {
    rule: String,
    in_words: String,
    scope: String,
    scope_kind: &'static str,
    per_task: bool,
    metric: String,
    comparison: &'static str,
    severity: &'static str,
    judgement: &'static str,
    /// Why it was not judged.
    reason: Option<String>,
    value: Option<f64>,
    /// Null for a limit that was never known.
    limit: Option<f64>,
    unit: &'static str,
    /// The limit that was never known.
    relative: Option<WireRelative>,
    abort: bool,
    after_s: Option<f64>,
    policy: &'static str,
    samples: u64,
    beyond_limit: Option<u64>,
    evidence: Option<WireEvidence>,
    /// What the limit was taken from.
    baseline: Option<WireDerived>,
}

#[derive(Serialize)]
struct WireRelative {
    to: &'static str,
    factor: f64,
    plus: f64,
}

/// A judged threshold in the file's own words.
pub fn threshold(judged: &Judged) -> Threshold {
    let rule = &judged.rule;
    Threshold {
        rule: rule.text.clone(),
        in_words: rule.in_words(),
        scope: rule.scope.to_string(),
        scope_kind: match &rule.scope {
            Scope::Aggregate => "aggregate",
            Scope::Task(_) => "task",
            Scope::Group(_) => "group",
            Scope::Label(_) => "label",
            Scope::Login => "login",
        },
        per_task: rule.per_task,
        metric: rule.metric.to_string(),
        comparison: rule.comparison.sign(),
        severity: severity(rule.severity),
        judgement: match judged.judgement {
            Judgement::Holds => "holds",
            Judgement::Violated => "violated",
            Judgement::NoData => "no data",
            Judgement::NotJudged => "not judged",
        },
        reason: judged.reason.clone(),
        value: judged.value,
        limit: Some(rule.limit.value()).filter(|limit| limit.is_finite()),
        unit: unit(rule),
        relative: relative(rule),
        abort: rule.abort,
        after_s: rule.after.map(|after| after.as_secs_f64()),
        policy: match rule.policy {
            Policy::Estimate => "estimate",
            Policy::Prove => "prove",
        },
        samples: judged.samples,
        beyond_limit: judged.beyond,
        evidence: judged.evidence.as_ref().map(WireEvidence::new),
        baseline: WireDerived::new(rule),
    }
}

/// A severity as results name it.
pub fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Fail => "fail",
        Severity::Warn => "warn",
    }
}

fn unit(rule: &Rule) -> &'static str {
    match rule.unit() {
        Unit::Milliseconds => "ms",
        Unit::Fraction => "fraction",
        Unit::Number => "number",
        Unit::Bytes => "bytes",
    }
}

fn relative(rule: &Rule) -> Option<WireRelative> {
    let Limit::Relative(Relative { to, factor, plus }) = rule.limit else { return None };
    Some(WireRelative { to: reference(to), factor, plus })
}

/// What a limit refers to, as results name it.
pub fn reference(to: Reference) -> &'static str {
    match to {
        Reference::Baseline => "baseline",
        Reference::Base => "base",
    }
}
