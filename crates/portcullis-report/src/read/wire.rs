//! `perf_results.json` as it stands in the file: what is read of it, before any
//! of it is believed. Fields that are not known here are left alone.

use serde::Deserialize;

/// What tells a file of ours, before its fields are looked at.
#[derive(Deserialize)]
pub struct Mark {
    pub schema_version: Option<u64>,
    pub tool: Option<String>,
}

#[derive(Deserialize)]
pub struct Results {
    pub tool_version: String,
    pub started_at: String,
    pub commit: Option<String>,
    pub exit_code: u8,
    pub passed: bool,
    pub sentence: String,
    pub strict: bool,
    pub findings: Vec<Finding>,
    pub thresholds: Vec<Threshold>,
    pub silent_tasks: Vec<String>,
    pub target: String,
    pub own_server: bool,
    pub profile: Option<String>,
    pub seed: u64,
    pub command: String,
    pub machine: Machine,
    pub stages: Vec<Stage>,
    pub server: Option<Server>,
    pub first_round: Vec<FirstCall>,
    pub summary: Option<Summary>,
    pub against: Option<Against>,
    #[serde(default)]
    pub against_repeated: Vec<Against>,
    pub baseline: Option<Baseline>,
    pub acceptable: bool,
    pub configuration_hash: String,
    /// Not in the files of the first versions.
    #[serde(default)]
    pub configuration_places: Places,
    pub configuration: String,
}

#[derive(Default, Deserialize)]
pub struct Places {
    pub file: String,
    pub rules: Vec<PlacedRule>,
    pub against: Option<usize>,
}

#[derive(Deserialize)]
pub struct PlacedRule {
    pub severity: String,
    pub rule: String,
    pub line: usize,
}

#[derive(Deserialize)]
pub struct Finding {
    pub kind: String,
    pub exit_code: u8,
    pub message: String,
}

#[derive(Deserialize)]
pub struct Threshold {
    pub rule: String,
    pub scope: String,
    pub scope_kind: String,
    pub per_task: bool,
    pub metric: String,
    pub comparison: String,
    pub severity: String,
    pub judgement: String,
    pub reason: Option<String>,
    pub value: Option<f64>,
    pub limit: Option<f64>,
    pub unit: String,
    pub relative: Option<Relative>,
    pub abort: bool,
    pub after_s: Option<f64>,
    pub policy: String,
    pub samples: u64,
    pub beyond_limit: Option<u64>,
    pub evidence: Option<Evidence>,
    pub baseline: Option<Derived>,
}

#[derive(Deserialize)]
pub struct Relative {
    pub to: String,
    pub factor: f64,
    pub plus: f64,
}

#[derive(Deserialize)]
pub struct Derived {
    #[serde(flatten)]
    pub relative: Relative,
    pub value: f64,
    pub low: Option<f64>,
    pub high: Option<f64>,
    pub samples: Option<u64>,
    pub lowered: Option<String>,
}

#[derive(Deserialize)]
pub struct Evidence {
    pub state: String,
    pub requests: u64,
    pub beyond: u64,
    pub allowed_share: f64,
    pub share_low: f64,
    pub share_high: f64,
    pub block_factor: f64,
    pub clustered_low: f64,
    pub clustered_high: f64,
    pub detectable_share: Option<f64>,
    pub latency_low_ms: Option<f64>,
    pub latency_high_ms: Option<f64>,
}

#[derive(Deserialize)]
pub struct Machine {
    pub system: String,
    pub cores: usize,
    pub processor: Option<String>,
    pub memory_bytes: Option<u64>,
    pub load_at_start: Option<f64>,
    pub governor: Option<String>,
    pub quota_cores: Option<f64>,
    pub steal_share: Option<f64>,
}

#[derive(Deserialize)]
pub struct Stage {
    pub stage: String,
    pub took_s: f64,
    pub end: String,
    pub detail: String,
    pub failure: Option<String>,
}

#[derive(Deserialize)]
pub struct Server {
    pub cpu_s: Option<f64>,
    pub peak_memory_bytes: Option<u64>,
    pub voluntary_switches: Option<u64>,
    pub involuntary_switches: Option<u64>,
    pub end: String,
}

#[derive(Deserialize)]
pub struct FirstCall {
    pub task: String,
    pub latency_ms: f64,
    pub failure: Option<String>,
}

#[derive(Deserialize)]
pub struct Baseline {
    pub file: String,
    pub state: String,
    pub timestamp: Option<String>,
    pub commit: Option<String>,
    pub foreign: Option<String>,
    pub lowered: bool,
    pub written: bool,
}

