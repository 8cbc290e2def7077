//! Two runs side by side: figures and thresholds, and what makes them hard to compare.
//! Nothing is decided.

use std::collections::BTreeSet;

use portcullis_core::judge::ThresholdResult;
use portcullis_core::measure;
use portcullis_core::measure::Summary;
use portcullis_core::threshold::Percentile;
use portcullis_report::RunRecord;
use portcullis_report::wording::{ThresholdStatus, value};

use super::described;
use crate::console::{Change, Row, SideBySide};

/// Says that this is not a regression check.
const NO_CHECK: &str = "two separate runs are not a regression check: every ratio includes machine \
                        noise; `perf --against REV` compares two versions in one run";

/// Two runs with their names.
pub fn side_by_side(before: (String, &RunRecord), after: (String, &RunRecord)) -> SideBySide {
    let runs = [before.1, after.1];
    let (changes, unchanged) = changes(runs);
    let mut notes = differences(runs);
    notes.push(NO_CHECK.to_owned());
    SideBySide {
        runs: [described(&before.0, before.1), described(&after.0, after.1)],
        rows: rows(runs.map(|run| run.summary.as_ref())),
        changes,
        unchanged,
        notes,
    }
}

fn rows(summaries: [Option<&Summary>; 2]) -> Vec<Row> {
    let mut names: Vec<&str> = Vec::new();
    for task in summaries.iter().flatten().flat_map(|summary| summary.rows()) {
        if task.weight > 0 && !names.contains(&task.name.as_str()) {
            names.push(&task.name);
        }
    }
    let whole = summaries.map(|summary| summary.map(Summary::aggregate));
    let login = summaries.map(|summary| Some(summary?.login.as_ref()?.judged()));
    let mut rows = vec![row("all tasks", whole)];
    rows.extend(names.into_iter().map(|name| {
        let of = |summary: &Summary| {
            let task = summary.rows().find(|task| task.name == name && task.weight > 0);
            task.map(measure::TaskSummary::judged)
        };
        row(name, summaries.map(|summary| summary.and_then(of)))
    }));
    if login.iter().any(Option::is_some) {
        rows.push(row("login (not in the totals)", login));
    }
    rows
}

fn row(name: &str, both: [Option<measure::Row>; 2]) -> Row {
    let both = both.each_ref().map(Option::as_ref);
    let percentile =
        |percentile| both.map(|row| row.and_then(|row| row.latency.percentile_ms(percentile)));
    Row {
        name: name.to_owned(),
        requests: both.map(|row| row.map(|row| row.requests)),
        p50_ms: percentile(Percentile::P50),
        p95_ms: percentile(Percentile::P95),
        error_rate: both.map(|row| row.and_then(measure::Row::error_rate)),
    }
}

/// A threshold is identified by its line and its scope.
fn key(judged: &ThresholdResult) -> (String, String) {
    (judged.rule.text.clone(), judged.rule.subject())
}

fn changes(runs: [&RunRecord; 2]) -> (Vec<Change>, usize) {
    let of = |run: usize| runs.get(run).into_iter().filter_map(|run| run.verdict.as_ref());
    let judged = |run: usize| of(run).flat_map(|verdict| &verdict.judged);
    let (mut changes, mut unchanged, mut seen) = (Vec::new(), 0, BTreeSet::new());
    for one in judged(0).chain(judged(1)) {
        let known = key(one);
        if !seen.insert(known.clone()) {
            continue;
        }
        let both = [0, 1].map(|run| judged(run).find(|judged| key(judged) == known));
        let [before, after] = both;
        let standing = |run: usize, judged: Option<&ThresholdResult>| {
            judged.map(|judged| ThresholdStatus::of(judged, runs[run].strict))
        };
        if standing(0, before) == standing(1, after) {
            unchanged += 1;
            continue;
        }
        let (text, subject) = known;
        let rule = if text.starts_with(&subject) { text } else { format!("{subject}: {text}") };
        let told = |run: usize, judged: Option<&ThresholdResult>| {
            judged.map(|judged| told(judged, runs[run].strict))
        };
        changes.push(Change { rule, standing: [told(0, before), told(1, after)] });
    }
    (changes, unchanged)
}

fn told(judged: &ThresholdResult, is_strict: bool) -> String {
    let word = ThresholdStatus::of(judged, is_strict).word();
    value(judged).map_or_else(|| word.to_owned(), |value| format!("{word}, {value}"))
}

