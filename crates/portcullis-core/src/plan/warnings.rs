//! Doubtful settings, which do not stop a run.

use super::{LoadPlan, seconds};
use crate::baseline::BaselinePlan;
use crate::threshold::{Severity, Threshold};

/// A warning if the baseline comes from another machine or configuration.
pub fn doubt(baseline: &BaselinePlan, rules: &[Threshold]) -> Option<String> {
    let advice = baseline.advice()?;
    Some(match rules.iter().any(is_lowered) {
        false => format!("the baseline is not comparable with this run: {advice}"),
        true => format!("violated baseline rules are warnings in this run: {advice}"),
    })
}

/// Whether a rule is a warning because its baseline comes from elsewhere.
fn is_lowered(rule: &Threshold) -> bool {
    rule.derived.as_ref().is_some_and(|derived| derived.lowered.is_some())
}

/// What is doubtful about a load.
pub fn warnings(load: &LoadPlan) -> Vec<String> {
    let mut warnings = Vec::new();
    let (expected, deck) = (load.expected_requests(load.longest), load.deck());
    if expected < deck as f64 {
        warnings.push(format!(
            "about {expected:.0} requests are expected within {} (load.max_duration), but {deck} \
             are needed to call every task by its weight: run longer or use more users",
            seconds(load.longest)
        ));
    }
    let fails = |rule: &Threshold| rule.severity == Severity::Fail;
    if !load.rules.iter().any(fails) {
        let only_warn = load.rules.iter().any(is_lowered);
        let why = if only_warn {
            "baseline rules are warnings in this run"
        } else {
            "thresholds.fail is empty"
        };
        warnings.push(format!("no threshold can fail this run: {why}"));
    }
    warnings
}
