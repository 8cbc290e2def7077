//! Our results, written and read back: the same measurements, the same verdict;
//! and whatever is cut, changed or newer is refused.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use portcullis_core::judge::{Finding, Signal, judge};
use portcullis_core::measure::{
    Acknowledgement, ArrivalCounts, Change, CheckSummary, Connects, Distribution, FailureGroup,
    FailureKind, Gap, Generator, OverLimit, Row, SeriesPoint, Summary, TaskSummary, TimeBucket,
    Tls,
};
use portcullis_core::threshold::{Names, Severity, Threshold, parse};
use portcullis_report::RunRecord;
use portcullis_report::results::write;
use portcullis_report::results::{ReadError, read as read_results};
use proptest::prelude::*;

const LIMITS: [Duration; 3] =
    [Duration::from_micros(200), Duration::from_millis(300), Duration::from_millis(500)];

fn distribution(ns: &[u64]) -> Distribution {
    let mut all = Distribution::default();
    for &ns in ns {
        let buckets = vec![(ns.div_ceil(1000).max(1), 1)];
        let one = Distribution {
            count: 1,
            sum_ns: ns.into(),
            min_ns: ns,
            max_ns: ns,
            buckets,
            clipped: 0,
        };
        all.add(&one);
    }
    all
}

/// A row as the load engine makes it.
fn row(good: &[u64], failed: &[u64], cut: usize) -> Row {
    let counts = |ns: &[u64]| {
        let count =
            |is: &dyn Fn(u128) -> bool| ns.iter().filter(|n| is(u128::from(**n))).count() as u64;
        let beyond = |limit: Duration| OverLimit {
            above: count(&|ns| ns > limit.as_nanos()),
            at_or_above: count(&|ns| ns >= limit.as_nanos()),
        };
        LIMITS.map(beyond).to_vec()
    };
    let cut = cut.min(failed.len()) as u64;
    Row {
        requests: (good.len() + failed.len()) as u64 - cut,
        failures: failed.len() as u64 - cut,
        latency: distribution(good),
        failed_latency: distribution(failed),
        body_bytes: good.len() as u64 * 1_237,
        beyond: counts(good),
        failed_beyond: counts(failed),
        with_data: good.len() as u64 / 2,
        first_byte: distribution(good),
        service: distribution(good),
        stalled: good.len() as u64 / 3,
        cut,
        skipped: failed.len() as u64 / 2,
        statuses: statuses(good.len() as u64, failed.len() as u64 - cut),
        blocks: vec![],
    }
}

fn statuses(good: u64, failed: u64) -> Vec<(u16, u64)> {
    [(200, good), (429, failed)].into_iter().filter(|(_, answers)| *answers > 0).collect()
}

fn task(name: &str, group: Option<&str>, window: Row, extension: Row) -> TaskSummary {
    TaskSummary {
        name: name.to_owned(),
        group: group.map(str::to_owned),
        method: "GET".to_owned(),
        label: format!("/{name}/{{id}}/"),
        weight: 3,
        needs_data: name != "odd",
        window,
        extra_targeted: extension,
        timeline: vec![TimeBucket {
            at: Duration::from_secs(3),
            requests: 2,
            failures: 1,
            p50_ms: Some(1.25),
            p95_ms: None,
        }],
        checks: vec![CheckSummary {
            name: "has results".to_owned(),
            is_soft: name == "odd",
            checked: 7,
            failed: 2,
            message: (name == "odd").then(|| "\u{e9}\n".to_owned()),
        }],
        is_unchecked: name == "odd",
        steps: steps(name),
        ..TaskSummary::default()
    }
}

/// The steps of the odd task.
fn steps(task: &str) -> Vec<TaskSummary> {
    if task != "odd" {
        return Vec::new();
    }
    let step = |name: &str, window| TaskSummary {
        name: format!("{task} / {name}"),
        method: "POST".to_owned(),
        weight: 1,
        window,
        ..TaskSummary::default()
    };
    vec![step("first", row(&[5, 9], &[7], 0)), step("second", row(&[], &[], 0))]
}

type Latencies = Vec<u64>;

