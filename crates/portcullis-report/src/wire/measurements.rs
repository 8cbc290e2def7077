//! The measurements in the file: rows of counts and latencies, failures, and a
//! series of seconds.

use std::borrow::Cow;
use std::collections::BTreeMap;

use portcullis_core::measure::FailureKind;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Text;

/// What the load measured.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Summary<'a> {
    /// Start of the window.
    #[schemars(extend("format" = "date-time"))]
    pub started_at: Text<'a>,
    /// The window's planned length.
    pub window_s: f64,
    /// How far it was measured.
    pub measured_s: f64,
    /// In the open model: the most there may be.
    pub users_asked: u32,
    pub users_ran: u32,
    /// Null in the closed model.
    pub arrivals: Option<Arrivals>,
    pub connections: Connections<'a>,
    /// Why the window ended before its planned end.
    pub ended_early: Option<Text<'a>>,
    /// The latency limits that were counted, ascending.
    pub limits_ms: Vec<f64>,
    /// Where one stage of the load gave way to the next; left out without one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Change<'a>>,
    /// Requests sent again after the server had closed a kept connection just then.
    pub resent: u64,
    /// Kept connections found closed before sending, and opened anew.
    pub reopened: u64,
    /// Of all tasks in the window.
    #[serde(default)]
    pub requests_per_s: f64,
    /// What a reader must know beside the numbers.
    #[serde(default)]
    pub remarks: Vec<String>,
    /// Requests before the window, by all tasks.
    pub warm_up: Row,
    pub generator: Generator,
    /// All tasks in the window.
    pub aggregate: Row,
    /// Null without a login.
    pub login: Option<Task<'a>>,
    pub tasks: Vec<Task<'a>>,
    pub failures: Vec<Failure<'a>>,
    /// One for each second of the window.
    pub series: Vec<Second<'a>>,
}

/// A change of the load's stages.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Change<'a> {
    pub at_s: f64,
    pub what: Text<'a>,
}

/// Start in seconds, requests, failures, p50 and p95 in ms.
pub type Step = (f64, u64, u64, Option<f64>, Option<f64>);

/// The schedule of an open load.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Arrivals {
    /// Requests that were due in the window.
    pub scheduled: u64,
    /// Of these, found no free user when they were due.
    pub queued: u64,
    /// Of these, never started.
    pub unstarted: u64,
}

/// Connections that were opened.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Connections<'a> {
    /// Resolved once, before the load.
    pub address: Text<'a>,
    /// How answers that come in pieces are acknowledged.
    #[schemars(extend("enum" = ["at once", "system", "a connection for each request"]))]
    pub acknowledgement: Text<'a>,
    #[schemars(extend("enum" = ["off", "verified", "insecure"]))]
    pub tls: Text<'a>,
    pub connect: Distribution,
    pub handshake: Distribution,
}

/// How well the load generator itself did.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Generator {
    /// Whether the system granted a niceness of -10.
    pub punctual: bool,
    /// How late users started.
    pub spawn_lag: Distribution,
    /// How late the engine woke.
    pub lag: Distribution,
    pub ran_s: f64,
    pub cpu_s: Option<f64>,
    pub run_queue_s: Option<f64>,
}

/// The requests of one task, or of the login.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Task<'a> {
    pub name: Text<'a>,
    pub group: Option<Text<'a>>,
    pub method: Text<'a>,
    /// With placeholders as `{id}`.
    pub path: Text<'a>,
    pub weight: u32,
    /// Whether it accepts a status from 200 to 299: one without such an answer
    /// has measured nothing.
    pub needs_data: bool,
    /// Requests made after the planned window; in the row.
    pub extension_requests: u64,
    /// Beside them, given up when the grace was over.
    pub extension_cut: u64,
    /// The window in steps, for charts: start in seconds, requests, failures, p50
    /// and p95 in ms.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub course: Vec<Step>,
    #[serde(flatten)]
    pub row: Row,
    /// What the row is the sum of, where that is not the window alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parts: Option<Parts>,
    /// The first failed answers, three at most; left out without one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub error_samples: Vec<ErrorSample<'a>>,
    /// The slowest requests, good and failed, five at most, the slowest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub slowest: Vec<SlowRequest<'a>>,
}