/// Why the figures of two runs may differ even if the service is the same.
fn differences([before, after]: [&RunRecord; 2]) -> Vec<String> {
    let machine = |run: &RunRecord| {
        let machine = &run.machine;
        let processor = machine.processor.as_deref().unwrap_or("unknown CPU");
        format!("{}, {} cores, {processor}", machine.system, machine.cores)
    };
    let mut notes = Vec::new();
    if machine(before) != machine(after) {
        notes.push(format!("different machines: {}; {}", machine(before), machine(after)));
    }
    if before.configuration_hash != after.configuration_hash {
        notes.push("the configurations differ in settings that change the figures".to_owned());
    }
    if before.target != after.target && !(before.own_server && after.own_server) {
        notes.push(format!("different targets: {}; {}", before.target, after.target));
    }
    notes
}

#[cfg(test)]
mod tests {
    use portcullis_core::judge::judge;
    use portcullis_core::measure::{Distribution, TaskSummary};
    use portcullis_core::threshold::{Names, Severity, parse};

    use super::*;

    fn run(ms: u64, failures: u64, rules: &[&str]) -> RunRecord {
        let ns = ms * 1_000_000;
        let latency = Distribution {
            count: 10,
            sum_ns: u128::from(ns) * 10,
            min_ns: ns,
            max_ns: ns,
            buckets: vec![(ms * 1000, 10)],
            clipped: 0,
        };
        let window =
            measure::Row { requests: 10 + failures, failures, latency, ..Default::default() };
        let task = |name: &str| TaskSummary {
            name: name.to_owned(),
            weight: 1,
            window: window.clone(),
            ..Default::default()
        };
        let tasks = vec![task("list"), task(if ms > 50 { "new" } else { "old" })];
        let summary = Summary { tasks, ..Summary::default() };
        let tasks = ["list".to_owned()];
        let names = Names { tasks: &tasks, groups: &[], labels: &[], login: false };
        let rules: Vec<_> =
            rules.iter().map(|rule| parse(rule, Severity::Fail, names).unwrap()).collect();
        let verdict = Some(judge(&summary, &rules));
        RunRecord { summary: Some(summary), verdict, ..RunRecord::default() }
    }

    #[test]
    fn figures_stand_side_by_side_and_what_one_run_lacks_is_not_there() {
        let (before, after) = (run(40, 0, &[]), run(80, 10, &[]));
        let both = side_by_side(("a".to_owned(), &before), ("b".to_owned(), &after));
        let names: Vec<&str> = both.rows.iter().map(|row| row.name.as_str()).collect();
        assert_eq!(names, ["all tasks", "list", "old", "new"]);
        assert_eq!(both.rows[0].requests, [Some(20), Some(40)]);
        assert_eq!(both.rows[1].p95_ms, [Some(40.0), Some(80.0)]);
        assert_eq!(both.rows[1].error_rate, [Some(0.0), Some(0.5)]);
        assert_eq!(
            (both.rows[2].p50_ms, both.rows[3].requests),
            ([Some(40.0), None], [None, Some(20)])
        );
        assert!(both.notes[0].contains("not a regression check"), "{:?}", both.notes);
        assert!(both.runs[1].starts_with("b: 1970"), "{:?}", both.runs);
    }

    #[test]
    fn thresholds_that_stand_otherwise_are_named_with_both_values() {
        let before =
            run(40, 0, &["max <= 60ms", "error_rate(list) <= 1%", "mean <= 1s", "count > 3"]);
        let after =
            run(80, 10, &["max <= 60ms", "error_rate(list) <= 1%", "mean <= 1s", "rps > 1"]);
        let both = side_by_side(("a".to_owned(), &before), ("b".to_owned(), &after));
        let said = |rule: &str, before: Option<&str>, after: Option<&str>| Change {
            rule: rule.to_owned(),
            standing: [before, after].map(|one| one.map(str::to_owned)),
        };
        assert_eq!(both.unchanged, 1);
        let expected = [
            said("error_rate(list) <= 1%", Some("passed, 0.00 %"), Some("violated, 50.00 %")),
            said("count > 3", Some("passed, 20"), None),
        ];
        for change in expected {
            assert!(both.changes.contains(&change), "{change:?} is not in {:#?}", both.changes);
        }
    }

    #[test]
    fn what_makes_them_hard_to_compare_is_said() {
        let (before, mut after) = (run(40, 0, &[]), run(40, 0, &[]));
        after.machine.cores = 7;
        after.configuration_hash = "other".to_owned();
        after.target = "http://there".to_owned();
        let both = side_by_side(("a".to_owned(), &before), ("b".to_owned(), &after));
        let notes = both.notes.join("\n");
        for part in ["7 cores", "configurations differ", "http://there"] {
            assert!(notes.contains(part), "{notes}");
        }
    }
}