fn summary(values: [Latencies; 6], cut: usize) -> Summary {
    let [fast, fast_failed, late, late_failed, logins, lag] = values;
    let none = || row(&[], &[], 0);
    let odd = row(&late, &late_failed, cut);
    let group = FailureGroup {
        task: "list".to_owned(),
        method: "GET".to_owned(),
        kind: FailureKind::Throttled,
        message: "\"slow\" \u{e9}\n".to_owned(),
        count: 3,
        first_unix_ms: 1_795_424_819_123,
        last_unix_ms: 1_795_424_820_000,
    };
    let login = TaskSummary {
        method: "POST".to_owned(),
        weight: 0,
        needs_data: false,
        ..task("login", None, row(&logins, &[], 0), Row::default())
    };
    Summary {
        window: Duration::from_millis(4_500),
        ended_early: Some("why".to_owned()),
        measured: Duration::from_nanos(4_499_999_999),
        started_unix_ms: 1_795_424_819_123,
        warm_up: row(&[7], &[], 0),
        arrivals: Some(ArrivalCounts { scheduled: 9, queued: 2, unstarted: 1 }),
        connects: Connects {
            address: "127.0.0.1:8000".to_owned(),
            acknowledgement: Acknowledgement::System,
            tls: Tls::Verified,
            connect: distribution(&[120_001]),
            handshake: distribution(&[]),
        },
        users_asked: 5,
        users_ran: 4,
        stuck_users: 2,
        longest_gap: Some(Gap {
            at: Duration::from_millis(1_250),
            length: Duration::from_micros(2_000_001),
        }),
        resent: 1,
        reopened: 2,
        generator: Generator {
            spawn_lag: distribution(&[1]),
            lag: distribution(&lag),
            cpu: Some(Duration::from_micros(12_345)),
            is_punctual: true,
            ..Generator::default()
        },
        limits: LIMITS.to_vec(),
        changes: vec![Change { at: Duration::from_millis(1_500), what: "to 2 users".to_owned() }],
        tasks: vec![
            task("list", Some("l"), row(&fast, &fast_failed, cut), none()),
            task("odd", Some("l"), none(), odd),
            task("silent", None, none(), none()),
            TaskSummary {
                extra_mixed: row(&late, &fast_failed, cut),
                ..task("again", Some("l"), row(&fast, &late_failed, 0), row(&logins, &[], 0))
            },
        ],
        login: Some(login),
        series: vec![SeriesPoint {
            users: 3,
            requests: 8,
            percentiles_ms: vec![0.1, 1.234567],
            ..SeriesPoint::default()
        }],
        failures: vec![group],
    }
}

fn report(summary: Option<Summary>, findings: Vec<Finding>) -> RunRecord {
    let exit_code = portcullis_core::judge::exit_code(&findings);
    RunRecord {
        started_unix_ms: 1_795_424_818_000,
        commit: Some("abc+dirty".to_owned()),
        target: "http://127.0.0.1:8000".to_owned(),
        profile: Some("ci".to_owned()),
        seed: u64::MAX,
        configuration: "# \"x\"\n".to_owned(),
        summary,
        findings,
        exit_code,
        sentence: "PASSED: it".to_owned(),
        ..RunRecord::default()
    }
}

fn small() -> RunRecord {
    let values =
        [vec![1_000_000, 2_345_678], vec![9_000_000], vec![400_000_000], vec![], vec![3], vec![1]];
    let mut small = summary(values, 0);
    small.tasks.retain(|task| task.name != "again");
    report(Some(small), vec![Finding::no_data("none".to_owned())])
}

/// The same with a task that was called in the window and after it.
fn extra_mixed() -> RunRecord {
    let values =
        [vec![1_000_000, 2_345_678], vec![9_000_000], vec![7_000], vec![], vec![3], vec![1]];
    report(Some(summary(values, 0)), vec![Finding::no_data("none".to_owned())])
}

fn back(report: &RunRecord) -> RunRecord {
    read_results(write(report).unwrap().as_bytes()).unwrap()
}

/// What matters of a summary: everything but what the file does not hold.
fn plain(mut summary: Summary) -> Summary {
    for task in summary.tasks.iter_mut().chain(&mut summary.login) {
        // A row that had no requests may have no counts, or counts of nothing.
        for row in [&mut task.window, &mut task.extra_mixed, &mut task.extra_targeted] {
            let is_empty = row.requests == 0 && row.cut == 0;
            if is_empty {
                *row = Row::default();
            }
        }
    }
    summary
}

