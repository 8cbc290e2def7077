//! Rules that the base violates too under the same load: the candidate is not blamed for them.

use super::comparison::{Comparison, TaskComparison};
use super::judge::{Decision, POLICY};
use super::rules::is_in;
use crate::evidence::State;
use crate::judge::{Judgement, ThresholdResult, Verdict, wording};
use crate::measure::Summary;
use crate::threshold::{Limit, Reference, Severity};

/// Whether the same load on the base could excuse a violation: the pairs do not speak against
/// the candidate already.
pub fn may_be_excused(verdict: &Verdict, comparison: &Comparison, summary: &Summary) -> bool {
    verdict.judged.iter().any(|judged| is_open(judged, comparison, summary))
}

/// Turns violations into warnings if the base violates the rule too. Four conditions must
/// hold: under the same load the base surely violates the rule; the candidate's value is not
/// worse than the base's by more than the margin of "not slower"; in the pairs no task of the
/// rule's scope is slower; and the candidate does not fail more often. Pairs alone prove
/// nothing here: a lock that only several users wait for is not in them.
pub fn excuse(verdict: &mut Verdict, comparison: &Comparison, summary: &Summary) {
    for judged in &mut verdict.judged {
        if !is_open(judged, comparison, summary) {
            continue;
        }
        let own = comparison.base_judged.iter().find(|own| is_same_rule(own, judged));
        let Some(own) = own else { continue };
        let (Some(shown), Some(here)) = (wording::value(own), wording::value(judged)) else {
            continue;
        };
        if is_sure(own) && !is_worse(judged, own) {
            judged.rule.severity = Severity::Warn;
            judged.reason = Some(format!(
                "the base violates it too under the same load ({shown}; the candidate {here}), \
                 and the candidate is not slower"
            ));
        }
    }
}

/// Whether a violation counts, and nothing in the pairs speaks against the candidate.
fn is_open(judged: &ThresholdResult, comparison: &Comparison, summary: &Summary) -> bool {
    let in_scope = |task: &&TaskComparison| is_in(&judged.rule.scope, Some(&task.name), summary);
    let is_well =
        |task: &TaskComparison| matches!(task.decision, Decision::NotSlower | Decision::Faster);
    is_charged(judged)
        && comparison.rise().is_none()
        && comparison.tasks.iter().filter(in_scope).all(is_well)
}

fn is_charged(judged: &ThresholdResult) -> bool {
    judged.judgement == Judgement::Violated
        && judged.rule.severity == Severity::Fail
        && judged.rule.derived.is_none()
        && !matches!(judged.rule.limit, Limit::Relative(relative) if relative.to == Reference::Base)
}

fn is_same_rule(own: &ThresholdResult, judged: &ThresholdResult) -> bool {
    let key = |one: &ThresholdResult| (one.rule.text.clone(), one.rule.severity);
    key(own) == key(judged) && own.rule.scope == judged.rule.scope
}

/// Whether a violation is sure. A rule that is not a statement on a share has no evidence, and
/// its value decides.
fn is_sure(own: &ThresholdResult) -> bool {
    own.judgement == Judgement::Violated
        && own.evidence.as_ref().is_none_or(|evidence| evidence.state == State::Violated)
}

