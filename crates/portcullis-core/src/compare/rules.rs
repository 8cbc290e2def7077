//! Judges rules with a limit relative to the base by the pairs.

use super::comparison::{Comparison, TaskComparison, latencies_ms};
use super::effect::{ALPHA_END, Effect, effect};
use super::pair::{Pair, Side};
use super::score::is_above;
use crate::judge::{Judgement, ThresholdResult, Verdict};
use crate::measure::Summary;
use crate::threshold::{Limit, Metric, Percentile, Reference, Relative, Scope, Threshold};

/// Judges the open rules on the base by the pairs. A rule on the median of one task with a
/// limit that is a multiple of the base's is violated only if the ratio is surely beyond
/// the limit. The other rules follow the estimate, which is weak with few pairs. Tasks that the
/// base does not have are left out on both sides; a rule on nothing else is not judged.
pub fn judge_base_rules(verdict: &mut Verdict, comparison: &Comparison, summary: &Summary) {
    for judged in &mut verdict.judged {
        let Limit::Relative(relative) = judged.rule.limit else { continue };
        if relative.to != Reference::Base || judged.judgement != Judgement::NotJudged {
            continue;
        }
        let name = |pair: &&Pair| comparison.names.get(pair.task);
        let is_new = |pair: &&Pair| {
            let task = comparison.tasks.iter().find(|task| Some(&task.name) == name(pair));
            task.is_some_and(TaskComparison::is_new)
        };
        let in_scope = comparison.pairs.iter();
        let in_scope = in_scope.filter(|pair| is_in(&judged.rule.scope, name(pair), summary));
        let (new, own): (Vec<&Pair>, Vec<&Pair>) = in_scope.partition(is_new);
        if own.is_empty() && !new.is_empty() {
            judged.reason = Some("new: the base does not have it".to_owned());
        } else {
            judge(judged, relative, &own);
        }
    }
}

pub(super) fn is_in(scope: &Scope, task: Option<&String>, summary: &Summary) -> bool {
    let Some(task) = task else { return false };
    match scope {
        Scope::Aggregate => true,
        Scope::Task(name) => name == task,
        Scope::Group(group) => {
            let known = summary.tasks.iter().find(|known| known.name == *task);
            known.is_some_and(|known| known.is_in_group(group))
        }
        Scope::Label(label) => {
            let known = summary.tasks.iter().find(|known| known.name == *task);
            known.is_some_and(|known| known.label == *label)
        }
        Scope::Login => false,
    }
}

fn judge(judged: &mut ThresholdResult, relative: Relative, pairs: &[&Pair]) {
    let value = |side| value(&judged.rule, pairs, side);
    let (Some(base), Some(candidate)) = (value(Side::Base), value(Side::Candidate)) else {
        judged.judgement = Judgement::NoData;
        return;
    };
    let limit = base * relative.factor + relative.plus;
    let by_estimate = judged.rule.comparison.holds(candidate, limit);
    let xs = ratios(&judged.rule, relative, pairs);
    let holds = match &xs {
        Some(xs) if !by_estimate => !is_above(xs, relative.factor, ALPHA_END),
        _ => by_estimate,
    };
    let sure: Option<Effect> = xs.as_deref().and_then(effect);
    let shown = |value| judged.rule.show(value);
    let known = match &sure {
        Some(ratio) => format!(
            "{}, 95 %{}",
            match (ratio.from(), ratio.to()) {
                (Some(low), Some(high)) => format!("ratio {low:.3} to {high:.3}"),
                (_, None) => format!("ratio {:.3} or more", ratio.low),
                (None, _) => format!("ratio {:.3} or less", ratio.high),
            },
            if holds && !by_estimate { ": not surely beyond the limit" } else { "" }
        ),
        None => "weak evidence: decided by the estimate of these pairs".to_owned(),
    };
    judged.reason = Some(format!("base {}, limit {}; {known}", shown(base), shown(limit)));
    judged.judgement = if holds { Judgement::Holds } else { Judgement::Violated };
    judged.value = Some(candidate);
    judged.samples = pairs.len() as u64;
}

/// The logarithms of the ratios, if the rule is a statement on the centre of one task's
/// ratios. A mean also depends on the tail, and the ratios of several tasks have no common
/// centre.
fn ratios(rule: &Threshold, relative: Relative, pairs: &[&Pair]) -> Option<Vec<f64>> {
    let is_centre =
        rule.metric == Metric::Percentile(Percentile::P50) && matches!(rule.scope, Scope::Task(_));
    if !rule.comparison.is_upper() || !is_centre || relative.plus != 0.0 {
        return None;
    }
    let xs: Vec<f64> = pairs.iter().filter_map(|pair| pair.latency.ln_ratio()).collect();
    (!xs.is_empty()).then_some(xs)
}

