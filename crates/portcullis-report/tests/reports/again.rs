//! Every artifact, made again of the results: byte for byte what the run wrote.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use portcullis_core::baseline::{Baseline, BaselinePlan};
use portcullis_core::compare::{Pair, Side, Sides};
use portcullis_core::judge::{Judgement, judge};
use portcullis_core::measure::{ArrivalCounts, OverLimit, Row, ToDate};
use portcullis_core::threshold::{Derived, Reference, Relative, Scope, Severity, Uncertainty};
use portcullis_report::results::{ReadError, read as read_results};
use portcullis_report::{BaselineReport, RunRecord, artifacts, results};
use proptest::prelude::*;

use crate::compared;
use crate::runs::{self, HOSTILE, Recipe};

/// Every file that a run leaves, by its name.
fn files(run: &RunRecord, folder: &Path) -> BTreeMap<String, Vec<u8>> {
    artifacts::prepare(folder).unwrap().write_all(run).unwrap();
    let entries = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
    let read = |entry: std::fs::DirEntry| {
        let name = entry.file_name().into_string().unwrap();
        (name, std::fs::read(entry.path()).unwrap())
    };
    entries.map(read).collect()
}

fn back(run: &RunRecord) -> RunRecord {
    let json = results::write(run).unwrap();
    read_results(json.as_bytes()).unwrap()
}

fn check(run: &RunRecord, what: &str) {
    let (first, again) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (first, again) = (files(run, first.path()), files(&back(run), again.path()));
    assert!(first.len() >= 7, "{:?}", first.keys());
    assert_eq!(first.keys().collect::<Vec<_>>(), again.keys().collect::<Vec<_>>(), "{what}");
    for (name, bytes) in &first {
        let (was, is) = (String::from_utf8_lossy(bytes), String::from_utf8_lossy(&again[name]));
        for (number, (was, is)) in was.lines().zip(is.lines()).enumerate() {
            assert!(was == is, "{what}, {name}:{}:\n{was:.2000}\n{is:.2000}", number + 1);
        }
        assert!(*bytes == again[name], "{what}: {name} has another end");
    }
}

#[test]
fn every_artifact_is_made_again_byte_for_byte() {
    check(&Recipe::sound().run(), "green");
    check(&runs::red(), "red");
    check(&compared::compared(""), "compared");
    check(&runs::interrupted(), "interrupted");
    check(&runs::broken(), "broken");
    check(&RunRecord::default(), "nothing at all");
    for text in HOSTILE {
        check(&runs::hostile(text), text);
        check(&compared::compared(text), text);
    }
}

/// A run in which everything is used that a run can have.
pub fn everything() -> RunRecord {
    let mut recipe = Recipe { fails: 9, ..Recipe::sound() };
    let more = [
        "p99.9 <= 1s abort after 10s",
        "status(500) <= 1%",
        "size < 20kB",
        "p50 < 40ms prove",
        "p95 <= baseline * 1.2",
        "p50(get_dashboard) <= base + 20ms",
    ];
    recipe.fail.extend(more.map(str::to_owned));
    let mut run = recipe.run();
    let summary = run.summary.as_mut().unwrap();
    summary.arrivals = Some(ArrivalCounts { scheduled: 400, queued: 9, unstarted: 1 });
    summary.ended_early = Some("because".to_owned());
    summary.warm_up = summary.tasks[3].window.clone();
    (summary.resent, summary.reopened) = (3, 4);
    summary.generator.run_queue = Some(Duration::from_nanos(7_654_321));
    summary.generator.is_punctual = true;
    for task in &mut summary.tasks {
        task.window.service = task.window.latency.clone();
        task.window.statuses = vec![(200, task.window.latency.count)];
    }
    let window = summary.tasks[1].window.clone();
    summary.tasks[2].extra_mixed = window.clone();
    summary.tasks[2].extra_targeted = Row { cut: 1, ..window };
    summary.tasks[2].extra_targeted.failed_latency.add(&runs::latencies(&[9_000.5]));
    for second in &mut summary.series {
        let p50_ms = 1.0 / 3.0 + second.second as f64;
        let (min_ms, mean_ms, max_ms) = (0.1, p50_ms * 1.1, p50_ms * 7.7);
        second.to_date = ToDate { p50_ms, mean_ms, min_ms, max_ms, mean_body_bytes: 1e6 / 3.0 };
    }
    compare(&mut run);
    run.strict = true;
    run.acceptable = true;
    run.places.against = None;
    run.configuration_hash = "c0ffee".to_owned();
    baseline(&mut run);
    run
}

fn compare(run: &mut RunRecord) {
    let mut comparison = compared::compared("").comparison.unwrap();
    comparison.names = vec!["list_claims".to_owned(), "other".to_owned()];
    let ns = |ns| Some(Duration::from_nanos(ns));
    comparison.pairs = vec![Pair {
        task: 1,
        at: Duration::from_nanos(1_234_567_891),
        first: Side::Candidate,
        latency: Sides { base: ns(1_234_567), candidate: None },
        cpu: Sides { base: ns(333), candidate: ns(777_777_777) },
    }];
    comparison.tasks[0].decided_after = ns(41_000_000_003);
    run.repeated = vec![comparison.clone(), comparison.clone()];
    run.comparison = Some(comparison);
}

