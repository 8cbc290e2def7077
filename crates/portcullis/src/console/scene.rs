//! A scripted run: the events of a red run and its record, with fixed figures. The pictures
//! of the terminal are made from it.

use std::path::Path;
use std::time::Duration;

use portcullis_core::compare::{
    self, Comparison, Decision, Effect, ErrorRise, Sides, TaskComparison,
};
use portcullis_core::event::{Event, PairProgress, Progress, Sink, Stage, StageEnd, StageRecord};
use portcullis_core::evidence::State;
use portcullis_core::judge::{Finding, findings, headline, in_order, judge};
use portcullis_core::measure::{
    Distribution, FailureGroup, FailureKind, OverLimit, Row, Summary, TaskSummary,
};
use portcullis_core::steering::RuleStatus;
use portcullis_core::threshold::{Names, Severity, Threshold, latency_limits, parse};
use portcullis_report::RunRecord;

use super::{Console, ConsoleOptions, FinalOutput};

const SECOND: Duration = Duration::from_secs(1);

/// Tasks with their requests, their failures, and their median in milliseconds.
const TASKS: [(&str, u64, u64, f64); 5] = [
    ("list_claims", 96, 0, 9.3),
    ("get_claim_detail", 58, 4, 188.0),
    ("filter_claims_by_payer", 61, 0, 21.7),
    ("get_dashboard", 80, 0, 14.2),
    ("list_reports", 48, 1, 512.0),
];
const FAIL: [&str; 4] =
    ["p95 <= 500ms", "error_rate <= 1%", "p95(list_reports) < 500ms", "p95(get_claim_detail) < 1s"];
const WARN: [&str; 3] = ["login.p95 < 2s", "rps >= 20", "p50(list_claims) <= base"];

/// Plays a scene on a new console: `panel` up to the middle of the load, `load` to its end,
/// `end` to the end of the run, `against` with a comparison.
pub fn play(name: &str) -> Console {
    let console = Console::new(ConsoleOptions::default());
    let is_compared = name == "against";
    let mut stages: Vec<(Stage, Option<Duration>)> =
        [Stage::Install, Stage::Ready, Stage::Load].map(|stage| (stage, None)).to_vec();
    stages.extend(is_compared.then_some((Stage::Pairs, Some(60 * SECOND))));
    stages.extend([Stage::Judge, Stage::Collect, Stage::Stop].map(|stage| (stage, None)));
    console.open("/home/a/service: 5 users for 30 s, one more each second, seed 7", stages);
    let ended = |stage, ms, end, detail: &str| {
        let took = Duration::from_millis(ms);
        let detail = detail.to_owned();
        console.event(&Event::StageEnded(StageRecord {
            stage,
            took,
            end,
            detail,
            log: None,
            advice: None,
        }));
    };
    console.event(&Event::StageStarted(Stage::Install));
    ended(Stage::Install, 9, StageEnd::Cached, "27 packages for Python 3.11.7");
    console.event(&Event::Warning(
        "the machine has a load of 7.9 on 2 cores: figures will be worse than usual".to_owned(),
    ));
    console.event(&Event::StageStarted(Stage::Ready));
    ended(Stage::Ready, 1_902, StageEnd::Completed, "/health/ is healthy, verified as our process");
    console.event(&Event::StageStarted(Stage::Load));
    let seconds = if name == "panel" { 12 } else { 30 };
    (1..=seconds).for_each(|second| console.event(&Event::Progress(progress(second))));
    if name == "panel" {
        return console;
    }
    ended(Stage::Load, 30_214, StageEnd::Completed, "343 requests");
    if is_compared {
        console.event(&Event::StageStarted(Stage::Pairs));
        let progress = PairProgress { elapsed: 31 * SECOND, limit: 60 * SECOND, pairs: 642 };
        console.event(&Event::Pairs(progress));
        ended(Stage::Pairs, 41_000, StageEnd::Completed, "1,070 pairs");
    }
    if name == "load" {
        return console;
    }
    let report = report(is_compared);
    console.event(&Event::StageStarted(Stage::Judge));
    let why = report.findings.first().map_or(String::new(), |f| f.message.clone());
    ended(Stage::Judge, 2, StageEnd::Failed(why), "");
    console.event(&Event::StageStarted(Stage::Collect));
    ended(Stage::Collect, 12, StageEnd::Completed, ".portcullis");
    let end = FinalOutput {
        artifacts: Path::new(".portcullis"),
        log: Some(".portcullis/logs/server.log"),
        page: Some(Path::new(".portcullis/perf_results.html")),
        advice: &[],
    };
    console.end(&report, &end);
    console
}

