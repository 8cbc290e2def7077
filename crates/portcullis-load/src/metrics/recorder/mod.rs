//! The measurements of one worker: histograms per task, exact counts, failures by kind. The
//! worker owns its recorder while it runs; the recorders are merged at the end.

mod summary;

use std::collections::HashMap;
use std::time::Duration;

use hdrhistogram::CreationError;
use portcullis_core::measure::{CheckSummary, FailureGroup, FailureKind, TaskSummary};
use portcullis_core::plan::LoadPlan;
use portcullis_core::scenario::{Check, REFRESH_ROW, Task, methods};

use crate::http::Opening;
use crate::metrics::clock;
use crate::metrics::interval::IntervalCounts;
use crate::metrics::late_recorder::LateRecorder;
use crate::metrics::latencies::Latencies;
use crate::metrics::phase::{Phase, Subject, TaskId};
use crate::metrics::row_recorder::RowRecorder;
use crate::metrics::sample::{Failure, GoodAnswer, Sample};
use crate::metrics::timeline::TaskTimeline;

/// A worker's measurements.
#[derive(Debug)]
pub struct Recorder {
    warm_up: RowRecorder,
    /// One row for each task, then one for each named step; in the other phases, too.
    window: Vec<RowRecorder>,
    extra_mixed: Vec<RowRecorder>,
    extra_targeted: Vec<RowRecorder>,
    /// For each task the row of its first named step.
    first_steps: Vec<usize>,
    login: RowRecorder,
    refresh: RowRecorder,
    timelines: Vec<TaskTimeline>,
    /// The checks of each task.
    checks: Vec<Vec<CheckSummary>>,
    failures: HashMap<FailureKey, FailureGroup>,
    interval: IntervalCounts,
    interval_latencies: Latencies,
    /// Requests sent again on a new connection.
    pub resent: u64,
    /// Kept connections that the server had closed, and that were opened again before sending.
    pub reopened: u64,
    requests: u64,
    late: LateRecorder,
    /// How long users waited between requests, and how late these waits ended, in sum.
    waits: (Duration, Duration),
    /// How late the worker woke.
    pub lag: Latencies,
    /// How late users started.
    pub spawn_lag: Latencies,
    connect: Latencies,
    handshake: Latencies,
}

/// The task (`None` for the login), the kind, and the status if it separates groups.
type FailureKey = (Option<TaskId>, FailureKind, u16);

/// The place of refreshed tokens among failures: after all tasks.
const REFRESH: TaskId = TaskId::MAX;

/// The largest latency that is possible: with one more second, because an answer may end
/// just after its deadline. In the open model a request may have waited for the whole run
/// first.
fn longest(plan: &LoadPlan) -> Duration {
    let room = plan.request_timeout + Duration::from_secs(1);
    if plan.is_open() { plan.closes() + plan.longest + room } else { room }
}

fn row_of(empty: &Latencies, plan: &LoadPlan) -> RowRecorder {
    RowRecorder::new(empty, plan.limits.len())
}

impl Recorder {
    /// An empty recorder for a plan.
    ///
    /// # Errors
    /// The histogram library refuses its bounds, which is a bug.
    pub fn new(plan: &LoadPlan) -> Result<Self, CreationError> {
        let empty = Latencies::new(longest(plan));
        empty.check()?;
        let row = row_of(&empty, plan);
        let mut rows = plan.scenario.tasks.len();
        let mut first_steps = Vec::new();
        for task in &plan.scenario.tasks {
            first_steps.push(rows);
            rows += task.step_rows().count();
        }
        Ok(Self {
            warm_up: row.clone(),
            window: vec![row.clone(); rows],
            extra_mixed: vec![row.clone(); rows],
            extra_targeted: vec![row.clone(); rows],
            first_steps,
            login: row.clone(),
            refresh: row,
            timelines: TaskTimeline::of(plan),
            checks: plan.scenario.tasks.iter().map(no_checks).collect(),
            failures: HashMap::new(),
            interval: IntervalCounts::default(),
            interval_latencies: empty.clone(),
            resent: 0,
            reopened: 0,
            requests: 0,
            late: LateRecorder::new(&row_of(&empty, plan), rows),
            waits: (Duration::ZERO, Duration::ZERO),
            lag: empty.clone(),
            spawn_lag: empty.clone(),
            connect: empty.clone(),
            handshake: empty,
        })
    }

