//! `perf_results.json` as it stands in the file: one set of structs that is
//! written, read, and made into the file's JSON Schema. Core's types can change
//! without changing them. Doc comments become the schema's descriptions.

mod against;
mod measurements;
mod thresholds;

pub use against::*;
pub use measurements::*;
pub use thresholds::*;

use std::borrow::Cow;

use portcullis_core::event::Stage as Known;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Borrowed from a run while it is written, owned when it was read.
pub type Text<'a> = Cow<'a, str>;

/// What tells a file of ours, before its fields are looked at.
#[derive(Deserialize)]
pub struct Mark {
    pub schema_version: Option<u64>,
    pub tool: Option<String>,
}

/// What one run of Portcullis found, measured and used.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Results<'a> {
    /// Raised when a field changes its meaning or goes; new fields leave it.
    #[schemars(extend("const" = crate::results_json::SCHEMA_VERSION))]
    pub schema_version: u32,
    #[schemars(extend("const" = "portcullis"))]
    pub tool: Text<'a>,
    pub tool_version: Text<'a>,
    #[schemars(extend("format" = "date-time"))]
    pub started_at: Text<'a>,
    /// Of the configuration file's folder, `+dirty` with changes; null without git.
    pub commit: Option<Text<'a>>,
    pub exit_code: u8,
    /// Whether `exit_code` is 0.
    pub passed: bool,
    /// The verdict in one line.
    pub sentence: Text<'a>,
    /// Whether warnings, and tasks that a comparison leaves undecided, fail.
    pub strict: bool,
    /// What decides, the gravest first.
    pub findings: Vec<Finding<'a>>,
    /// Every judged rule; empty when nothing was judged.
    pub thresholds: Vec<Threshold<'a>>,
    /// Tasks with a weight that were never called.
    pub silent_tasks: Cow<'a, [String]>,
    pub target: Text<'a>,
    /// Whether Portcullis started the server.
    pub own_server: bool,
    pub profile: Option<Text<'a>>,
    /// Repeats the run.
    pub seed: u64,
    /// The command line that repeats the run.
    pub command: Text<'a>,
    pub machine: Machine<'a>,
    pub stages: Vec<Stage<'a>>,
    /// Null with `--host`.
    pub server: Option<Server<'a>>,
    pub first_round: Vec<FirstCall<'a>>,
    /// Null without load.
    pub summary: Option<Summary<'a>>,
    /// Null without `--against`.
    pub against: Option<Against<'a>>,
    /// More comparisons of the same two versions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub against_repeated: Vec<Against<'a>>,
    /// Null without a stored baseline's file.
    pub baseline: Option<Baseline<'a>>,
    /// Whether the figures may become the baseline.
    pub acceptable: bool,
    /// Of what decides the figures.
    pub configuration_hash: Text<'a>,
    /// Not in the files of the first versions.
    #[serde(default, skip_serializing_if = "Places::are_none")]
    pub configuration_places: Places<'a>,
    /// The text of `perf_effective.toml`.
    pub configuration: Text<'a>,
}

/// Where in the configuration file things stand; lines are counted from 1.
#[derive(Default, Serialize, Deserialize, JsonSchema)]
pub struct Places<'a> {
    pub file: Text<'a>,
    pub rules: Vec<PlacedRule<'a>>,
    /// The line of `[against]`.
    pub against: Option<usize>,
}

impl Places<'_> {
    /// Whether nothing is known of where things stand.
    pub fn are_none(&self) -> bool {
        self.file.is_empty() && self.rules.is_empty() && self.against.is_none()
    }
}

/// The line of a rule.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct PlacedRule<'a> {
    #[schemars(extend("enum" = ["fail", "warn"]))]
    pub severity: Text<'a>,
    pub rule: Text<'a>,
    pub line: usize,
}

/// Something that decides how the run ended.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Finding<'a> {
    #[schemars(extend("enum" = FINDINGS))]
    pub kind: Text<'a>,
    pub exit_code: u8,
    pub message: Text<'a>,
}

/// The kinds of findings.
const FINDINGS: [&str; 8] =
    ["interrupted", "defect", "refused", "preparation", "server", "invalid", "violated", "no data"];

/// Null where it cannot be told.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Machine<'a> {
    pub system: Text<'a>,
    pub cores: usize,
    pub processor: Option<Text<'a>>,
    pub memory_bytes: Option<u64>,
    /// Of one minute.
    pub load_at_start: Option<f64>,
    pub governor: Option<Text<'a>>,
    /// A cgroup's.
    pub quota_cores: Option<f64>,
    /// Of processor time during the load, taken by the host.
    pub steal_share: Option<f64>,
}

/// A stage that ended.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Stage<'a> {
    #[schemars(extend("enum" = Known::ALL.map(Known::name)))]
    pub stage: Text<'a>,
    pub took_s: f64,
    #[schemars(extend("enum" = STAGE_ENDS))]
    pub end: Text<'a>,
    pub detail: Text<'a>,
    pub failure: Option<Text<'a>>,
    /// Of a failure: the file in `logs/` that tells more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<Text<'a>>,
}

/// How a stage can end.
pub const STAGE_ENDS: [&str; 3] = ["done", "cached", "failed"];

/// Our own server over the load window; null if it did not come so far.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Server<'a> {
    pub cpu_s: Option<f64>,
    pub peak_memory_bytes: Option<u64>,
    pub voluntary_switches: Option<u64>,
    pub involuntary_switches: Option<u64>,
    /// Over time: seconds of the window, processor seconds by then, resident bytes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub course: Vec<(f64, f64, u64)>,
    /// How it ended.
    pub end: Text<'a>,
}

/// A call of the first round, before the clock starts.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct FirstCall<'a> {
    pub task: Text<'a>,
    pub latency_ms: f64,
    pub failure: Option<Text<'a>>,
}

/// What was done with the stored baseline.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Baseline<'a> {
    pub file: Text<'a>,
    #[schemars(extend("enum" = ["compared", "missing"]))]
    pub state: Text<'a>,
    /// Of the run that made it.
    pub timestamp: Option<Text<'a>>,
    pub commit: Option<Text<'a>>,
    /// How its origin differs from this run's.
    pub foreign: Option<Text<'a>>,
    /// Whether its rules only warn for that.
    pub lowered: bool,
    /// Whether this run wrote it.
    pub written: bool,
}