/// The value of the metric for one version, in the rule's unit; `None` without data, and
/// for metrics that pairs do not measure.
fn value(rule: &Threshold, pairs: &[&Pair], side: Side) -> Option<f64> {
    let ms = latencies_ms(pairs, side);
    match rule.metric {
        Metric::Percentile(percentile) => percentile.of(&ms),
        Metric::Max => ms.last().copied(),
        Metric::Mean => (!ms.is_empty()).then(|| ms.iter().sum::<f64>() / ms.len() as f64),
        Metric::ErrorRate => {
            let failed = pairs.iter().filter(|pair| pair.latency.of(side).is_none()).count();
            (!pairs.is_empty()).then(|| failed as f64 / pairs.len() as f64)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::compare::{Judge, POLICY, Sides};
    use crate::threshold::{Names, Severity, parse};

    fn judged(rule: &str, candidate_ms: u64, pairs: usize) -> ThresholdResult {
        let tasks = ["list".to_owned()];
        let names = Names { tasks: &tasks, groups: &[], labels: &[], login: false };
        let rule = parse(rule, Severity::Fail, names).unwrap();
        let ms = |ms| Some(Duration::from_millis(ms));
        let pair = Pair {
            task: 0,
            at: Duration::ZERO,
            first: Side::Base,
            latency: Sides { base: ms(100), candidate: ms(candidate_ms) },
            cpu: Sides::default(),
        };
        let comparison =
            Comparison { pairs: vec![pair; pairs], names: tasks.to_vec(), ..Comparison::default() };
        let mut verdict = crate::judge::judge(&Summary::default(), &[rule]);
        assert_eq!(verdict.judged[0].judgement, Judgement::NotJudged);
        judge_base_rules(&mut verdict, &comparison, &Summary::default());
        verdict.judged.remove(0)
    }

    #[test]
    fn a_rule_on_the_base_is_held_against_the_pairs() {
        let of = |rule, ms| judged(rule, ms, 30).judgement;
        assert_eq!(of("p95(list) <= base + 20%", 120), Judgement::Holds);
        assert_eq!(of("p95(list) <= base + 20%", 121), Judgement::Violated);
        assert_eq!(of("p95 <= base + 15ms", 116), Judgement::Violated);
        assert_eq!(of("error_rate <= base + 2pt", 100), Judgement::Holds);
        assert_eq!(of("p50(list) <= base * 1.2", 200), Judgement::Violated);
    }

    #[test]
    fn a_median_that_is_not_surely_beyond_its_limit_is_no_alarm() {
        let few = judged("p50(list) <= base * 1.2", 123, 3);
        assert_eq!(few.judgement, Judgement::Holds);
        assert!(few.reason.unwrap().contains("not surely beyond the limit"));
    }

    #[test]
    fn a_ratio_beyond_what_an_interval_can_show_is_still_beyond_its_limit() {
        let far = judged("p50(list) <= base * 5", 1_424, 30);
        assert_eq!(far.judgement, Judgement::Violated);
        assert!(far.reason.unwrap().contains("ratio 4.000 or more"));
    }

    #[test]
    fn what_the_base_does_not_have_is_left_out_on_both_sides() {
        let of = |rule: &str, names: &[String], candidate: &[Option<u64>]| {
            let known = Names { tasks: names, groups: &[], labels: &[], login: false };
            let rule = parse(rule, Severity::Fail, known).unwrap();
            let ms = |ms: u64| Some(Duration::from_millis(ms));
            let pairs = candidate.iter().enumerate().map(|(task, own)| Pair {
                task,
                at: Duration::ZERO,
                first: Side::Base,
                latency: Sides { base: ms(100).filter(|_| task == 0), candidate: own.and_then(ms) },
                cpu: Sides::default(),
            });
            let pairs: Vec<Pair> = pairs.flat_map(|pair| vec![pair; 30]).collect();
            let judge = Judge::new(names.len(), POLICY);
            let task = |(index, name): (usize, &String)| TaskComparison {
                base_lacks: (index == 1).then_some(404),
                effect: (index == 0).then(|| effect(&[0.0]).unwrap()),
                ..TaskComparison::new(name, index, &judge, &pairs)
            };
            let tasks = names.iter().enumerate().map(task).collect();
            let comparison =
                Comparison { tasks, pairs, names: names.to_vec(), ..Comparison::default() };
            let mut verdict = crate::judge::judge(&Summary::default(), &[rule]);
            judge_base_rules(&mut verdict, &comparison, &Summary::default());
            verdict.judged.remove(0)
        };
        let names = ["list", "new"].map(str::to_owned);
        let slow_new = [Some(100), Some(900)];
        let all = of("p95 <= base + 15ms", &names, &slow_new);
        assert_eq!((all.judgement, all.samples), (Judgement::Holds, 30));
        // The base's missing answers are no room for failures of the candidate.
        let failing = of("error_rate <= base + 2pt", &names, &[None, Some(5)]);
        assert_eq!(failing.judgement, Judgement::Violated);
        let alone = of("p95(new) <= base + 15ms", &names, &slow_new);
        assert_eq!(alone.judgement, Judgement::NotJudged);
        assert_eq!(alone.reason.as_deref(), Some("new: the base does not have it"));
    }

    #[test]
    fn a_mean_is_not_excused_by_the_centre() {
        let mean = |ms, pairs| judged("mean(list) <= base * 1.2", ms, pairs).judgement;
        assert_eq!((mean(119, 3), mean(123, 3)), (Judgement::Holds, Judgement::Violated));
    }

    #[test]
    fn without_pairs_nothing_is_held() {
        assert_eq!(judged("p95(list) <= base + 20%", 100, 0).judgement, Judgement::NoData);
    }
}
