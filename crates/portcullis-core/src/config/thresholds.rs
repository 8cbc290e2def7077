//! The `[thresholds]` section and the rules of `[baseline]`: lines, or tables with more
//! keys.

use std::collections::HashSet;
use std::time::Duration;

use super::reader::{Problems, Reader, list, note, text};
use super::tree::{Node, Place, Value};
use crate::measure::KIND_PREFIX;
use crate::scenario::{REFRESH_ROW, Scenario, Task, labels};
use crate::text::nearest;
use crate::threshold::{
    self, ABORT_NEEDS_FAIL, AFTER_NEEDS_ABORT, KnownNames, Labels, Limit, Names, Policy, Reference,
    Severity, Threshold,
};

/// The keys of a table besides its line, with their positions.
#[derive(Default)]
struct ThresholdOptions {
    abort: Option<(Place, bool)>,
    after: Option<(Place, Duration)>,
    policy: Option<(Place, Policy)>,
}

/// Decodes the section: the rules of `fail`, then those of `warn`, then those of
/// `[baseline]`, which count only if it has a file. No rules if the scenario, which they
/// refer to, could not be read.
pub fn decode(
    section: Option<Reader<'_>>,
    baseline: Option<(&mut Reader<'_>, bool)>,
    scenario: Option<&Scenario>,
    allowed: Labels,
    problems: &mut Problems,
) -> Vec<Threshold> {
    let (Some(mut section), Some(scenario)) = (section, scenario) else {
        // Read anyway, so that these keys are not reported as unknown.
        baseline.into_iter().for_each(|(section, _)| drop(lists(section)));
        return Vec::new();
    };
    // A rule may be about a task, or about one of its steps.
    let rows = |task: &Task| {
        let steps = task.step_rows().map(|(name, _)| name);
        std::iter::once(task.name.clone()).chain(steps).collect::<Vec<String>>()
    };
    let refresh = scenario.refreshes().next().map(|_| REFRESH_ROW.to_owned());
    let tasks: Vec<String> = scenario.tasks.iter().flat_map(rows).chain(refresh).collect();
    let kinds = scenario.named_kinds().map(|(_, name)| format!("{KIND_PREFIX}{name}"));
    let groups = scenario.tasks.iter().filter_map(|task| task.group.clone());
    let groups: Vec<String> = groups.chain(kinds).collect();
    let labels = scenario.tasks.iter().map(|task| labels(&task.steps));
    let checks = scenario.tasks.iter().flat_map(|task| &task.steps).flat_map(|step| &step.checks);
    let labels: Vec<String> = labels.chain(checks.map(|check| check.name.clone())).collect();
    let login = scenario.logins().next().is_some();
    let names = Names { tasks: &tasks, groups: &groups, labels: &labels, login };
    let names = KnownNames::from(names);
    let usual = policy(&mut section, problems).map_or(Policy::Estimate, |(_, policy)| policy);
    let mut thresholds: Vec<Threshold> = Vec::new();
    for (_, rule) in rules(&mut section, (&names, allowed), usual, problems) {
        thresholds.push(rule);
    }
    let written = thresholds.len();
    if let Some((section, counts)) = baseline {
        for (at, rule) in rules(section, (&names, allowed), usual, problems) {
            if !is_against_baseline(&rule) {
                let message =
                    format!("\"{}\" does not use the baseline: move it to [thresholds]", rule.text);
                note(problems, at, message);
            }
            let is_known = thresholds.iter().take(written).any(|known| known.text == rule.text);
            if is_known && at != Place::Default {
                note(problems, at, format!("\"{}\" is already in [thresholds]", rule.text));
            }
            // If a default rule is also in `[thresholds]`, the line there is used.
            if counts && !is_known {
                thresholds.push(rule);
            }
        }
    }
    section.finish(problems);
    thresholds
}

fn is_against_baseline(rule: &Threshold) -> bool {
    matches!(rule.limit, Limit::Relative(relative) if relative.to == Reference::Baseline)
}

/// The lists of a section, with the severity of their rules.
fn lists<'a>(section: &mut Reader<'a>) -> Vec<(&'a Node, &'static str, Severity)> {
    let lists = [("fail", Severity::Fail), ("warn", Severity::Warn)];
    let list = |(key, severity)| Some((section.optional(key)?, key, severity));
    lists.into_iter().filter_map(list).collect()
}