    /// Whether a request that was dropped without an answer may be sent again. It is rare that
    /// a server closes an idle connection exactly when it is used, because closed ones are
    /// detected. Above 1 % the server drops requests.
    pub fn may_resend(&self) -> bool {
        self.resent * 100 <= self.requests
    }

    /// The row that counts a request; `None` for a task that is not in the plan.
    fn row(&mut self, subject: Subject) -> Option<&mut RowRecorder> {
        let (phase, task) = match subject {
            Subject::Login => return Some(&mut self.login),
            Subject::Refresh => return Some(&mut self.refresh),
            Subject::Task(phase, task) => (phase, task),
        };
        match phase {
            Phase::WarmUp => Some(&mut self.warm_up),
            Phase::Window => self.window.get_mut(task),
            Phase::ExtraMixed => self.extra_mixed.get_mut(task),
            Phase::ExtraTargeted => self.extra_targeted.get_mut(task),
        }
    }

    /// Records a request that ended at this time of the run.
    pub fn record(&mut self, subject: Subject, sample: &Sample, ended: Duration, plan: &LoadPlan) {
        if let Some(row) = self.row(subject) {
            row.record(sample, ended, &plan.limits);
        }
        self.late.record(subject, sample, ended, &plan.limits);
        if sample.is_cut {
            return;
        }
        self.requests += 1;
        if let Subject::Task(phase, task) = subject
            && phase != Phase::WarmUp
            && sample.checked != 0
        {
            self.record_checks(task, sample);
        }
        if let Subject::Task(Phase::Window, task) = subject {
            let good = sample.failure.is_none().then_some(sample.latency);
            let timeline = self.timelines.get_mut(task);
            timeline.into_iter().for_each(|timeline| timeline.record(clock::second(ended), good));
            self.interval.requests += 1;
            self.interval.failures += u64::from(sample.failure.is_some());
            self.interval.body_bytes += sample.body_bytes;
            match &sample.failure {
                None => self.interval_latencies.record(sample.latency),
                Some(failure) => {
                    let kind = self.interval.kinds.get_mut(failure.kind as usize);
                    kind.into_iter().for_each(|count| *count += 1);
                }
            }
        }
        let is_warm_up = matches!(subject, Subject::Task(Phase::WarmUp, _));
        if let (Some(failure), false) = (&sample.failure, is_warm_up) {
            self.note_failure(subject, failure, plan);
        }
    }

    /// Records a named step of a task, by its index among them; `None` if it was not sent.
    pub fn record_step(
        &mut self,
        phase: Phase,
        (task, step): (TaskId, usize),
        sample: Option<&Sample>,
        ended: Duration,
        plan: &LoadPlan,
    ) {
        // The warm-up has one row for all requests.
        if phase == Phase::WarmUp {
            return;
        }
        let Some(row) = self.first_steps.get(task).map(|first| first + step) else { return };
        let subject = Subject::Task(phase, row);
        sample.iter().for_each(|sample| self.late.record(subject, sample, ended, &plan.limits));
        let row = self.row(subject);
        match (row, sample) {
            (Some(row), Some(sample)) => row.record(sample, ended, &plan.limits),
            (Some(row), None) => row.skip(),
            (None, _) => {}
        }
    }

    /// Counts a call that sent nothing.
    pub fn note_skipped(&mut self, subject: Subject) {
        if let Some(row) = self.row(subject) {
            row.skip();
        }
    }

    /// Decides about the requests that were cut when the grace ended, once no more follow: a
    /// request that outlasted every good answer of its task and the task's latency limits
    /// failed. Without a good answer of the task, those of all tasks count. Returns the number
    /// of these requests; each belongs to a user of its own.
    pub fn fail_unfinished(&mut self, plan: &LoadPlan) -> u32 {
        let of_all = (0..self.window.len()).filter_map(|task| self.longest_good(task)).max();
        let mut users = 0;
        for (task, described) in plan.scenario.tasks.iter().enumerate() {
            let Some(longest) = self.longest_good(task).or(of_all) else { continue };
            let floor = longest.max(plan.longest_limit(described));
            for phase in [Phase::Window, Phase::ExtraMixed, Phase::ExtraTargeted] {
                let subject = Subject::Task(phase, task);
                let row = self.row(subject);
                let failed = row.map(|row| row.fail_unfinished(floor, &plan.limits));
                for (lasted, ended) in failed.unwrap_or_default() {
                    users += 1;
                    self.note_unfinished(subject, lasted, ended, plan);
                }
            }
        }
        users
    }

