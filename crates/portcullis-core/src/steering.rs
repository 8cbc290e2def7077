//! How a load is steered while it runs. The engine counts and asks; the code that knows the
//! rules decides. Neither uses the other: both use this file.

use std::time::Duration;

use crate::evidence::State;
use crate::measure::Summary;
use crate::threshold::Severity;

/// A rule and its status so far.
#[derive(Clone, Debug, PartialEq)]
pub struct RuleStatus {
    /// The rule, resolved to one scope: `p95(list) <= 500 ms`.
    pub rule: String,
    /// Whether it fails the run or is a warning.
    pub severity: Severity,
    /// The certainty; `None` before the first request, and for rules that cannot be written as
    /// a share of requests (`mean`, `rps`, `count`, `size`). Those are judged at the end.
    pub state: Option<State>,
}

/// The decision about the load. By default it ends as planned.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Steering {
    /// Why the window ends now, in words; `None` to continue.
    pub stop: Option<String>,
    /// Tasks, by their index in the scenario, that need more requests.
    pub tasks: Vec<usize>,
    /// Whether more requests of all tasks together, in their usual mix, are needed.
    pub mix: bool,
    /// The tasks or rules that need more requests, in words.
    pub needed_for: Vec<String>,
}

/// Decides whether a load ends early or continues after its window. It is called at most a
/// few times a second, never for each request, and from any worker.
pub trait StopController: Sync {
    /// Whether there are rules. Without rules nothing is counted for them.
    fn has_rules(&self) -> bool;

    /// Whether the window can end early. If not, `steer` is not called before its end.
    fn may_stop_early(&self) -> bool;

    /// The decision from the counts so far, which include only the number of latencies.
    /// `measured` is the time since the start of the window.
    fn steer(&self, counts: &Summary, measured: Duration) -> Steering;

    /// The status of each rule with these counts, for the observer.
    fn status(&self, counts: &Summary) -> Vec<RuleStatus>;
}
