//! Judged thresholds in the file: for people, and whole, so that every report
//! can be made of them again.

use portcullis_core::evidence::State;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Text;

/// A judged rule; one `per task` gives one of these for each task.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Threshold<'a> {
    /// The line as written.
    pub rule: Text<'a>,
    #[serde(default)]
    pub in_words: Text<'a>,
    pub scope: Text<'a>,
    #[schemars(extend("enum" = ["aggregate", "task", "group", "label", "login"]))]
    pub scope_kind: Text<'a>,
    pub per_task: bool,
    pub metric: Text<'a>,
    #[schemars(extend("enum" = ["<", "<=", ">", ">="]))]
    pub comparison: Text<'a>,
    #[schemars(extend("enum" = ["fail", "warn"]))]
    pub severity: Text<'a>,
    #[schemars(extend("enum" = ["holds", "violated", "no data", "not judged"]))]
    pub judgement: Text<'a>,
    /// Why it was not judged.
    pub reason: Option<Text<'a>>,
    /// Null without data, and when it was not judged.
    pub value: Option<f64>,
    /// Null for a limit that was never known.
    pub limit: Option<f64>,
    #[schemars(extend("enum" = ["ms", "fraction", "number", "bytes"]))]
    pub unit: Text<'a>,
    /// The limit that was never known.
    pub relative: Option<Relative<'a>>,
    pub abort: bool,
    pub after_s: Option<f64>,
    #[schemars(extend("enum" = ["estimate", "prove"]))]
    pub policy: Text<'a>,
    /// Good answers for latencies, requests for the others.
    pub samples: u64,
    /// Samples on the wrong side of the limit, for percentiles.
    pub beyond_limit: Option<u64>,
    pub evidence: Option<Evidence<'a>>,
    /// What the limit was taken from.
    pub baseline: Option<Derived<'a>>,
}

/// A limit in terms of another run: `reference × factor + plus`.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Relative<'a> {
    #[schemars(extend("enum" = ["baseline", "base"]))]
    pub to: Text<'a>,
    pub factor: f64,
    pub plus: f64,
}

/// What a limit was taken from: it is `value × factor + plus`.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Derived<'a> {
    #[schemars(extend("enum" = ["baseline", "base"]))]
    pub to: Text<'a>,
    pub value: f64,
    pub factor: f64,
    pub plus: f64,
    /// How uncertain the value is, 95 %; in the threshold's unit.
    pub low: Option<f64>,
    pub high: Option<f64>,
    pub samples: Option<u64>,
    /// Why a violation only warns although the rule says "fail".
    pub lowered: Option<Text<'a>>,
}

/// What supports a judgement.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Evidence<'a> {
    #[schemars(extend("enum" = [State::Proven, State::Unbroken, State::Violated, State::InDoubt].map(State::name)))]
    pub state: Text<'a>,
    pub requests: u64,
    /// Of these, beyond the limit.
    pub beyond: u64,
    pub allowed_share: f64,
    /// The shares that are possible, 95 %, however often one looks.
    pub share_low: f64,
    pub share_high: f64,
    /// For requests that share a bad second.
    pub block_factor: f64,
    pub clustered_low: f64,
    pub clustered_high: f64,
    /// The smallest share that this run would have caught 19 times in 20.
    pub detectable_share: Option<f64>,
    /// The latencies that are possible; null where there are too few samples.
    pub latency_low_ms: Option<f64>,
    pub latency_high_ms: Option<f64>,
}
