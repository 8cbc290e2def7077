//! The next steps for a run that is not green: where to look, possible remedies, and the
//! command that repeats it. They are derived only from the run record.

use std::collections::BTreeSet;

use portcullis_core::compare::Decision;
use portcullis_core::evidence::State;
use portcullis_core::judge::{FindingKind, ThresholdResult, generator_fault};
use portcullis_core::measure::{FailureGroup, FailureKind, Summary};
use portcullis_core::threshold::{Metric, Scope};

use super::markup::{esc, whole};
use super::tasks::anchor;
use crate::record::RunRecord;
use crate::wording::shortened;

/// The number of tasks that are named.
const MOST: usize = 4;

/// A list for the top of the page; empty for a run that passed.
pub fn next(run: &RunRecord) -> String {
    if run.exit_code == 0 {
        return String::new();
    }
    let mut items = Vec::new();
    items.extend(log(run));
    let advice = run.stages.iter().filter_map(|record| record.advice.as_deref());
    let advice: Vec<String> = advice.map(|text| format!("<b>try</b>: {}", esc(text))).collect();
    // The advice of the stage has the same cause in mind.
    let is_advised = !advice.is_empty();
    items.extend(advice);
    items.extend(killed(run).filter(|_| !is_advised));
    match generator(run) {
        // An invalid measurement proves nothing about the service.
        Some(spoilt) => items.extend((!is_advised).then_some(spoilt)),
        None => {
            items.extend(failures(run));
            items.extend(slow_tasks(run));
        }
    }
    items.extend(against(run));
    items.extend(longer(run));
    items.push(format!("<b>repeat</b> <code>{}</code>", esc(&run.command())));
    let items: String = items.iter().map(|item| format!("<li>{item}</li>\n")).collect();
    format!("<h2>What to do next</h2>\n<ul class=\"next\">\n{items}</ul>\n")
}

/// The log of the stage that failed.
fn log(run: &RunRecord) -> Option<String> {
    let log = run.stages.iter().find_map(|record| record.log.as_deref())?;
    let log = esc(log);
    let says = match log.ends_with("server.log") {
        true => "the end of the server's output",
        false => "the output of the stage",
    };
    Some(format!("<b>read</b> <a href=\"logs/{log}\">logs/{log}</a>: {says}"))
}

/// Possible reasons why the server was killed.
fn killed(run: &RunRecord) -> Option<String> {
    let is_server = run.findings.first().is_some_and(|first| first.kind == FindingKind::Server);
    let is_killed = run.server_end.as_ref().is_some_and(|end| end.contains("SIGKILL"));
    (is_server && is_killed).then(|| {
        "<b>try</b> <code>dmesg</code>: the kernel often sends SIGKILL when memory runs out; see \
         the <a href=\"#measuring\">peak memory</a> and the memory limit of the container"
            .to_owned()
    })
}

/// The most frequent failure, if failures decided.
fn failures(run: &RunRecord) -> Option<String> {
    let summary = run.summary.as_ref()?;
    let is_invalid = run.findings.first().is_some_and(|first| first.kind == FindingKind::Invalid);
    let decided = violated(run)
        .any(|judged| matches!(judged.rule.metric, Metric::ErrorRate | Metric::Status(_)));
    let throttled = |group: &&FailureGroup| group.kind == FailureKind::Throttled;
    let own = summary.failures.iter().filter(|group| decided || is_invalid && throttled(group));
    let most = { own }.max_by_key(|group| group.count)?;
    let count: u64 = summary.failures.iter().map(|group| group.count).sum();
    let is_login = summary.login.as_ref().is_some_and(|login| login.name == most.task);
    let then = match (throttled(&most), is_login) {
        (true, true) => SHARED_LOGIN,
        (true, false) => FEWER_REQUESTS,
        _ if run.own_server && !run.server_was_silent => {
            "; and <a href=\"logs/server.log\">logs/server.log</a>"
        }
        _ => "",
    };
    Some(format!(
        "<b>see</b> the <a href=\"#failures\">failures</a> ({}), most often {}{then}",
        whole(count),
        group(most)
    ))
}

const SHARED_LOGIN: &str = "</li>\n<li><b>try</b> one login for all users \
                            (<code>scenario.login.shared = true</code>), fewer users, or another \
                            limit for the run in <code>[django.overrides]</code>";
const FEWER_REQUESTS: &str = "</li>\n<li><b>try</b> fewer requests, or another limit for the run \
                              in <code>[django.overrides]</code>";

fn group(group: &FailureGroup) -> String {
    format!(
        "{} × {}: {}",
        whole(group.count),
        esc(&group.task),
        esc(&shortened(&group.message, 160))
    )
}

/// The tasks whose own rules are violated.
fn slow_tasks(run: &RunRecord) -> Option<String> {
    let summary = run.summary.as_ref()?;
    let names = violated(run).filter_map(|judged| match &judged.rule.scope {
        Scope::Task(name) => Some(name.as_str()),
        Scope::Login => Some("login"),
        _ => None,
    });
    let mut seen = BTreeSet::new();
    let names: Vec<&str> = names.filter(|name| seen.insert(*name)).collect();
    let links: Vec<String> = names.iter().take(MOST).map(|name| link(summary, name)).collect();
    let more = match names.len().saturating_sub(MOST) {
        0 => String::new(),
        n => format!(" and {n} more"),
    };
    (!links.is_empty())
        .then(|| format!("<b>see</b> {}{more}: distribution and failures", links.join(", ")))
}

fn link(summary: &Summary, name: &str) -> String {
    match anchor(summary, name) {
        Some(place) => format!("<a href=\"#{place}\">{}</a>", esc(name)),
        None => esc(name),
    }
}

fn against(run: &RunRecord) -> Option<String> {
    let tasks = &run.comparison.as_ref()?.tasks;
    let slower = tasks.iter().find(|task| task.decision == Decision::Slower)?;
    let place = "<a href=\"#against\">against the base</a>";
    Some(format!(
        "<b>see</b> {} {place}: the difference, its interval and each pair",
        esc(&slower.name)
    ))
}

/// The exit code of an invalid measurement.
const INVALID: u8 = 5;

fn generator(run: &RunRecord) -> Option<String> {
    // The judgement of a late generator may stand.
    generator_fault(run.summary.as_ref()?).filter(|_| run.exit_code == INVALID)?;
    Some(
        "<b>try</b> a less busy machine, or reserve a core for the load generator; see \
         <a href=\"#measuring\">measurement quality</a>"
            .to_owned(),
    )
}

/// Advice for a run that is red only by an estimate.
fn longer(run: &RunRecord) -> Option<String> {
    // A rule without evidence, such as one on a rate, is not weak: more requests would not
    // help.
    let is_weak = |judged: &ThresholdResult| {
        judged.evidence.as_ref().is_some_and(|e| e.state == State::InDoubt)
    };
    let is_all = violated(run).next().is_some() && violated(run).all(is_weak);
    is_all.then(|| {
        "<b>try</b> a longer load (<code>-t</code>, <code>--max-duration</code>): the evidence is \
         weak"
            .to_owned()
    })
}

fn violated(run: &RunRecord) -> impl Iterator<Item = &ThresholdResult> {
    run.verdict.iter().flat_map(|verdict| verdict.failing(run.strict))
}
