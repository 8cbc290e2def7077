//! The measurements of a run: plain data for judgements and reports.

use std::time::Duration;

use super::{
    CheckSummary, Distribution, Exemplars, FailureGroup, KIND_PREFIX, LateRows, Percentile, Row,
    Scope, TimeBucket,
};

/// Everything the load engine measured.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Summary {
    /// The planned window: aggregate, rates and time series are of the window only.
    pub window: Duration,
    /// The measured length of the window; shorter if the run was interrupted.
    pub measured: Duration,
    /// Why the window ended early, if it did.
    pub ended_early: Option<String>,
    /// Start of the window, in milliseconds since 1970.
    pub started_unix_ms: u64,
    /// Requests of all tasks before the window: sent and shown, not judged.
    pub warm_up: Row,
    /// Counts of the schedule, in the open model.
    pub arrivals: Option<ArrivalCounts>,
    /// Connections that were opened.
    pub connects: Connects,
    /// Configured virtual users; in the open model their maximum.
    pub users_asked: u32,
    /// Virtual users that logged in and ran.
    pub users_ran: u32,
    /// Virtual users whose last request was cut after it had outlasted every good answer; these
    /// requests count as failed.
    pub stuck_users: u32,
    /// Requests sent again on a new connection, because the server had closed the kept one
    /// before the first byte of the answer.
    pub resent: u64,
    /// Kept connections that the server had closed while idle, and that were opened again
    /// before anything was sent.
    pub reopened: u64,
    /// The longest time of the window without an answer; `None` if unknown.
    pub longest_gap: Option<Gap>,
    /// The state of the generator itself.
    pub generator: Generator,
    /// The latency limits that were counted, ascending.
    pub limits: Vec<Duration>,
    /// The changes between load stages, if there are stages.
    pub changes: Vec<Change>,
    /// One row for each task, in the order of the scenario.
    pub tasks: Vec<TaskSummary>,
    /// The login, if the scenario has one.
    pub login: Option<TaskSummary>,
    /// One point for each second of the window.
    pub series: Vec<SeriesPoint>,
    /// Failures, grouped by task and kind.
    pub failures: Vec<FailureGroup>,
}

/// A change of stages within the window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Since the start of the window.
    pub at: Duration,
    /// The new target of the load, in words: `to 20 users`.
    pub what: String,
}

/// A time without a completed answer while at least half of the active users waited for one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gap {
    /// Its start, since the start of the window.
    pub at: Duration,
    /// Its length.
    pub length: Duration,
}

/// Counts of the schedule of an open load.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ArrivalCounts {
    /// Requests that were due in the window.
    pub scheduled: u64,
    /// How many of them found no free user when they were due.
    pub queued: u64,
    /// How many of them were never started.
    pub unstarted: u64,
}

/// Connections, and the time to open them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Connects {
    /// The address that was resolved once, before the load.
    pub address: String,
    /// How answers in several pieces are acknowledged.
    pub acknowledgement: Acknowledgement,
    /// Whether TLS was used, and whether certificates were verified.
    pub tls: Tls,
    /// The time to connect.
    pub connect: Distribution,
    /// The time of the TLS handshake after that.
    pub handshake: Distribution,
}

/// How answers in several pieces are acknowledged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Acknowledgement {
    /// At once: `TCP_QUICKACK`.
    #[default]
    AtOnce,
    /// As the system does: for a server that sends its answer in pieces, latencies include
    /// delayed acknowledgements.
    System,
    /// As the system does, but delays are avoided by a new connection for each request.
    ConnectionClose,
}

impl Acknowledgement {
    /// All values.
    pub const ALL: [Self; 3] = [Self::AtOnce, Self::System, Self::ConnectionClose];

    /// The name in results.
    pub fn name(self) -> &'static str {
        match self {
            Self::AtOnce => "at once",
            Self::System => "system",
            Self::ConnectionClose => "a connection for each request",
        }
    }
}

/// Whether TLS was used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tls {
    /// No.
    #[default]
    Off,
    /// Yes, with a verified certificate.
    Verified,
    /// Yes, without verification.
    Insecure,
}

