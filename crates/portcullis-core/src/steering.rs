//! How a load is steered while it goes on. The engine counts and asks; whoever knows
//! the rules answers. Neither needs to know the other: both know this file.

use std::time::Duration;

use crate::evidence::State;
use crate::measure::Summary;
use crate::threshold::Severity;

/// A rule and what is known of it so far.
#[derive(Clone, Debug, PartialEq)]
pub struct RuleStatus {
    /// The rule, resolved to one scope: `p95(list) <= 500 ms`.
    pub rule: String,
    /// Whether it fails the run, or only warns.
    pub severity: Severity,
    /// What is known; `None` before the first request, and for rules that are no
    /// statement on a share of requests (`mean`, `rps`, `count`, `size`): those
    /// are judged at the end.
    pub state: Option<State>,
}

/// What the load is to do next. The default is to end as planned.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Steering {
    /// Why the window may end now, in words; `None` to go on.
    pub stop: Option<String>,
    /// Tasks, by their place in the scenario, that need more requests.
    pub tasks: Vec<usize>,
    /// Whether more requests of all tasks together, in their usual mix, are needed.
    pub mix: bool,
    /// What more requests are needed for, in words.
    pub needed_for: Vec<String>,
}

/// Who decides whether a load ends early or goes on after its window. It is asked at
/// most a few times a second, never per request, and by any worker.
pub trait StopController: Sync {
    /// Whether there are rules at all: without one nothing need be counted for them.
    fn has_rules(&self) -> bool;

    /// Whether the window may end before its time: else it is not asked before.
    fn may_stop_early(&self) -> bool;

    /// What to do, on what was counted so far: of latencies their number alone.
    /// `measured` is how far the window has come.
    fn steer(&self, counts: &Summary, measured: Duration) -> Steering;

    /// How each rule stands on these counts, for people who watch.
    fn status(&self, counts: &Summary) -> Vec<RuleStatus>;
}
