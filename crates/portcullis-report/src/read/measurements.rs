//! From the measurements in the file to those of the run: floats of milliseconds
//! become the nanoseconds they were, and every sum is added up again.

use std::borrow::Cow;
use std::time::Duration;

use portcullis_core::measure::{
    Acknowledgement, ArrivalCounts, Beyond, Body, Change, Connects, Distribution, ErrorSample,
    FailureGroup, FailureKind, Generator, Row, Samples, Second, SlowRequest, Summary, TaskStep,
    TaskSummary, Tls, ToDate,
};

use super::results_json::unix_ms;
use super::{ReadError, numbers};
use crate::wire;

/// The limits whose counts every row has.
type Limits = Vec<Duration>;

/// The summary.
///
/// # Errors
/// Figures that contradict each other or cannot be, with their place.
pub fn summary(file: wire::Summary) -> Result<Summary, ReadError> {
    let limits = limits(&file.limits_ms)?;
    let tasks = file.tasks.into_iter().enumerate();
    let tasks = tasks
        .map(|(index, one)| task(one, &format!("tasks[{index}]"), &limits))
        .collect::<Result<Vec<TaskSummary>, _>>()?;
    let login = file.login.map(|login| task(login, "login", &limits)).transpose()?;
    let failures = file.failures.into_iter().map(failure).collect::<Result<_, _>>()?;
    let arrivals = file.arrivals;
    let summary = Summary {
        window: seconds(file.window_s, "window_s")?,
        measured: seconds(file.measured_s, "measured_s")?,
        started_unix_ms: unix_ms(&file.started_at, "summary.started_at")?,
        warm_up: row(file.warm_up, "warm_up", &limits)?,
        arrivals: arrivals.map(|arrivals| ArrivalCounts {
            scheduled: arrivals.scheduled,
            queued: arrivals.queued,
            unstarted: arrivals.unstarted,
        }),
        ended_early: file.ended_early.map(Cow::into_owned),
        connects: connects(file.connections)?,
        users_asked: file.users_asked,
        users_ran: file.users_ran,
        resent: file.resent,
        reopened: file.reopened,
        generator: generator(file.generator)?,
        tasks,
        login,
        series: file.series.into_iter().map(second).collect::<Result<_, _>>()?,
        failures,
        limits: limits.clone(),
        changes: file.changes.into_iter().map(change).collect::<Result<_, _>>()?,
    };
    let aggregate = row(file.aggregate, "aggregate", &limits)?;
    added_up(&summary.aggregate(), &aggregate, "aggregate", "the tasks")?;
    Ok(summary)
}

fn wrong(at: &str, message: impl std::fmt::Display) -> ReadError {
    ReadError::Inconsistent(format!("summary.{at}: {message}"))
}

fn seconds(seconds: f64, at: &str) -> Result<Duration, ReadError> {
    numbers::seconds(seconds).map_err(|error| wrong(at, error))
}

fn change(file: wire::Change<'_>) -> Result<Change, ReadError> {
    Ok(Change { at: seconds(file.at_s, "changes")?, what: file.what.into_owned() })
}

fn limits(limits_ms: &[f64]) -> Result<Limits, ReadError> {
    let limit = |ms: &f64| {
        let ns = numbers::latency_ns(*ms);
        ns.map(Duration::from_nanos).map_err(|error| wrong("limits_ms", error))
    };
    let limits = limits_ms.iter().map(limit).collect::<Result<Limits, _>>()?;
    match limits.windows(2).all(|pair| pair.first() < pair.last()) {
        true => Ok(limits),
        false => Err(wrong("limits_ms", "they do not ascend")),
    }
}

/// The requests of a task were all made in the window, unless the file says which
/// were not.
fn task(file: wire::Task, at: &str, limits: &Limits) -> Result<TaskSummary, ReadError> {
    let row = row(file.row, at, limits)?;
    let (window, continued, extension) = match file.parts {
        Some(file) => parts(file, &row, at, limits)?,
        None => (row, Row::default(), Row::default()),
    };
    let after = |of: fn(&Row) -> u64| of(&continued) + of(&extension);
    let found = (after(|row| row.requests), after(|row| row.cut));
    if found != (file.extension_requests, file.extension_cut) {
        return Err(wrong(at, "extension_requests is not what was made after the window"));
    }
    Ok(TaskSummary {
        name: file.name.into_owned(),
        group: file.group.map(Cow::into_owned),
        method: file.method.into_owned(),
        label: file.path.into_owned(),
        weight: file.weight,
        needs_data: file.needs_data,
        window,
        continued,
        extension,
        samples: Samples {
            errors: file.error_samples.into_iter().map(error_sample).collect::<Result<_, _>>()?,
            slowest: file.slowest.iter().map(slow_request).collect::<Result<_, _>>()?,
        },
        course: file.course.into_iter().map(step).collect::<Result<_, _>>()?,
    })
}