fn rules() -> Vec<Threshold> {
    let names = ["list", "odd", "silent", "again"].map(str::to_owned);
    let groups = ["l".to_owned()];
    let names = Names { tasks: &names, groups: &groups, labels: &[], login: true };
    let lines = [
        "p95 <= 500ms",
        "p50 < 300ms per task",
        "p99(l) > 200us",
        "max(odd) < 500ms",
        "mean <= 300ms",
        "error_rate <= 5%",
        "rps >= 2/s",
        "count(l) > 3 per task",
        "login.p95 < 300ms",
        "p95(again) < 300ms",
        "p99.9(l) < 500ms prove",
        "status(429) <= 5%",
        "size <= 2kB",
    ];
    lines.iter().map(|line| parse(line, Severity::Fail, names).unwrap()).collect()
}

fn latencies() -> impl Strategy<Value = Latencies> {
    let one = prop_oneof![1u64..2_000_000, 299_999_990u64..300_000_010, 1u64..40_000_000_000];
    prop::collection::vec(one, 0..30)
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(
        values in prop::array::uniform6(latencies()),
        cut in 0usize..3,
    ) {
        let summary = summary(values, cut);
        let read = back(&report(Some(summary.clone()), vec![])).summary.unwrap();
        let (before, after) = (judge(&summary, &rules()), judge(&read, &rules()));
        prop_assert_eq!(before, after);
        prop_assert_eq!(summary.aggregate(), read.aggregate());
        prop_assert_eq!(plain(summary), plain(read));
    }

    #[test]
    fn no_change_of_bytes_makes_it_panic(at in 0.0..1.0, bytes in prop::collection::vec(any::<u8>(), 1..4)) {
        let mut text = write(&small()).unwrap().into_bytes();
        let at = (at * (text.len() - bytes.len()) as f64) as usize;
        text[at..at + bytes.len()].copy_from_slice(&bytes);
        let _ = read_results(&text);
    }
}

#[test]
fn how_the_run_ended_is_read_back() {
    let text = || "why".to_owned();
    let findings = [
        Finding::interrupted(Signal::Terminate),
        Finding::defect(text()),
        Finding::refused(text()),
        Finding::preparation(text()),
        Finding::server(text()),
        Finding::invalid(text()),
        Finding::violated(text()),
        Finding::no_data(text()),
    ];
    for first in 0..=findings.len() {
        let report = report(None, findings[first..].to_vec());
        let read = back(&report);
        assert_eq!((read.exit_code, &read.findings), (report.exit_code, &report.findings));
        assert_eq!(read.summary, None);
    }
    let read = back(&report(None, vec![Finding::interrupted(Signal::Interrupt)]));
    assert_eq!(read.exit_code, 130);
    assert_eq!((read.seed, read.configuration.as_str()), (u64::MAX, "# \"x\"\n"));
    assert_eq!((read.commit.as_deref(), read.profile.as_deref()), (Some("abc+dirty"), Some("ci")));
    assert_eq!((read.started_unix_ms, read.sentence.as_str()), (1_795_424_818_000, "PASSED: it"));
}

#[test]
fn every_truncation_is_refused() {
    let mut report = small();
    let summary = report.summary.as_mut().unwrap();
    summary.tasks.truncate(1);
    summary.login = None;
    let whole = write(&report).unwrap();
    assert!(read_results(whole.as_bytes()).is_ok());
    for cut in 1..whole.len() {
        let error = read_results(&whole.as_bytes()[..cut]).unwrap_err();
        assert!(matches!(error, ReadError::Cut(_)), "cut at {cut}: {error}");
    }
}

/// The message of the small report with the first of a text replaced.
fn refused(from: &str, to: &str) -> String {
    let text = write(&small()).unwrap();
    assert!(text.contains(from), "no {from:?} in {text}");
    read_results(text.replacen(from, to, 1).as_bytes()).unwrap_err().to_string()
}

