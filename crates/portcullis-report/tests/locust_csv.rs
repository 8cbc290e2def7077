//! Our CSV files against real ones: same columns, same line ends, same rounding.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::path::PathBuf;
use std::time::Duration;

use portcullis_core::measure::{
    Distribution, FailureGroup, FailureKind, Row, SeriesPoint, Summary, TaskSummary,
};
use portcullis_report::locust_csv::{rounded, write};
use portcullis_report::read::{ReadError, read_stats};

fn reference(name: &str) -> Option<String> {
    let path =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/reference").join(name);
    std::fs::read_to_string(path).ok()
}

fn latencies(values_us: &[u64]) -> Distribution {
    let mut all = Distribution::default();
    for &us in values_us {
        let ns = us * 1000;
        let buckets = vec![(us, 1)];
        all.add(&Distribution {
            count: 1,
            sum_ns: ns.into(),
            min_ns: ns,
            max_ns: ns,
            buckets,
            clipped: 0,
        });
    }
    all
}

fn summary() -> Summary {
    let row = Row {
        requests: 3,
        failures: 1,
        latency: latencies(&[17_433, 129_783]),
        body_bytes: 900,
        ..Row::default()
    };
    let task = |name: &str, row: &Row| TaskSummary {
        name: name.to_owned(),
        method: "GET".to_owned(),
        window: row.clone(),
        ..TaskSummary::default()
    };
    let second =
        SeriesPoint { second: 0, users: 2, requests: 3, failures: 1, ..SeriesPoint::default() };
    Summary {
        window: Duration::from_secs(10),
        measured: Duration::from_secs(10),
        started_unix_ms: 1_795_424_819_000,
        tasks: vec![task("list", &row), task("=silent()", &Row::default())],
        login: Some(TaskSummary { method: "POST".to_owned(), ..task("login", &row) }),
        series: vec![second],
        failures: vec![FailureGroup {
            task: "list".to_owned(),
            method: "GET".to_owned(),
            kind: FailureKind::Status,
            message: "status 500, \"quoted\"\nand more".to_owned(),
            count: 1,
            first_unix_ms: 0,
            last_unix_ms: 1000,
        }],
        ..Summary::default()
    }
}

fn header(text: &str) -> &str {
    text.split("\r\n").next().unwrap()
}

#[test]
fn headers_are_those_of_locust_2_47() {
    let files = write(&summary());
    let check = |ours: &str, name: &str| {
        let Some(theirs) = reference(&format!("locust-csv/2.47/{name}")) else {
            eprintln!("skipped: the reference files are not beside this checkout");
            return;
        };
        assert_eq!(header(ours), header(&theirs), "{name}");
    };
    check(&files.stats, "perf_results_stats.csv");
    check(&files.history, "perf_results_stats_history.csv");
    check(&files.failures, "perf_results_failures.csv");
    check(&files.exceptions, "perf_results_exceptions.csv");
}

#[test]
fn rows_are_tasks_with_login_apart_from_the_aggregate() {
    let files = write(&summary());
    let lines: Vec<&str> = files.stats.trim_end().split("\r\n").collect();
    let list = "GET,list,3,1,17.433,73.608,17.433,129.783,300.0,0.3,0.1,\
                17,130,130,130,130,130,130,130,130,130,130";
    assert_eq!(lines[1], list);
    assert!(lines[2].starts_with("GET,'=silent(),0,0,0,0.0,0,0,0.0,0.0,0.0,N/A,"), "{}", lines[2]);
    assert!(lines[3].starts_with("POST,login,3,1,"));
    assert!(lines[4].starts_with(",Aggregated,3,1,"));
    assert!(files.stats.ends_with("\r\n"));
    let columns = |line: &str| line.split(',').count();
    assert_eq!(
        columns(files.history.split("\r\n").nth(1).unwrap()),
        columns(header(&files.history))
    );
    assert!(
        files.failures.contains("\"status: status 500, \"\"quoted\"\"\nand more\",1,1970-01-01T")
    );
}

#[test]
fn a_table_of_ours_is_known_by_its_login_and_not_taken_for_locusts() {
    let mut summary = summary();
    let refused = |summary: &Summary| read_stats(write(summary).stats.as_bytes());
    assert!(matches!(refused(&summary), Err(ReadError::OwnTable)));
    summary.login = None;
    let stats = refused(&summary).unwrap();
    assert_eq!((stats.stated.rows.len(), stats.stated.aggregate.requests), (2, 3));
}

#[test]
fn rounding_is_locusts() {
    // Python: round(2.5) == 2, round(3.5) == 4, round(125, -1) == 120.
    let pairs = [(2.5, 2), (3.5, 4), (99.4, 99), (99.6, 100), (125.0, 120), (129.78, 130)];
    for (ms, expected) in pairs {
        assert_eq!(rounded(ms), expected, "{ms}");
    }
    assert_eq!((rounded(3_432.0), rounded(58_760.0)), (3_400, 59_000));
}
