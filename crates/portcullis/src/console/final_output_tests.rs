//! Tests of the final output of a red run, line by line, and in other forms.

use std::time::Duration;

use portcullis_core::event::Stage;
use portcullis_core::judge::Finding;
use portcullis_core::measure::{
    Distribution, FailureGroup, FailureKind, Row, Summary, TaskSummary,
};

use super::*;
use crate::console::columns::width;

fn row(requests: u64, failures: u64) -> Row {
    Row { requests, failures, body_bytes: requests * 2_500, ..Row::default() }
}

fn red() -> RunRecord {
    let task = |name: &str, window: Row| TaskSummary {
        name: name.to_owned(),
        weight: 1,
        window,
        ..TaskSummary::default()
    };
    let failure = FailureGroup {
        task: "detail".to_owned(),
        method: "GET".to_owned(),
        kind: FailureKind::Status,
        message: "status 500: \x1b[2J".to_owned(),
        count: 7,
        first_unix_ms: 0,
        last_unix_ms: 0,
    };
    let summary = Summary {
        measured: Duration::from_secs(10),
        users_asked: 5,
        users_ran: 5,
        tasks: vec![task("list", row(100, 0)), task("detail", row(20, 7))],
        login: Some(task("login", row(5, 0))),
        failures: vec![failure],
        ..Summary::default()
    };
    let stage = |stage, took, end| StageRecord {
        stage,
        took: Duration::from_millis(took),
        end,
        detail: String::new(),
        log: None,
        advice: None,
    };
    RunRecord {
        given: "portcullis perf -t 10s".to_owned(),
        seed: 42,
        stages: vec![
            stage(Stage::Install, 3, StageEnd::Cached),
            stage(Stage::Load, 10_000, StageEnd::Completed),
            stage(Stage::Judge, 1, StageEnd::Failed("why".to_owned())),
        ],
        summary: Some(summary),
        findings: vec![Finding::violated("error_rate = 5.83 %, limit <= 1.00 %".to_owned())],
        exit_code: 1,
        sentence: "FAILED: error_rate = 5.83 %, limit <= 1.00 %".to_owned(),
        ..RunRecord::default()
    }
}

fn shown(report: &RunRecord, quiet: bool, columns: Option<usize>) -> String {
    let end = FinalOutput {
        artifacts: Path::new("/out"),
        log: Some("/out/logs/server.log"),
        page: Some(Path::new("/out/perf_results.html")),
        advice: &["more room".to_owned()],
    };
    final_output(report, &end, Style { quiet, verbose: false, columns, paint: Paint::new(false) })
}

#[test]
fn a_red_run_from_its_verdict_to_its_verdict() {
    let expected = "
FAILED: error_rate = 5.83 %, limit <= 1.00 % (exit 1)
violated: error_rate = 5.83 %, limit <= 1.00 %

  task                       requests  failed  p50  p95  p99  max  size  TTFB
  list                            100       0    -    -    -    -  2500     -
  detail                           20       7    -    -    -    -  2500     -
  all tasks                       120       7    -    -    -    -  2500     -
  login (not in the totals)         5       0    -    -    -    -  2500     -
12.0 requests/s over 10.0 s, 5 of 5 users ran; latencies of good answers in ms, TTFB as a mean; \
size in bytes

failed: 7 × detail: status: status 500: \u{fffd}[2J
stages: install 3 ms cached, load 10.0 s, judge 1 ms failed

what to do next
try: more room
log: /out/logs/server.log
page: /out/perf_results.html
artifacts: /out
repeat: portcullis perf -t 10s --seed 42

FAILED: error_rate = 5.83 %, limit <= 1.00 % (exit 1)
";
    assert_eq!(shown(&red(), false, None), expected);
    assert_eq!(shown(&red(), false, Some(200)), expected);
    // In a terminal lines are wrapped between words.
    let folded = expected.replace("in ms, TTFB", "in ms,\n    TTFB");
    assert_eq!(shown(&red(), false, Some(80)), folded);
}

#[test]
fn a_table_that_does_not_fit_loses_its_least_columns() {
    let mut report = red();
    for task in report.summary.iter_mut().flat_map(|summary| &mut summary.tasks) {
        let latency = Distribution { count: 1, max_ns: 123_400_000, ..Distribution::default() };
        task.window.latency = latency;
    }
    let title = |columns| {
        let text = shown(&report, false, columns);
        let table: Vec<&str> =
            text.lines().skip_while(|line| !line.starts_with("  task ")).take(5).collect();
        let widest = table.iter().map(|line| width(line)).max().unwrap();
        assert!(widest <= columns.unwrap_or(usize::MAX).max(41), "{columns:?}: {text}");
        table[0].split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(title(Some(70)), "task requests failed p50 p95 p99");
    assert_eq!(title(Some(60)), "task requests failed p95 p99");
    assert_eq!(title(Some(41)), "task requests failed p95");
}

#[test]
fn quiet_is_violations_and_the_verdict() {
    let expected = "violated: error_rate = 5.83 %, limit <= 1.00 %\n\
                    FAILED: error_rate = 5.83 %, limit <= 1.00 % (exit 1)\n";
    assert_eq!(shown(&red(), true, Some(80)), expected);
}

#[test]
fn a_run_is_repeated_with_its_own_seed() {
    assert_eq!(repeated("portcullis perf --seed 7 -q", 7), "portcullis perf --seed 7 -q");
    assert_eq!(repeated("portcullis perf --seed=7", 7), "portcullis perf --seed=7");
    assert_eq!(repeated("cargo xtask perf", 9), "cargo xtask perf --seed 9");
}
