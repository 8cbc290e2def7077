//! Rules that the base violates too: the candidate is not blamed for them.

use super::comparison::{Comparison, TaskComparison};
use super::judge::Decision;
use super::pair::{Pair, Side};
use super::rules::is_in;
use crate::evidence::{Counts, ProportionTest, State, states};
use crate::judge::{Judgement, ThresholdResult, Verdict};
use crate::measure::Summary;
use crate::threshold::{Limit, Metric, Reference, Severity, Threshold};

/// Turns violations into warnings if the base violates the rule too. Three conditions must
/// hold: the base's own requests in the pairs surely violate the rule; no task of the
/// rule's scope is slower than in the base; and the candidate does not fail more often.
/// Pairs are sent one at a time, so a base that is beyond a limit in the pairs is also
/// beyond it under load. This applies to rules on percentiles and on `error_rate`, not to
/// rules on a baseline.
pub fn excuse(verdict: &mut Verdict, comparison: &Comparison, summary: &Summary) {
    if comparison.rise().is_some() {
        return;
    }
    for judged in verdict.judged.iter_mut().filter(|judged| is_charged(judged)) {
        let own = |task: &&TaskComparison| is_in(&judged.rule.scope, Some(&task.name), summary);
        let tasks: Vec<&TaskComparison> = comparison.tasks.iter().filter(own).collect();
        if tasks.iter().any(|task| task.decision != Decision::NotSlower) {
            continue;
        }
        let Some(case) = base_case(&judged.rule, comparison, &tasks, summary) else { continue };
        if states(&[case]) == [State::Violated] {
            let percent = case.counts.share() * 100.0;
            judged.rule.severity = Severity::Warn;
            judged.reason = Some(format!(
                "the base violates it too ({percent:.0} % of its requests in the pairs are beyond \
                 the limit), and the candidate is not slower"
            ));
        }
    }
}

fn is_charged(judged: &ThresholdResult) -> bool {
    judged.judgement == Judgement::Violated
        && judged.rule.severity == Severity::Fail
        && judged.rule.derived.is_none()
        && !matches!(judged.rule.limit, Limit::Relative(relative) if relative.to == Reference::Base)
}

/// The rule as a statement on the base's requests in the pairs. Tasks are weighted as in
/// the scenario. The counts are those of a smaller sample that was drawn by weight: its
/// size is chosen so that the variance of its share is at least that of the weighted share.
fn base_case(
    rule: &Threshold,
    comparison: &Comparison,
    tasks: &[&TaskComparison],
    summary: &Summary,
) -> Option<ProportionTest> {
    let allowed = allowed(rule)?;
    let (mut weights, mut share, mut largest) = (0.0, 0.0, 0.0_f64);
    for task in tasks {
        let weight = summary.tasks.iter().find(|known| known.name == task.name)?.weight;
        let is_own = |pair: &&Pair| comparison.names.get(pair.task) == Some(&task.name);
        let own: Vec<bool> = comparison
            .pairs
            .iter()
            .filter(is_own)
            .filter_map(|pair| is_beyond(rule, pair))
            .collect();
        if own.is_empty() {
            return None;
        }
        let (weight, n) = (f64::from(weight), own.len() as f64);
        let hits = own.iter().filter(|is_beyond| **is_beyond).count() as f64;
        weights += weight;
        share += weight * hits / n;
        largest = largest.max(weight / n);
    }
    let all = (weights / largest + 1e-9).floor();
    let hits = (share / weights * all + 1e-9).floor();
    let counts = Counts { all: all as u64, hits: hits as u64 };
    (all >= 1.0).then_some(ProportionTest { counts, allowed, design_effect: 1.0 })
}

/// The share of requests that is allowed beyond the limit; `None` if pairs cannot measure
/// the rule as a share.
fn allowed(rule: &Threshold) -> Option<f64> {
    match (rule.metric, rule.limit) {
        _ if !rule.comparison.is_upper() => None,
        (Metric::Percentile(percentile), Limit::Latency(_)) => Some(percentile.beyond()),
        (Metric::ErrorRate, Limit::Share(limit)) => Some(limit),
        _ => None,
    }
}