impl Tls {
    /// All values.
    pub const ALL: [Self; 3] = [Self::Off, Self::Verified, Self::Insecure];

    /// The name in results.
    pub fn name(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Verified => "verified",
            Self::Insecure => "insecure",
        }
    }
}

/// The state of the load generator; its lag is an error in its measurements.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Generator {
    /// How late users started.
    pub spawn_lag: Distribution,
    /// How late it woke: after each wait of a user, and fifty times a second.
    pub lag: Distribution,
    /// How long it ran.
    pub ran: Duration,
    /// Whether it has a raised priority.
    pub is_punctual: bool,
    /// CPU time, if the system provides it.
    pub cpu: Option<Duration>,
    /// Time in the run queue without a CPU, if the system provides it.
    pub run_queue: Option<Duration>,
    /// Closed model: by how much less load was made, because waits ended late: the summed
    /// lateness over the summed cycles of all users. `None` if unknown.
    pub shortfall: Option<f64>,
    /// Requests that were due or under way within a second after it was late.
    pub late_requests: u64,
}

/// The requests of one task, or of the login.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TaskSummary {
    /// The task's name.
    pub name: String,
    /// Its group.
    pub group: Option<String>,
    /// The kind of users that call it; `None` if there is one kind only.
    pub user: Option<String>,
    /// Its method.
    pub method: String,
    /// Path and query, with placeholders.
    pub label: String,
    /// Its weight.
    pub weight: u32,
    /// Whether it accepts a status from 200 to 299, and so should have data.
    pub needs_data: bool,
    /// Its checks; empty if it has none, or if they are unknown.
    pub checks: Vec<CheckSummary>,
    /// Whether it is known to have no check that can fail an answer.
    pub is_unchecked: bool,
    /// Requests of the planned window.
    pub window: Row,
    /// Mixed extra requests: made after the window from the deck, because a rule on several
    /// tasks was in doubt.
    pub extra_mixed: Row,
    /// Targeted extra requests: made after the window for this task alone, because it had none
    /// or a rule on it was in doubt.
    pub extra_targeted: Row,
    /// Exemplars of all these requests.
    pub samples: Exemplars,
    /// The timeline of the window, for charts; empty if unknown.
    pub timeline: Vec<TimeBucket>,
    /// Those of the requests that a late generator may have distorted; not kept in results.
    pub late: LateRows,
    /// Its named steps, in order: parts of its requests, which are in no total.
    pub steps: Vec<TaskSummary>,
}

/// One second of the time series.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SeriesPoint {
    /// The number of the second since the start of the window.
    pub second: u64,
    /// Active users at its end.
    pub users: u32,
    /// Requests that ended in it.
    pub requests: u64,
    /// Of these, failed ones.
    pub failures: u64,
    /// Percentiles of the good answers of the last ten seconds, in the order of
    /// [`REPORTED_PERCENTILES`].
    pub percentiles_ms: Vec<f64>,
    /// Figures since the start of the window, up to the end of this second.
    pub to_date: ToDate,
}

/// Figures since the start of the window; all 0 without good answers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ToDate {
    /// The median latency of good answers.
    pub p50_ms: f64,
    /// Their mean latency.
    pub mean_ms: f64,
    /// Their shortest latency.
    pub min_ms: f64,
    /// Their longest latency.
    pub max_ms: f64,
    /// Mean unpacked bytes of all bodies.
    pub mean_body_bytes: f64,
}

/// Percentiles that reports show, in this order.
pub const REPORTED_PERCENTILES: [Percentile; 11] = [
    Percentile(50_000),
    Percentile(66_000),
    Percentile(75_000),
    Percentile(80_000),
    Percentile::P90,
    Percentile(95_000),
    Percentile(98_000),
    Percentile(99_000),
    Percentile(99_900),
    Percentile(99_990),
    Percentile(100_000),
];

impl TaskSummary {
    /// Whether it is in a group, or is called by the kind of users `user:NAME`.
    pub fn is_in_group(&self, group: &str) -> bool {
        match group.strip_prefix(KIND_PREFIX) {
            Some(kind) => self.user.as_deref() == Some(kind),
            None => self.group.as_deref() == Some(group),
        }
    }

