//! Makes limits relative to the baseline absolute, so that the engine can count requests
//! beyond them, and computes how uncertain the baseline's figures are.

use std::time::Duration;

use super::Baseline;
use crate::evidence::{ALPHA_SHOWN, Counts, latency_interval};
use crate::threshold::{
    Comparison, Derived, Limit, Metric, Reference, Relative, Severity, Threshold, Uncertainty, Unit,
};

/// Makes the limits relative to a baseline absolute; other rules do not change. `lowered`
/// says why the rules on the baseline only warn, if so.
pub fn resolved(rules: &[Threshold], stored: &Baseline, lowered: Option<&str>) -> Vec<Threshold> {
    let resolve = |rule: &Threshold| match rule.limit {
        Limit::Relative(relative) if relative.to == Reference::Baseline => {
            absolute(rule, relative, stored, lowered).unwrap_or_else(|| rule.clone())
        }
        _ => rule.clone(),
    };
    rules.iter().map(resolve).collect()
}

fn absolute(
    rule: &Threshold,
    relative: Relative,
    stored: &Baseline,
    lowered: Option<&str>,
) -> Option<Threshold> {
    let reference = stored.metrics.of(rule.metric)?;
    let exact = reference * relative.factor + relative.plus;
    let limit = match rule.unit() {
        Unit::Milliseconds => Limit::Latency(latency(exact, rule.comparison)),
        Unit::Fraction => Limit::Share(settled(exact, 1e9, rule.comparison)),
        Unit::Number => Limit::Number(settled(exact, 1e9, rule.comparison)),
        Unit::Bytes => Limit::Bytes(settled(exact, 1e9, rule.comparison)),
    };
    let is_lowered = lowered.is_some() && rule.severity == Severity::Fail;
    let derived = Derived {
        relative,
        reference,
        uncertainty: uncertainty(rule.metric, stored),
        lowered: lowered.filter(|_| is_lowered).map(str::to_owned),
    };
    Some(Threshold {
        limit,
        severity: if is_lowered { Severity::Warn } else { rule.severity },
        // A rule that is a warning must not end the run.
        abort: rule.abort && !is_lowered,
        after: rule.after.filter(|_| !is_lowered),
        derived: Some(derived),
        ..rule.clone()
    })
}

/// The longest latency that units can express.
const LONGEST: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

/// A limit in whole nanoseconds; 0 for less.
fn latency(exact_ms: f64, comparison: Comparison) -> Duration {
    let ms = settled(exact_ms, 1e6, comparison).max(0.0);
    Duration::try_from_secs_f64(ms / 1e3).unwrap_or(LONGEST).min(LONGEST)
}

/// The number on a grid with this many steps per unit. A number that is off the grid only
/// by the rounding error of a multiplication is moved to the nearest step. Any other number
/// is moved to the side on which an equal value has the same result, because a run exactly
/// at the limit must be judged correctly.
fn settled(exact: f64, grid: f64, comparison: Comparison) -> f64 {
    if exact.fract() == 0.0 {
        return exact;
    }
    let steps = exact * grid;
    let nearest = steps.round();
    let steps = match comparison {
        _ if (steps - nearest).abs() < 0.01 => nearest,
        Comparison::AtMost | Comparison::Above => steps.ceil(),
        Comparison::Below | Comparison::AtLeast => steps.floor(),
    };
    steps / grid
}

/// The interval of a figure from its samples, if they were stored.
fn uncertainty(metric: Metric, stored: &Baseline) -> Option<Uncertainty> {
    match metric {
        Metric::Percentile(percentile) => {
            let latencies = stored.latency.as_ref()?;
            let (kept, said) = (latencies.percentile_ms(percentile)?, stored.metrics.of(metric)?);
            // A figure that was changed by hand does not belong to the samples.
            if (kept - said).abs() > 0.002 * kept {
                return None;
            }
            let interval = latency_interval(latencies, percentile, ALPHA_SHOWN, 1.0);
            let (low, high) = (interval.low_ms, interval.high_ms);
            Some(Uncertainty { low, high, samples: latencies.count })
        }
        Metric::ErrorRate => {
            let (all, hits) = (stored.metrics.requests, stored.metrics.failures?);
            let is_whole = (hits as f64 / all as f64 - stored.metrics.error_rate).abs() < 0.001;
            let interval = Counts { all, hits }.interval(ALPHA_SHOWN, 1.0);
            let (low, high) = (Some(interval.low), Some(interval.high));
            is_whole.then_some(Uncertainty { low, high, samples: all })
        }
        _ => None,
    }
}