    /// The longest time of a good answer of a task, from sending.
    fn longest_good(&self, task: TaskId) -> Option<Duration> {
        let rows = [&self.window, &self.extra_mixed, &self.extra_targeted];
        rows.iter().filter_map(|rows| rows.get(task)?.longest_good()).max()
    }

    fn note_unfinished(
        &mut self,
        subject: Subject,
        lasted: Duration,
        ended: Duration,
        plan: &LoadPlan,
    ) {
        let message = format!(
            "no complete answer when the load ended, after {:.1} s: longer than every good answer",
            lasted.as_secs_f64()
        );
        let failure = Failure::new(FailureKind::Timeout, message);
        self.note_failure(subject, &failure, plan);
        if let Subject::Task(Phase::Window, task) = subject {
            let timeline = self.timelines.get_mut(task);
            timeline.into_iter().for_each(|timeline| timeline.record(clock::second(ended), None));
            self.interval.requests += 1;
            self.interval.failures += 1;
            self.interval.kinds[FailureKind::Timeout as usize] += 1;
        }
    }

    /// Bytes came behind an answer that counted as a good one: it failed.
    pub fn note_late(
        &mut self,
        subject: Subject,
        answer: GoodAnswer,
        failure: &Failure,
        plan: &LoadPlan,
    ) {
        self.row(subject).into_iter().for_each(|row| row.note_late(answer));
        if matches!(subject, Subject::Task(Phase::WarmUp, _)) {
            return;
        }
        self.note_failure(subject, failure, plan);
        let is_in_window = matches!(subject, Subject::Task(Phase::Window, _));
        // A second must not have more failures than requests.
        if is_in_window && self.interval.failures < self.interval.requests {
            self.interval.failures += 1;
            self.interval.kinds[failure.kind as usize] += 1;
        }
    }

    /// Counts the answers behind which bytes came as failed, once no more follow.
    pub fn fail_late(&mut self, plan: &LoadPlan) {
        let after = self.extra_mixed.iter_mut().chain(&mut self.extra_targeted);
        let rows = self.window.iter_mut().chain(after);
        rows.chain([&mut self.login, &mut self.refresh, &mut self.warm_up])
            .for_each(|row| row.fail_late(&plan.limits));
    }

    /// Counts the checks of a call.
    fn record_checks(&mut self, task: TaskId, sample: &Sample) {
        let Some(checks) = self.checks.get_mut(task) else { return };
        let mut left = sample.checked;
        while left != 0 {
            let check = checks.get_mut(left.trailing_zeros() as usize);
            check.into_iter().for_each(|check| check.checked += 1);
            left &= left - 1;
        }
        for (index, message) in &sample.unmet {
            let Some(check) = checks.get_mut(*index) else { continue };
            check.failed += 1;
            check.message.get_or_insert_with(|| message.clone());
        }
    }

    /// Whether the body of this answer must be kept: for the first failed answers of each task.
    /// The body of a login that was not refused may contain an unknown token, so it is not
    /// kept.
    pub fn wants_body(&mut self, subject: Subject, sample: &Sample) -> bool {
        if sample.failure.is_none() || sample.status == 0 {
            return false;
        }
        let is_shown = match subject {
            Subject::Login | Subject::Refresh => sample.status >= 400,
            Subject::Task(phase, _) => phase != Phase::WarmUp,
        };
        is_shown && self.row(subject).is_some_and(|row| row.exemplars.wants_error())
    }

    /// Records how late the worker woke at this time of the run.
    pub fn note_lag(&mut self, lag: Duration, at: Duration) {
        self.lag.record(lag);
        self.interval.late = self.interval.late.max(lag);
        self.late.note(lag, at);
    }

    /// Records that the worker is due to wake at this time of the run.
    pub fn expect_pulse(&mut self, at: Duration) {
        self.late.expect_pulse(at);
    }

    /// Records a wait of a user between two requests, and how late it ended.
    pub fn note_wait(&mut self, wait: Duration, lag: Duration) {
        self.waits.0 += wait;
        self.waits.1 += lag;
    }

    /// The summed lateness of waits over the summed cycles of all users; `None` without waits.
    pub fn shortfall(&self) -> Option<f64> {
        let all = self.window.iter().chain(&self.extra_mixed).chain(&self.extra_targeted);
        let busy: Duration = all.chain([&self.warm_up]).map(RowRecorder::busy).sum();
        let (waited, late) = self.waits;
        (!waited.is_zero()).then(|| late.as_secs_f64() / (waited + busy + late).as_secs_f64())
    }

