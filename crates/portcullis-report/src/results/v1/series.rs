//! The window second by second.

use portcullis_core::measure as measured;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::results::wire::{Count, Latency, MeanBytes, fields};

/// One second of the window.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Second {
    /// Number of the second, from 0.
    pub second: Count,
    pub users: u32,
    pub requests: Count,
    pub failures: Count,
    /// Percentiles of the good answers of the last ten seconds: 50, 66, 75, 80, 90, 95, 98,
    /// 99, 99.9, 99.99, 100; empty without good answers.
    pub percentiles_ms: Vec<Latency>,
    pub to_date: ToDate,
}

/// Values from the start of the window to the end of this second; 0 without good answers.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct ToDate {
    pub p50_ms: Latency,
    pub mean_ms: Latency,
    pub min_ms: Latency,
    pub max_ms: Latency,
    pub mean_body_bytes: MeanBytes,
}

fields!(Second: measured::SeriesPoint { second, users, requests, failures, percentiles_ms, to_date });

fields!(ToDate: measured::ToDate { mean_body_bytes, p50_ms, mean_ms, min_ms, max_ms });
