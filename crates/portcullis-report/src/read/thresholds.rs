//! Judged thresholds, read back: a judgement is what the file says, and is not
//! made anew.

use std::borrow::Cow;
use std::time::Duration;

use portcullis_core::evidence::{Counts, Evidence, Interval, LatencyInterval, State};
use portcullis_core::judge::{Judged, Judgement};
use portcullis_core::threshold::{
    Comparison, Derived, Limit, Metric, Percentile, Policy, Reference, Relative, Scope, Severity,
    Threshold, Uncertainty,
};

use super::{ReadError, numbers};
use crate::complaints::{PlacedRule, Places};
use crate::wire;

/// A judged threshold; `at` is its place in the file.
///
/// # Errors
/// Words that are not known, numbers that cannot be.
pub fn judged(file: wire::Threshold, at: &str) -> Result<Judged, ReadError> {
    parts(file).map_err(|message| ReadError::Inconsistent(format!("{at}: {message}")))
}

/// Where in the configuration file things stand.
///
/// # Errors
/// A severity that is not known.
pub fn places(file: wire::Places<'_>) -> Result<Places, ReadError> {
    let rules = file.rules.into_iter().map(|placed| {
        let severity = known("severity", &placed.severity, &SEVERITIES)?;
        Ok(PlacedRule { severity, text: placed.rule.into_owned(), line: placed.line })
    });
    let rules = rules.collect::<Result<_, String>>();
    let rules = rules
        .map_err(|message| ReadError::Inconsistent(format!("configuration_places: {message}")))?;
    Ok(Places { file: file.file.into_owned(), rules, against: file.against })
}

const SEVERITIES: [(&str, Severity); 2] = [("fail", Severity::Fail), ("warn", Severity::Warn)];

fn parts(file: wire::Threshold) -> Result<Judged, String> {
    let judgement = known(
        "judgement",
        &file.judgement,
        &[
            ("holds", Judgement::Holds),
            ("violated", Judgement::Violated),
            ("no data", Judgement::NoData),
            ("not judged", Judgement::NotJudged),
        ],
    )?;
    let value = file.value.map(finite).transpose()?;
    let samples = numbers::believed(file.samples)?;
    let beyond = file.beyond_limit.map(numbers::believed).transpose()?;
    let reason = file.reason.clone().map(Cow::into_owned);
    let metric = metric(&file.metric)?;
    let evidence = file.evidence.as_ref().map(|one| evidence(one, metric)).transpose()?;
    let rule = rule(file, metric)?;
    Ok(Judged { rule, judgement, value, samples, beyond, evidence, reason })
}

fn known<T: Copy>(what: &str, word: &str, words: &[(&str, T)]) -> Result<T, String> {
    let found = words.iter().find(|(known, _)| *known == word);
    found.map(|(_, value)| *value).ok_or_else(|| format!("\"{word}\" is no {what}"))
}

fn finite(number: f64) -> Result<f64, String> {
    if number.is_finite() { Ok(number) } else { Err(format!("{number} is no number")) }
}

fn rule(file: wire::Threshold, metric: Metric) -> Result<Threshold, String> {
    let comparisons = [
        ("<", Comparison::Below),
        ("<=", Comparison::AtMost),
        (">", Comparison::Above),
        (">=", Comparison::AtLeast),
    ];
    let policies = [("estimate", Policy::Estimate), ("prove", Policy::Prove)];
    Ok(Threshold {
        metric,
        scope: match file.scope_kind.as_ref() {
            "aggregate" => Scope::Aggregate,
            "task" => Scope::Task(file.scope.into_owned()),
            "group" => Scope::Group(file.scope.into_owned()),
            "label" => Scope::Label(file.scope.into_owned()),
            "login" => Scope::Login,
            other => return Err(format!("\"{other}\" is no kind of scope")),
        },
        per_task: file.per_task,
        comparison: known("comparison", &file.comparison, &comparisons)?,
        limit: limit(file.limit, &file.unit, file.relative)?,
        severity: known("severity", &file.severity, &SEVERITIES)?,
        abort: file.abort,
        after: file.after_s.map(numbers::seconds).transpose()?,
        policy: known("policy", &file.policy, &policies)?,
        derived: file.baseline.map(derived).transpose()?,
        text: file.rule.into_owned(),
    })
}

fn metric(word: &str) -> Result<Metric, String> {
    let unknown = || format!("\"{word}\" is no metric");
    let status = word.strip_prefix("status(").and_then(|rest| rest.strip_suffix(')'));
    if let Some(status) = status {
        return status.parse().map(Metric::Status).map_err(|_| unknown());
    }
    if let Some(metric) = Metric::plain(word) {
        return Ok(metric);
    }
    let percent = word.strip_prefix('p').and_then(|rest| rest.parse::<f64>().ok());
    let percent = percent.filter(|percent| (0.0..=100.0).contains(percent)).ok_or_else(unknown)?;
    Ok(Metric::Percentile(Percentile((percent * 1000.0).round() as u32)))
}

fn limit(value: Option<f64>, unit: &str, to: Option<wire::Relative>) -> Result<Limit, String> {
    if let Some(to) = to {
        return relative(to).map(Limit::Relative);
    }
    let value = finite(value.ok_or("it has no limit")?)?;
    match unit {
        "ms" => numbers::latency_ns(value).map(Duration::from_nanos).map(Limit::Latency),
        "fraction" => Ok(Limit::Share(value)),
        "number" => Ok(Limit::Number(value)),
        "bytes" => Ok(Limit::Bytes(value)),
        other => Err(format!("\"{other}\" is no unit")),
    }
}

fn relative(file: wire::Relative) -> Result<Relative, String> {
    let words = [("baseline", Reference::Baseline), ("base", Reference::Base)];
    let to = known("reference", &file.to, &words)?;
    Ok(Relative { to, factor: finite(file.factor)?, plus: finite(file.plus)? })
}

fn derived(file: wire::Derived) -> Result<Derived, String> {
    let uncertainty =
        file.samples.map(|samples| Uncertainty { low: file.low, high: file.high, samples });
    Ok(Derived {
        relative: relative(wire::Relative { to: file.to, factor: file.factor, plus: file.plus })?,
        reference: finite(file.value)?,
        uncertainty,
        lowered: file.lowered.map(Cow::into_owned),
    })
}

fn evidence(file: &wire::Evidence, metric: Metric) -> Result<Evidence, String> {
    let states = [State::Proven, State::Unbroken, State::Violated, State::InDoubt]
        .map(|state| (state.name(), state));
    let share = |low: f64, high: f64| match 0.0 <= low && low <= high && high <= 1.0 {
        true => Ok(Interval { low, high }),
        false => Err(format!("{low} to {high} are no shares")),
    };
    if file.beyond > numbers::believed(file.requests)? {
        return Err(format!("{} of {} requests are beyond", file.beyond, file.requests));
    }
    if !(file.block_factor.is_finite() && file.block_factor >= 1.0) {
        return Err(format!("the block factor {} is not at least 1", file.block_factor));
    }
    let of_latencies = matches!(metric, Metric::Percentile(_));
    let latency = LatencyInterval { low_ms: file.latency_low_ms, high_ms: file.latency_high_ms };
    Ok(Evidence {
        counts: Counts { all: file.requests, hits: file.beyond },
        allowed: finite(file.allowed_share)?,
        state: known("state", &file.state, &states)?,
        share: share(file.share_low, file.share_high)?,
        block_factor: file.block_factor,
        clustered: share(file.clustered_low, file.clustered_high)?,
        detectable: file.detectable_share,
        latency: of_latencies.then_some(latency),
    })
}
