//! What stages have brought so far. It outlives them, so that what was measured is told
//! however the run ends.

use portcullis_core::compare::Comparison;
use portcullis_core::judge::{Finding, Verdict};
use portcullis_core::measure::{Summary, Usage, UsageAt};
use portcullis_report::FirstCall;

/// All that a run has brought.
#[derive(Debug, Default)]
pub struct RunResults {
    /// The origin that is measured, once it is known.
    pub target: String,
    /// What the load brought.
    pub load: LoadResults,
    /// The judgement.
    pub verdict: Option<Verdict>,
    /// Those findings that only say how the run differs from the baseline.
    pub differences: Vec<Finding>,
    /// What pairs said of base and candidate.
    pub comparison: Option<Comparison>,
    /// What they said after the first comparison.
    pub repeated: Vec<Comparison>,
    /// How our own server ended, in words.
    pub server_end: Option<String>,
    /// Whether this run wrote the baseline.
    pub baseline_written: bool,
}

/// What a load brought.
#[derive(Debug, Default)]
pub struct LoadResults {
    /// The first round's calls.
    pub first_round: Vec<FirstCall>,
    /// What was measured.
    pub summary: Option<Summary>,
    /// Whether the measurements are to be judged.
    pub is_judged: bool,
    /// What the server used during the load.
    pub server_usage: Option<Usage>,
    /// The same over time.
    pub server_timeline: Vec<UsageAt>,
    /// The share of CPU time that the machine's host took away during the load.
    pub steal_share: Option<f64>,
}