fn step(file: wire::Step) -> Result<TaskStep, ReadError> {
    let (at_s, requests, failures, p50_ms, p95_ms) = file;
    let ms = |ms: Option<f64>| ms.map(numbers::latency_ms).transpose();
    let [p50_ms, p95_ms] = [ms(p50_ms), ms(p95_ms)].map(|ms| ms.map_err(|e| wrong("course", e)));
    let at = seconds(at_s, "course")?;
    Ok(TaskStep { at, requests, failures, p50_ms: p50_ms?, p95_ms: p95_ms? })
}

fn error_sample(file: wire::ErrorSample<'_>) -> Result<ErrorSample, ReadError> {
    Ok(ErrorSample {
        at: seconds(file.at_s, "error_samples.at_s")?,
        status: file.status,
        kind: failure_kind(&file.kind, "error_samples")?,
        body: Body { bytes: file.body_bytes, text: file.body.map(Cow::into_owned) },
    })
}

fn slow_request(file: &wire::SlowRequest<'_>) -> Result<SlowRequest, ReadError> {
    let ns = numbers::latency_ns(file.latency_ms).map_err(|error| wrong("slowest", error))?;
    Ok(SlowRequest {
        at: seconds(file.at_s, "slowest.at_s")?,
        latency: Duration::from_nanos(ns),
        status: file.status,
    })
}

fn failure_kind(word: &str, at: &str) -> Result<FailureKind, ReadError> {
    let kind = FailureKind::ALL.into_iter().find(|kind| kind.name() == word);
    kind.ok_or_else(|| wrong(at, format!("no kind \"{word}\"")))
}

/// The parts of a task's requests, whose sum is `row`.
fn parts(
    file: wire::Parts,
    sum: &Row,
    at: &str,
    limits: &Limits,
) -> Result<(Row, Row, Row), ReadError> {
    let of = |name: &str| format!("{at}.parts.{name}");
    let window = row(file.window, &of("window"), limits)?;
    let continued = row(file.continued, &of("continued"), limits)?;
    let extension = row(file.extension, &of("extension"), limits)?;
    let mut all = window.clone();
    all.add(&continued);
    all.add(&extension);
    added_up(&all, sum, at, "the parts")?;
    Ok((window, continued, extension))
}

fn row(file: wire::Row, at: &str, limits: &Limits) -> Result<Row, ReadError> {
    let of = |name: &str| format!("{at}.{name}");
    let latency = distribution(file.latency, &of("latency"))?;
    let failed_latency = distribution(file.failed_latency, &of("failed_latency"))?;
    let counts = [file.requests, file.cut];
    for count in counts {
        numbers::believed(count).map_err(|error| wrong(at, error))?;
    }
    if file.requests.checked_sub(file.failures) != Some(latency.count) {
        let (requests, failures, good) = (file.requests, file.failures, latency.count);
        let message = format!("{requests} requests, {failures} failures and {good} good answers");
        return Err(wrong(at, message));
    }
    if failed_latency.count != file.failures + file.cut {
        let (failures, cut, count) = (file.failures, file.cut, failed_latency.count);
        let message = format!("{failures} failures, {cut} cut, and {count} latencies of them");
        return Err(wrong(at, message));
    }
    if file.with_data > latency.count || file.stalled > latency.count {
        return Err(wrong(at, "with_data or stalled is more than the good answers"));
    }
    statuses(&file.statuses, file.requests).map_err(|message| wrong(&of("statuses"), message))?;
    let body_bytes = file.mean_body_bytes * file.requests as f64;
    if !numbers::is_sound(body_bytes) {
        return Err(wrong(at, "mean_body_bytes is no number from 0 on"));
    }
    let (beyond, failed_beyond) =
        beyond(file.beyond_limits, limits, (latency.count, failed_latency.count))
            .map_err(|message| wrong(&of("beyond_limits"), message))?;
    let service = file.service.map(|service| distribution(service, &of("service"))).transpose()?;
    Ok(Row {
        requests: file.requests,
        failures: file.failures,
        latency,
        failed_latency,
        body_bytes: body_bytes.round() as u64,
        beyond,
        failed_beyond,
        with_data: file.with_data,
        first_byte: distribution(file.first_byte, &of("first_byte"))?,
        service: service.unwrap_or_default(),
        stalled: file.stalled,
        cut: file.cut,
        statuses: file.statuses,
        blocks: Vec::new(),
    })
}

