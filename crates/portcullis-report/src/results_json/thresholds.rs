//! Judged thresholds → what the results say of them.

use portcullis_core::evidence::Evidence;
use portcullis_core::judge::{Judged, Judgement};
use portcullis_core::threshold::{
    Limit, Policy, Reference, Relative, Scope, Severity, Threshold as Rule, Unit,
};

use crate::wire::{self, Derived, Threshold};

/// A judged threshold in the file's own words.
pub fn threshold(judged: &Judged) -> Threshold<'_> {
    let rule = &judged.rule;
    Threshold {
        rule: (&rule.text).into(),
        in_words: rule.in_words().into(),
        scope: rule.scope.to_string().into(),
        scope_kind: match &rule.scope {
            Scope::Aggregate => "aggregate",
            Scope::Task(_) => "task",
            Scope::Group(_) => "group",
            Scope::Label(_) => "label",
            Scope::Login => "login",
        }
        .into(),
        per_task: rule.per_task,
        metric: rule.metric.to_string().into(),
        comparison: rule.comparison.sign().into(),
        severity: severity(rule.severity).into(),
        judgement: match judged.judgement {
            Judgement::Holds => "holds",
            Judgement::Violated => "violated",
            Judgement::NoData => "no data",
            Judgement::NotJudged => "not judged",
        }
        .into(),
        reason: judged.reason.as_deref().map(Into::into),
        value: judged.value,
        limit: Some(rule.limit.value()).filter(|limit| limit.is_finite()),
        unit: unit(rule).into(),
        relative: relative(rule),
        abort: rule.abort,
        after_s: rule.after.map(|after| after.as_secs_f64()),
        policy: match rule.policy {
            Policy::Estimate => "estimate",
            Policy::Prove => "prove",
        }
        .into(),
        samples: judged.samples,
        beyond_limit: judged.beyond,
        evidence: judged.evidence.as_ref().map(evidence),
        baseline: derived(rule),
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

fn relative(rule: &Rule) -> Option<wire::Relative<'static>> {
    let Limit::Relative(Relative { to, factor, plus }) = rule.limit else { return None };
    Some(wire::Relative { to: reference(to).into(), factor, plus })
}

/// What a limit refers to, as results name it.
fn reference(to: Reference) -> &'static str {
    match to {
        Reference::Baseline => "baseline",
        Reference::Base => "base",
    }
}

/// What a rule's limit was taken from, if it was.
fn derived(rule: &Rule) -> Option<Derived<'_>> {
    let derived = rule.derived.as_ref()?;
    let known = derived.uncertainty;
    Some(Derived {
        to: reference(derived.relative.to).into(),
        value: derived.reference,
        factor: derived.relative.factor,
        plus: derived.relative.plus,
        low: known.and_then(|known| known.low),
        high: known.and_then(|known| known.high),
        samples: known.map(|known| known.samples),
        lowered: derived.lowered.as_deref().map(Into::into),
    })
}

fn evidence(evidence: &Evidence) -> wire::Evidence<'static> {
    wire::Evidence {
        state: evidence.state.name().into(),
        requests: evidence.counts.all,
        beyond: evidence.counts.hits,
        allowed_share: evidence.allowed,
        share_low: evidence.share.low,
        share_high: evidence.share.high,
        block_factor: evidence.block_factor,
        clustered_low: evidence.clustered.low,
        clustered_high: evidence.clustered.high,
        detectable_share: evidence.detectable,
        latency_low_ms: evidence.latency.and_then(|latency| latency.low_ms),
        latency_high_ms: evidence.latency.and_then(|latency| latency.high_ms),
    }
}