/// Whether the candidate's value is worse than the base's by more than the margin.
fn is_worse(judged: &ThresholdResult, own: &ThresholdResult) -> bool {
    let Some((candidate, base)) = judged.value.zip(own.value) else { return true };
    match judged.rule.comparison.is_upper() {
        true => candidate > base * POLICY.cleared_margin,
        false => candidate < base / POLICY.cleared_margin,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::compare::{Judge, Pair, Side, Sides, TaskComparison};
    use crate::measure::TaskSummary;
    use crate::threshold::{Names, Threshold, parse};

    const NAMES: [&str; 2] = ["list", "rare"];

    fn rule(text: &str) -> Threshold {
        let names = NAMES.map(str::to_owned);
        let known = Names { tasks: &names, groups: &[], labels: &[], login: false };
        parse(text, Severity::Fail, known).unwrap()
    }

    /// Pairs of two tasks of weights 9 and 1; each takes these milliseconds in each version.
    fn compared(base_ms: [u64; 2], candidate_ms: [u64; 2]) -> (Comparison, Summary) {
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
        let one = |(index, name): (usize, &&str)| TaskComparison::new(name, index, &judge, &pairs);
        let tasks = NAMES.iter().enumerate().map(one).collect();
        let names = NAMES.map(str::to_owned).to_vec();
        let comparison = Comparison { tasks, pairs, names, ..Comparison::default() };
        let task = |(name, weight): (&&str, u32)| TaskSummary {
            name: (*name).to_owned(),
            weight,
            ..TaskSummary::default()
        };
        let tasks = NAMES.iter().zip([9, 1]).map(task).collect();
        (comparison, Summary { tasks, ..Summary::default() })
    }

    /// A verdict of one rule, as a load gives it.
    fn verdict(text: &str, judgement: Judgement, value: f64) -> Verdict {
        let mut verdict = crate::judge::judge(&Summary::default(), &[rule(text)]);
        verdict.judged[0].judgement = judgement;
        verdict.judged[0].value = Some(value);
        verdict
    }

    /// The severity of a rule that the candidate violates with this value under load, after
    /// the same load of the base.
    fn severity(
        text: &str,
        pairs: ([u64; 2], [u64; 2]),
        (candidate, base): (f64, Option<f64>),
    ) -> Severity {
        let (mut comparison, summary) = compared(pairs.0, pairs.1);
        let mut judged = verdict(text, Judgement::Violated, candidate);
        let own = base.map(|value| {
            let limit = rule(text).limit.value();
            let holds = rule(text).comparison.holds(value, limit);
            verdict(text, if holds { Judgement::Holds } else { Judgement::Violated }, value).judged
        });
        comparison.base_judged = own.unwrap_or_default();
        crate::compare::judge_by_pairs(&mut judged, &comparison, &summary);
        judged.judged[0].rule.severity
    }

    const SAME: ([u64; 2], [u64; 2]) = ([300, 5], [301, 5]);

    #[test]
    fn only_what_the_base_violates_under_the_same_load_is_excused() {
        let of = |values| severity("p95(list) <= 100ms", SAME, values);
        assert_eq!(of((310.0, Some(305.0))), Severity::Warn);
        assert_eq!(of((310.0, None)), Severity::Fail, "the base got no load");
        assert_eq!(of((310.0, Some(90.0))), Severity::Fail, "the base passes under load");
        // A lock that one request at a time does not wait for.
        assert_eq!(of((2655.0, Some(553.0))), Severity::Fail, "the candidate is worse under load");
    }

    #[test]
    fn a_rule_that_needs_a_minimum_is_mirrored() {
        let of = |values| severity("rps >= 100/s", SAME, values);
        assert_eq!(of((80.0, Some(82.0))), Severity::Warn);
        assert_eq!(of((40.0, Some(82.0))), Severity::Fail);
        assert_eq!(of((80.0, Some(120.0))), Severity::Fail);
    }

    #[test]
    fn the_pairs_can_still_charge_the_candidate() {
        let of = |text, pairs| severity(text, pairs, (310.0, Some(305.0)));
        let list = "p95(list) <= 100ms";
        assert_eq!(of(list, ([300, 5], [400, 5])), Severity::Fail, "slower");
        assert_eq!(of(list, ([300, 5], [301, 9])), Severity::Warn, "another task is slower");
        assert_eq!(of("p95 <= 100ms", ([300, 5], [300, 9])), Severity::Fail, "one of the mix");
        assert_eq!(of(list, ([300, 5], [0, 5])), Severity::Fail, "it fails more often");
        // The base does not have it: its failures under load are no excuse.
        assert_eq!(of(list, ([0, 5], [300, 5])), Severity::Fail, "new");
    }

    #[test]
    fn a_base_that_only_seems_to_violate_it_excuses_nothing() {
        use crate::evidence::{Counts, ProportionTest, evidence};
        let (comparison, summary) = compared(SAME.0, SAME.1);
        let own = verdict("p95(list) <= 100ms", Judgement::Violated, 305.0).judged.remove(0);
        let case = ProportionTest {
            counts: Counts { all: 20, hits: 2 },
            allowed: 0.05,
            design_effect: 1.0,
        };
        let after = |state| {
            let evidence = Some(evidence(&case, state, None));
            let base_judged = vec![ThresholdResult { evidence, ..own.clone() }];
            let mut judged = verdict("p95(list) <= 100ms", Judgement::Violated, 305.0);
            let comparison = Comparison { base_judged, ..comparison.clone() };
            excuse(&mut judged, &comparison, &summary);
            judged.judged[0].rule.severity
        };
        assert_eq!(after(State::InDoubt), Severity::Fail);
        assert_eq!(after(State::Violated), Severity::Warn);
    }
}
