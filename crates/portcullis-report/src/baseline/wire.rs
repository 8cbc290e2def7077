//! The fields of `perf_baseline.json`; latencies in milliseconds.

use serde::{Deserialize, Serialize};

use super::Accepted;
use crate::record::Machine;
use crate::results::v1::row::OverLimit;

/// The whole file. Fields that we do not know are somebody else's.
#[derive(Debug, Deserialize, Serialize)]
pub struct File {
    #[serde(default)]
    pub version: serde_json::Value,
    pub timestamp: Option<String>,
    pub commit: Option<String>,
    pub metrics: WireMetrics,
    #[serde(default)]
    pub notes: serde_json::Value,
    pub portcullis: Option<Own>,
}

#[derive(Debug, Deserialize, Serialize)]
pub struct WireMetrics {
    pub p50: f64,
    pub p95: f64,
    pub p99: f64,
    pub avg_response_time: f64,
    pub requests_per_sec: f64,
    /// In percent.
    pub error_rate: f64,
    pub total_requests: u64,
    pub failure_count: Option<u64>,
}

/// What a comparison with evidence needs.
#[derive(Debug, Deserialize, Serialize)]
pub struct Own {
    #[serde(default)]
    pub tool_version: String,
    /// The hash of what decides the figures.
    pub configuration: String,
    pub machine: WireMachine,
    pub window_s: f64,
    pub measured_s: f64,
    /// Of good answers.
    pub latency: WireLatency,
    /// Requests beyond each latency limit of the run.
    #[serde(default)]
    pub beyond_limits: Vec<OverLimit>,
    #[serde(default)]
    pub accepted: Vec<Accepted>,
}

#[derive(Debug, Deserialize, Serialize)]
pub struct WireMachine {
    pub system: String,
    pub cores: u64,
    pub processor: Option<String>,
    pub memory_bytes: Option<u64>,
    pub quota_cores: Option<f64>,
}

#[derive(Debug, Deserialize, Serialize)]
pub struct WireLatency {
    pub count: u64,
    pub mean_ms: f64,
    pub min_ms: f64,
    pub max_ms: f64,
    /// `[upper end in µs, count]`, ascending.
    pub buckets_us: Vec<(u64, u64)>,
}

impl From<&Machine> for WireMachine {
    fn from(machine: &Machine) -> Self {
        Self {
            system: machine.system.clone(),
            cores: machine.cores as u64,
            processor: machine.processor.clone(),
            memory_bytes: machine.memory_bytes,
            quota_cores: machine.quota_cores,
        }
    }
}
