//! The measurements, as `perf_results.json` has them.

use portcullis_core::judge::remarks;
use portcullis_core::measure::{
    Acknowledgement, Connects, Distribution, ErrorSample, Row, SHOWN, SlowRequest, Summary,
    TaskStep, TaskSummary, Tls,
};

use super::rfc3339;
use crate::wire;

/// The measurements in the file's own words.
pub fn summary(summary: &Summary) -> wire::Summary<'_> {
    let aggregate = summary.aggregate();
    wire::Summary {
        started_at: rfc3339(summary.started_unix_ms).into(),
        window_s: summary.window.as_secs_f64(),
        measured_s: summary.measured.as_secs_f64(),
        users_asked: summary.users_asked,
        users_ran: summary.users_ran,
        arrivals: summary.arrivals.map(|arrivals| wire::Arrivals {
            scheduled: arrivals.scheduled,
            queued: arrivals.queued,
            unstarted: arrivals.unstarted,
        }),
        connections: connections(&summary.connects),
        ended_early: summary.ended_early.as_deref().map(Into::into),
        limits_ms: summary.limits.iter().map(|limit| limit.as_nanos() as f64 / 1e6).collect(),
        changes: summary
            .changes
            .iter()
            .map(|change| wire::Change {
                at_s: change.at.as_secs_f64(),
                what: (&change.what).into(),
            })
            .collect(),
        resent: summary.resent,
        reopened: summary.reopened,
        remarks: remarks(summary),
        warm_up: row(&summary.warm_up, summary),
        requests_per_s: summary.rate(aggregate.requests),
        generator: wire::Generator {
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
            .map(|group| wire::Failure {
                task: (&group.task).into(),
                method: (&group.method).into(),
                kind: group.kind.name().into(),
                message: (&group.message).into(),
                count: group.count,
                first_seen: rfc3339(group.first_unix_ms).into(),
                last_seen: rfc3339(group.last_unix_ms).into(),
            })
            .collect(),
        series: summary
            .series
            .iter()
            .map(|second| wire::Second {
                second: second.second,
                users: second.users,
                requests: second.requests,
                failures: second.failures,
                percentiles_ms: (&second.percentiles_ms).into(),
                to_date: wire::ToDate {
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

fn connections(connects: &Connects) -> wire::Connections<'_> {
    wire::Connections {
        address: (&connects.address).into(),
        acknowledgement: match connects.acknowledgement {
            Acknowledgement::AtOnce => "at once",
            Acknowledgement::System => "system",
            Acknowledgement::ConnectionClose => "a connection for each request",
        }
        .into(),
        tls: match connects.tls {
            Tls::Off => "off",
            Tls::Verified => "verified",
            Tls::Insecure => "insecure",
        }
        .into(),
        connect: distribution(&connects.connect),
        handshake: distribution(&connects.handshake),
    }
}

fn task<'a>(task: &'a TaskSummary, summary: &Summary) -> wire::Task<'a> {
    wire::Task {
        name: (&task.name).into(),
        group: task.group.as_deref().map(Into::into),
        method: (&task.method).into(),
        path: (&task.label).into(),
        weight: task.weight,
        needs_data: task.needs_data,
        extension_requests: task.requests_after(),
        extension_cut: task.continued.cut + task.extension.cut,
        course: task.course.iter().map(step).collect(),
        row: row(&task.judged(), summary),
        parts: parts(task, summary),
        error_samples: task.samples.errors.iter().map(|one| error_sample(one, summary)).collect(),
        slowest: task.samples.slowest.iter().map(|one| slow_request(one, summary)).collect(),
    }
}

fn step(step: &TaskStep) -> wire::Step {
    (step.at.as_secs_f64(), step.requests, step.failures, step.p50_ms, step.p95_ms)
}

fn error_sample<'a>(error: &'a ErrorSample, summary: &Summary) -> wire::ErrorSample<'a> {
    wire::ErrorSample {
        at_s: error.at.as_secs_f64(),
        at: rfc3339(summary.wall_ms(error.at)).into(),
        status: error.status,
        kind: error.kind.name().into(),
        body_bytes: error.body.bytes,
        body: error.body.text.as_deref().map(Into::into),
    }
}

fn slow_request(slow: &SlowRequest, summary: &Summary) -> wire::SlowRequest<'static> {
    wire::SlowRequest {
        at_s: slow.at.as_secs_f64(),
        at: rfc3339(summary.wall_ms(slow.at)).into(),
        latency_ms: slow.latency.as_nanos() as f64 / 1e6,
        status: slow.status,
    }
}

fn parts(task: &TaskSummary, summary: &Summary) -> Option<wire::Parts> {
    let is_used = |row: &Row| row.requests > 0 || row.cut > 0;
    let went_on = is_used(&task.continued) || is_used(&task.extension);
    went_on.then(|| wire::Parts {
        window: row(&task.window, summary),
        continued: row(&task.continued, summary),
        extension: row(&task.extension, summary),
    })
}

fn row(row: &Row, summary: &Summary) -> wire::Row {
    let limits = summary.limits.iter().zip(row.beyond.iter().zip(&row.failed_beyond));
    wire::Row {
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
            .map(|(limit, (beyond, failed))| wire::Beyond {
                limit_ms: limit.as_nanos() as f64 / 1e6,
                above: beyond.above,
                at_or_above: beyond.at_or_above,
                failed_above: failed.above,
                failed_at_or_above: failed.at_or_above,
            })
            .collect(),
    }
}

fn distribution(latencies: &Distribution) -> wire::Distribution {
    let shown = SHOWN.iter().filter_map(|percentile| {
        let ms = latencies.percentile_ms(*percentile)?;
        Some((percentile.to_string(), ms))
    });
    wire::Distribution {
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
