//! Locust's statistics: they are rounded, by URL, and do not show the users and the server.
//! Rules that can be judged are judged; the others are listed.

use portcullis_core::check::{Checked, check_stated, is_login};
use portcullis_core::judge::{Finding, Judgement};
use portcullis_core::threshold::Severity;
use portcullis_report::read::{Companions, LocustStats};
use portcullis_report::wording;

use super::rules::{Configured, Rules};
use super::{passed, undecided};
use crate::console::CheckedFile;

/// Judges a statistics file.
pub fn judge(stats: &LocustStats, configured: &Configured<'_>, report: &mut CheckedFile) {
    let (rows, all) = (stats.stated.rows.len(), &stats.stated.aggregate);
    let requests = all.requests;
    report.about = format!("Locust statistics, {requests} requests in {rows} rows");
    report.unseen = unseen(&stats.companions);
    report.findings.extend(exceptions(&stats.companions));
    let rules = match configured.rules() {
        Ok(rules) => rules,
        Err(findings) => return report.findings.extend(findings),
    };
    report.about.push_str(&format!("; rules from {}", rules.source));
    if requests == 0 {
        return report.findings.push(Finding::no_data(NOTHING.to_owned()));
    }
    report.notes = notes(stats, &rules);
    report.notes.extend(rules.vacuous());
    let (thresholds, scenario) = (&rules.config.thresholds, &rules.config.scenario);
    report.checked = check_stated(&stats.stated, thresholds, scenario);
    let checked = &report.checked;
    let is_strict = configured.is_strict();
    report.findings.extend(checked.iter().filter_map(|checked| found(checked, is_strict)));
    report.findings.extend(undecided(checked));
    if !checked.iter().any(Checked::is_decided_for_all) {
        report.findings.push(Finding::no_data(NO_RULE.to_owned()));
    }
    report.sentence = passed(checked, requests);
}

const NOTHING: &str = "the Aggregated row has no requests, and N/A for its percentiles: no user \
                       logged in, or nothing answered";
const NO_RULE: &str = "no `fail` rule on all requests was judged: the file's rows are URLs, so \
                       rules on tasks, groups and the login alone are not enough";

/// The finding of a judged rule; `is_strict` makes warnings fail too.
fn found(checked: &Checked, is_strict: bool) -> Option<Finding> {
    let Checked::Outcome(judged) = checked else { return None };
    match (judged.judgement, judged.rule.severity) {
        (Judgement::NoData, _) => Some(Finding::no_data(wording::line(judged))),
        (Judgement::Violated, severity) if is_strict || severity == Severity::Fail => {
            Some(Finding::violated(wording::line(judged)))
        }
        _ => None,
    }
}

/// A user with an error in its own code stops, and leaves no other trace.
fn exceptions(companions: &Companions) -> Option<Finding> {
    let exceptions = companions.exceptions.as_ref().filter(|found| found.count > 0)?;
    let times = if exceptions.count == 1 { "once" } else { &format!("{} times", exceptions.count) };
    Some(Finding::invalid(format!(
        "the users' own code failed {times}, so possibly not all of them ran: {}",
        exceptions.first
    )))
}

fn notes(stats: &LocustStats, rules: &Rules) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(login) = stats.stated.rows.iter().find(|row| is_login(row, &rules.config.scenario))
    {
        let (method, name, count) = (&login.method, &login.name, login.requests);
        notes.push(format!(
            "{method} {name} is the login: its {count} requests are not in the totals"
        ));
    }
    match &stats.companions.history {
        Some(Ok(history)) if history.requests != stats.stated.aggregate.requests => {
            let (theirs, ours) = (history.requests, stats.stated.aggregate.requests);
            notes.push(format!(
                "the history ends with {theirs} requests, the statistics say {ours}"
            ));
        }
        Some(Err(error)) => notes.push(format!("the history file {error}")),
        _ => {}
    }
    notes
}

/// What no statistics file of Locust shows, and what the missing companion files would
/// show.
fn unseen(companions: &Companions) -> Vec<String> {
    let users = match &companions.history {
        Some(Ok(history)) => format!(
            "how many users were asked for and logged in (the history counts at most {})",
            history.most_users
        ),
        _ => "how many users were asked for, logged in and ran".to_owned(),
    };
    let mut unseen = vec![
        "which process answered: another program on the server's port writes the same file"
            .to_owned(),
        users,
        "tasks, groups and the login, where rows have no such names: a task that was never called \
         has no row"
            .to_owned(),
        "requests that never ended, and the planned window: rates end with the last request"
            .to_owned(),
        "whether the load generator kept up".to_owned(),
    ];
    if companions.exceptions.is_none() {
        unseen.push("errors in the users' own code: no exceptions file beside it".to_owned());
    }
    if !companions.has_failures {
        unseen.push(
            "what failed, and whether failures are in the percentiles: no failures file beside it"
                .to_owned(),
        );
    }
    unseen
}
