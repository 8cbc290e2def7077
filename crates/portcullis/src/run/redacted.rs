//! Removes secrets from a run record: the only place through which every text of a report
//! goes.

use portcullis_core::compare::Comparison;
use portcullis_core::event::{StageEnd, StageRecord};
use portcullis_core::judge::{ThresholdResult, Verdict};
use portcullis_core::measure::{Summary, TaskSummary};
use portcullis_core::secrets::Secrets;
use portcullis_core::threshold::Scope;
use portcullis_report::RunRecord;

/// The record with secrets removed from every text that comes from a person, a
/// configuration or the service. A name is changed in the same way everywhere, so that it
/// can still be found.
pub fn record(secrets: &Secrets, mut report: RunRecord) -> RunRecord {
    let hide = |text: &mut String| *text = secrets.redact(text);
    hide(&mut report.given);
    hide(&mut report.configuration);
    hide(&mut report.sentence);
    report.server_end.iter_mut().for_each(hide);
    report.places.rules.iter_mut().for_each(|placed| hide(&mut placed.text));
    for call in &mut report.first_round {
        hide(&mut call.task);
        call.failure.iter_mut().for_each(hide);
    }
    for finding in &mut report.findings {
        *finding = finding.map_message(|text| secrets.redact(text));
    }
    report.stages.iter_mut().for_each(|record| stage(record, &hide));
    report.summary.iter_mut().for_each(|one| summary(one, secrets));
    report.verdict.iter_mut().for_each(|one| verdict(one, &hide));
    let compared = report.comparison.iter_mut().chain(&mut report.repeated);
    compared.for_each(|one| comparison(one, &hide));
    report
}

fn stage(record: &mut StageRecord, hide: &impl Fn(&mut String)) {
    hide(&mut record.detail);
    record.advice.iter_mut().for_each(hide);
    if let StageEnd::Failed(why) = &mut record.end {
        hide(why);
    }
}

/// Failure messages and bodies are text of the service, which may contain a secret.
fn summary(summary: &mut Summary, secrets: &Secrets) {
    let hide = |text: &mut String| *text = secrets.redact(text);
    for failure in &mut summary.failures {
        hide(&mut failure.message);
        hide(&mut failure.task);
    }
    for task in summary.tasks.iter_mut().chain(&mut summary.login) {
        row(task, secrets);
        task.steps.iter_mut().for_each(|step| row(step, secrets));
    }
}

fn row(task: &mut TaskSummary, secrets: &Secrets) {
    let hide = |text: &mut String| *text = secrets.redact(text);
    hide(&mut task.name);
    hide(&mut task.label);
    task.group.iter_mut().chain(&mut task.user).for_each(hide);
    for check in &mut task.checks {
        hide(&mut check.name);
        check.message.iter_mut().for_each(hide);
    }
    task.samples.clean(|text| secrets.redact(text));
}

fn verdict(verdict: &mut Verdict, hide: &impl Fn(&mut String)) {
    verdict.silent_tasks.iter_mut().for_each(hide);
    verdict.judged.iter_mut().for_each(|one| judged(one, hide));
}

fn judged(judged: &mut ThresholdResult, hide: &impl Fn(&mut String)) {
    hide(&mut judged.rule.text);
    judged.reason.iter_mut().for_each(hide);
    match &mut judged.rule.scope {
        Scope::Task(name) | Scope::Group(name) | Scope::Label(name) => hide(name),
        Scope::Aggregate | Scope::Login => {}
    }
}

fn comparison(comparison: &mut Comparison, hide: &impl Fn(&mut String)) {
    comparison.names.iter_mut().for_each(hide);
    comparison.overrides.iter_mut().for_each(hide);
    comparison.loosened.iter_mut().for_each(hide);
    comparison.base_judged.iter_mut().for_each(|one| judged(one, hide));
    comparison.base_load.iter_mut().chain(&mut comparison.base_gate).for_each(hide);
    comparison.tasks.iter_mut().for_each(|task| hide(&mut task.name));
}

#[cfg(test)]
mod tests {
    use portcullis_core::judge::{Finding, Judgement, ThresholdResult};
    use portcullis_core::measure::{CheckSummary, TaskSummary};
    use portcullis_core::threshold::{Names, Severity, parse};
    use portcullis_report::annotations;
    use portcullis_report::{PlacedRule, SourceLocations, codequality, results, wording};

    use super::*;

    #[test]
    fn what_a_check_found_instead_hides_a_secret() {
        let check = CheckSummary {
            name: "key = \"hunter22\"".to_owned(),
            is_soft: true,
            checked: 2,
            failed: 1,
            message: Some("key is \"hunter22\", expected \"x\"".to_owned()),
        };
        let task = TaskSummary { checks: vec![check], weight: 1, ..TaskSummary::default() };
        let measured = Summary { tasks: vec![task], ..Summary::default() };
        let mut secrets = Secrets::default();
        secrets.add("hunter22");
        let run = RunRecord { summary: Some(measured), ..RunRecord::default() };
        let text = results::write(&record(&secrets, run)).unwrap();
        assert!(text.contains("expected") && !text.contains("hunter22"), "{text}");
    }

    #[test]
    fn a_rule_with_a_secret_in_its_name_hides_it_and_keeps_its_line() {
        let names =
            Names { tasks: &["get_hunter22".into()], groups: &[], labels: &[], login: false };
        let rule = parse("p95(get_hunter22) < 5ms", Severity::Fail, names).unwrap();
        let text = rule.text.clone();
        let judged = ThresholdResult {
            rule,
            judgement: Judgement::Violated,
            value: Some(9.0),
            samples: 40,
            beyond: None,
            evidence: None,
            reason: None,
        };
        let mut secrets = Secrets::default();
        secrets.add("hunter22");
        let run = record(
            &secrets,
            RunRecord {
                findings: vec![Finding::violated(wording::line(&judged))],
                verdict: Some(Verdict { judged: vec![judged], silent_tasks: Vec::new() }),
                places: SourceLocations {
                    file: "perf.toml".to_owned(),
                    rules: vec![PlacedRule { severity: Severity::Fail, text, line: 7 }],
                    against: None,
                },
                ..RunRecord::default()
            },
        );
        let found = annotations::of(&run);
        assert_eq!((found.len(), found[0].line), (1, Some(7)));
        assert_eq!(found[0].title, "p95(get_***) is violated");
        for text in [codequality::write(&run).unwrap(), results::write(&run).unwrap()] {
            assert!(text.contains("p95(get_***)") && !text.contains("hunter22"), "{text}");
        }
    }
}
