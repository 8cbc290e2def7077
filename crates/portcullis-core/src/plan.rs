//! Config → Plan: every value is set, paths are absolute, contradictions are refused, and
//! doubtful settings give warnings.

mod serve;
mod users;
mod warnings;

pub use serve::{Seed, ServePlan};

use std::path::PathBuf;
use std::time::Duration;

use crate::baseline::{Baseline, BaselinePlan, Origin};
use crate::config::{AgainstSection, Config, Place, Problem, ramp};
use crate::measure::Change;
use crate::scenario::{ActiveSpan, Model, Scenario, Task, Wait, labels};
use crate::target::Target;
use crate::threshold::{Limit, Scope, Threshold, latency_limits};
use crate::units::show_duration;

/// Everything that a run will do.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Whether to start a server or to measure a running one.
    pub mode: Mode,
    /// The load.
    pub load: LoadPlan,
    /// Path of the health check.
    pub health: String,
    /// How long the server may take to become healthy.
    pub ready_timeout: Duration,
    /// How long the whole run may take.
    pub run_timeout: Duration,
    /// The rules. Limits relative to the baseline are absolute here, if there is a baseline.
    pub thresholds: Vec<Threshold>,
    /// The use of the baseline, if a file is configured.
    pub baseline: Option<BaselinePlan>,
    /// The settings of a comparison of versions.
    pub against: AgainstSection,
    /// The file to which each run adds a line, if one is configured.
    pub history: Option<PathBuf>,
    /// The folder of artifacts.
    pub output: PathBuf,
    /// Warnings about the plan, in sentences.
    pub warnings: Vec<String>,
}

/// Which server is measured.
#[derive(Clone, Debug)]
pub enum Mode {
    /// A server that Portcullis prepares and starts.
    Serve(Box<ServePlan>),
    /// A running server; nothing is prepared or started.
    Attach(Target),
}

/// The settings of the load engine. Its clock starts with the first user, and all times
/// count from there.
#[derive(Clone, Debug)]
pub struct LoadPlan {
    /// Virtual users; in the open model their maximum.
    pub users: u32,
    /// Users started per second, unless stages define it.
    pub spawn_rate: f64,
    /// The model of the load; its clock starts after `lead`.
    pub model: Model,
    /// Whether the model was written as stages.
    pub staged: bool,
    /// First: the time that the users of an open load need to log in, before any request is
    /// due.
    pub lead: Duration,
    /// Then: requests that are sent and shown, but not judged.
    pub warm_up: Duration,
    /// Then: the planned window.
    pub window: Duration,
    /// The number of requests after which the window ends, if configured.
    pub requests: Option<u64>,
    /// The latest end of extra requests, counted from the start of the window.
    pub longest: Duration,
    /// How long requests under way may take after the last one was sent.
    pub grace: Duration,
    /// How often each task is called before the load starts.
    pub warm_up_rounds: u32,
    /// From the request to the last byte of its answer.
    pub request_timeout: Duration,
    /// Threads that send requests.
    pub workers: u32,
    /// Whether answers in several pieces are acknowledged at once.
    pub acknowledge_at_once: bool,
    /// The certificates to verify the server with; `None` without TLS.
    pub tls: Option<TlsPlan>,
    /// The seed of all random choices.
    pub seed: u64,
    /// The actions of the users.
    pub scenario: Scenario,
    /// The rules, because they can make the load continue or end.
    pub rules: Vec<Threshold>,
    /// Whether the window ends once every rule is decided.
    pub until_sure: bool,
    /// Latency limits to count exactly, ascending.
    pub limits: Vec<Duration>,
}

impl LoadPlan {
    /// The changes between stages within the window; empty without stages.
    pub fn changes(&self) -> Vec<Change> {
        let changes = self.model.changes().into_iter().filter(|_| self.staged);
        let changes = changes.filter_map(|(at, what)| {
            let at = at.checked_sub(self.warm_up)?;
            (at < self.window).then_some(Change { at, what })
        });
        changes.collect()
    }
}

/// Which certificates are trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsPlan {
    /// A file of certificates in PEM, instead of the system's.
    pub ca: Option<PathBuf>,
    /// Whether any certificate is accepted.
    pub insecure: bool,
}

/// The inputs of a plan besides the configuration.
#[derive(Clone, Debug, Default)]
pub struct PlanInputs {
    /// The folder of the configuration file, absolute.
    pub base: PathBuf,
    /// The folder of artifacts, absolute.
    pub output: PathBuf,
    /// The seed; a random one unless the user gave one.
    pub seed: u64,
    /// The content of the baseline's file, if it exists.
    pub stored: Option<Baseline>,
    /// The machine and configuration of this run.
    pub origin: Origin,
}