/// Ascending, none empty, and not more than there are requests.
fn statuses(counts: &[(u16, u64)], requests: u64) -> Result<(), String> {
    let mut last = None;
    let mut sum = 0u64;
    for (status, answers) in counts {
        if last >= Some(*status) || *answers == 0 {
            return Err(format!("[{status}, {answers}] is impossible there"));
        }
        last = Some(*status);
        sum = sum.saturating_add(*answers);
    }
    if sum <= requests { Ok(()) } else { Err(format!("{sum} answers to {requests} requests")) }
}

type BothBeyond = (Vec<Beyond>, Vec<Beyond>);

/// Counts for the known limits, in their order; none in a row that had no cell.
fn beyond(
    file: Vec<wire::Beyond>,
    limits: &Limits,
    (good, failed): (u64, u64),
) -> Result<BothBeyond, String> {
    if file.is_empty() && good == 0 && failed == 0 {
        return Ok(BothBeyond::default());
    }
    let own = file.iter().map(|beyond| numbers::latency_ns(beyond.limit_ms));
    let own = own.collect::<Result<Vec<u64>, _>>()?;
    if !own.iter().map(|ns| Duration::from_nanos(*ns)).eq(limits.iter().copied()) {
        return Err("the limits are not those that were counted".to_owned());
    }
    let mut both = BothBeyond::default();
    for one in file {
        let is_possible = one.above <= one.at_or_above
            && one.at_or_above <= good
            && one.failed_above <= one.failed_at_or_above
            && one.failed_at_or_above <= failed;
        if !is_possible {
            return Err(format!("more are beyond {} ms than there are", one.limit_ms));
        }
        both.0.push(Beyond { above: one.above, at_or_above: one.at_or_above });
        both.1.push(Beyond { above: one.failed_above, at_or_above: one.failed_at_or_above });
    }
    Ok(both)
}

fn distribution(file: wire::Distribution, at: &str) -> Result<Distribution, ReadError> {
    let count = numbers::believed(file.count).map_err(|error| wrong(at, error))?;
    if count == 0 {
        let is_empty = file.buckets_us.is_empty()
            && (file.clipped, file.sum_ns) == (0, 0)
            && file.mean_ms.is_none();
        return match is_empty {
            true => Ok(Distribution::default()),
            false => Err(wrong(at, "a count of 0 beside latencies")),
        };
    }
    let (Some(mean_ms), Some(min_ms), Some(max_ms)) = (file.mean_ms, file.min_ms, file.max_ms)
    else {
        return Err(wrong(at, format!("{count} values without mean and extremes")));
    };
    let ns = |ms: f64| numbers::latency_ns(ms).map_err(|error| wrong(at, error));
    let (mean_ns, min_ns, max_ns) = (ns(mean_ms)?, ns(min_ms)?, ns(max_ms)?);
    if mean_ns < min_ns || mean_ns > max_ns {
        return Err(wrong(at, "the mean is not between the extremes"));
    }
    if file.sum_ns as f64 / count as f64 / 1e6 != mean_ms {
        return Err(wrong(at, "sum_ns does not make this mean"));
    }
    buckets(&file.buckets_us, count).map_err(|message| wrong(at, message))?;
    if file.clipped > count {
        return Err(wrong(at, "more values are clipped than there are"));
    }
    Ok(Distribution {
        count,
        sum_ns: file.sum_ns.into(),
        min_ns,
        max_ns,
        buckets: file.buckets_us,
        clipped: file.clipped,
    })
}

/// Ascending, none empty, and together as many as there are.
fn buckets(buckets: &[(u64, u64)], count: u64) -> Result<(), String> {
    let (mut last, mut sum) = (None, 0u64);
    for (end_us, values) in buckets {
        let is_next = last.is_none_or(|last| last < *end_us);
        if !is_next || *values == 0 || *end_us as f64 / 1e3 > numbers::LONGEST_MS {
            return Err(format!("the bucket [{end_us}, {values}] is impossible there"));
        }
        last = Some(*end_us);
        sum = sum.saturating_add(*values);
    }
    if sum == count { Ok(()) } else { Err(format!("{count} values, but {sum} in its buckets")) }
}