/// The rules of a section with their positions, `fail` first; each line once.
fn rules(
    section: &mut Reader<'_>,
    (names, allowed): (&KnownNames<'_>, Labels),
    usual: Policy,
    problems: &mut Problems,
) -> Vec<(Place, Threshold)> {
    let mut found: Vec<(Place, Threshold)> = Vec::new();
    let mut lines = HashSet::new();
    for (node, key, severity) in lists(section) {
        let path = section.path_of(key);
        for item in list(node, &path, problems) {
            let Some((at, line, beside)) = written(item, &path, problems) else { continue };
            match threshold::parse_with(&line, severity, names, allowed) {
                Ok(rule) if lines.contains(&rule.text) => {
                    note(problems, at, format!("duplicate rule \"{line}\""));
                }
                // Stored results may contain such a rule; then `check` reports it.
                Ok(rule) if allowed == Labels::OfTasks && rule.is_vacuous() => {
                    note(problems, at, format!("threshold {}", rule.vacuous_in_words()));
                }
                Ok(rule) => {
                    lines.insert(rule.text.clone());
                    found.push((at, whole(rule, &beside, usual, problems)));
                }
                Err(error) => note(problems, at, format!("threshold \"{line}\", {error}")),
            }
        }
    }
    found
}

/// The line of an item, and the other keys of its table.
fn written(
    item: &Node,
    path: &str,
    problems: &mut Problems,
) -> Option<(Place, String, ThresholdOptions)> {
    match &item.value {
        Value::Text(line) => Some((item.at, line.clone(), ThresholdOptions::default())),
        Value::Table(_) => {
            let mut table = Reader::new(item, path, problems);
            let node = table.required("rule", problems);
            let line = node.and_then(|node| text(node, &table.path_of("rule"), problems));
            let beside = beside(&mut table, problems);
            table.finish(problems);
            Some((node?.at, line?, beside))
        }
        other => {
            let kind = other.kind();
            let message = format!("{path} must be a string, or a table with a rule, not {kind}");
            note(problems, item.at, message);
            None
        }
    }
}

fn beside(table: &mut Reader<'_>, problems: &mut Problems) -> ThresholdOptions {
    let abort = table.optional("abort").map(|node| (node.at, table.flag("abort", problems)));
    let after = table.optional("after").and_then(|node| {
        let after = table.wait("after", problems)?;
        Some((node.at, after))
    });
    ThresholdOptions { abort, after, policy: policy(table, problems) }
}

fn policy(table: &mut Reader<'_>, problems: &mut Problems) -> Option<(Place, Policy)> {
    let node = table.optional("policy")?;
    let path = table.path_of("policy");
    let word = text(node, &path, problems)?;
    let policy = match word.as_str() {
        "estimate" => Policy::Estimate,
        "prove" => Policy::Prove,
        other => {
            let near = nearest(other, ["estimate", "prove"]);
            let message = format!("{path} = \"{other}\": expected estimate or prove{near}");
            note(problems, node.at, message);
            return None;
        }
    };
    Some((node.at, policy))
}

/// The rule of a line with the other keys of its table. Something that both define is
/// refused, because one of them would be ignored silently.
fn whole(
    mut rule: Threshold,
    beside: &ThresholdOptions,
    usual: Policy,
    problems: &mut Problems,
) -> Threshold {
    let twice = [
        ("abort", beside.abort.map(|(at, _)| at).filter(|_| rule.abort)),
        ("after", beside.after.map(|(at, _)| at).filter(|_| rule.after.is_some())),
        ("policy", beside.policy.map(|(at, _)| at).filter(|_| rule.policy == Policy::Prove)),
    ];
    for (key, at) in twice.iter().filter_map(|(key, at)| Some((key, (*at)?))) {
        note(problems, at, format!("the rule already sets this: remove {key}"));
    }
    if let Some((at, true)) = beside.abort {
        rule.abort = true;
        if rule.severity == Severity::Warn {
            note(problems, at, ABORT_NEEDS_FAIL);
        }
    }
    if let Some((at, after)) = beside.after {
        rule.after = Some(after);
        if !rule.abort {
            note(problems, at, AFTER_NEEDS_ABORT);
        }
    }
    if rule.policy == Policy::Estimate {
        rule.policy = beside.policy.map_or(usual, |(_, policy)| policy);
    }
    rule
}
