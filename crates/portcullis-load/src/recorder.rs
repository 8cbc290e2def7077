//! What one worker measured: histograms per task, exact counts, failures by
//! kind. Owned by the one worker.

use std::collections::HashMap;
use std::time::Duration;

use hdrhistogram::Histogram;
use portcullis_core::distribution::Distribution;
use portcullis_core::plan::LoadPlan;
use portcullis_core::summary::{Beyond, FailureGroup, FailureKind, Row, TaskSummary};

use crate::clock;

/// Why a request failed, in the words of the first that did.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Its kind.
    pub kind: FailureKind,
    /// What tells groups of one kind apart: the status, or 0.
    pub status: u16,
    /// What happened.
    pub message: String,
}

/// One request, finished.
#[derive(Debug)]
pub struct Sample {
    /// From the start of sending to the last byte.
    pub latency: Duration,
    /// Bytes of body, unpacked.
    pub body_bytes: u64,
    /// What went wrong, if something did.
    pub failure: Option<Failure>,
    /// Whether it is a good answer with a status from 200 to 299.
    pub has_data: bool,
}

/// Whose sample it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// A task's, in the planned window.
    Window(usize),
    /// A task's, in the extension.
    Extension(usize),
    /// The login's.
    Login,
}

/// The counts since the last tick, for the time series.
#[derive(Debug)]
pub struct SinceTick {
    /// Requests of the planned window that ended.
    pub requests: u64,
    /// Of these, failed ones.
    pub failures: u64,
    /// Bytes of their bodies.
    pub body_bytes: u64,
    /// Latencies of the good ones.
    pub latencies: Latencies,
}

/// A worker's measurements.
#[derive(Debug)]
pub struct Recorder {
    limits: Vec<Duration>,
    histogram: Histogram<u64>,
    window: Vec<Cell>,
    extension: Vec<Cell>,
    login: Cell,
    failures: HashMap<FailureKey, FailureGroup>,
    since_tick: SinceTick,
    /// Requests sent again on a new connection.
    pub resent: u64,
    /// Kept connections that the server had closed, opened anew before sending.
    pub reopened: u64,
    requests: u64,
    lag: Latencies,
}

/// Task (`None` is the login), kind, and status where that tells them apart.
type FailureKey = (Option<usize>, FailureKind, u16);

/// The counts of one row; the histograms are made when they are needed.
#[derive(Clone, Debug, Default)]
struct Cell {
    requests: u64,
    failures: u64,
    body_bytes: u64,
    good: Option<Box<Latencies>>,
    failed: Option<Box<Latencies>>,
    beyond: Vec<Beyond>,
    failed_beyond: Vec<Beyond>,
    with_data: u64,
}

/// A histogram beside exact count, sum and extremes.
#[derive(Clone, Debug)]
pub struct Latencies {
    histogram: Histogram<u64>,
    count: u64,
    sum_ns: u128,
    min_ns: u64,
    max_ns: u64,
}

/// Microseconds, rounded up: a latency is never shown below what it was.
pub fn micros(latency: Duration) -> u64 {
    u64::try_from(latency.as_nanos().div_ceil(1000)).unwrap_or(u64::MAX).max(1)
}

/// A histogram from 1 µs to `longest`, with three digits.
///
/// # Errors
/// Never for a positive `longest`; the library checks the bounds.
fn histogram(longest: Duration) -> Result<Histogram<u64>, hdrhistogram::CreationError> {
    Histogram::new_with_bounds(1, micros(longest).max(2), 3)
}

impl Latencies {
    fn new(empty: &Histogram<u64>) -> Self {
        Self { histogram: empty.clone(), count: 0, sum_ns: 0, min_ns: 0, max_ns: 0 }
    }

    fn record(&mut self, latency: Duration) {
        let ns = u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX);
        self.min_ns = if self.count == 0 { ns } else { self.min_ns.min(ns) };
        self.max_ns = self.max_ns.max(ns);
        self.sum_ns += u128::from(ns);
        self.count += 1;
        self.histogram.saturating_record(micros(latency));
    }

    /// The latencies as plain data.
    pub fn distribution(&self) -> Distribution {
        let highest = |value| self.histogram.highest_equivalent(value);
        let buckets = self.histogram.iter_recorded();
        Distribution {
            count: self.count,
            sum_ns: self.sum_ns,
            min_ns: self.min_ns,
            max_ns: self.max_ns,
            buckets: buckets
                .map(|b| (highest(b.value_iterated_to()), b.count_at_value()))
                .collect(),
        }
    }
}

impl Cell {
    fn record(&mut self, sample: &Sample, limits: &[Duration], empty: &Histogram<u64>) {
        self.requests += 1;
        self.body_bytes += sample.body_bytes;
        let failed = sample.failure.is_some();
        let latencies = if failed { &mut self.failed } else { &mut self.good };
        latencies.get_or_insert_with(|| Box::new(Latencies::new(empty))).record(sample.latency);
        self.failures += u64::from(failed);
        self.with_data += u64::from(sample.has_data);
        let beyond = if failed { &mut self.failed_beyond } else { &mut self.beyond };
        beyond.resize(limits.len(), Beyond::default());
        for (limit, beyond) in limits.iter().zip(beyond) {
            beyond.above += u64::from(sample.latency > *limit);
            beyond.at_or_above += u64::from(sample.latency >= *limit);
        }
    }