/// The row at a place is the sum of others.
fn added_up(tasks: &Row, aggregate: &Row, at: &str, others: &str) -> Result<(), ReadError> {
    let counts = |row: &Row| [row.requests, row.failures, row.cut, row.with_data, row.stalled];
    let names = ["requests", "failures", "cut", "with_data", "stalled"];
    for ((name, tasks), all) in names.iter().zip(counts(tasks)).zip(counts(aggregate)) {
        if tasks != all {
            return Err(wrong(at, format!("{name} is {all}, of {others} {tasks}")));
        }
    }
    let same = |a: &Distribution, b: &Distribution| {
        let plain = |d: &Distribution| (d.count, d.min_ns, d.max_ns, d.clipped);
        plain(a) == plain(b) && a.buckets == b.buckets
    };
    let is_same = same(&tasks.latency, &aggregate.latency)
        && same(&tasks.failed_latency, &aggregate.failed_latency)
        && tasks.statuses == aggregate.statuses
        && (&tasks.beyond, &tasks.failed_beyond) == (&aggregate.beyond, &aggregate.failed_beyond);
    if !is_same {
        return Err(wrong(at, format!("its latencies or statuses are not those of {others}")));
    }
    Ok(())
}

fn connects(file: wire::Connections) -> Result<Connects, ReadError> {
    let acknowledgement = match file.acknowledgement.as_ref() {
        "at once" => Acknowledgement::AtOnce,
        "system" => Acknowledgement::System,
        "a connection for each request" => Acknowledgement::ConnectionClose,
        other => return Err(wrong("connections.acknowledgement", format!("\"{other}\""))),
    };
    let tls = match file.tls.as_ref() {
        "off" => Tls::Off,
        "verified" => Tls::Verified,
        "insecure" => Tls::Insecure,
        other => return Err(wrong("connections.tls", format!("\"{other}\""))),
    };
    Ok(Connects {
        address: file.address.into_owned(),
        acknowledgement,
        tls,
        connect: distribution(file.connect, "connections.connect")?,
        handshake: distribution(file.handshake, "connections.handshake")?,
    })
}

fn generator(file: wire::Generator) -> Result<Generator, ReadError> {
    let time = |value: Option<f64>, at: &str| value.map(|value| seconds(value, at)).transpose();
    Ok(Generator {
        spawn_lag: distribution(file.spawn_lag, "generator.spawn_lag")?,
        lag: distribution(file.lag, "generator.lag")?,
        ran: seconds(file.ran_s, "generator.ran_s")?,
        is_punctual: file.punctual,
        cpu: time(file.cpu_s, "generator.cpu_s")?,
        run_queue: time(file.run_queue_s, "generator.run_queue_s")?,
    })
}

fn failure(file: wire::Failure) -> Result<FailureGroup, ReadError> {
    Ok(FailureGroup {
        kind: failure_kind(&file.kind, "failures")?,
        method: file.method.into_owned(),
        task: file.task.into_owned(),
        message: file.message.into_owned(),
        count: numbers::believed(file.count).map_err(|error| wrong("failures", error))?,
        first_unix_ms: unix_ms(&file.first_seen, "summary.failures.first_seen")?,
        last_unix_ms: unix_ms(&file.last_seen, "summary.failures.last_seen")?,
    })
}

fn second(file: wire::Second) -> Result<Second, ReadError> {
    let percentiles = file.percentiles_ms.iter().copied().map(numbers::latency_ms);
    let ms = |ms| numbers::latency_ms(ms).map_err(|error| wrong("series", error));
    let to_date = file.to_date;
    if !numbers::is_sound(to_date.mean_body_bytes) {
        return Err(wrong("series", "mean_body_bytes is no number from 0 on"));
    }
    Ok(Second {
        second: numbers::believed(file.second).map_err(|error| wrong("series", error))?,
        users: file.users,
        requests: numbers::believed(file.requests).map_err(|error| wrong("series", error))?,
        failures: numbers::believed(file.failures).map_err(|error| wrong("series", error))?,
        percentiles_ms: percentiles.collect::<Result<_, _>>().map_err(|e| wrong("series", e))?,
        to_date: ToDate {
            p50_ms: ms(to_date.p50_ms)?,
            mean_ms: ms(to_date.mean_ms)?,
            min_ms: ms(to_date.min_ms)?,
            max_ms: ms(to_date.max_ms)?,
            mean_body_bytes: to_date.mean_body_bytes,
        },
    })
}
