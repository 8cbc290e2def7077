//! `perf_results.json`: what a rule, judged or not, looks like in it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::time::Duration;

use portcullis_core::judge::judge;
use portcullis_core::measure::{Row, Summary, TaskSummary};
use portcullis_core::threshold::{Names, Severity, parse};
use portcullis_report::{RunRecord, results};

fn written(rules: &[&str]) -> serde_json::Value {
    let tasks = ["list".to_owned()];
    let names = Names { tasks: &tasks, groups: &[], labels: &[], login: false };
    let rules: Vec<_> =
        rules.iter().map(|line| parse(line, Severity::Fail, names).unwrap()).collect();
    let statuses = vec![(200, 2), (429, 1)];
    let window = Row { requests: 3, body_bytes: 900, statuses, ..Row::default() };
    let task = TaskSummary { name: "list".to_owned(), window, ..TaskSummary::default() };
    let measured = Duration::from_secs(1);
    let summary = Summary { measured, tasks: vec![task], ..Summary::default() };
    let verdict = Some(judge(&summary, &rules));
    let report = RunRecord { summary: Some(summary), verdict, ..RunRecord::default() };
    serde_json::from_str(&results::write(&report).unwrap()).unwrap()
}

#[test]
fn a_rule_has_its_value_its_limit_and_their_unit() {
    let results = written(&["size <= 1kB", "status(429) < 30%", "status(429)(list) <= 0"]);
    let told = |index: usize| {
        let rule = &results["thresholds"][index];
        let field = |name: &str| rule[name].to_string().replace('"', "");
        ["scope", "metric", "value", "limit", "unit", "judgement", "reason"].map(field).join(" ")
    };
    assert_eq!(told(0), "aggregate size 300.0 1000.0 bytes holds null");
    assert!(
        told(1).starts_with("aggregate status(429) 0.333") && told(1).contains("fraction violated")
    );
    assert_eq!(told(2), "list status(429) 1.0 0.0 number violated null");
}

#[test]
fn a_rule_that_was_not_judged_says_why_and_has_no_numbers() {
    let results = written(&["p95 <= baseline * 1.2"]);
    let rule = &results["thresholds"][0];
    assert_eq!(rule["judgement"], "not judged");
    assert_eq!(rule["reason"], "no baseline");
    assert!(rule["limit"].is_null() && rule["value"].is_null(), "{rule}");
    assert_eq!(rule["unit"], "ms");
    let words = "the p95 latency of all requests is at most 1.2 times the baseline";
    assert_eq!(rule["in_words"], words);
}

#[test]
fn a_row_has_its_answers_by_status() {
    let pairs = serde_json::json!([[200, 2], [429, 1]]);
    let summary = &written(&[])["summary"];
    assert_eq!(summary["aggregate"]["statuses"], pairs);
    assert_eq!(summary["tasks"][0]["statuses"], pairs);
}