impl LoadPlan {
    /// The start of the window, since the start of the run.
    pub fn opens(&self) -> Duration {
        self.lead + self.warm_up
    }

    /// The end of the window, since the start of the run.
    pub fn closes(&self) -> Duration {
        self.opens() + self.window
    }

    /// Whether requests arrive by a schedule.
    pub fn is_open(&self) -> bool {
        matches!(self.model, Model::Open(..))
    }

    /// The number of users that must make a request in the window if `measured` of it was
    /// measured: they start before its end, and do not leave in the warm-up or within a few
    /// waits after it.
    pub fn users_due(&self, measured: Duration) -> u32 {
        let end = self.warm_up + measured;
        let stays = match self.warm_up {
            Duration::ZERO => Duration::ZERO,
            warm_up => warm_up + self.scenario.longest_wait() * 2,
        };
        let total = self.model.total();
        let is_due = |(from, to): &ActiveSpan| *from < end && (*to >= total || *to > stays);
        let is_due = |user: &u32| self.model.active_spans(*user).iter().any(is_due);
        u32::try_from((0..self.users).filter(is_due).count()).unwrap_or(u32::MAX)
    }

    /// The number of users that are active until the end of a closed load; `None` in the open
    /// model, where arrivals decide.
    pub fn users_at_end(&self) -> Option<u32> {
        let total = self.model.total();
        let stays =
            |user: &u32| self.model.active_spans(*user).last().is_some_and(|(_, to)| *to >= total);
        let count = (0..self.users).filter(stays).count();
        (!self.is_open()).then(|| u32::try_from(count).unwrap_or(u32::MAX))
    }

    /// The longest latency limit of the rules on a task; zero without one.
    pub fn longest_limit(&self, task: &Task) -> Duration {
        let limits = self.rules.iter().filter_map(|rule| match rule.limit {
            Limit::Latency(limit)
                if is_in(&rule.scope, task, &self.scenario) && !rule.metric.is_of_load() =>
            {
                Some(limit)
            }
            _ => None,
        });
        limits.max().unwrap_or_default()
    }

    /// The expected number of requests within the first `span` of the window, with answers of
    /// 50 ms.
    pub fn expected_requests(&self, span: Duration) -> f64 {
        let (from, to) = (self.warm_up, self.warm_up + span);
        if let Some(due) = self.model.due_between(from, to) {
            return due;
        }
        let cycle = |user: u32| {
            let wait = self.scenario.wait_of(self.scenario.kind_of(user));
            let answer = if matches!(wait, Wait::Pacing(_)) { 0.0 } else { 0.05 };
            (wait.mean().as_secs_f64() + answer).max(0.001)
        };
        // Users that are active at the end of the load stay for extra requests.
        let total = self.model.total();
        let active = |(born, dead): &(Duration, Duration)| {
            let dead = if *dead >= total { to } else { (*dead).min(to) };
            dead.saturating_sub((*born).max(from)).as_secs_f64()
        };
        // More than a million users are refused, so this sum is short.
        let lives = |user: u32| self.model.active_spans(user).iter().map(active).sum::<f64>();
        (0..self.users).map(|user| lives(user) / cycle(user)).sum()
    }

    /// The load in a few words: `5 users, 1/s, 30.0 s`.
    pub fn described(&self) -> String {
        let window = show_duration(self.window);
        let how = match (&self.model, self.staged) {
            (Model::Closed(_), false) => format!("{} users, {}/s", self.users, self.spawn_rate),
            (Model::Closed(stages), true) => {
                format!("up to {} users in {} stages", self.users, stages.len())
            }
            (Model::Open(stages, _), staged) => {
                let rate = stages.iter().map(|stage| stage.rate).fold(0.0, f64::max);
                let many = if staged { "up to " } else { "" };
                format!("{many}{rate} requests/s by at most {} users", self.users)
            }
        };
        let after = match self.warm_up {
            Duration::ZERO => String::new(),
            warm_up => format!(" after {} of warm-up", show_duration(warm_up)),
        };
        let or = self.requests.map(|n| format!(" or {n} requests")).unwrap_or_default();
        format!("{how}, {window}{or}{after}")
    }

    /// Requests of one full deck: the sum of the weights.
    pub fn deck(&self) -> u64 {
        self.scenario.tasks.iter().map(|task| u64::from(task.weight)).sum()
    }
}

/// Whether a scope has the requests of a task.
fn is_in(scope: &Scope, task: &Task, scenario: &Scenario) -> bool {
    match scope {
        Scope::Aggregate => true,
        Scope::Task(name) => *name == task.name,
        Scope::Group(name) => scenario.is_in_group(task, name),
        Scope::Label(label) => *label == labels(&task.steps),
        Scope::Login => false,
    }
}

/// How long a running server may take to answer.
const ATTACH_PATIENCE: Duration = Duration::from_secs(10);

