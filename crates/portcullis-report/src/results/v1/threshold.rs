//! Judged thresholds: for people, and whole, so that every report can be made of them
//! again. A judgement that is read is what the file says, and is not made again.

use portcullis_core::judge::{Judgement, ThresholdResult};
use portcullis_core::threshold as rules;
use portcullis_core::threshold::{
    Comparison, Limit, Metric, Policy, Reference, Scope, Severity, Uncertainty, Unit,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Text;
use super::evidence::Evidence;
use crate::results::number::{finite, latency};
use crate::results::wire::{Count, Finite, Seconds, Wire, fields};
use crate::results::word::Word;
use crate::results::{Contradiction, known};

/// The result of a rule; a rule with `per task` has one for each task.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Threshold<'a> {
    /// The rule as written.
    pub rule: Text<'a>,
    #[serde(default)]
    pub in_words: Text<'a>,
    pub scope: Text<'a>,
    #[schemars(extend("enum" = Scope::KINDS))]
    pub scope_kind: Text<'a>,
    pub per_task: bool,
    pub metric: Text<'a>,
    pub comparison: Word<Comparison>,
    pub severity: Word<Severity>,
    pub judgement: Word<Judgement>,
    /// Why the rule was not judged.
    pub reason: Option<Text<'a>>,
    /// Value of the metric; null without data and if not judged.
    pub value: Option<Finite>,
    /// The limit in the unit; null if it was never known.
    pub limit: Option<f64>,
    pub unit: Word<Unit>,
    /// A relative limit that was never known.
    pub relative: Option<Relative>,
    pub abort: bool,
    pub after_s: Option<Seconds>,
    pub policy: Word<Policy>,
    /// Number of good answers for latencies, of requests for other metrics.
    pub samples: Count,
    /// For percentiles: number of samples on the wrong side of the limit.
    pub beyond_limit: Option<Count>,
    pub evidence: Option<Evidence>,
    /// Source of a relative limit.
    pub baseline: Option<Derived<'a>>,
}

/// A limit relative to another run: `reference × factor + plus`.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Relative {
    pub to: Word<Reference>,
    pub factor: Finite,
    pub plus: Finite,
}

/// Source of a relative limit, which is `value × factor + plus`.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Derived<'a> {
    pub to: Word<Reference>,
    pub value: Finite,
    pub factor: Finite,
    pub plus: Finite,
    /// 95 % interval of the value, in the unit of the threshold.
    pub low: Option<f64>,
    pub high: Option<f64>,
    pub samples: Option<u64>,
    /// Why a violation is a warning although the rule is in `fail`.
    pub lowered: Option<Text<'a>>,
}

impl<'a> Wire<'a, ThresholdResult> for Threshold<'a> {
    fn of(judged: &'a ThresholdResult) -> Self {
        let rule = &judged.rule;
        let relative = match &rule.limit {
            Limit::Relative(relative) => Some(Wire::of(relative)),
            _ => None,
        };
        Self {
            rule: Wire::of(&rule.text),
            in_words: rule.in_words().into(),
            scope: rule.scope.to_string().into(),
            scope_kind: rule.scope.kind().into(),
            per_task: rule.per_task,
            metric: rule.metric.to_string().into(),
            comparison: Wire::of(&rule.comparison),
            severity: Wire::of(&rule.severity),
            judgement: Wire::of(&judged.judgement),
            reason: Wire::of(&judged.reason),
            value: Wire::of(&judged.value),
            limit: Some(rule.limit.value()).filter(|limit| limit.is_finite()),
            unit: Wire::of(&rule.unit()),
            relative,
            abort: rule.abort,
            after_s: Wire::of(&rule.after),
            policy: Wire::of(&rule.policy),
            samples: Wire::of(&judged.samples),
            beyond_limit: Wire::of(&judged.beyond),
            evidence: judged.evidence.as_ref().map(Evidence::of),
            baseline: Wire::of(&rule.derived),
        }
    }

    fn read(self) -> Result<ThresholdResult, Contradiction> {
        let judgement = self.judgement.read()?;
        let metric = Metric::shown(&self.metric);
        let metric = known(metric, format_args!("unknown metric \"{}\"", self.metric))?;
        let kind = &self.scope_kind;
        let scope = Scope::of_kind(kind, self.scope.into_owned());
        let scope = known(scope, format_args!("unknown kind of scope \"{kind}\""))?;
        Ok(ThresholdResult {
            judgement,
            value: self.value.read()?,
            samples: self.samples.read()?,
            beyond: self.beyond_limit.read()?,
            evidence: self.evidence.map(|evidence| evidence.read(metric)).transpose()?,
            reason: self.reason.read()?,
            rule: rules::Threshold {
                metric,
                scope,
                per_task: self.per_task,
                comparison: self.comparison.read()?,
                limit: match self.relative {
                    Some(relative) => Limit::Relative(relative.read()?),
                    None => absolute(self.limit, self.unit)?,
                },
                severity: self.severity.read()?,
                abort: self.abort,
                after: self.after_s.read()?,
                policy: self.policy.read()?,
                derived: self.baseline.read()?,
                text: self.rule.read()?,
            },
        })
    }
}

fn absolute(value: Option<f64>, unit: Word<Unit>) -> Result<Limit, Contradiction> {
    let value = finite(known(value, "it has no limit")?)?;
    Ok(match unit.read()? {
        Unit::Milliseconds => Limit::Latency(latency(value)?),
        Unit::Fraction => Limit::Share(value),
        Unit::Number => Limit::Number(value),
        Unit::Bytes => Limit::Bytes(value),
    })
}

fields!(Relative: rules::Relative { to, factor, plus });

impl<'a> Wire<'a, rules::Derived> for Derived<'a> {
    fn of(derived: &'a rules::Derived) -> Self {
        let known = derived.uncertainty;
        let Relative { to, factor, plus } = Wire::of(&derived.relative);
        Self {
            to,
            value: Wire::of(&derived.reference),
            factor,
            plus,
            low: known.and_then(|known| known.low),
            high: known.and_then(|known| known.high),
            samples: known.map(|known| known.samples),
            lowered: Wire::of(&derived.lowered),
        }
    }

    fn read(self) -> Result<rules::Derived, Contradiction> {
        let Self { to, value, factor, plus, low, high, samples, lowered } = self;
        Ok(rules::Derived {
            relative: Relative { to, factor, plus }.read()?,
            reference: value.read()?,
            uncertainty: samples.map(|samples| Uncertainty { low, high, samples }),
            lowered: lowered.read()?,
        })
    }
}
