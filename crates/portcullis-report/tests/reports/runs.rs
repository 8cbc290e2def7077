//! Runs to write reports of: made of drawn latencies and judged by the real judge,
//! with every text that comes from outside given.

use std::time::Duration;

use portcullis_core::event::{Stage, StageEnd, StageRecord};
use portcullis_core::judge::{Finding, Signal, exit_code, in_order, judge};
use portcullis_core::measure::{
    Block, Body, Change, Distribution, ErrorSample, Exemplars, FailureGroup, FailureKind,
    OverLimit, REPORTED_PERCENTILES, Row, SeriesPoint, SlowRequest, Summary, TaskSummary,
    TimeBucket, Usage, UsageAt,
};
use portcullis_core::rng::{Domain, Rng};
use portcullis_core::threshold::{Names, Severity, Threshold, latency_limits, parse};
use portcullis_report::{FirstCall, Machine, PlacedRule, RunRecord, SourceLocations, wording};

/// What a run is made of.
pub struct Recipe {
    pub seconds: u64,
    pub requests_per_second: u64,
    /// Names of the tasks; each has a median of its own.
    pub tasks: Vec<String>,
    /// The median of the first task, in milliseconds.
    pub slow_ms: f64,
    /// One request in so many fails; 0 for none.
    pub fails: u64,
    /// Whether half of the answers stall.
    pub stalls: bool,
    /// A text from outside, put everywhere.
    pub text: String,
    pub fail: Vec<String>,
    pub warn: Vec<String>,
}

/// Texts that break what is careless.
pub const HOSTILE: [&str; 5] = [
    "</script><script>alert(1)</script><img src=x onerror=alert(1)> ]]> --> <svg onload=a()>",
    "\" onmouseover=\"a() ' {{7*7}} \u{1b}[31m\u{202e}\u{0}\u{fffe}\r\n::error::x",
    "| a || b |\n|---|\n`` `c` ``` <details> </code> @you #1 [l](http://x) ![i](x) www.x.org",
    "\\\" \\n # { } $x$ **b** _i_ ~~s~~ :x: &amp; &#60; %0A",
    "<!-- <!DOCTYPE x [<!ENTITY a \"b\">]> <![CDATA[ x",
];

const TASKS: [&str; 10] = [
    "list_claims",
    "get_claim_detail",
    "filter_claims_by_payer",
    "search_claims",
    "get_payer_summary",
    "list_drift_events",
    "filter_drift_by_severity",
    "get_dashboard",
    "list_uploads",
    "list_reports",
];

impl Recipe {
    /// Half a minute of a sound service.
    pub fn sound() -> Self {
        let rules = |rules: &[&str]| rules.iter().map(|rule| (*rule).to_owned()).collect();
        Self {
            seconds: 30,
            requests_per_second: 12,
            tasks: TASKS.map(str::to_owned).to_vec(),
            slow_ms: 9.0,
            fails: 0,
            stalls: false,
            text: "a text".to_owned(),
            fail: rules(&["p95 <= 500ms", "error_rate <= 5%", "p95(list) < 500ms per task"]),
            warn: rules(&["error_rate < 1%", "login.p95 < 2s", "rps >= 1", "mean < 1s"]),
        }
    }

    fn names(&self) -> (Vec<String>, Vec<String>) {
        (self.tasks.clone(), vec!["list".to_owned()])
    }

    fn rules(&self) -> Vec<Threshold> {
        let (tasks, groups) = self.names();
        let names = Names { tasks: &tasks, groups: &groups, labels: &[], login: true };
        let read = |text: &String, severity| parse(text, severity, names).unwrap();
        let fail = self.fail.iter().map(|text| read(text, Severity::Fail));
        fail.chain(self.warn.iter().map(|text| read(text, Severity::Warn))).collect()
    }

    /// The run, judged.
    pub fn run(&self) -> RunRecord {
        let rules = self.rules();
        let summary = self.summary(latency_limits(&rules));
        let verdict = judge(&summary, &rules);
        let lines = verdict.violations().map(|judged| Finding::violated(wording::line(judged)));
        let findings = in_order(lines.collect());
        let exit_code = exit_code(&findings);
        let first = findings.first().map(|first| first.message.clone());
        let why = first.unwrap_or_else(|| "all thresholds passed".to_owned());
        RunRecord {
            sentence: format!("{}: {why}", wording::verdict(exit_code)),
            summary: Some(summary),
            verdict: Some(verdict),
            findings,
            exit_code,
            ..self.begun()
        }
    }

