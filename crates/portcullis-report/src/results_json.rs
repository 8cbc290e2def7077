//! `perf_results.json`: wire structs of its own, so that the core's types can
//! change without changing the format.

use std::time::{Duration, UNIX_EPOCH};

use portcullis_core::distribution::Distribution;
use portcullis_core::event::{StageEnd, StageRecord};
use portcullis_core::remarks::remarks;
use portcullis_core::summary::{Acknowledgement, Connects, Row, SHOWN, Summary, TaskSummary, Tls};
use portcullis_core::threshold::{Severity, Unit};
use portcullis_core::verdict::{Judged, Judgement};
use serde::Serialize;

use crate::against_json::WireAgainst;
use crate::baseline_json::{WireBaseline, WireDerived};
use crate::evidence_json::WireEvidence;
use crate::run::RunReport;

/// Raised when a field changes its meaning or goes; new fields leave it.
pub const SCHEMA_VERSION: u32 = 1;

#[derive(Serialize)]
struct Results<'a> {
    schema_version: u32,
    tool: &'static str,
    tool_version: &'static str,
    started_at: String,
    commit: Option<&'a str>,
    exit_code: u8,
    passed: bool,
    sentence: &'a str,
    findings: Vec<Finding<'a>>,
    thresholds: Vec<Threshold>,
    silent_tasks: &'a [String],
    target: &'a str,
    own_server: bool,
    profile: Option<&'a str>,
    seed: u64,
    command: String,
    machine: Machine<'a>,
    stages: Vec<Stage<'a>>,
    server: Option<Server<'a>>,
    first_round: Vec<FirstCall<'a>>,
    summary: Option<WireSummary<'a>>,
    against: Option<WireAgainst<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    against_repeated: Vec<WireAgainst<'a>>,
    baseline: Option<WireBaseline<'a>>,
    acceptable: bool,
    configuration_hash: &'a str,
    configuration: &'a str,
}

#[derive(Serialize)]
struct Finding<'a> {
    kind: &'static str,
    exit_code: u8,
    message: &'a str,
}

#[derive(Serialize)]
struct Threshold {
    rule: String,
    in_words: String,
    scope: String,
    metric: String,
    severity: &'static str,
    judgement: &'static str,
    /// Why it was not judged.
    reason: Option<String>,
    value: Option<f64>,
    /// Null for a limit that was never known.
    limit: Option<f64>,
    unit: &'static str,
    samples: u64,
    beyond_limit: Option<u64>,
    evidence: Option<WireEvidence>,
    /// What the limit was taken from.
    baseline: Option<WireDerived>,
}

#[derive(Serialize)]
struct Machine<'a> {
    system: &'a str,
    cores: usize,
    processor: Option<&'a str>,
    memory_bytes: Option<u64>,
    load_at_start: Option<f64>,
    governor: Option<&'a str>,
    quota_cores: Option<f64>,
    steal_share: Option<f64>,
}

/// Our own server.
#[derive(Serialize)]
struct Server<'a> {
    /// Over the load window; null if it did not come so far.
    cpu_s: Option<f64>,
    peak_memory_bytes: Option<u64>,
    voluntary_switches: Option<u64>,
    involuntary_switches: Option<u64>,
    /// How it ended.
    end: &'a str,
}

#[derive(Serialize)]
struct Stage<'a> {
    stage: &'static str,
    took_s: f64,
    end: &'static str,
    detail: &'a str,
    failure: Option<&'a str>,
}

#[derive(Serialize)]
struct FirstCall<'a> {
    task: &'a str,
    latency_ms: f64,
    failure: Option<&'a str>,
}

#[derive(Serialize)]
struct WireSummary<'a> {
    started_at: String,
    window_s: f64,
    measured_s: f64,
    users_asked: u32,
    users_ran: u32,
    arrivals: Option<WireArrivals>,
    connections: WireConnections<'a>,
    ended_early: Option<&'a str>,
    resent: u64,
    reopened: u64,
    requests_per_s: f64,
    /// What a reader must know beside the numbers.
    remarks: Vec<String>,
    warm_up: WireRow,
    generator: WireGenerator,
    aggregate: WireRow,
    login: Option<WireTask<'a>>,
    tasks: Vec<WireTask<'a>>,
    failures: Vec<WireFailure<'a>>,
    series: Vec<WireSecond<'a>>,
}

