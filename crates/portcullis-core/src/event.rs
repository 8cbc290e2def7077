//! The one sideways stream: what a run tells while it goes on. Sinks (the
//! console, logs) listen; there is never an event per request.

use std::time::Duration;

use crate::measure::FailureKind;
use crate::steering::RuleStatus;

/// A stage of the pipeline, in its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Python is found, the virtual environment made or reused.
    Environment,
    /// The requirements are installed.
    Install,
    /// The throwaway database is migrated.
    Migrate,
    /// It is filled.
    Seed,
    /// The server is started.
    Serve,
    /// It answers its health check, and it is ours.
    Ready,
    /// Users make requests.
    Load,
    /// The base of a comparison is found and extracted.
    Base,
    /// Base and candidate get the same requests.
    Pairs,
    /// The thresholds are judged.
    Judge,
    /// Artifacts are written.
    Collect,
    /// The server is stopped.
    Stop,
}

impl Stage {
    /// All stages in their order.
    pub const ALL: [Self; 12] = [
        Self::Base,
        Self::Environment,
        Self::Install,
        Self::Migrate,
        Self::Seed,
        Self::Serve,
        Self::Ready,
        Self::Load,
        Self::Pairs,
        Self::Judge,
        Self::Collect,
        Self::Stop,
    ];

    /// The stage as everything names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Environment => "environment",
            Self::Install => "install",
            Self::Migrate => "migrate",
            Self::Seed => "seed",
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
    /// It did its work.
    Completed,
    /// Its work was there already.
    Cached,
    /// It failed; the sentence says how.
    Failed(String),
}

impl StageEnd {
    /// The words of [`StageEnd::name`].
    pub const NAMES: [&'static str; 3] = ["done", "cached", "failed"];

    /// How it ended in a word, as results name it.
    pub fn name(&self) -> &'static str {
        let [done, cached, failed] = Self::NAMES;
        match self {
            Self::Completed => done,
            Self::Cached => cached,
            Self::Failed(_) => failed,
        }
    }

    /// The sentence of a failure.
    pub fn failure(&self) -> Option<&str> {
        match self {
            Self::Failed(why) => Some(why),
            Self::Completed | Self::Cached => None,
        }
    }
}

/// A stage that ended, with what it took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StageRecord {
    /// Which.
    pub stage: Stage,
    /// From its start to its end.
    pub took: Duration,
    /// How it ended.
    pub end: StageEnd,
    /// A few words on what was done: a version, a port, a count.
    pub detail: String,
    /// The log that tells more of a failure, by its name in the artifacts' `logs/`.
    pub log: Option<String>,
}

/// The load so far, once a second.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Progress {
    /// Since the start of the window.
    pub elapsed: Duration,
    /// The planned window.
    pub window: Duration,
    /// Users alive and asked for.
    pub users: (u32, u32),
    /// Requests that ended, and failed ones.
    pub requests: (u64, u64),
    /// Requests that ended in the last second.
    pub last_second: u64,
    /// p95 of the good answers of the last ten seconds.
    pub p95_ms: Option<f64>,
    /// Failed requests by kind, those kinds alone that came.
    pub failures: Vec<(FailureKind, u64)>,
    /// How late the generator was at most, in the last second.
    pub late: Duration,
    /// How the rules stand, looked at every few seconds; empty before the first
    /// look.
    pub rules: Vec<RuleStatus>,
    /// Tasks without a request, once the window is over.
    pub extending_for: Vec<String>,
}

/// The pairs so far, once a second.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PairProgress {
    /// Since the first pair that counts; zero during the warm-up.
    pub elapsed: Duration,
    /// How long they may be made.
    pub limit: Duration,
    /// Pairs that were made.
    pub pairs: u64,
}

/// What a run tells.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A stage began.
    StageStarted(Stage),
    /// A stage ended.
    StageEnded(StageRecord),
    /// Something worth knowing that changes nothing.
    Note(String),
    /// Something that may spoil the run.
    Warning(String),
    /// The load goes on.
    Progress(Progress),
    /// Pairs go on.
    Pairs(PairProgress),
    /// The end of a log that tells why a stage failed.
    LogTail {
        /// Where the whole log will be.
        path: String,
        /// Its last lines, without secrets.
        lines: Vec<String>,
    },
    /// What to try next.
    Advice(String),
}

/// A listener.
pub trait Sink: Send + Sync {
    /// Takes an event; must not block for long.
    fn event(&self, event: &Event);
}

/// A listener that does not care.
#[derive(Clone, Copy, Debug)]
pub struct Nobody;

impl Sink for Nobody {
    fn event(&self, _: &Event) {}
}

/// Two listeners, the first one first.
#[derive(Clone, Copy)]
pub struct Both<'a>(pub &'a dyn Sink, pub &'a dyn Sink);

impl Sink for Both<'_> {
    fn event(&self, event: &Event) {
        self.0.event(event);
        self.1.event(event);
    }
}
