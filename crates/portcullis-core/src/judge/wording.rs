//! A judged threshold in one line: the same in every report and in the findings.

use super::{Judgement, ThresholdResult};
use crate::threshold::{Metric, Threshold};

/// The comparison and limit of a rule: `<= 500 ms`.
pub fn limit(rule: &Threshold) -> String {
    format!("{} {}", rule.comparison.sign(), rule.limit_in_words())
}

/// A judged threshold in one line: metric and scope, value, limit, interval, samples, and
/// certainty. Console, Markdown, JUnit and annotations all use this line.
pub fn line(judged: &ThresholdResult) -> String {
    let (what, limit) = (judged.rule.subject(), limit(&judged.rule));
    if judged.judgement == Judgement::NotJudged {
        let reason = judged.reason.as_deref().unwrap_or(judged.judgement.name());
        return format!("{what} {limit}: {reason}");
    }
    let Some(value) = value(judged) else {
        return format!("{what}: no samples for the limit {limit}");
    };
    let interval = interval(judged).map(|interval| format!(", 95 % interval {interval}"));
    let interval = interval.unwrap_or_default();
    let samples =
        format!("{} sample{}", judged.samples, if judged.samples == 1 { "" } else { "s" });
    let beyond = judged.beyond.filter(|beyond| *beyond > 0);
    let beyond = beyond.map_or(String::new(), |beyond| format!(", {beyond} beyond the limit"));
    let evidence = judged.evidence.as_ref().map(|evidence| format!("; {}", evidence.in_words()));
    let not_proven = judged.reason.as_ref().map(|reason| format!("; {reason}"));
    let known = not_proven.or(evidence).unwrap_or_default();
    let derived = judged.rule.derived_in_words();
    format!("{what} = {value}, limit {limit}{interval}, {samples}{beyond}{known}{derived}")
}

/// The message if no rule could have failed the run.
pub const TOOTHLESS: &str = "no threshold was judged";

/// The message about a task without data.
pub fn silent_task(task: &str) -> String {
    format!("{task} was never called or had no successful answer")
}

/// The 95 % interval of the metric, valid at any stopping time, in its unit: `540–701 ms`,
/// `540 ms or more`. `None` if no exact statement is possible: a mean, a rate, a maximum,
/// too few samples.
pub fn interval(judged: &ThresholdResult) -> Option<String> {
    let (evidence, rule) = (judged.evidence.as_ref()?, &judged.rule);
    let (low, high) = match rule.metric {
        Metric::Percentile(_) => {
            evidence.latency.map(|latency| (latency.low_ms, latency.high_ms))?
        }
        Metric::ErrorRate | Metric::Status(_) => {
            (Some(evidence.clustered.low), Some(evidence.clustered.high))
        }
        _ => return None,
    };
    match (low.map(|low| rule.show(low)), high.map(|high| rule.show(high))) {
        (Some(low), Some(high)) => {
            // A unit that both ends have is written once.
            let unit = |text: &str| text.find(' ').map_or(0, |at| text.len() - at);
            let (of_low, of_high) = (unit(&low), unit(&high));
            let is_same =
                of_low > 0 && low.get(low.len() - of_low..) == high.get(high.len() - of_high..);
            let low = if is_same { low.get(..low.len() - of_low)? } else { &low };
            Some(format!("{low}–{high}"))
        }
        (Some(low), None) => Some(format!("{low} or more")),
        (None, Some(high)) => Some(format!("up to {high}")),
        (None, None) => None,
    }
}

/// The value of the metric with its unit. A value that rounds to its limit is shown with
/// the digits that differ. `None` without data.
pub fn value(judged: &ThresholdResult) -> Option<String> {
    let value = judged.value?;
    let rule = &judged.rule;
    let text = rule.show(value);
    let hides = judged.judgement == Judgement::Violated && text == rule.limit_in_words();
    Some(if hides && value != rule.limit.value() { rule.unit().show_closely(value) } else { text })
}

#[cfg(test)]
mod tests {
    use crate::evidence::{Counts, LatencyInterval, ProportionTest, State, evidence};
    use crate::threshold::{Names, Severity, parse};

    use super::*;

    fn judged(rule: &str, value: f64, ends: [Option<f64>; 2], state: State) -> ThresholdResult {
        let names = Names { tasks: &[], groups: &[], labels: &[], login: false };
        let rule = parse(rule, Severity::Fail, names).unwrap();
        let counts = Counts { all: 48, hits: 41 };
        let case = ProportionTest { counts, allowed: 0.05, design_effect: 1.0 };
        let latency = LatencyInterval { low_ms: ends[0], high_ms: ends[1] };
        let is_latency = matches!(rule.metric, Metric::Percentile(_));
        ThresholdResult {
            judgement: Judgement::Violated,
            value: Some(value),
            samples: 48,
            beyond: is_latency.then_some(41),
            evidence: Some(evidence(&case, state, is_latency.then_some(latency))),
            reason: None,
            rule,
        }
    }

    #[test]
    fn a_line_has_its_interval_in_the_unit_of_the_metric() {
        let ends = [Some(540.0), Some(701.0)];
        assert_eq!(
            line(&judged("p95 <= 500ms", 612.0, ends, State::Violated)),
            "p95 = 612 ms, limit <= 500 ms, 95 % interval 540–701 ms, 48 samples, 41 beyond the \
             limit; surely"
        );
        assert_eq!(
            line(&judged("error_rate <= 5%", 41.0 / 48.0, ends, State::InDoubt)),
            "error_rate = 85.42 %, limit <= 5.00 %, 95 % interval 65.02–96.55 %, 48 samples; \
             likely, short of sure"
        );
        let shown = |ends| interval(&judged("p95 <= 500ms", 612.0, ends, State::InDoubt));
        assert_eq!(shown([Some(540.0), None]).as_deref(), Some("540 ms or more"));
        assert_eq!(shown([None, Some(701.0)]).as_deref(), Some("up to 701 ms"));
        assert_eq!(shown([Some(9.5), Some(20.25)]).as_deref(), Some("9.50–20.2 ms"));
        assert_eq!(shown([None, None]), None);
        // There is no exact statement on a maximum or a mean.
        assert_eq!(interval(&judged("max <= 500ms", 612.0, ends, State::Violated)), None);
        assert_eq!(interval(&judged("mean <= 500ms", 612.0, ends, State::Violated)), None);
    }
}