    fn row(&self, limits: &[Duration]) -> Row {
        let distribution = |latencies: &Option<Box<Latencies>>| {
            latencies.as_ref().map(|l| l.distribution()).unwrap_or_default()
        };
        let counted = |beyond: &[Beyond]| {
            let mut beyond = beyond.to_vec();
            beyond.resize(limits.len(), Beyond::default());
            beyond
        };
        Row {
            requests: self.requests,
            failures: self.failures,
            latency: distribution(&self.good),
            failed_latency: distribution(&self.failed),
            body_bytes: self.body_bytes,
            beyond: counted(&self.beyond),
            failed_beyond: counted(&self.failed_beyond),
            with_data: self.with_data,
        }
    }
}

impl SinceTick {
    fn new(empty: &Histogram<u64>) -> Self {
        Self { requests: 0, failures: 0, body_bytes: 0, latencies: Latencies::new(empty) }
    }
}

impl Recorder {
    /// An empty recorder for a plan.
    ///
    /// # Errors
    /// The histogram library refuses its bounds: a defect.
    pub fn new(plan: &LoadPlan) -> Result<Self, hdrhistogram::CreationError> {
        // One second of room: an answer may end just after its deadline.
        let empty = histogram(plan.request_timeout + Duration::from_secs(1))?;
        let tasks = plan.scenario.tasks.len();
        Ok(Self {
            limits: plan.limits.clone(),
            window: vec![Cell::default(); tasks],
            extension: vec![Cell::default(); tasks],
            login: Cell::default(),
            failures: HashMap::new(),
            since_tick: SinceTick::new(&empty),
            lag: Latencies::new(&empty),
            histogram: empty,
            resent: 0,
            reopened: 0,
            requests: 0,
        })
    }

    /// Records how late the worker woke.
    pub fn record_lag(&mut self, lag: Duration) {
        self.lag.record(lag);
    }

    /// How late the worker woke.
    pub fn lag(&self) -> Distribution {
        self.lag.distribution()
    }

    /// Whether a request that was dropped without an answer may be sent again.
    /// A server that closes an idle connection just as we use it is rare, once
    /// closed ones were looked for; beyond 1 % it is a server that drops requests.
    pub fn may_resend(&self) -> bool {
        self.resent * 100 <= self.requests
    }

    /// Records one request.
    pub fn record(&mut self, whose: Whose, sample: &Sample, plan: &LoadPlan) {
        self.requests += 1;
        let cell = match whose {
            Whose::Window(task) => self.window.get_mut(task),
            Whose::Extension(task) => self.extension.get_mut(task),
            Whose::Login => Some(&mut self.login),
        };
        if let Some(cell) = cell {
            cell.record(sample, &self.limits, &self.histogram);
        }
        if let Whose::Window(_) = whose {
            self.since_tick.requests += 1;
            self.since_tick.failures += u64::from(sample.failure.is_some());
            self.since_tick.body_bytes += sample.body_bytes;
            if sample.failure.is_none() {
                self.since_tick.latencies.record(sample.latency);
            }
        }
        if let Some(failure) = &sample.failure {
            self.note_failure(whose, failure, plan);
        }
    }

    fn note_failure(&mut self, whose: Whose, failure: &Failure, plan: &LoadPlan) {
        let now = clock::unix_ms();
        let index = match whose {
            Whose::Window(task) | Whose::Extension(task) => Some(task),
            Whose::Login => None,
        };
        let task = index.and_then(|index| plan.scenario.tasks.get(index));
        let login = plan.scenario.login.as_ref().map(|login| &login.request);
        let request = task.map(|task| &task.request).or(login);
        let group = || FailureGroup {
            task: task.map_or_else(|| "login".to_owned(), |task| task.name.clone()),
            method: request.map(|request| request.method.clone()).unwrap_or_default(),
            kind: failure.kind,
            message: failure.message.clone(),
            count: 0,
            first_unix_ms: now,
            last_unix_ms: now,
        };
        let key = (index, failure.kind, failure.status);
        let group = self.failures.entry(key).or_insert_with(group);
        group.count += 1;
        group.last_unix_ms = now;
    }

    /// The counts since the last call.
    pub fn take_tick(&mut self) -> SinceTick {
        std::mem::replace(&mut self.since_tick, SinceTick::new(&self.histogram))
    }

    /// Every task's rows, in the order of the scenario.
    pub fn tasks(&self, plan: &LoadPlan) -> Vec<TaskSummary> {
        let cells = self.window.iter().zip(&self.extension);
        let pairs = plan.scenario.tasks.iter().zip(cells);
        pairs
            .map(|(task, (window, extension))| TaskSummary {
                name: task.name.clone(),
                group: task.group.clone(),
                method: task.request.method.clone(),
                label: task.request.label(),
                weight: task.weight,
                needs_data: task.accept.iter().any(|status| (200..300).contains(status)),
                window: window.row(&self.limits),
                extension: extension.row(&self.limits),
            })
            .collect()
    }

    /// The login's row, if the scenario has a login.
    pub fn login(&self, plan: &LoadPlan) -> Option<TaskSummary> {
        let login = plan.scenario.login.as_ref()?;
        Some(TaskSummary {
            name: "login".to_owned(),
            method: login.request.method.clone(),
            label: login.request.label(),
            window: self.login.row(&self.limits),
            ..TaskSummary::default()
        })
    }

    /// What failed, in the order of the tasks and kinds.
    pub fn failures(&self) -> Vec<FailureGroup> {
        let mut all: Vec<_> = self.failures.iter().collect();
        all.sort_by_key(|(key, _)| **key);
        all.into_iter().map(|(_, group)| group.clone()).collect()
    }
}
