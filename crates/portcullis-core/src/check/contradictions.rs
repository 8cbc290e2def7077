//! What results cannot say together. A run never writes such results, so the file was changed.

use crate::compare::looser_limits;
use crate::measure::Summary;
use crate::threshold::Threshold;

/// Figures of a summary that contradict each other, a sentence each.
pub fn contradictions(summary: &Summary) -> Vec<String> {
    let requests = summary.aggregate().requests;
    let (ran, asked) = (summary.users_ran, summary.users_asked);
    let (measured, window) = (summary.measured.as_secs_f64(), summary.window.as_secs_f64());
    let found = [
        (requests > 0 && summary.measured.is_zero())
            .then(|| format!("{requests} requests in a measured time of 0 s")),
        (requests > 0 && ran == 0).then(|| format!("{requests} requests, but no user ran")),
        (ran > asked).then(|| format!("{ran} of {asked} users ran")),
        (measured > window + 1e-3)
            .then(|| format!("{measured} s were measured of a window of {window} s")),
    ];
    found.into_iter().flatten().collect()
}

/// Where the rules that were judged are not those of the configuration in the same file: a
/// rule that only one of them has.
pub fn other_rules(judged: &[Threshold], configured: &[Threshold]) -> Vec<String> {
    let lacks =
        |rules: &[Threshold], rule: &Threshold| !rules.iter().any(|other| other.text == rule.text);
    let only_judged = judged.iter().filter(|rule| lacks(configured, rule));
    let only_judged = only_judged
        .map(|rule| format!("{} was judged, but is not in the configuration", rule.text));
    let only_configured = configured.iter().filter(|rule| lacks(judged, rule));
    let only_configured = only_configured
        .map(|rule| format!("{} is in the configuration, but was not judged", rule.text));
    let mut all: Vec<String> = only_judged.chain(only_configured).collect();
    // A `per task` rule has one result for each task.
    all.dedup();
    all
}

/// Where the rules of a run are looser than the given ones on the same requests. A rule that
/// the run did not have is not looser: it can still be applied.
pub fn looser_rules(given: &[Threshold], own: &[Threshold]) -> Vec<String> {
    looser_limits(given, own)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::measure::{Row, TaskSummary};
    use crate::threshold::{Names, Severity, parse};

    fn summary() -> Summary {
        let window = Row { requests: 7, ..Row::default() };
        Summary {
            tasks: vec![TaskSummary { window, ..TaskSummary::default() }],
            window: Duration::from_secs(30),
            measured: Duration::from_secs(30),
            users_asked: 5,
            users_ran: 5,
            ..Summary::default()
        }
    }

    #[test]
    fn figures_that_cannot_be_together_are_named() {
        assert_eq!(contradictions(&summary()), [] as [String; 0]);
        assert_eq!(contradictions(&Summary::default()), [] as [String; 0]);
        let of = |change: fn(&mut Summary)| {
            let mut summary = summary();
            change(&mut summary);
            contradictions(&summary).join("; ")
        };
        assert_eq!(of(|s| s.measured = Duration::ZERO), "7 requests in a measured time of 0 s");
        assert_eq!(of(|s| s.users_ran = 0), "7 requests, but no user ran");
        assert_eq!(of(|s| s.users_ran = 6), "6 of 5 users ran");
        let longer = of(|s| s.measured = Duration::from_secs(31));
        assert_eq!(longer, "31 s were measured of a window of 30 s");
    }

    #[test]
    fn rules_of_the_same_file_are_the_same() {
        let names = Names { tasks: &[], groups: &[], labels: &[], login: false };
        let rule = |text: &str| parse(text, Severity::Fail, names).unwrap();
        let (strict, loose) = (rule("p95 <= 500ms"), rule("p95 <= 800ms"));
        let both = [strict.clone(), strict];
        assert_eq!(other_rules(&both, &both[..1]), [] as [String; 0]);
        let said = other_rules(&both, std::slice::from_ref(&loose));
        assert_eq!(
            said,
            [
                "p95 <= 500ms was judged, but is not in the configuration",
                "p95 <= 800ms is in the configuration, but was not judged",
            ]
        );
        let said = looser_rules(&both[..1], &[loose]);
        assert_eq!(said, ["thresholds.fail: p95 <= 500ms → p95 <= 800ms"]);
        assert_eq!(looser_rules(&both, &[rule("rps >= 1/s")]), [] as [String; 0]);
    }
}