/// The schedule of an open load.
#[derive(Serialize)]
struct WireArrivals {
    scheduled: u64,
    queued: u64,
    unstarted: u64,
}

#[derive(Serialize)]
struct WireConnections<'a> {
    address: &'a str,
    acknowledgement: &'static str,
    tls: &'static str,
    connect: WireDistribution,
    handshake: WireDistribution,
}

/// How well the load generator itself did.
#[derive(Serialize)]
struct WireGenerator {
    /// Whether the system granted a niceness of -10.
    punctual: bool,
    spawn_lag: WireDistribution,
    lag: WireDistribution,
    cpu_s: Option<f64>,
    run_queue_s: Option<f64>,
}

#[derive(Serialize)]
struct WireTask<'a> {
    name: &'a str,
    group: Option<&'a str>,
    method: &'a str,
    path: &'a str,
    weight: u32,
    /// Requests made after the planned window, because there were none in it.
    extension_requests: u64,
    #[serde(flatten)]
    row: WireRow,
}

#[derive(Serialize)]
struct WireRow {
    requests: u64,
    failures: u64,
    error_rate: Option<f64>,
    mean_body_bytes: f64,
    latency: WireDistribution,
    failed_latency: WireDistribution,
    /// From sending to the first byte of a good answer.
    first_byte: WireDistribution,
    /// From sending to the last byte, where `latency` counts from the schedule.
    service: Option<WireDistribution>,
    /// Good answers whose last byte came 35 to 50 ms after the first.
    stalled: u64,
    /// Requests given up when the grace after the load ended.
    cut: u64,
    /// Good answers with a status from 200 to 299.
    with_data: u64,
    /// `[status, answers]`, good and failed, ascending.
    statuses: Vec<(u16, u64)>,
    beyond_limits: Vec<WireBeyond>,
}

#[derive(Serialize)]
struct WireBeyond {
    limit_ms: f64,
    above: u64,
    at_or_above: u64,
    failed_above: u64,
    failed_at_or_above: u64,
}

#[derive(Serialize)]
struct WireDistribution {
    count: u64,
    mean_ms: Option<f64>,
    min_ms: Option<f64>,
    max_ms: Option<f64>,
    percentiles_ms: serde_json::Map<String, serde_json::Value>,
    /// Values above the last bucket.
    clipped: u64,
    /// `[upper end in µs, count]`, ascending.
    buckets_us: Vec<(u64, u64)>,
}

#[derive(Serialize)]
struct WireFailure<'a> {
    task: &'a str,
    kind: &'static str,
    message: &'a str,
    count: u64,
    first_seen: String,
    last_seen: String,
}

#[derive(Serialize)]
struct WireSecond<'a> {
    second: u64,
    users: u32,
    requests: u64,
    failures: u64,
    percentiles_ms: &'a [f64],
}

/// The instant as RFC 3339 in UTC, to the millisecond.
pub fn rfc3339(unix_ms: u64) -> String {
    humantime::format_rfc3339_millis(UNIX_EPOCH + Duration::from_millis(unix_ms)).to_string()
}

