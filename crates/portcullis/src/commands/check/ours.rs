//! Results of Portcullis: they cannot be measured again, but judged again. If the run
//! itself was not valid, that stays, whatever the figures are.

use portcullis_core::check::check_measured;
use portcullis_core::compare;
use portcullis_core::judge::{Finding, FindingKind, Subject, findings};
use portcullis_report::{RunRecord, rfc3339};

use super::rules::Configured;
use super::{passed, undecided};
use crate::console::CheckedFile;

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