/// Whether the base's request of a pair is beyond the limit; `None` if it failed and the
/// rule is on latency.
fn is_beyond(rule: &Threshold, pair: &Pair) -> Option<bool> {
    let latency = pair.latency.of(Side::Base);
    match rule.limit {
        Limit::Latency(limit) => {
            Some(!rule.comparison.holds(latency.as_ref()?.as_secs_f64(), limit.as_secs_f64()))
        }
        _ => Some(latency.is_none()),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::compare::{Judge, POLICY, Sides};
    use crate::measure::TaskSummary;
    use crate::threshold::{Names, parse};

    /// The severity of a violated rule after `excuse`, with pairs of two tasks of weights 9 and
    /// 1; each task takes these milliseconds in each version.
    fn severity(rule: &str, base_ms: [u64; 2], candidate_ms: [u64; 2]) -> Severity {
        let names = ["list", "rare"].map(str::to_owned);
        let known = Names { tasks: &names, groups: &[], labels: &[], login: false };
        let rule = parse(rule, Severity::Fail, known).unwrap();
        let ms = |ms| Some(Duration::from_millis(ms)).filter(|ms| !ms.is_zero());
        let mut judge = Judge::new(2, POLICY);
        let pairs: Vec<Pair> = (0..40)
            .map(|n| {
                let task = n % 2;
                let latency = Sides { base: ms(base_ms[task]), candidate: ms(candidate_ms[task]) };
                latency.ln_ratio().into_iter().for_each(|x| judge.add(task, x));
                Pair { task, at: Duration::ZERO, first: Side::Base, latency, cpu: Sides::default() }
            })
            .collect();
        let compared =
            |(index, name): (usize, &String)| TaskComparison::new(name, index, &judge, &pairs);
        let tasks = names.iter().enumerate().map(compared).collect();
        let comparison =
            Comparison { tasks, pairs, names: names.to_vec(), ..Comparison::default() };
        let task = |(name, weight): (&String, u32)| TaskSummary {
            name: name.clone(),
            weight,
            ..TaskSummary::default()
        };
        let summary =
            Summary { tasks: names.iter().zip([9, 1]).map(task).collect(), ..Summary::default() };
        let mut verdict = crate::judge::judge(&Summary::default(), &[rule]);
        verdict.judged[0].judgement = Judgement::Violated;
        excuse(&mut verdict, &comparison, &summary);
        verdict.judged[0].rule.severity
    }

    #[test]
    fn what_the_base_surely_violates_itself_only_warns() {
        let of = |base, candidate| severity("p95(list) <= 100ms", base, candidate);
        assert_eq!(of([300, 5], [301, 5]), Severity::Warn);
        assert_eq!(of([100, 5], [101, 5]), Severity::Fail, "the base holds it");
        assert_eq!(of([300, 5], [400, 5]), Severity::Fail, "the candidate is slower too");
        assert_eq!(of([300, 5], [301, 9]), Severity::Warn, "another task is slower");
    }

    #[test]
    fn a_mix_is_weighted_as_in_the_scenario() {
        let all = |base| severity("p95 <= 100ms", base, base);
        assert_eq!(all([300, 5]), Severity::Warn, "nine requests of ten");
        assert_eq!(all([5, 300]), Severity::Fail, "one of ten: not surely more than 5 %");
        let slower = severity("p95 <= 100ms", [300, 5], [300, 9]);
        assert_eq!(slower, Severity::Fail, "a task of the mix is slower");
    }

    #[test]
    fn a_candidate_that_fails_more_often_is_charged() {
        let of = |base, candidate| severity("error_rate(list) <= 1%", base, candidate);
        assert_eq!(of([5, 5], [5, 0]), Severity::Fail);
        assert_eq!(severity("max(list) <= 100ms", [300, 5], [300, 5]), Severity::Fail);
    }
}