    /// Whether one of its named steps has this name.
    pub fn has_step(&self, name: &str) -> bool {
        self.steps.iter().any(|step| step.name == name)
    }

    /// All requests by which the task is judged.
    pub fn judged(&self) -> Row {
        let mut row = self.by_deck();
        row.add(&self.extra_targeted);
        row
    }

    /// The requests from the deck. Several tasks together are judged by these, because targeted
    /// extra requests would change the mix.
    pub fn by_deck(&self) -> Row {
        let mut row = self.window.clone();
        row.add(&self.extra_mixed);
        row
    }

    /// The number of requests after the window.
    pub fn requests_after(&self) -> u64 {
        self.extra_mixed.requests + self.extra_targeted.requests
    }
}

impl Summary {
    /// The requests of all tasks in the planned window, without the login.
    pub fn aggregate(&self) -> Row {
        let mut all = Row::default();
        self.tasks.iter().for_each(|task| all.add(&task.window));
        all
    }

    /// A time of the window, in milliseconds since 1970.
    pub fn wall_ms(&self, at: Duration) -> u64 {
        self.started_unix_ms.saturating_add(u64::try_from(at.as_millis()).unwrap_or(u64::MAX))
    }

    /// Requests per second over the measured part of the window.
    pub fn rate(&self, requests: u64) -> f64 {
        let seconds = self.measured.as_secs_f64();
        if seconds > 0.0 { requests as f64 / seconds } else { 0.0 }
    }

    /// Whether several tasks with a weight have this label.
    pub fn has_several(&self, label: &str) -> bool {
        self.tasks.iter().filter(|task| task.label == label && task.weight > 0).count() > 1
    }

    /// Each task, followed by its named steps.
    pub fn rows(&self) -> impl Iterator<Item = &TaskSummary> {
        self.tasks.iter().flat_map(|task| std::iter::once(task).chain(&task.steps))
    }

    /// The tasks of a scope, or the login; nothing for an unknown name.
    fn of_scope<'a>(&'a self, scope: &'a Scope) -> impl Iterator<Item = &'a TaskSummary> {
        let is_in = move |task: &&TaskSummary| match scope {
            Scope::Aggregate => true,
            Scope::Task(name) => task.name == *name,
            Scope::Group(name) => task.is_in_group(name),
            Scope::Label(label) => task.label == *label,
            Scope::Login => false,
        };
        let login = self.login.iter().filter(move |_| *scope == Scope::Login);
        let steps = self.tasks.iter().chain(&self.login).flat_map(|task| &task.steps);
        let step =
            steps.filter(move |step| matches!(scope, Scope::Task(name) if step.name == *name));
        self.tasks.iter().filter(is_in).chain(step).chain(login)
    }

    /// The number of checks of a scope that were made, and how many were not met. A label is
    /// the name of a check here, in any task.
    pub fn checks(&self, scope: &Scope) -> (u64, u64) {
        let is_meant = |check: &&CheckSummary| match scope {
            Scope::Label(name) => check.name == *name,
            _ => true,
        };
        let tasks: Vec<&TaskSummary> = match scope {
            Scope::Label(_) => self.tasks.iter().collect(),
            _ => self.of_scope(scope).collect(),
        };
        let checks = tasks.iter().flat_map(|task| &task.checks).filter(is_meant);
        checks.fold((0, 0), |(made, failed), one| (made + one.checked, failed + one.failed))
    }

    /// The requests of a scope in the planned window, for rates.
    pub fn window(&self, scope: &Scope) -> Row {
        let mut row = Row::default();
        self.of_scope(scope).for_each(|task| row.add(&task.window));
        row
    }

    /// The requests by which a scope is judged.
    pub fn row(&self, scope: &Scope) -> Row {
        let of = match scope {
            Scope::Aggregate | Scope::Group(_) => TaskSummary::by_deck,
            Scope::Label(label) if self.has_several(label) => TaskSummary::by_deck,
            Scope::Label(_) | Scope::Task(_) | Scope::Login => TaskSummary::judged,
        };
        let mut row = Row::default();
        self.of_scope(scope).for_each(|task| row.add(&of(task)));
        row
    }
}
