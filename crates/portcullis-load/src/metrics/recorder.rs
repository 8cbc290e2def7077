//! What one worker measured: histograms per task, exact counts, failures by
//! kind. Owned by the one worker while it runs, merged at the end.

use std::collections::HashMap;
use std::time::Duration;

use hdrhistogram::CreationError;
use portcullis_core::measure::{Distribution, FailureGroup, FailureKind, Row, TaskSummary};
use portcullis_core::plan::LoadPlan;
use portcullis_core::scenario::{Step, labels, methods};

use super::clock;
use super::exemplars::Kept;
use super::interval::SinceTick;
use super::latencies::Latencies;
use super::row_recorder::Cell;
use super::sample::{Failure, Sample};
use super::timeline::TaskCourse;
use crate::http::Opening;

/// Whose sample it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// Anybody's, before the window.
    WarmUp(usize),
    /// A task's, in the planned window.
    Window(usize),
    /// A task's, after the window, called by the deck as in it.
    Continued(usize),
    /// A task's, after the window, called for its own sake.
    Extension(usize),
    /// The login's.
    Login,
}

impl Whose {
    /// The task that is called.
    pub fn task(self) -> Option<usize> {
        match self {
            Self::WarmUp(task)
            | Self::Window(task)
            | Self::Continued(task)
            | Self::Extension(task) => Some(task),
            Self::Login => None,
        }
    }
}

/// A worker's measurements.
#[derive(Debug)]
pub struct Recorder {
    warm_up: Cell,
    window: Vec<Cell>,
    continued: Vec<Cell>,
    extension: Vec<Cell>,
    login: Cell,
    courses: Vec<TaskCourse>,
    failures: HashMap<FailureKey, FailureGroup>,
    since_tick: SinceTick,
    tick_latencies: Latencies,
    /// Requests sent again on a new connection.
    pub resent: u64,
    /// Kept connections that the server had closed, opened anew before sending.
    pub reopened: u64,
    requests: u64,
    /// How late the worker woke.
    pub lag: Latencies,
    /// How late users started.
    pub spawn_lag: Latencies,
    connect: Latencies,
    handshake: Latencies,
}

/// Task (`None` is the login), kind, and status where that tells them apart.
type FailureKey = (Option<usize>, FailureKind, u16);

/// One second of room: an answer may end just after its deadline. In the open
/// model a request may have waited for the whole run before it was sent.
fn longest(plan: &LoadPlan) -> Duration {
    let room = plan.request_timeout + Duration::from_secs(1);
    if plan.is_open() { plan.closes() + plan.longest + room } else { room }
}

impl Recorder {
    /// An empty recorder for a plan.
    ///
    /// # Errors
    /// The histogram library refuses its bounds: a defect.
    pub fn new(plan: &LoadPlan) -> Result<Self, CreationError> {
        let empty = Latencies::new(longest(plan));
        empty.check()?;
        let cell = Cell::new(&empty, plan.limits.len());
        let tasks = plan.scenario.tasks.len();
        Ok(Self {
            warm_up: cell.clone(),
            window: vec![cell.clone(); tasks],
            continued: vec![cell.clone(); tasks],
            extension: vec![cell.clone(); tasks],
            login: cell,
            courses: TaskCourse::of(plan),
            failures: HashMap::new(),
            since_tick: SinceTick::default(),
            tick_latencies: empty.clone(),
            resent: 0,
            reopened: 0,
            requests: 0,
            lag: empty.clone(),
            spawn_lag: empty.clone(),
            connect: empty.clone(),
            handshake: empty,
        })
    }

    /// Whether a request that was dropped without an answer may be sent again.
    /// A server that closes an idle connection just as we use it is rare, once
    /// closed ones were looked for; beyond 1 % it is a server that drops requests.
    pub fn may_resend(&self) -> bool {
        self.resent * 100 <= self.requests
    }

    /// Where a request is counted; none for a task that the plan does not have.
    fn cell(&mut self, whose: Whose) -> Option<&mut Cell> {
        match whose {
            Whose::WarmUp(_) => Some(&mut self.warm_up),
            Whose::Window(task) => self.window.get_mut(task),
            Whose::Continued(task) => self.continued.get_mut(task),
            Whose::Extension(task) => self.extension.get_mut(task),
            Whose::Login => Some(&mut self.login),
        }
    }

    /// Records one request that ended at this moment of the run.
    pub fn record(&mut self, whose: Whose, sample: &Sample, ended: Duration, plan: &LoadPlan) {
        if let Some(cell) = self.cell(whose) {
            cell.record(sample, ended, &plan.limits);
        }
        if sample.is_cut {
            return;
        }
        self.requests += 1;
        if let Whose::Window(task) = whose {
            let good = sample.failure.is_none().then_some(sample.latency);
            let course = self.courses.get_mut(task);
            course.into_iter().for_each(|course| course.record(clock::second(ended), good));
            self.since_tick.requests += 1;
            self.since_tick.failures += u64::from(sample.failure.is_some());
            self.since_tick.body_bytes += sample.body_bytes;
            match &sample.failure {
                None => self.tick_latencies.record(sample.latency),
                Some(failure) => {
                    let kind = self.since_tick.kinds.get_mut(failure.kind as usize);
                    kind.into_iter().for_each(|count| *count += 1);
                }
            }
        }
        if let (Some(failure), false) = (&sample.failure, matches!(whose, Whose::WarmUp(_))) {
            self.note_failure(whose, failure, plan);
        }
    }