fn baseline(run: &mut RunRecord) {
    let plan = BaselinePlan {
        file: "/somewhere/b.json".into(),
        stored: Some(Baseline { commit: Some("abc".to_owned()), ..Baseline::default() }),
        foreign: Some("on another machine".to_owned()),
        is_lowered: true,
    };
    run.baseline = Some(BaselineReport { shown: "b.json".to_owned(), plan, written: true });
    let judged = &mut run.verdict.as_mut().unwrap().judged;
    let relative = Relative { to: Reference::Baseline, factor: 1.2, plus: -0.1 };
    judged[0].rule.derived = Some(Derived {
        relative,
        reference: 1.0 / 7.0,
        uncertainty: Some(Uncertainty { low: Some(0.1), high: None, samples: 70 }),
        lowered: Some("elsewhere".to_owned()),
    });
    judged[1].rule.scope = Scope::Label("/api/{id}/?a=\"b\"".to_owned());
    judged[2].rule.scope = Scope::Group("list".to_owned());
    judged[3].rule.severity = Severity::Warn;
    judged[3].judgement = Judgement::NoData;
}

/// The run without what its results do not hold and no report shows: seconds,
/// counts of rows that were never used, where the baseline's file is.
fn bare(mut run: RunRecord) -> RunRecord {
    let summary = run.summary.as_mut().unwrap();
    for task in summary.tasks.iter_mut().chain(&mut summary.login) {
        for row in [&mut task.extra_mixed, &mut task.extra_targeted] {
            if row.requests == 0 {
                *row = Row::default();
            }
            row.blocks.clear();
        }
        task.window.blocks.clear();
    }
    summary.warm_up.blocks.clear();
    run.given = run.command();
    run.baseline.as_mut().unwrap().plan.file = "b.json".into();
    run
}

#[test]
fn what_a_run_seldom_has_is_made_again_too() {
    let run = everything();
    check(&run, "everything");
    let (read, run) = (bare(back(&run)), bare(run));
    assert_eq!(read.verdict, run.verdict);
    assert_eq!(read.comparison, run.comparison);
    assert_eq!(read.summary, run.summary);
    assert_eq!(read, run);
}

#[test]
fn what_was_judged_is_not_judged_again() {
    let mut run = Recipe::sound().run();
    let judged = &mut run.verdict.as_mut().unwrap().judged[0];
    (judged.judgement, judged.value, judged.samples) = (Judgement::Violated, Some(7.5), 3);
    let rules = run.verdict.iter().flat_map(|verdict| &verdict.judged);
    let rules: Vec<_> = rules.map(|judged| judged.rule.clone()).collect();
    let again = judge(run.summary.as_ref().unwrap(), &rules);
    assert_eq!(again.judged[0].judgement, Judgement::Holds);
    assert_eq!(back(&run).verdict, run.verdict);
}

#[test]
fn words_and_numbers_that_cannot_be_are_refused_with_their_place() {
    let text = results::write(&everything()).unwrap();
    let check = |from: &str, to: &str, part: &str| {
        assert!(text.contains(from), "no {from:?}");
        let error = read_results(text.replacen(from, to, 1).as_bytes()).unwrap_err();
        let said = error.to_string();
        assert!(matches!(error, ReadError::Inconsistent(_)), "{said}");
        assert!(said.contains(part), "{from} → {to}: {said}");
    };
    check("\"judgement\": \"holds\"", "\"judgement\": \"fine\"", "unknown judgement \"fine\"");
    check("\"severity\": \"fail\"", "\"severity\": \"x\"", "thresholds[0]: unknown severity \"x\"");
    check("\"metric\": \"p95\"", "\"metric\": \"p195\"", "unknown metric \"p195\"");
    check("\"scope_kind\": \"label\"", "\"scope_kind\": \"url\"", "unknown kind of scope \"url\"");
    check("\"comparison\": \"<=\"", "\"comparison\": \"=\"", "unknown comparison \"=\"");
    check("\"unit\": \"ms\"", "\"unit\": \"h\"", "unknown unit \"h\"");
    check("\"policy\": \"prove\"", "\"policy\": \"guess\"", "unknown policy \"guess\"");
    check("\"block_factor\": 1.0", "\"block_factor\": 0.5", "block_factor 0.5 is below 1");
    check("\"to\": \"base\"", "\"to\": \"best\"", "unknown reference \"best\"");
    check(
        "\"severity\": \"fail\",\n        \"rule\"",
        "\"severity\": \"f\",\n        \"rule\"",
        "configuration_places: unknown severity \"f\"",
    );
    check("\"stage\": \"install\"", "\"stage\": \"instal\"", "unknown stage \"instal\"");
    check(
        "\"decision\": \"slower\"",
        "\"decision\": \"slow\"",
        "against.tasks[0]: unknown decision \"slow\"",
    );
    check(
        "\"state\": \"compared\"",
        "\"state\": \"lost\"",
        "baseline.state: unknown state \"lost\"",
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn whatever_was_measured_is_told_again_alike(
        seconds in 1u64..40,
        requests_per_second in 1u64..30,
        slow_ms in 0.01f64..20_000.0,
        fails in 0u64..7,
        stalls in any::<bool>(),
        text in "\\PC{0,12}",
    ) {
        let sound = Recipe::sound();
        let recipe = Recipe { seconds, requests_per_second, slow_ms, fails, stalls, text, ..sound };
        check(&recipe.run(), "drawn");
    }
}

#[test]
fn limits_of_rows_without_requests_are_kept() {
    let mut run = Recipe::sound().run();
    let summary = run.summary.as_mut().unwrap();
    for task in &mut summary.tasks {
        let none = vec![OverLimit::default(); summary.limits.len()];
        task.window = Row { beyond: none.clone(), failed_beyond: none, ..Row::default() };
    }
    check(&run, "no request");
    assert_eq!(back(&run).summary.unwrap().limits, run.summary.unwrap().limits);
}
