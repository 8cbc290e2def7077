//! Results of Portcullis: they cannot be measured again, but judged again. If the run
//! itself was not valid, that stays, whatever the figures are.

use portcullis_core::check::{check_measured, contradictions, other_rules};
use portcullis_core::compare;
use portcullis_core::config::{self, any_variable};
use portcullis_core::event::StageRecord;
use portcullis_core::judge::{Finding, FindingKind, Subject, findings};
use portcullis_core::threshold::{Labels, Threshold};
use portcullis_report::{RunRecord, rfc3339};

use super::rules::Configured;
use super::{passed, undecided};
use crate::console::CheckedFile;
use crate::stages::stop::HAD_ENDED;

/// Judges results of a run.
pub fn judge(results: RunRecord, configured: &Configured<'_>, report: &mut CheckedFile) {
    let version = &results.tool_version;
    let begun = rfc3339(results.started_unix_ms);
    let target = &results.target;
    report.about = format!("Portcullis {version} run on {target}, started {begun}");
    // A run that was not valid stays invalid.
    let is_of_rules = |finding: &Finding| match finding.kind {
        // A baseline that was missing in the run stays missing.
        FindingKind::Violated => finding.subject != Subject::Baseline,
        kind => kind == FindingKind::NoData,
    };
    let (_, spoilt): (Vec<Finding>, Vec<Finding>) =
        results.findings.iter().cloned().partition(is_of_rules);
    report.findings.extend(spoilt);
    report.findings.extend(edited(&results).into_iter().map(changed));
    let Some(summary) = results.summary else {
        if report.findings.is_empty() {
            report.findings.push(Finding::no_data("nothing was measured".to_owned()));
        }
        return;
    };
    let rules = match configured.rules_or(&results.configuration) {
        Ok(rules) => rules,
        // The verdict on an invalid run needs no rules.
        Err(problems) if !report.findings.is_empty() && !configured.is_named() => {
            report.notes = problems.iter().map(|problem| problem.message.clone()).collect();
            return;
        }
        Err(problems) => return report.findings.extend(problems),
    };
    report.about.push_str(&format!("; rules from {}", rules.source));
    let looser = own_rules(&results.configuration).map(|own| configured.looser(&rules, &own));
    report.findings.extend(looser.into_iter().flatten().map(|line| {
        Finding::invalid(format!("the run was judged by looser rules: {line}: measure again"))
    }));
    let comparison = results.comparison.as_ref();
    let thresholds = &rules.config.thresholds;
    report.notes.extend(rules.vacuous());
    let before = results.verdict.as_ref().map_or(&[][..], |verdict| &verdict.judged);
    let (checked, verdict) = check_measured(&summary, comparison, thresholds, before);
    let is_strict = results.strict || configured.is_strict();
    report.findings.extend(findings::of_verdict(&verdict, is_strict));
    // The result of the pairs needs no rules, so it stays.
    report.findings.extend(comparison.iter().flat_map(|one| compare::findings(one, is_strict)));
    report.findings.extend(undecided(&checked));
    let code = report.exit_code();
    if rules.is_own && code != results.exit_code {
        report.findings.push(Finding::invalid(format!(
            "the run ended with exit {}, but its figures and its rules mean exit {code}: the file \
             was changed, or another version of Portcullis judged it",
            results.exit_code
        )));
    }
    report.sentence = passed(&checked, summary.aggregate().requests);
    report.checked = checked;
    report.measured = Some((summary, verdict));
}

/// What the results say that a run cannot have written, a sentence each.
fn edited(results: &RunRecord) -> Vec<String> {
    let mut found = results.summary.as_ref().map(contradictions).unwrap_or_default();
    if let (Some(verdict), Some(own)) = (&results.verdict, own_rules(&results.configuration)) {
        let judged: Vec<Threshold> =
            verdict.judged.iter().map(|judged| judged.rule.clone()).collect();
        found.extend(other_rules(&judged, &own));
    }
    if results.exit_code == 0 {
        let failed = |stage: &StageRecord| {
            let why = stage.end.failure()?;
            Some(format!("the stage {} failed ({why}), but the run passed", stage.stage.name()))
        };
        found.extend(results.stages.iter().filter_map(failed));
        let end = results.server_end.as_ref().filter(|end| end.starts_with(HAD_ENDED));
        found.extend(end.map(|end| format!("{end}, but the run passed")));
    }
    found
}

fn changed(what: String) -> Finding {
    Finding::invalid(format!("{what}: the file was changed"))
}

/// The rules of the configuration in the results; `None` if it cannot be read any more.
fn own_rules(configuration: &str) -> Option<Vec<Threshold>> {
    let loaded = config::load_with(configuration, None, &[], Labels::Any, &any_variable).ok()?;
    Some(loaded.config.thresholds)
}