/// Writes the results.
///
/// # Errors
/// A number that JSON cannot hold: a defect.
pub fn write(run: &RunReport) -> Result<String, serde_json::Error> {
    let verdict = run.verdict.as_ref();
    let results = Results {
        schema_version: SCHEMA_VERSION,
        tool: "portcullis",
        tool_version: env!("CARGO_PKG_VERSION"),
        started_at: rfc3339(run.started_unix_ms),
        commit: run.commit.as_deref(),
        exit_code: run.exit_code,
        passed: run.exit_code == 0,
        sentence: &run.sentence,
        findings: run
            .findings
            .iter()
            .map(|f| Finding { kind: f.kind(), exit_code: f.exit_code(), message: f.message() })
            .collect(),
        thresholds: verdict.iter().flat_map(|v| &v.judged).map(threshold).collect(),
        silent_tasks: verdict.map_or(&[], |verdict| &verdict.silent_tasks),
        target: &run.target,
        own_server: run.own_server,
        profile: run.profile.as_deref(),
        seed: run.seed,
        command: run.command(),
        machine: machine(run),
        stages: run.stages.iter().map(stage).collect(),
        server: run.server_end.as_deref().map(|end| Server {
            cpu_s: run.server_usage.map(|used| used.cpu.as_secs_f64()),
            peak_memory_bytes: run.server_usage.map(|used| used.peak_memory_bytes),
            voluntary_switches: run.server_usage.map(|used| used.voluntary_switches),
            involuntary_switches: run.server_usage.map(|used| used.involuntary_switches),
            end,
        }),
        first_round: run
            .first_round
            .iter()
            .map(|call| FirstCall {
                task: &call.task,
                latency_ms: call.latency.as_secs_f64() * 1e3,
                failure: call.failure.as_deref(),
            })
            .collect(),
        summary: run.summary.as_ref().map(summary),
        against: run.comparison.as_ref().map(WireAgainst::new),
        against_repeated: run.repeated.iter().map(WireAgainst::new).collect(),
        baseline: run.baseline.as_ref().map(WireBaseline::new),
        acceptable: run.acceptable,
        configuration_hash: &run.configuration_hash,
        configuration: &run.configuration,
    };
    let mut text = serde_json::to_string_pretty(&results)?;
    text.push('\n');
    Ok(text)
}

fn machine(run: &RunReport) -> Machine<'_> {
    Machine {
        system: &run.machine.system,
        cores: run.machine.cores,
        processor: run.machine.processor.as_deref(),
        memory_bytes: run.machine.memory_bytes,
        load_at_start: run.machine.load_at_start,
        governor: run.machine.governor.as_deref(),
        quota_cores: run.machine.quota_cores,
        steal_share: run.machine.steal_share,
    }
}

fn threshold(judged: &Judged) -> Threshold {
    let rule = &judged.rule;
    Threshold {
        rule: rule.text.clone(),
        in_words: rule.in_words(),
        scope: rule.scope.to_string(),
        metric: rule.metric.to_string(),
        severity: match rule.severity {
            Severity::Fail => "fail",
            Severity::Warn => "warn",
        },
        judgement: match judged.judgement {
            Judgement::Holds => "holds",
            Judgement::Violated => "violated",
            Judgement::NoData => "no data",
            Judgement::NotJudged => "not judged",
        },
        reason: judged.reason.clone(),
        value: judged.value,
        limit: Some(rule.limit.value()).filter(|limit| limit.is_finite()),
        unit: match rule.unit() {
            Unit::Milliseconds => "ms",
            Unit::Fraction => "fraction",
            Unit::Number => "number",
            Unit::Bytes => "bytes",
        },
        samples: judged.samples,
        beyond_limit: judged.beyond,
        evidence: judged.evidence.as_ref().map(WireEvidence::new),
        baseline: WireDerived::new(rule),
    }
}

fn stage(record: &StageRecord) -> Stage<'_> {
    let (end, failure) = match &record.end {
        StageEnd::Done => ("done", None),
        StageEnd::Cached => ("cached", None),
        StageEnd::Failed(why) => ("failed", Some(why.as_str())),
    };
    let took_s = record.took.as_secs_f64();
    Stage { stage: record.stage.name(), took_s, end, detail: &record.detail, failure }
}