/// A failed answer.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct ErrorSample<'a> {
    /// When it ended, from the start of the window; 0 for what ended before it.
    pub at_s: f64,
    /// The same as wall time.
    #[serde(default)]
    #[schemars(extend("format" = "date-time"))]
    pub at: Text<'a>,
    pub status: u16,
    #[schemars(extend("enum" = FailureKind::ALL.map(FailureKind::name)))]
    pub kind: Text<'a>,
    /// The length of its body, unpacked.
    pub body_bytes: u64,
    /// The beginning of its body, with `…` where it was cut, without secrets; null if
    /// it is no text.
    pub body: Option<Text<'a>>,
}

/// One of the slowest requests.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct SlowRequest<'a> {
    /// When it ended, from the start of the window; 0 for what ended before it.
    pub at_s: f64,
    /// The same as wall time.
    #[serde(default)]
    #[schemars(extend("format" = "date-time"))]
    pub at: Text<'a>,
    pub latency_ms: f64,
    /// 0 without a whole answer.
    pub status: u16,
}

/// Requests of the window, made after it by the deck, and after it for the task
/// alone.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Parts {
    pub window: Row,
    pub continued: Row,
    pub extension: Row,
}

/// Counts and latencies of some requests.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Row {
    pub requests: u64,
    pub failures: u64,
    /// A fraction; null without requests.
    #[serde(default)]
    pub error_rate: Option<f64>,
    /// Unpacked.
    pub mean_body_bytes: f64,
    /// Of good answers, to the last byte.
    pub latency: Distribution,
    /// Of failed requests, and of those that were cut.
    pub failed_latency: Distribution,
    /// From sending to the first byte of a good answer.
    pub first_byte: Distribution,
    /// From sending to the last byte, where `latency` counts from the schedule.
    pub service: Option<Distribution>,
    /// Good answers whose last byte came 35 to 50 ms after the first.
    pub stalled: u64,
    /// Requests given up when the grace after the load ended.
    pub cut: u64,
    /// Good answers with a status from 200 to 299.
    pub with_data: u64,
    /// `[status, answers]`, good and failed, ascending.
    pub statuses: Vec<(u16, u64)>,
    /// One for each of `limits_ms`.
    pub beyond_limits: Vec<Beyond>,
}

/// Exact counts against one latency limit.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Beyond {
    pub limit_ms: f64,
    pub above: u64,
    pub at_or_above: u64,
    pub failed_above: u64,
    pub failed_at_or_above: u64,
}

/// Latencies.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Distribution {
    pub count: u64,
    /// Exact; beyond what 2^64 nanoseconds are, which is 584 years, the most.
    pub sum_ns: u64,
    pub mean_ms: Option<f64>,
    pub min_ms: Option<f64>,
    pub max_ms: Option<f64>,
    /// By name, such as `p99.9`; unrounded.
    #[serde(default)]
    pub percentiles_ms: BTreeMap<String, f64>,
    /// Values above the last bucket.
    pub clipped: u64,
    /// `[upper end in µs, count]`, ascending.
    pub buckets_us: Vec<(u64, u64)>,
}

/// Failures of one task and kind.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Failure<'a> {
    pub task: Text<'a>,
    pub method: Text<'a>,
    #[schemars(extend("enum" = FailureKind::ALL.map(FailureKind::name)))]
    pub kind: Text<'a>,
    /// The words of the first.
    pub message: Text<'a>,
    pub count: u64,
    #[schemars(extend("format" = "date-time"))]
    pub first_seen: Text<'a>,
    #[schemars(extend("format" = "date-time"))]
    pub last_seen: Text<'a>,
}

/// One second of the window.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Second<'a> {
    /// From 0.
    pub second: u64,
    pub users: u32,
    pub requests: u64,
    pub failures: u64,
    /// Of the good answers of the last ten seconds: 50, 66, 75, 80, 90, 95, 98, 99,
    /// 99.9, 99.99, 100; empty without one.
    pub percentiles_ms: Cow<'a, [f64]>,
    pub to_date: ToDate,
}

/// From the start of the window to the end of a second; 0 without good answers.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct ToDate {
    pub p50_ms: f64,
    pub mean_ms: f64,
    pub min_ms: f64,
    pub max_ms: f64,
    pub mean_body_bytes: f64,
}