fn progress(second: u32) -> Progress {
    let rule = |text: &str, severity, state| RuleStatus { rule: text.to_owned(), severity, state };
    Progress {
        elapsed: SECOND * second,
        window: SECOND * 30,
        users: (second.min(5), 5),
        requests: (u64::from(second) * 11, u64::from(second / 6)),
        last_second: 11,
        p95_ms: (second > 1).then(|| 240.0 + f64::from(second * 37 % 23) * 14.0),
        failures: if second < 6 {
            vec![]
        } else {
            vec![(FailureKind::Status, u64::from(second / 6))]
        },
        late: Duration::from_micros(310),
        rules: vec![
            rule("p95 <= 500 ms", Severity::Fail, Some(State::InDoubt)),
            rule("error_rate <= 1.00 %", Severity::Fail, Some(State::InDoubt)),
            rule("p95(list_reports) < 500 ms", Severity::Fail, Some(State::Violated)),
            rule("p95(get_claim_detail) < 1.00 s", Severity::Fail, Some(State::Unbroken)),
            rule("login.p95 < 2.00 s", Severity::Warn, Some(State::Unbroken)),
            rule("rps >= 20", Severity::Warn, None),
        ],
        extending_for: Vec::new(),
    }
}

/// Fixed values around a median, from 0.6 to 1.8 times of it.
fn latencies(count: u64, median_ms: f64) -> Vec<f64> {
    let place = |n: u64| (n * 37 % count) as f64 / count as f64;
    (0..count).map(|n| median_ms * (0.6 + 0.8 * place(n) + 0.4 * place(n).powi(6))).collect()
}

fn row(count: u64, failures: u64, median_ms: f64, limits: &[Duration]) -> Row {
    let values = latencies(count - failures, median_ms);
    let beyond = |limit: &Duration| {
        let above = values.iter().filter(|ms| **ms > limit.as_secs_f64() * 1e3).count() as u64;
        OverLimit { above, at_or_above: above }
    };
    Row {
        requests: count,
        failures,
        body_bytes: count * 2_480,
        latency: distribution(&values),
        first_byte: distribution(&latencies(count - failures, median_ms * 0.9)),
        beyond: limits.iter().map(beyond).collect(),
        failed_beyond: vec![OverLimit::default(); limits.len()],
        ..Row::default()
    }
}

fn distribution(values_ms: &[f64]) -> Distribution {
    let mut buckets = std::collections::BTreeMap::new();
    for ms in values_ms {
        *buckets.entry((ms * 1e3).ceil() as u64).or_insert(0) += 1;
    }
    let ns = |ms: f64| (ms * 1e6) as u64;
    Distribution {
        count: values_ms.len() as u64,
        sum_ns: values_ms.iter().map(|ms| u128::from(ns(*ms))).sum(),
        min_ns: ns(values_ms.iter().copied().fold(f64::MAX, f64::min)),
        max_ns: ns(values_ms.iter().copied().fold(0.0, f64::max)),
        buckets: buckets.into_iter().collect(),
        clipped: 0,
    }
}

fn rules() -> Vec<Threshold> {
    let tasks = TASKS.map(|(name, ..)| name.to_owned());
    let names = Names { tasks: &tasks, groups: &[], labels: &[], login: true };
    let read = |severity| move |text: &&str| parse(text, severity, names).unwrap();
    FAIL.iter().map(read(Severity::Fail)).chain(WARN.iter().map(read(Severity::Warn))).collect()
}