#[test]
fn what_contradicts_itself_is_refused_with_its_place() {
    let check = |from: &str, to: &str, part: &str| {
        let said = refused(from, to);
        assert!(said.contains(part), "{from} → {to}: {said}");
    };
    check(
        "\"schema_version\": 1",
        "\"schema_version\": 2",
        "its schema_version is 2, this version",
    );
    check("\"tool\": \"portcullis\"", "\"tool\": \"other\"", "\"tool\" is not");
    check(
        "\"exit_code\": 5",
        "\"exit_code\": 0",
        "its findings mean exit 5, but its exit_code is 0",
    );
    check("\"passed\": false", "\"passed\": true", "passed is true");
    check("\"kind\": \"no data\"", "\"kind\": \"fine\"", "unknown kind of finding \"fine\"");
    check("\"kind\": \"no data\"", "\"kind\": \"violated\"", "does not mean exit 5");
    check("\"aggregate\"", "\"agregate\"", "missing field `aggregate`");
    check("\"requests\": 3", "\"requests\": 4", "contradicts itself: summary.");
    check(
        "\"failures\": 1",
        "\"failures\": 9",
        "contradicts itself: summary.aggregate: 3 requests",
    );
    check("\"stalled\": 0", "\"stalled\": 99", "with_data or stalled");
    check("\"extension_requests\": 0", "\"extension_requests\": 2", "after the window");
    check("\"above\": 2", "\"above\": 3", "more requests are beyond 0.2 ms than were counted");
    check("\"limit_ms\": 0.2", "\"limit_ms\": 0.25", "limits are not the counted limits");
    check("\"max_ms\": 2.345678", "\"max_ms\": -2.0", "-2 is not a latency");
    check("\"max_ms\": 2.345678", "\"max_ms\": null", "2 values without mean, minimum or maximum");
    check("\"mean_ms\": 1.672839", "\"mean_ms\": 7.0", "mean is not between");
    check("\"clipped\": 0", "\"clipped\": 7", "summary.");
    check("\"started_at\": \"2", "\"started_at\": \"x2", "is not a date and time");
    check(
        "\"acknowledgement\": \"system\"",
        "\"acknowledgement\": \"never\"",
        "unknown acknowledgement \"never\"",
    );
    check("\"kind\": \"throttled\"", "\"kind\": \"tired\"", "unknown kind of failure \"tired\"");
    check("\"window_s\": 4.5", "\"window_s\": -4.5", "summary.window_s: -4.5 s is not a duration");
    // The first of these belong to the aggregate: the tasks say otherwise.
    let aggregate = |from: &str, to: &str, part: &str| {
        let text = write(&small()).unwrap();
        let (before, after) = text.split_once("\"aggregate\": {").unwrap();
        assert!(after.contains(from), "no {from:?} in {after}");
        let text = format!("{before}\"aggregate\": {{{}", after.replacen(from, to, 1));
        let said = read_results(text.as_bytes()).unwrap_err().to_string();
        assert!(said.contains(part), "{from} → {to}: {said}");
    };
    aggregate("\"with_data\": 1", "\"with_data\": 0", "with_data is 0, but 1 in the tasks");
    aggregate("\"max_ms\": 2.345678", "\"max_ms\": 2.5", "its latencies or statuses differ");
    aggregate("\"failed_above\": 1", "\"failed_above\": 0", "its latencies or statuses differ");
    aggregate(
        "\"statuses\": [\n        [\n          200",
        "\"statuses\": [\n        [\n          201",
        "or statuses differ",
    );
    let parts = |from: &str, to: &str, part: &str| {
        let text = write(&extra_mixed()).unwrap();
        let (before, after) = text.rsplit_once("\"parts\": {").unwrap();
        assert!(after.contains(from), "no {from:?} in {after}");
        let text = format!("{before}\"parts\": {{{}", after.replacen(from, to, 1));
        let said = read_results(text.as_bytes()).unwrap_err().to_string();
        assert!(said.contains(part), "{from} → {to}: {said}");
    };
    parts("\"stalled\": 0", "\"stalled\": 1", "stalled is 0, but 1 in the parts");
    parts("\"requests\": 2", "\"requests\": 3", "tasks[3].parts.window: 3 requests");
    let other = read_results(b"{ \"name\": 1 }\n").unwrap_err();
    assert!(other.is_foreign(), "{other}");
    let broken = read_results(b"{ \"tool\": } \n").unwrap_err();
    assert!(broken.is_foreign() && broken.to_string().contains("line 1 column 11"), "{broken}");
}

#[test]
fn fields_of_later_versions_are_left_alone() {
    let text = write(&small()).unwrap();
    let later = text.replacen('{', "{ \"novelty\": [1, { \"x\": null }],", 1);
    assert_eq!(read_results(later.as_bytes()).unwrap(), back(&small()));
}
