//! The measurements, as `perf_results.json` has them.

use portcullis_core::course::TaskStep;
use portcullis_core::distribution::Distribution;
use portcullis_core::remarks::remarks;
use portcullis_core::summary::{Acknowledgement, Connects, Row, SHOWN, Summary, TaskSummary, Tls};
use serde::Serialize;

use super::rfc3339;

/// The field `summary` of the results.
#[derive(Serialize)]
pub struct WireSummary<'a> {
    started_at: String,
    window_s: f64,
    measured_s: f64,
    users_asked: u32,
    users_ran: u32,
    arrivals: Option<WireArrivals>,
    connections: WireConnections<'a>,
    ended_early: Option<&'a str>,
    /// The latency limits that were counted, ascending.
    limits_ms: Vec<f64>,
    /// Where one stage of the load gave way to the next.
    changes: Vec<WireChange<'a>>,
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

#[derive(Serialize)]
struct WireChange<'a> {
    at_s: f64,
    what: &'a str,
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
    ran_s: f64,
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
    /// Whether it accepts a status from 200 to 299: one without such an answer
    /// has measured nothing.
    needs_data: bool,
    /// Requests made after the planned window.
    extension_requests: u64,
    /// Beside them, given up when the grace was over.
    extension_cut: u64,
    /// The window in steps.
    course: Vec<WireStep>,
    #[serde(flatten)]
    row: WireRow,
    /// What the row is the sum of, where that is not the window alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    parts: Option<WireParts>,
}

/// Start in seconds, requests, failures, p50 and p95 in ms.
type WireStep = (f64, u64, u64, Option<f64>, Option<f64>);

/// Requests of the window, made after it by the deck, and after it for the task
/// alone.
#[derive(Serialize)]
struct WireParts {
    window: WireRow,
    continued: WireRow,
    extension: WireRow,
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
    /// Exact; beyond what 2^64 nanoseconds are, which is 584 years, the most.
    sum_ns: u64,
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
    method: &'a str,
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
    to_date: WireToDate,
}

/// From the start of the window to the end of a second.
#[derive(Serialize)]
struct WireToDate {
    p50_ms: f64,
    mean_ms: f64,
    min_ms: f64,
    max_ms: f64,
    mean_body_bytes: f64,
}

/// The measurements in the file's own words.
pub fn summary(summary: &Summary) -> WireSummary<'_> {
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
        limits_ms: summary.limits.iter().map(|limit| limit.as_nanos() as f64 / 1e6).collect(),
        changes: summary
            .changes
            .iter()
            .map(|change| WireChange { at_s: change.at.as_secs_f64(), what: &change.what })
            .collect(),
        resent: summary.resent,
        reopened: summary.reopened,
        remarks: remarks(summary),
        warm_up: row(&summary.warm_up, summary),
        requests_per_s: summary.rate(aggregate.requests),
        generator: WireGenerator {
            punctual: summary.generator.is_punctual,
            spawn_lag: distribution(&summary.generator.spawn_lag),
            lag: distribution(&summary.generator.lag),
            ran_s: summary.generator.ran.as_secs_f64(),
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
                method: &group.method,
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
                to_date: WireToDate {
                    p50_ms: second.to_date.p50_ms,
                    mean_ms: second.to_date.mean_ms,
                    min_ms: second.to_date.min_ms,
                    max_ms: second.to_date.max_ms,
                    mean_body_bytes: second.to_date.mean_body_bytes,
                },
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
        needs_data: task.needs_data,
        extension_requests: task.requests_after(),
        extension_cut: task.continued.cut + task.extension.cut,
        course: task.course.iter().map(step).collect(),
        row: row(&task.judged(), summary),
        parts: parts(task, summary),
    }
}

fn step(step: &TaskStep) -> WireStep {
    (step.at.as_secs_f64(), step.requests, step.failures, step.p50_ms, step.p95_ms)
}

fn parts(task: &TaskSummary, summary: &Summary) -> Option<WireParts> {
    let is_used = |row: &Row| row.requests > 0 || row.cut > 0;
    let went_on = is_used(&task.continued) || is_used(&task.extension);
    went_on.then(|| WireParts {
        window: row(&task.window, summary),
        continued: row(&task.continued, summary),
        extension: row(&task.extension, summary),
    })
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
                limit_ms: limit.as_nanos() as f64 / 1e6,
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
        sum_ns: u64::try_from(latencies.sum_ns).unwrap_or(u64::MAX),
        mean_ms: latencies.mean_ms(),
        min_ms: latencies.min_ms(),
        max_ms: latencies.max_ms(),
        clipped: latencies.clipped,
        percentiles_ms: shown.collect(),
        buckets_us: latencies.buckets.clone(),
    }
}