fn summary(summary: &Summary) -> WireSummary<'_> {
    let aggregate = summary.aggregate();
    WireSummary {
        started_at: rfc3339(summary.started_unix_ms),
        window_s: summary.window.as_secs_f64(),
        measured_s: summary.measured.as_secs_f64(),
        users_asked: summary.users_asked,
        users_ran: summary.users_ran,
        arrivals: summary.arrivals.map(|arrivals| WireArrivals {
            scheduled: arrivals.scheduled,
            queued: arrivals.queued,
            unstarted: arrivals.unstarted,
        }),
        connections: connections(&summary.connects),
        ended_early: summary.ended_early.as_deref(),
        resent: summary.resent,
        reopened: summary.reopened,
        remarks: remarks(summary),
        warm_up: row(&summary.warm_up, summary),
        requests_per_s: summary.rate(aggregate.requests),
        generator: WireGenerator {
            punctual: summary.generator.is_punctual,
            spawn_lag: distribution(&summary.generator.spawn_lag),
            lag: distribution(&summary.generator.lag),
            cpu_s: summary.generator.cpu.map(|cpu| cpu.as_secs_f64()),
            run_queue_s: summary.generator.run_queue.map(|wait| wait.as_secs_f64()),
        },
        aggregate: row(&aggregate, summary),
        login: summary.login.as_ref().map(|login| task(login, summary)),
        tasks: summary.tasks.iter().map(|one| task(one, summary)).collect(),
        failures: summary
            .failures
            .iter()
            .map(|group| WireFailure {
                task: &group.task,
                kind: group.kind.name(),
                message: &group.message,
                count: group.count,
                first_seen: rfc3339(group.first_unix_ms),
                last_seen: rfc3339(group.last_unix_ms),
            })
            .collect(),
        series: summary
            .series
            .iter()
            .map(|second| WireSecond {
                second: second.second,
                users: second.users,
                requests: second.requests,
                failures: second.failures,
                percentiles_ms: &second.percentiles_ms,
            })
            .collect(),
    }
}

fn connections(connects: &Connects) -> WireConnections<'_> {
    WireConnections {
        address: &connects.address,
        acknowledgement: match connects.acknowledgement {
            Acknowledgement::AtOnce => "at once",
            Acknowledgement::System => "system",
            Acknowledgement::ConnectionClose => "a connection for each request",
        },
        tls: match connects.tls {
            Tls::Off => "off",
            Tls::Verified => "verified",
            Tls::Insecure => "insecure",
        },
        connect: distribution(&connects.connect),
        handshake: distribution(&connects.handshake),
    }
}

fn task<'a>(task: &'a TaskSummary, summary: &Summary) -> WireTask<'a> {
    WireTask {
        name: &task.name,
        group: task.group.as_deref(),
        method: &task.method,
        path: &task.label,
        weight: task.weight,
        extension_requests: task.requests_after(),
        row: row(&task.judged(), summary),
    }
}

fn row(row: &Row, summary: &Summary) -> WireRow {
    let limits = summary.limits.iter().zip(row.beyond.iter().zip(&row.failed_beyond));
    WireRow {
        requests: row.requests,
        failures: row.failures,
        error_rate: row.error_rate(),
        mean_body_bytes: row.mean_body_bytes(),
        latency: distribution(&row.latency),
        failed_latency: distribution(&row.failed_latency),
        first_byte: distribution(&row.first_byte),
        service: summary.arrivals.map(|_| distribution(&row.service)),
        stalled: row.stalled,
        cut: row.cut,
        with_data: row.with_data,
        statuses: row.statuses.clone(),
        beyond_limits: limits
            .map(|(limit, (beyond, failed))| WireBeyond {
                limit_ms: limit.as_secs_f64() * 1e3,
                above: beyond.above,
                at_or_above: beyond.at_or_above,
                failed_above: failed.above,
                failed_at_or_above: failed.at_or_above,
            })
            .collect(),
    }
}

fn distribution(latencies: &Distribution) -> WireDistribution {
    let shown = SHOWN.iter().filter_map(|percentile| {
        let ms = latencies.percentile_ms(*percentile)?;
        Some((percentile.to_string(), ms.into()))
    });
    WireDistribution {
        count: latencies.count,
        mean_ms: latencies.mean_ms(),
        min_ms: latencies.min_ms(),
        max_ms: latencies.max_ms(),
        clipped: latencies.clipped,
        percentiles_ms: shown.collect(),
        buckets_us: latencies.buckets.clone(),
    }
}