/// Makes the plan of a configuration.
///
/// # Errors
/// Settings that are possible alone but contradict each other.
pub fn resolve(config: &Config, around: PlanInputs) -> Result<Plan, Vec<Problem>> {
    let in_base = |path: &str| around.base.join(path);
    let baseline = config.baseline.file.as_deref().map(|file| {
        let stored = around.stored.clone();
        BaselinePlan::new(in_base(file), config.baseline.trust, stored, &around.origin)
    });
    let rules = match &baseline {
        Some(baseline) => baseline.resolved(&config.thresholds),
        None => config.thresholds.clone(),
    };
    let load = load_plan(config, &around, &rules);
    let mut problems = Vec::new();
    let ramp = ramp(load.users, load.spawn_rate);
    if !load.staged && !load.is_open() && load.warm_up + load.window < ramp {
        let message = format!(
            "a duration of {} is too short: starting {} users at {}/s takes {}",
            seconds(load.window),
            load.users,
            load.spawn_rate,
            seconds(ramp)
        );
        problems.push(Problem { at: Place::Default, message });
    }
    let whole = load.closes() + load.grace;
    if whole > config.steps.run_timeout {
        let limit = seconds(config.steps.run_timeout);
        let message = format!(
            "the load may take {}, but the whole run at most {limit} (steps.run_timeout)",
            seconds(whole)
        );
        problems.push(Problem { at: Place::Default, message });
    }
    if let Some(requests) = load.requests.filter(|n| !load.is_open() && *n < u64::from(load.users))
    {
        let message = format!(
            "load.requests = {requests}: each of the {} users needs at least one",
            load.users
        );
        problems.push(Problem { at: Place::Default, message });
    }
    problems.extend(rules.iter().filter_map(|rule| never_seen(rule, &load)));
    problems.extend(users::problems(&load));
    let mode = match &config.load.host {
        Some(target) => Mode::Attach(target.clone()),
        None => Mode::Serve(Box::new(serve::plan(config, &around.base))),
    };
    if !problems.is_empty() {
        return Err(problems);
    }
    let mut warnings = warnings::warnings(&load);
    warnings.extend(config.renamed.iter().cloned());
    warnings.extend(baseline.as_ref().and_then(|baseline| warnings::doubt(baseline, &rules)));
    Ok(Plan {
        mode,
        load,
        health: config.server.health.clone(),
        ready_timeout: match &config.load.host {
            Some(_) => config.server.ready_timeout.min(ATTACH_PATIENCE),
            None => config.server.ready_timeout,
        },
        run_timeout: config.steps.run_timeout,
        thresholds: rules,
        baseline,
        against: config.against.clone(),
        history: config.history.as_deref().map(in_base),
        output: around.output,
        warnings,
    })
}

/// The problem of a limit that no request can be seen to exceed, because each is cut
/// before. In the open model a latency can be longer than its request.
fn never_seen(rule: &Threshold, load: &LoadPlan) -> Option<Problem> {
    let Limit::Latency(limit) = rule.limit else { return None };
    let is_never = limit > load.request_timeout
        && !load.is_open()
        && rule.derived.is_none()
        && !rule.metric.is_of_load();
    let message = format!(
        "{}: requests time out after {} (load.request_timeout), so no latency can exceed this \
         limit",
        rule.text,
        seconds(load.request_timeout)
    );
    is_never.then_some(Problem { at: Place::Default, message })
}

fn load_plan(config: &Config, around: &PlanInputs, rules: &[Threshold]) -> LoadPlan {
    let load = &config.load;
    let own_logins = config.scenario.logins().any(|login| !login.shared);
    let is_open = matches!(load.model, Model::Open(..));
    let tls = load.host.as_ref().filter(|host| host.tls).map(|_| TlsPlan {
        ca: load.ca.as_deref().map(|path| around.base.join(path)),
        insecure: load.insecure,
    });
    LoadPlan {
        users: load.users,
        spawn_rate: load.spawn_rate,
        model: load.model.clone(),
        staged: load.staged,
        lead: if is_open && own_logins {
            ramp(load.users, load.spawn_rate)
        } else {
            Duration::ZERO
        },
        warm_up: load.warm_up,
        window: load.duration,
        requests: load.requests,
        longest: load.max_duration.of(load.duration),
        grace: load.grace,
        warm_up_rounds: load.warm_up_rounds,
        request_timeout: load.request_timeout,
        workers: load.workers.min(load.users),
        acknowledge_at_once: load.acknowledge_at_once,
        tls,
        seed: around.seed,
        scenario: config.scenario.clone(),
        rules: rules.to_vec(),
        until_sure: load.until_sure,
        limits: latency_limits(rules),
    }
}

fn seconds(value: Duration) -> String {
    format!("{} s", value.as_secs_f64())
}