#[derive(Deserialize)]
pub struct Summary {
    pub started_at: String,
    pub window_s: f64,
    pub measured_s: f64,
    pub users_asked: u32,
    pub users_ran: u32,
    pub arrivals: Option<Arrivals>,
    pub connections: Connections,
    pub ended_early: Option<String>,
    pub limits_ms: Vec<f64>,
    pub resent: u64,
    pub reopened: u64,
    pub warm_up: Row,
    pub generator: Generator,
    pub aggregate: Row,
    pub login: Option<Task>,
    pub tasks: Vec<Task>,
    pub failures: Vec<Failure>,
    pub series: Vec<Second>,
}

#[derive(Deserialize)]
pub struct Arrivals {
    pub scheduled: u64,
    pub queued: u64,
    pub unstarted: u64,
}

#[derive(Deserialize)]
pub struct Connections {
    pub address: String,
    pub acknowledgement: String,
    pub tls: String,
    pub connect: Distribution,
    pub handshake: Distribution,
}

#[derive(Deserialize)]
pub struct Generator {
    pub punctual: bool,
    pub spawn_lag: Distribution,
    pub lag: Distribution,
    pub ran_s: f64,
    pub cpu_s: Option<f64>,
    pub run_queue_s: Option<f64>,
}

#[derive(Deserialize)]
pub struct Task {
    pub name: String,
    pub group: Option<String>,
    pub method: String,
    pub path: String,
    pub weight: u32,
    pub needs_data: bool,
    pub extension_requests: u64,
    pub extension_cut: u64,
    #[serde(flatten)]
    pub row: Row,
    /// Only of tasks that were called after the window.
    pub parts: Option<Parts>,
}

#[derive(Deserialize)]
pub struct Parts {
    pub window: Row,
    pub continued: Row,
    pub extension: Row,
}

#[derive(Deserialize)]
pub struct Row {
    pub requests: u64,
    pub failures: u64,
    pub mean_body_bytes: f64,
    pub latency: Distribution,
    pub failed_latency: Distribution,
    pub first_byte: Distribution,
    pub service: Option<Distribution>,
    pub stalled: u64,
    pub cut: u64,
    pub with_data: u64,
    pub statuses: Vec<(u16, u64)>,
    pub beyond_limits: Vec<Beyond>,
}

#[derive(Deserialize)]
pub struct Beyond {
    pub limit_ms: f64,
    pub above: u64,
    pub at_or_above: u64,
    pub failed_above: u64,
    pub failed_at_or_above: u64,
}

#[derive(Deserialize)]
pub struct Distribution {
    pub count: u64,
    pub sum_ns: u64,
    pub mean_ms: Option<f64>,
    pub min_ms: Option<f64>,
    pub max_ms: Option<f64>,
    pub clipped: u64,
    pub buckets_us: Vec<(u64, u64)>,
}

#[derive(Deserialize)]
pub struct Failure {
    pub task: String,
    pub method: String,
    pub kind: String,
    pub message: String,
    pub count: u64,
    pub first_seen: String,
    pub last_seen: String,
}

#[derive(Deserialize)]
pub struct Second {
    pub second: u64,
    pub users: u32,
    pub requests: u64,
    pub failures: u64,
    pub percentiles_ms: Vec<f64>,
    pub to_date: ToDate,
}

#[derive(Deserialize)]
pub struct ToDate {
    pub p50_ms: f64,
    pub mean_ms: f64,
    pub min_ms: f64,
    pub max_ms: f64,
    pub mean_body_bytes: f64,
}

#[derive(Deserialize)]
pub struct Against {
    pub asked: String,
    pub commit: String,
    pub took_s: f64,
    pub limit_s: f64,
    pub unplaced: Option<String>,
    pub overrides: Vec<String>,
    pub tasks: Vec<AgainstTask>,
    pub names: Vec<String>,
    pub pairs: Vec<Pair>,
}

/// Task, seconds, first side, milliseconds of both, and what both computed.
pub type Pair = (String, f64, String, Option<f64>, Option<f64>, Option<f64>, Option<f64>);

#[derive(Deserialize)]
pub struct AgainstTask {
    pub name: String,
    pub decision: String,
    pub decided_after_s: Option<f64>,
    pub pairs: u64,
    pub latency: Option<Effect>,
    pub cpu: Option<Effect>,
    pub base_p50_ms: Option<f64>,
    pub candidate_p50_ms: Option<f64>,
    pub base_p95_ms: Option<f64>,
    pub candidate_p95_ms: Option<f64>,
    pub base_failures: u64,
    pub candidate_failures: u64,
    pub only_candidate_failed: u64,
    pub only_base_failed: u64,
    pub only_candidate_in_tail: u64,
    pub only_base_in_tail: u64,
}

#[derive(Deserialize)]
pub struct Effect {
    pub pairs: usize,
    pub median_ratio: f64,
    pub mean_ratio: f64,
    pub low_ratio: f64,
    pub high_ratio: f64,
    pub at_most_ratio: f64,
}
