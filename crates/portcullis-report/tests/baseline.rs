//! `perf_baseline.json`: the fields of the first tool, what is refused with its
//! place, and the way from a run's results through the file and back.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::time::Duration;

use portcullis_core::measure::{Distribution, OverLimit, Row, Summary, TaskSummary};
use portcullis_report::baseline::{BaselineError, accepted, read, renewed};
use portcullis_report::{Machine, RunRecord};

/// As the first tool wrote it.
const OLD: &str = r#"{
  "version": "1.0",
  "timestamp": "2026-01-15T10:30:00Z",
  "commit": "0123456789abcdef",
  "metrics": {
    "p50": 47, "p95": 98.5, "p99": 130.0,
    "avg_response_time": 45.2,
    "requests_per_sec": 2.4,
    "error_rate": 1.5,
    "total_requests": 200,
    "failure_count": 3,
    "their_own": [1]
  },
  "notes": "before the new index",
  "more": {}
}"#;

fn report() -> RunRecord {
    let mut latency = Distribution::default();
    for us in (1..=97).map(|n| n * 1_000) {
        let ns = us * 1000;
        latency.add(&Distribution {
            count: 1,
            sum_ns: u128::from(ns),
            min_ns: ns,
            max_ns: ns,
            buckets: vec![(us, 1)],
            clipped: 0,
        });
    }
    let beyond = vec![OverLimit { above: 2, at_or_above: 3 }];
    let window = Row {
        requests: 100,
        failures: 3,
        latency,
        failed_beyond: vec![OverLimit::default()],
        beyond,
        ..Row::default()
    };
    let task = TaskSummary { name: "t".to_owned(), weight: 1, window, ..TaskSummary::default() };
    RunRecord {
        started_unix_ms: 1_768_473_000_000,
        commit: Some("fedcba".to_owned()),
        configuration_hash: "c0ffee".to_owned(),
        machine: Machine { system: "linux x".to_owned(), cores: 2, ..Machine::default() },
        summary: Some(Summary {
            window: Duration::from_secs(30),
            measured: Duration::from_secs(30),
            limits: vec![Duration::from_millis(95)],
            tasks: vec![task],
            ..Summary::default()
        }),
        acceptable: true,
        sentence: "FAILED: too slow".to_owned(),
        ..RunRecord::default()
    }
}

#[test]
fn a_file_of_the_first_tool_is_read_and_its_origin_unknown() {
    let stored = read(OLD).unwrap();
    let metrics = stored.baseline.metrics;
    assert_eq!((metrics.p50_ms, metrics.p95_ms, metrics.p99_ms), (47.0, 98.5, 130.0));
    assert_eq!((metrics.mean_ms, metrics.rps, metrics.error_rate), (45.2, 2.4, 0.015));
    assert_eq!((metrics.requests, metrics.failures), (200, Some(3)));
    assert!(stored.baseline.origin.is_none() && stored.baseline.latency.is_none());
    for version in ["1", "\"0.9\"", "\"1.7\"", "1.0"] {
        assert!(read(&OLD.replacen("\"1.0\"", version, 1)).is_ok(), "{version}");
    }
}