    /// A run that came as far as its server, without a measurement.
    pub fn begun(&self) -> RunRecord {
        let text = &self.text;
        RunRecord {
            started_unix_ms: 1_795_424_789_000,
            commit: Some(format!("4f2c1d9a7b30{}", if text == "a text" { "" } else { text })),
            target: "http://127.0.0.1:8000".to_owned(),
            own_server: true,
            profile: Some(text.clone()),
            seed: 7_340_921,
            given: format!("cargo xtask perf --profile ci --out '{text}'"),
            configuration: format!("# {text}\n{}", include_str!("../../../../perf.toml")),
            places: places(text, &self.rules()),
            machine: machine(text),
            stages: stages(text),
            server_usage: Some(Usage {
                cpu: Duration::from_millis(4_210),
                peak_memory_bytes: 91 << 20,
                voluntary_switches: 8_120,
                involuntary_switches: 311,
            }),
            server_timeline: (1..=8).map(course).collect(),
            server_end: Some(format!("the server stopped on request; {text}")),
            first_round: vec![FirstCall {
                task: text.clone(),
                latency: Duration::from_micros(48_200),
                failure: Some(text.clone()),
            }],
            ..RunRecord::default()
        }
    }

    fn summary(&self, limits: Vec<Duration>) -> Summary {
        let mut rng = Rng::stream(7, Domain::Wait, 0);
        let rows = self.rows(&limits, &mut rng);
        let tasks: Vec<TaskSummary> = self
            .tasks
            .iter()
            .zip(rows)
            .enumerate()
            .map(|(i, (n, r))| task(i, n, r, &self.text))
            .collect();
        let login = Row {
            requests: 5,
            latency: latencies(&[181.0, 190.0, 204.5, 177.0, 196.0]),
            ..row(&limits)
        };
        let lag: Vec<f64> = (0..500).map(|_| 0.05 + rng.unit().powi(4) * 2.5).collect();
        let window = Duration::from_secs(self.seconds);
        let mut summary = Summary {
            window,
            measured: window,
            started_unix_ms: 1_795_424_795_000,
            users_asked: 5,
            users_ran: 5,
            limits,
            changes: vec![Change { at: Duration::from_secs(10), what: self.text.clone() }],
            series: self.series(&mut rng),
            failures: self.failures(&tasks),
            tasks,
            login: Some(TaskSummary {
                name: "login".to_owned(),
                method: "POST".to_owned(),
                label: "/api/v1/auth/token/".to_owned(),
                window: login,
                ..TaskSummary::default()
            }),
            ..Summary::default()
        };
        summary.connects.address = "127.0.0.1:8000".to_owned();
        summary.connects.connect = latencies(&[0.1, 0.12, 0.09]);
        summary.generator.lag = latencies(&lag);
        summary.generator.ran = window;
        summary.generator.cpu = Some(window / 40);
        summary
    }

    fn rows(&self, limits: &[Duration], rng: &mut Rng) -> Vec<Row> {
        let mut values = vec![Vec::new(); self.tasks.len()];
        let mut failed = vec![Vec::new(); self.tasks.len()];
        let mut rows: Vec<Row> = self.tasks.iter().map(|_| row(limits)).collect();
        for second in 0..self.seconds as u32 {
            for _ in 0..self.requests_per_second {
                let index = rng.below(self.tasks.len() as u64) as usize;
                let median = if index == 0 { self.slow_ms } else { 6.0 + 3.0 * index as f64 };
                let stalls = self.stalls && rng.unit() < 0.5;
                let first = median * (0.75 + 0.6 * rng.unit() + rng.unit().powi(12) * 4.0);
                let ms = if stalls { first + 41.0 } else { first };
                let row = &mut rows[index];
                row.requests += 1;
                row.body_bytes += 2_400;
                let is_failed = self.fails > 0 && rng.below(self.fails) == 0;
                note(row, second, limits, ms, is_failed);
                row.failures += u64::from(is_failed);
                if is_failed {
                    failed[index].push(ms);
                } else {
                    row.stalled += u64::from(stalls);
                    row.with_data += 1;
                    values[index].push((ms, first));
                }
            }
        }
        for ((row, values), failed) in rows.iter_mut().zip(values).zip(failed) {
            row.failed_latency = latencies(&failed);
            row.latency = latencies(&values.iter().map(|(ms, _)| *ms).collect::<Vec<_>>());
            row.first_byte = latencies(&values.iter().map(|(_, first)| *first).collect::<Vec<_>>());
        }
        rows
    }

    fn series(&self, rng: &mut Rng) -> Vec<SeriesPoint> {
        let mut second = |second: u64| {
            let base = 12.0 + 3.0 * (second as f64 / 40.0).sin() + 2.0 * rng.unit();
            let base = base * (self.slow_ms / 9.0).powf(0.4);
            SeriesPoint {
                second,
                users: (second + 1).min(5) as u32,
                requests: self.requests_per_second + rng.below(3),
                failures: if self.fails > 0 { rng.below(3) / 2 } else { 0 },
                percentiles_ms: (0..REPORTED_PERCENTILES.len())
                    .map(|n| base * 1.22f64.powi(n as i32))
                    .collect(),
                ..SeriesPoint::default()
            }
        };
        (0..self.seconds).map(&mut second).collect()
    }

