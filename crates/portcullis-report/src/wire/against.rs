//! The comparison of base and candidate in the file.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Text;

/// The same requests to base and candidate.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Against<'a> {
    /// The revision as it was asked for.
    pub asked: Text<'a>,
    pub commit: Text<'a>,
    #[serde(default)]
    pub sentence: Text<'a>,
    pub took_s: f64,
    pub limit_s: f64,
    /// Why both servers were not on one processor; null if they were.
    pub unplaced: Option<Text<'a>>,
    pub overrides: Cow<'a, [String]>,
    pub tasks: Vec<AgainstTask<'a>>,
    /// All tasks of the scenario.
    pub names: Cow<'a, [String]>,
    /// Task, seconds after the first pair, who was asked first, milliseconds of
    /// base and candidate (null: failed), and what their servers computed for it.
    pub pairs: Vec<Pair<'a>>,
}

/// A pair: a list, since there are many.
pub type Pair<'a> = (Text<'a>, f64, Text<'a>, Option<f64>, Option<f64>, Option<f64>, Option<f64>);

/// A task that was compared.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct AgainstTask<'a> {
    pub name: Text<'a>,
    #[schemars(extend("enum" = ["slower", "not slower", "undecided"]))]
    pub decision: Text<'a>,
    pub decided_after_s: Option<f64>,
    #[serde(default)]
    pub in_words: Text<'a>,
    pub pairs: u64,
    /// Null without a ratio.
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
    /// Pairs in which only the candidate was in the tail.
    pub only_candidate_in_tail: u64,
    pub only_base_in_tail: u64,
}

/// Candidate over base.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Effect {
    pub pairs: usize,
    pub median_ratio: f64,
    pub mean_ratio: f64,
    /// With `high_ratio` it holds the ratio with 95 %.
    pub low_ratio: f64,
    pub high_ratio: f64,
    /// The ratio is above with 5 %.
    pub at_most_ratio: f64,
}
