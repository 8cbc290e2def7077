//! The results of the stages so far. They outlive the stages, so that measurements are
//! reported however the run ends.

use portcullis_core::compare::Comparison;
use portcullis_core::judge::{Finding, Verdict};
use portcullis_core::measure::{Summary, Usage, UsageAt};
use portcullis_report::FirstCall;

/// All results of a run.
#[derive(Debug, Default)]
pub struct RunResults {
    /// The measured origin, once it is known.
    pub target: String,
    /// The results of the load.
    pub load: LoadResults,
    /// The judgement.
    pub verdict: Option<Verdict>,
    /// The findings that only report a difference from the baseline.
    pub differences: Vec<Finding>,
    /// The comparison of base and candidate.
    pub comparison: Option<Comparison>,
    /// Further comparisons after the first one.
    pub repeated: Vec<Comparison>,
    /// How the server that was started ended, in words.
    pub server_end: Option<String>,
    /// Whether this run wrote the baseline.
    pub baseline_written: bool,
}

/// The results of a load.
#[derive(Debug, Default)]
pub struct LoadResults {
    /// The first round's calls.
    pub first_round: Vec<FirstCall>,
    /// The measurements.
    pub summary: Option<Summary>,
    /// Whether the measurements must be judged.
    pub is_judged: bool,
    /// The use of CPU and memory by the server during the load.
    pub server_usage: Option<Usage>,
    /// The same over time.
    pub server_timeline: Vec<UsageAt>,
    /// CPU steal: the share of CPU time that the host took during the load.
    pub steal_share: Option<f64>,
}
