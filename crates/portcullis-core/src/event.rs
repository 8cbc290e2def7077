//! The stream of events: the progress of a run. Sinks (the console, logs) listen to it.
//! There is never an event for each request.

use std::time::Duration;

use crate::measure::FailureKind;
use crate::steering::RuleStatus;

/// A stage of the run, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Finds Python, and creates or reuses the virtual environment.
    Environment,
    /// Installs the requirements.
    Install,
    /// Starts the services that the project needs.
    Services,
    /// Migrates the temporary database.
    Migrate,
    /// Fills the database.
    Seed,
    /// A step of the configuration, or the preparation of the first one.
    Step,
    /// Starts the server.
    Serve,
    /// Waits until the server answers its health check, and verifies that it is our process.
    Ready,
    /// Users make requests.
    Load,
    /// Finds and extracts the base of a comparison.
    Base,
    /// Sends the same requests to base and candidate.
    Pairs,
    /// Judges the thresholds.
    Judge,
    /// Writes the artifacts.
    Collect,
    /// Stops the server.
    Stop,
}

impl Stage {
    /// All stages in order.
    pub const ALL: [Self; 14] = [
        Self::Base,
        Self::Environment,
        Self::Install,
        Self::Services,
        Self::Migrate,
        Self::Seed,
        Self::Step,
        Self::Serve,
        Self::Ready,
        Self::Load,
        Self::Pairs,
        Self::Judge,
        Self::Collect,
        Self::Stop,
    ];

    /// The name of the stage in all output.
    pub fn name(self) -> &'static str {
        match self {
            Self::Environment => "environment",
            Self::Install => "install",
            Self::Services => "services",
            Self::Migrate => "migrate",
            Self::Seed => "seed",
            Self::Step => "step",
            Self::Serve => "serve",
            Self::Ready => "ready",
            Self::Load => "load",
            Self::Base => "base",
            Self::Pairs => "pairs",
            Self::Judge => "judge",
            Self::Collect => "collect",
            Self::Stop => "stop",
        }
    }
}

/// How a stage ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StageEnd {
    /// It was completed.
    Completed,
    /// Its result was in the cache.
    Cached,
    /// It failed, with this message.
    Failed(String),
}

impl StageEnd {
    /// The names that [`StageEnd::name`] returns.
    pub const NAMES: [&'static str; 3] = ["done", "cached", "failed"];

    /// The name in results.
    pub fn name(&self) -> &'static str {
        let [done, cached, failed] = Self::NAMES;
        match self {
            Self::Completed => done,
            Self::Cached => cached,
            Self::Failed(_) => failed,
        }
    }

    /// The message of a failure.
    pub fn failure(&self) -> Option<&str> {
        match self {
            Self::Failed(why) => Some(why),
            Self::Completed | Self::Cached => None,
        }
    }
}

/// A stage that ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StageRecord {
    /// The stage.
    pub stage: Stage,
    /// Its duration.
    pub took: Duration,
    /// How it ended.
    pub end: StageEnd,
    /// Details in a few words: a version, a port, a count.
    pub detail: String,
    /// For a failure: the log with the details, by its name in the folder `logs/`.
    pub log: Option<String>,
    /// For a failure: what to try.
    pub advice: Option<String>,
}

/// The progress of the load, once a second.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Progress {
    /// Since the start of the window.
    pub elapsed: Duration,
    /// The planned length of the window.
    pub window: Duration,
    /// Active users, and configured users.
    pub users: (u32, u32),
    /// Finished requests, and failed ones.
    pub requests: (u64, u64),
    /// Requests that ended in the last second.
    pub last_second: u64,
    /// p95 of the good answers of the last ten seconds.
    pub p95_ms: Option<f64>,
    /// Failed requests by kind, for the kinds that occurred.
    pub failures: Vec<(FailureKind, u64)>,
    /// The largest lag of the generator in the last second.
    pub late: Duration,
    /// The status of the rules, evaluated every few seconds; empty before the first time.
    pub rules: Vec<RuleStatus>,
    /// Tasks that were not called yet, once the window is over.
    pub extending_for: Vec<String>,
}

/// The progress of the pairs, once a second.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PairProgress {
    /// Since the first pair that counts; zero during the warm-up.
    pub elapsed: Duration,
    /// The maximum time for pairs.
    pub limit: Duration,
    /// The number of pairs so far.
    pub pairs: u64,
}

/// An event of a run.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A stage began.
    StageStarted(Stage),
    /// A stage ended.
    StageEnded(StageRecord),
    /// A fact that changes nothing.
    Note(String),
    /// A problem that may affect the run.
    Warning(String),
    /// The progress of the load.
    Progress(Progress),
    /// The progress of the pairs.
    Pairs(PairProgress),
    /// The end of a log that shows why a stage failed.
    LogTail {
        /// The path of the whole log.
        path: String,
        /// Its last lines, without secrets.
        lines: Vec<String>,
    },
    /// What to try next.
    Advice(String),
}

/// A listener to events.
pub trait Sink: Send + Sync {
    /// Handles an event; must not block for long.
    fn event(&self, event: &Event);
}

/// A listener that ignores all events.
#[derive(Clone, Copy, Debug)]
pub struct Nobody;

impl Sink for Nobody {
    fn event(&self, _: &Event) {}
}

/// Two listeners, called in this order.
#[derive(Clone, Copy)]
pub struct Both<'a>(pub &'a dyn Sink, pub &'a dyn Sink);

impl Sink for Both<'_> {
    fn event(&self, event: &Event) {
        self.0.event(event);
        self.1.event(event);
    }
}