fn summary(limits: Vec<Duration>) -> Summary {
    let task = |(name, count, failures, ms): (&str, u64, u64, f64)| TaskSummary {
        name: name.to_owned(),
        method: "GET".to_owned(),
        weight: 1,
        needs_data: false,
        window: row(count, failures, ms, &limits),
        ..TaskSummary::default()
    };
    let failure = |task: &str, message: &str, count| FailureGroup {
        task: task.to_owned(),
        method: "GET".to_owned(),
        kind: FailureKind::Status,
        message: message.to_owned(),
        count,
        first_unix_ms: 0,
        last_unix_ms: 0,
    };
    let mut summary = Summary {
        window: 30 * SECOND,
        measured: 30 * SECOND,
        users_asked: 5,
        users_ran: 5,
        tasks: TASKS.map(task).to_vec(),
        login: Some(task(("login", 5, 0, 190.0))),
        failures: vec![
            failure(
                "get_claim_detail",
                "status 500 instead of 200: \"{\\\"detail\\\": \\\"database is locked\\\"}\"",
                4,
            ),
            failure("list_reports", "status 503 instead of 200", 1),
        ],
        limits,
        ..Summary::default()
    };
    summary.generator.lag = distribution(&latencies(500, 0.2));
    summary
}

fn report(is_compared: bool) -> RunRecord {
    let rules = rules();
    let summary = summary(latency_limits(&rules));
    let verdict = judge(&summary, &rules);
    let comparison = is_compared.then(comparison);
    let mut found = findings::of_verdict(&verdict, false);
    found.extend(comparison.iter().flat_map(|both| compare::findings(both, false)));
    let findings: Vec<Finding> = in_order(found);
    let stage = |stage, ms, end| StageRecord {
        stage,
        took: Duration::from_millis(ms),
        end,
        detail: String::new(),
        log: None,
        advice: None,
    };
    RunRecord {
        given: "portcullis perf --profile ci --out .portcullis".to_owned(),
        seed: 7_340_921,
        stages: vec![
            stage(Stage::Install, 9, StageEnd::Cached),
            stage(Stage::Ready, 1_902, StageEnd::Completed),
            stage(Stage::Load, 30_214, StageEnd::Completed),
            stage(Stage::Judge, 2, StageEnd::Failed("why".to_owned())),
            stage(Stage::Collect, 12, StageEnd::Completed),
            stage(Stage::Stop, 104, StageEnd::Completed),
        ],
        sentence: headline::headline(&findings).unwrap(),
        summary: Some(summary),
        verdict: Some(verdict),
        comparison,
        findings,
        exit_code: 1,
        ..RunRecord::default()
    }
}

fn comparison() -> Comparison {
    let effect = |median: f64, width: f64| Effect {
        pairs: 214,
        median,
        mean: median,
        low: median / width,
        high: median * width,
        at_most: median * width * 0.99,
    };
    let task = |(name, _, _, ms): (&str, u64, u64, f64), decision, effect: Effect| TaskComparison {
        name: name.to_owned(),
        pairs: 214,
        decision,
        decided_after: None,
        p50_ms: Sides { base: Some(ms), candidate: Some(ms * effect.median) },
        p95_ms: Sides { base: None, candidate: None },
        tail: ErrorRise::default(),
        cpu: Some(Effect { median: 1.01, ..effect }),
        rise: ErrorRise::default(),
        failures: Sides { base: 0, candidate: 0 },
        base_lacks: None,
        effect: Some(effect),
    };
    Comparison {
        asked: "merge-base".to_owned(),
        commit: "77de41c05ab1".to_owned(),
        took: 41 * SECOND,
        limit: 60 * SECOND,
        unplaced: None,
        overrides: Vec::new(),
        tasks: vec![
            task(TASKS[0], Decision::Slower, effect(1.34, 1.08)),
            task(TASKS[1], Decision::NotSlower, effect(1.004, 1.03)),
            task(TASKS[2], Decision::Undecided, effect(1.05, 1.12)),
            task(TASKS[3], Decision::NotSlower, effect(0.98, 1.02)),
            task(TASKS[4], Decision::NotSlower, effect(1.01, 1.03)),
        ],
        pairs: Vec::new(),
        names: Vec::new(),
        ..Comparison::default()
    }
}
