//! `perf_results.json`: wire structs of its own, so that the core's types can
//! change without changing the format.

mod measurements;
mod thresholds;

pub(crate) use thresholds::reference;

use std::time::{Duration, UNIX_EPOCH};

use portcullis_core::event::{StageEnd, StageRecord};
use serde::Serialize;

use crate::against_json::WireAgainst;
use crate::baseline_json::WireBaseline;
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
    /// Whether warnings, and tasks that a comparison leaves undecided, fail.
    strict: bool,
    findings: Vec<Finding<'a>>,
    thresholds: Vec<thresholds::Threshold>,
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
    summary: Option<measurements::WireSummary<'a>>,
    against: Option<WireAgainst<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    against_repeated: Vec<WireAgainst<'a>>,
    baseline: Option<WireBaseline<'a>>,
    acceptable: bool,
    configuration_hash: &'a str,
    configuration_places: Places<'a>,
    configuration: &'a str,
}

/// Where in the configuration file things stand; lines are counted from 1.
#[derive(Serialize)]
struct Places<'a> {
    file: &'a str,
    rules: Vec<PlacedRule<'a>>,
    against: Option<usize>,
}

#[derive(Serialize)]
struct PlacedRule<'a> {
    severity: &'static str,
    rule: &'a str,
    line: usize,
}

#[derive(Serialize)]
struct Finding<'a> {
    kind: &'static str,
    exit_code: u8,
    message: &'a str,
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
        strict: run.strict,
        findings: run
            .findings
            .iter()
            .map(|f| Finding { kind: f.kind(), exit_code: f.exit_code(), message: f.message() })
            .collect(),
        thresholds: verdict.iter().flat_map(|v| &v.judged).map(thresholds::threshold).collect(),
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
        summary: run.summary.as_ref().map(measurements::summary),
        against: run.comparison.as_ref().map(WireAgainst::new),
        against_repeated: run.repeated.iter().map(WireAgainst::new).collect(),
        baseline: run.baseline.as_ref().map(WireBaseline::new),
        acceptable: run.acceptable,
        configuration_hash: &run.configuration_hash,
        configuration_places: places(run),
        configuration: &run.configuration,
    };
    let mut text = serde_json::to_string_pretty(&results)?;
    text.push('\n');
    Ok(text)
}

fn places(run: &RunReport) -> Places<'_> {
    let rules = run.places.rules.iter().map(|placed| PlacedRule {
        severity: thresholds::severity(placed.severity),
        rule: &placed.text,
        line: placed.line,
    });
    Places { file: &run.places.file, rules: rules.collect(), against: run.places.against }
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

fn stage(record: &StageRecord) -> Stage<'_> {
    let (end, failure) = match &record.end {
        StageEnd::Done => ("done", None),
        StageEnd::Cached => ("cached", None),
        StageEnd::Failed(why) => ("failed", Some(why.as_str())),
    };
    let took_s = record.took.as_secs_f64();
    Stage { stage: record.stage.name(), took_s, end, detail: &record.detail, failure }
}