#[test]
fn what_is_no_baseline_or_a_broken_one_is_refused_with_its_place() {
    let check = |text: &str, words: &str| {
        let error = read(text).unwrap_err().within("b.json");
        assert!(error.starts_with("b.json:"), "{error}");
        assert!(error.contains(words), "{words}: {error}");
    };
    for foreign in
        ["[]", "7", "{}", "{\"name\": \"left-pad\", \"version\": \"1.0\"}", "{\"metrics\": {}}"]
    {
        assert!(matches!(read(foreign), Err(BaselineError::Foreign)), "{foreign}");
    }
    check("", "1:0: EOF while parsing");
    check(&OLD[..OLD.len() - 3], "EOF while parsing");
    check(&OLD.replace("98.5", "\"98.5\""), "6:28: invalid type: string \"98.5\"");
    check(&OLD.replace("\"p95\"", "\"p94\""), "missing field `p95`");
    check(&OLD.replace("98.5", "null"), "6:26: invalid type: null");
    check(&OLD.replace("98.5", "1e999"), "number out of range");
    check(&OLD.replace("98.5", "-1"), "metrics.p95 = -1: must be between 0 and");
    check(&OLD.replace("1.5", "150"), "metrics.error_rate = 150: must be between 0 and 100");
    check(&OLD.replace("200", "2"), "metrics.failure_count = 3 of 2 requests");
    check(&OLD.replace("\"1.0\"", "\"2.0\""), "version \"2.0\" is newer than 1.0");
    check(&OLD.replace("\"1.0\"", "3"), "version 3 is newer");
    check(&OLD.replace("\"1.0\"", "\"latest\""), "unknown version \"latest\"");
    check(&OLD.replace("\"1.0\"", "null"), "unknown version null");
    check(&OLD.replace("\"more\": {}", "\"portcullis\": {}"), "missing field `configuration`");
    let own = renewed(&report(), None, None).unwrap();
    check(&own.replace("\"count\": 97", "\"count\": 96"), "do not add up");
    check(&own.replace("[2000, 1]", "[1000, 1]"), "not in ascending order");
    check(
        &own.replace("\"max_ms\": 97.0", "\"max_ms\": 0.5"),
        "impossible minimum, maximum or mean",
    );
}

#[test]
fn results_go_through_the_file_and_back() {
    let text = renewed(&report(), None, None).unwrap();
    let file: serde_json::Value = serde_json::from_str(&text).unwrap();
    let names: Vec<_> = file.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, ["commit", "metrics", "notes", "portcullis", "timestamp", "version"]);
    let expected = serde_json::json!({
        "p50": 49.0, "p95": 93.0, "p99": 97.0, "avg_response_time": 49.0,
        "requests_per_sec": 100.0 / 30.0, "error_rate": 3.0, "total_requests": 100,
        "failure_count": 3
    });
    assert_eq!(file["metrics"], expected);
    assert_eq!(file["timestamp"], "2026-01-15T10:30:00.000Z");
    assert_eq!(file["portcullis"]["beyond_limits"][0]["at_or_above"], 3);
    assert!(text.lines().count() < 60, "a list is one line:\n{text}");

    let report = report();
    let stored = read(&text).unwrap();
    let origin = stored.baseline.origin.unwrap();
    assert_eq!((origin.configuration.as_str(), origin.machine.cores), ("c0ffee", 2));
    let latency = stored.baseline.latency.unwrap();
    assert_eq!(latency, report.summary.unwrap().aggregate().latency);
}

#[test]
fn notes_and_what_was_accepted_are_kept() {
    let before = read(OLD).unwrap();
    let first = ("2026-02-01T00:00:00Z".to_owned(), "a check that was due".to_owned());
    let once = renewed(&report(), Some(&before), Some(first)).unwrap();
    let before = read(&once).unwrap();
    assert_eq!(before.accepted.len(), 1);
    let twice = renewed(&report(), Some(&before), None).unwrap();
    let file: serde_json::Value = serde_json::from_str(&twice).unwrap();
    assert_eq!(file["notes"], "before the new index");
    let accepted = serde_json::json!([{
        "date": "2026-02-01T00:00:00Z", "commit": "fedcba", "reason": "a check that was due"
    }]);
    assert_eq!(file["portcullis"]["accepted"], accepted);
}

#[test]
fn a_run_that_found_more_than_a_difference_is_no_baseline() {
    let refused = |change: fn(&mut RunRecord)| {
        let mut report = report();
        change(&mut report);
        renewed(&report, None, None).unwrap_err().to_string()
    };
    assert!(refused(|report| report.acceptable = false).contains("FAILED: too slow"));
    assert!(refused(|report| report.summary = None).contains("FAILED: too slow"));
    let empty = refused(|report| report.summary = Some(Summary::default()));
    assert!(empty.contains("no good answer"), "{empty}");
    let error =
        accepted("{\"schema_version\": 1}", None, Default::default()).unwrap_err().to_string();
    assert!(error.contains("missing field") && error.contains("run `portcullis perf`"), "{error}");
}