    /// Requests that were due or under way within a second after the worker was late.
    pub fn late_requests(&self) -> u64 {
        self.late.requests(self.first_steps.len())
    }

    /// The number of requests so far, including logins.
    pub fn requests(&self) -> u64 {
        self.requests
    }

    /// Records a connection that was opened.
    pub fn record_opening(&mut self, opening: Opening) {
        self.connect.record(opening.connect);
        opening.handshake.into_iter().for_each(|took| self.handshake.record(took));
    }

    fn note_failure(&mut self, subject: Subject, failure: &Failure, plan: &LoadPlan) {
        let now = clock::unix_ms();
        let index = match subject {
            Subject::Task(_, task) => Some(task),
            Subject::Login => None,
            Subject::Refresh => Some(REFRESH),
        };
        let refresh = plan.scenario.refreshes().next().filter(|_| subject == Subject::Refresh);
        let refresh = refresh.map(|refresh| std::slice::from_ref(&refresh.step));
        let task = index.and_then(|index| plan.scenario.tasks.get(index));
        let login = plan.scenario.logins().next().map(|login| &login.steps);
        let steps = task.map(|task| &task.steps).or(login).map(Vec::as_slice);
        let steps = refresh.or(steps);
        let other = if refresh.is_some() { REFRESH_ROW } else { "login" };
        let group = || FailureGroup {
            task: task.map_or_else(|| other.to_owned(), |task| task.name.clone()),
            method: steps.map(methods).unwrap_or_default(),
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
    pub fn take_interval(&mut self) -> IntervalCounts {
        let latencies = self.interval_latencies.distribution();
        self.interval_latencies.reset();
        IntervalCounts { latencies, ..std::mem::take(&mut self.interval) }
    }

    /// The counts of each task since the last call, with only the number of latencies. Blocks
    /// and the row must count the same requests; otherwise a second that has just become bad
    /// would not be recognised.
    pub fn delta(&mut self) -> Vec<TaskSummary> {
        let rows =
            self.window.iter_mut().zip(self.extra_mixed.iter_mut().zip(&mut self.extra_targeted));
        let delta = |(window, (extra_mixed, extra_targeted)): (
            &mut RowRecorder,
            (&mut RowRecorder, &mut RowRecorder),
        )| TaskSummary {
            window: window.delta(),
            extra_mixed: extra_mixed.delta(),
            extra_targeted: extra_targeted.delta(),
            ..TaskSummary::default()
        };
        let mut tasks: Vec<TaskSummary> = rows.map(delta).collect();
        let mut steps = tasks.split_off(self.first_steps.len());
        for (task, first) in tasks.iter_mut().zip(&self.first_steps).rev() {
            task.steps = steps.split_off((first - self.first_steps.len()).min(steps.len()));
        }
        tasks
    }

    /// Adds the measurements of another worker with the same plan.
    pub fn absorb(&mut self, other: Self) {
        self.warm_up.absorb(&other.warm_up);
        self.login.absorb(&other.login);
        self.refresh.absorb(&other.refresh);
        let theirs = other.window.iter().chain(&other.extra_mixed).chain(&other.extra_targeted);
        let after = self.extra_mixed.iter_mut().chain(&mut self.extra_targeted);
        for (mine, theirs) in self.window.iter_mut().chain(after).zip(theirs) {
            mine.absorb(theirs);
        }
        for (mine, theirs) in self.timelines.iter_mut().zip(&other.timelines) {
            mine.absorb(theirs);
        }
        for (mine, theirs) in self.checks.iter_mut().flatten().zip(other.checks.iter().flatten()) {
            mine.checked += theirs.checked;
            mine.failed += theirs.failed;
            if mine.message.is_none() {
                mine.message.clone_from(&theirs.message);
            }
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
        self.late.absorb(&other.late);
        self.waits = (self.waits.0 + other.waits.0, self.waits.1 + other.waits.1);
        self.lag.absorb(&other.lag);
        self.spawn_lag.absorb(&other.spawn_lag);
        self.connect.absorb(&other.connect);
        self.handshake.absorb(&other.handshake);
    }
}

/// The checks of a task before its first answer.
fn no_checks(task: &Task) -> Vec<CheckSummary> {
    let checks = task.steps.iter().flat_map(|step| &step.checks);
    let count = |check: &Check| CheckSummary {
        name: check.name.clone(),
        is_soft: check.is_soft,
        ..CheckSummary::default()
    };
    checks.map(count).collect()
}