    fn failures(&self, tasks: &[TaskSummary]) -> Vec<FailureGroup> {
        let failed = tasks.iter().filter(|task| task.window.failures > 0);
        failed
            .map(|task| FailureGroup {
                task: task.name.clone(),
                method: "GET".to_owned(),
                kind: FailureKind::Status,
                message: format!("status 500, {}", self.text),
                count: task.window.failures,
                first_unix_ms: 1_795_424_799_000,
                last_unix_ms: 1_795_424_812_000,
            })
            .collect()
    }
}

fn row(limits: &[Duration]) -> Row {
    let none = vec![OverLimit::default(); limits.len()];
    Row { beyond: none.clone(), failed_beyond: none, ..Row::default() }
}

fn note(row: &mut Row, second: u32, limits: &[Duration], ms: f64, is_failed: bool) {
    let beyond = limits.iter().map(|limit| {
        let n = u64::from(ms > limit.as_secs_f64() * 1e3 && !is_failed);
        OverLimit { above: n, at_or_above: n }
    });
    let beyond: Vec<OverLimit> = beyond.collect();
    for (sum, one) in row.beyond.iter_mut().zip(&beyond) {
        sum.above += one.above;
        sum.at_or_above += one.at_or_above;
    }
    let block = match row.blocks.last_mut() {
        Some(block) if block.second == second => block,
        _ => {
            row.blocks.push(Block {
                second,
                beyond: vec![OverLimit::default(); limits.len()],
                ..Block::default()
            });
            row.blocks.last_mut().unwrap()
        }
    };
    block.requests += 1;
    block.failures += u32::from(is_failed);
    for (sum, one) in block.beyond.iter_mut().zip(&beyond) {
        sum.above += one.above;
        sum.at_or_above += one.at_or_above;
    }
}

/// What is kept of a task's requests, with a text from outside as a body.
fn samples(window: &Row, text: &str) -> Exemplars {
    let at = Duration::from_millis(1_234);
    let error = |body| ErrorSample { at, status: 500, kind: FailureKind::Status, body };
    let none = Body { bytes: 70_000, text: None };
    let bodies = [Body { bytes: 4_096, text: Some(format!("{text}\n{text}…")) }, none];
    let slow = |latency| SlowRequest { at, latency, status: 200 };
    let slowest = Duration::from_nanos(window.latency.max_ns);
    Exemplars {
        errors: bodies.map(error).into_iter().filter(|_| window.failures > 0).collect(),
        slowest: vec![slow(slowest), SlowRequest { status: 0, ..slow(slowest / 3) }],
    }
}

fn task(index: usize, name: &str, window: Row, text: &str) -> TaskSummary {
    TaskSummary {
        name: name.to_owned(),
        group: Some(if index == 1 { "detail" } else { "list" }.to_owned()),
        method: "GET".to_owned(),
        label: format!("/api/v1/{text}/{{id}}/"),
        weight: 3,
        needs_data: true,
        samples: samples(&window, text),
        window,
        timeline: (0..48).map(|second| step(index as f64, second)).collect(),
        ..TaskSummary::default()
    }
}

fn step(index: f64, second: u64) -> TimeBucket {
    TimeBucket {
        at: Duration::from_secs(second),
        requests: 12,
        failures: u64::from(second == 20),
        p50_ms: Some(6.0 + index),
        p95_ms: Some(12.0 + index * 3.0 + (second % 5) as f64),
    }
}

/// A distribution of these milliseconds, in buckets of 0.1 %.
pub fn latencies(values_ms: &[f64]) -> Distribution {
    if values_ms.is_empty() {
        return Distribution::default();
    }
    let mut buckets = std::collections::BTreeMap::new();
    for ms in values_ms {
        let us = (ms * 1e3).max(1.0);
        let width = (10f64.powf(us.log10().floor()) / 1e3).max(1.0);
        *buckets.entry(((us / width).ceil() * width) as u64).or_insert(0) += 1;
    }
    let ns = |ms: f64| (ms * 1e6) as u64;
    Distribution {
        count: values_ms.len() as u64,
        sum_ns: values_ms.iter().map(|ms| u128::from(ns(*ms))).sum(),
        min_ns: ns(values_ms.iter().copied().fold(f64::MAX, f64::min).min(1e12)),
        max_ns: ns(values_ms.iter().copied().fold(0.0, f64::max)),
        buckets: buckets.into_iter().collect(),
        clipped: 0,
    }
}