    /// Whether the body of this answer is to be kept: of the first failed ones of each
    /// task. A login's that was not refused may hold a token that nobody knows.
    pub fn wants_body(&mut self, whose: Whose, sample: &Sample) -> bool {
        if sample.failure.is_none() || sample.status == 0 {
            return false;
        }
        let is_shown = match whose {
            Whose::WarmUp(_) => false,
            Whose::Login => sample.status >= 400,
            Whose::Window(_) | Whose::Continued(_) | Whose::Extension(_) => true,
        };
        is_shown && self.cell(whose).is_some_and(|cell| cell.kept.wants_error())
    }

    /// Notes how late the worker woke.
    pub fn note_lag(&mut self, lag: Duration) {
        self.lag.record(lag);
        self.since_tick.late = self.since_tick.late.max(lag);
    }

    /// Requests so far, of whomever.
    pub fn requests(&self) -> u64 {
        self.requests
    }

    /// Records a connection that was opened.
    pub fn record_opening(&mut self, opening: Opening) {
        self.connect.record(opening.connect);
        opening.handshake.into_iter().for_each(|took| self.handshake.record(took));
    }

    fn note_failure(&mut self, whose: Whose, failure: &Failure, plan: &LoadPlan) {
        let now = clock::unix_ms();
        let index = whose.task();
        let task = index.and_then(|index| plan.scenario.tasks.get(index));
        let login = plan.scenario.login.as_ref().map(|login| &login.steps);
        let steps = task.map(|task| &task.steps).or(login);
        let group = || FailureGroup {
            task: task.map_or_else(|| "login".to_owned(), |task| task.name.clone()),
            method: steps.map(|steps| methods(steps)).unwrap_or_default(),
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
        let latencies = self.tick_latencies.distribution();
        self.tick_latencies.reset();
        SinceTick { latencies, ..std::mem::take(&mut self.since_tick) }
    }

    /// For each task what was counted since the last call: no latencies but
    /// their number. What is told of blocks and of the row is the same requests:
    /// else the second that just went bad would not be known as one.
    pub fn take_counts(&mut self) -> Vec<TaskSummary> {
        let tasks = self.window.iter_mut().zip(self.continued.iter_mut().zip(&mut self.extension));
        let told =
            |(window, (continued, extension)): (&mut Cell, (&mut Cell, &mut Cell))| TaskSummary {
                window: window.take_counts(),
                continued: continued.take_counts(),
                extension: extension.take_counts(),
                ..TaskSummary::default()
            };
        tasks.map(told).collect()
    }

    /// Adds what another worker measured under the same plan.
    pub fn absorb(&mut self, other: Self) {
        self.warm_up.absorb(&other.warm_up);
        self.login.absorb(&other.login);
        let theirs = other.window.iter().chain(&other.continued).chain(&other.extension);
        let after = self.continued.iter_mut().chain(&mut self.extension);
        for (mine, theirs) in self.window.iter_mut().chain(after).zip(theirs) {
            mine.absorb(theirs);
        }
        for (mine, theirs) in self.courses.iter_mut().zip(&other.courses) {
            mine.absorb(theirs);
        }
        for (key, group) in other.failures {
            let mine = self
                .failures
                .entry(key)
                .or_insert_with(|| FailureGroup { count: 0, ..group.clone() });
            mine.count += group.count;
            mine.first_unix_ms = mine.first_unix_ms.min(group.first_unix_ms);
            mine.last_unix_ms = mine.last_unix_ms.max(group.last_unix_ms);
        }
        self.resent += other.resent;
        self.reopened += other.reopened;
        self.requests += other.requests;
        self.lag.absorb(&other.lag);
        self.spawn_lag.absorb(&other.spawn_lag);
        self.connect.absorb(&other.connect);
        self.handshake.absorb(&other.handshake);
    }

    /// The requests before the window.
    pub fn warm_up(&self) -> Row {
        self.warm_up.row()
    }

    /// How long it took to connect, and to agree on TLS.
    pub fn openings(&self) -> (Distribution, Distribution) {
        (self.connect.distribution(), self.handshake.distribution())
    }

    /// Every task's rows, in the order of the scenario.
    pub fn tasks(&self, plan: &LoadPlan) -> Vec<TaskSummary> {
        let after = self.continued.iter().zip(&self.extension);
        let cells = self.window.iter().zip(after);
        let courses =
            self.courses.iter().map(TaskCourse::steps).chain(std::iter::repeat(Vec::new()));
        let pairs = plan.scenario.tasks.iter().zip(cells).zip(courses);
        pairs
            .map(|((task, (window, (continued, extension))), course)| TaskSummary {
                course,
                name: task.name.clone(),
                group: task.group.clone(),
                method: methods(&task.steps),
                label: labels(&task.steps),
                weight: task.weight,
                needs_data: task.steps.iter().any(may_have_data),
                window: window.row(),
                continued: continued.row(),
                extension: extension.row(),
                samples: Kept::samples(
                    [window, continued, extension].map(|c| &c.kept),
                    plan.opens(),
                ),
            })
            .collect()
    }

    /// The login's row, if the scenario has a login.
    pub fn login(&self, plan: &LoadPlan) -> Option<TaskSummary> {
        let login = plan.scenario.login.as_ref()?;
        Some(TaskSummary {
            name: "login".to_owned(),
            method: methods(&login.steps),
            label: labels(&login.steps),
            window: self.login.row(),
            samples: Kept::samples([&self.login.kept], plan.opens()),
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

/// Whether an answer that is accepted may be a success.
fn may_have_data(step: &Step) -> bool {
    step.accept.iter().any(|status| (200..300).contains(status))
}