/// Each rule on a line of its own.
fn places(text: &str, rules: &[Threshold]) -> SourceLocations {
    let placed = |(at, rule): (usize, &Threshold)| PlacedRule {
        severity: rule.severity,
        text: rule.text.clone(),
        line: 200 + at,
    };
    let file = if text == "a text" { "perf.toml".to_owned() } else { format!("{text}/perf.toml") };
    SourceLocations {
        file,
        rules: rules.iter().enumerate().map(placed).collect(),
        against: Some(300),
    }
}

fn machine(text: &str) -> Machine {
    Machine {
        system: "linux x86_64".to_owned(),
        cores: 2,
        processor: Some(format!("Processor {text}")),
        memory_bytes: Some(24 << 30),
        load_at_start: Some(0.42),
        governor: Some(text.to_owned()),
        quota_cores: None,
        steal_share: Some(0.003),
    }
}

fn stages(text: &str) -> Vec<StageRecord> {
    let record = |stage, ms, end, detail: &str| StageRecord {
        stage,
        took: Duration::from_millis(ms),
        end,
        detail: detail.to_owned(),
        log: None,
        advice: None,
    };
    vec![
        record(Stage::Environment, 14, StageEnd::Cached, "Python 3.11.7"),
        record(Stage::Install, 9, StageEnd::Cached, "27 packages"),
        record(Stage::Migrate, 1_820, StageEnd::Completed, text),
        record(Stage::Seed, 2_410, StageEnd::Completed, "user_a is there"),
        record(Stage::Serve, 31, StageEnd::Completed, "port 8000"),
        record(Stage::Ready, 1_902, StageEnd::Completed, "healthy, verified as our process"),
        record(Stage::Load, 30_230, StageEnd::Completed, "358 requests"),
        record(Stage::Judge, 2, StageEnd::Failed(text.to_owned()), ""),
    ]
}

/// Half a core, and a little more memory each second.
fn course(second: u64) -> UsageAt {
    let at = Duration::from_secs(second);
    UsageAt { at, cpu: at / 2, memory_bytes: (80 + second) << 20 }
}

/// A run that was ended by its user in mid-load.
pub fn interrupted() -> RunRecord {
    let mut run = Recipe::sound().run();
    if let Some(summary) = &mut run.summary {
        summary.measured = Duration::from_secs(12);
        summary.series.truncate(12);
    }
    run.verdict = None;
    run.findings = vec![Finding::interrupted(Signal::Interrupt)];
    run.exit_code = 130;
    run.sentence = "INTERRUPTED: interrupted (Ctrl-C)".to_owned();
    run
}

/// A run whose server died before anything was measured.
pub fn broken() -> RunRecord {
    let message = "the server ended before it was ready: exit status 1".to_owned();
    RunRecord {
        findings: vec![Finding::server(message.clone())],
        exit_code: 4,
        sentence: format!("ERROR: {message}"),
        ..Recipe::sound().begun()
    }
}

/// A red run: a task is too slow, some requests fail, answers stall.
pub fn red() -> RunRecord {
    let recipe = Recipe { slow_ms: 460.0, fails: 25, stalls: true, ..Recipe::sound() };
    let fail = ["p95 <= 500ms", "error_rate <= 3%", "p95(list) < 500ms per task"];
    Recipe { fail: fail.map(str::to_owned).to_vec(), ..recipe }.run()
}

/// A run in which everything from outside is this text.
pub fn hostile(text: &str) -> RunRecord {
    let mut recipe = Recipe { text: text.to_owned(), fails: 3, seconds: 4, ..Recipe::sound() };
    recipe.fail = vec!["error_rate <= 1%".to_owned(), "p95 < 1ms per task".to_owned()];
    let mut run = recipe.run();
    let findings = [Finding::server, Finding::invalid, Finding::no_data];
    run.findings.extend(findings.map(|finding| finding(text.to_owned())));
    run.findings = in_order(run.findings);
    run.exit_code = exit_code(&run.findings);
    run.sentence = format!("FAILED: {text}");
    run.target = format!("http://127.0.0.1:8000/{text}");
    let rename = |name: &mut String| *name = format!("{name}{text}");
    if let Some(summary) = &mut run.summary {
        summary.tasks.iter_mut().for_each(|task| {
            rename(&mut task.name);
            task.group = Some(text.to_owned());
            task.method = text.to_owned();
        });
        summary.failures.iter_mut().for_each(|group| rename(&mut group.task));
        summary.connects.address = text.to_owned();
    }
    if let Some(verdict) = &mut run.verdict {
        verdict.silent_tasks = vec![text.to_owned()];
        for judged in &mut verdict.judged {
            judged.rule.scope = portcullis_core::threshold::Scope::Task(text.to_owned());
            judged.rule.text = text.to_owned();
        }
    }
    run
}

/// An hour with ten tasks.
pub fn hour() -> RunRecord {
    let recipe = Recipe { seconds: 3_600, requests_per_second: 40, fails: 900, ..Recipe::sound() };
    recipe.run()
}
