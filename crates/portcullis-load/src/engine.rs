//! The run itself: workers send and record; this side listens once a second,
//! can stop everything at any moment, and puts together what they bring back.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use portcullis_core::event::Progress;
use portcullis_core::judge::Present;
use portcullis_core::measure::{
    Acknowledgement, ArrivalCounts, Connects, Generator, SHOWN, Summary, Tls,
};
use portcullis_core::plan::LoadPlan;
use portcullis_core::target::Target;
use portcullis_core::threshold::Percentile;

use crate::clock;
use crate::first_round::FirstRound;
use crate::http::Endpoint;
use crate::outlook::Outlook;
use crate::prepared::Prepared;
use crate::recorder::{Recorder, SinceTick};
use crate::series::Series;
use crate::shared::{FirstLogin, Shared, lock};
use crate::user::LoginFailure;
use crate::worker::{Message, Work, panic_words, work};

/// What the caller is shown while the load goes on.
#[derive(Debug)]
pub enum Observation {
    /// Nothing new; a chance to stop. Comes several times a second.
    Idle,
    /// A second went by.
    Progress(Progress),
}

/// How the load ended.
#[derive(Debug)]
pub enum Ended {
    /// As planned.
    Complete,
    /// The caller stopped it.
    Stopped,
    /// A user could not log in.
    LoginFailed(LoginFailure),
    /// The engine itself failed: a defect.
    Defect(String),
}

/// What was measured, however it ended.
#[derive(Debug)]
pub struct LoadOutcome {
    /// The measurements.
    pub summary: Summary,
    /// How it ended.
    pub ended: Ended,
    /// Every token that a user was given: secrets.
    pub tokens: Vec<String>,
}

/// How often the caller may stop the run.
const TICK: Duration = Duration::from_millis(50);

/// Stops the users once nobody observes them any more: a panic of the observer
/// would otherwise wait for the end of the load.
struct StopAtTheEnd<'a>(&'a AtomicBool);

impl Drop for StopAtTheEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Runs the load to its end; `observe` is called on this thread.
pub fn run(
    plan: &LoadPlan,
    target: &Target,
    first: FirstRound,
    mut observe: impl FnMut(Observation) -> ControlFlow<()>,
) -> LoadOutcome {
    let prepared = Prepared::new(&plan.scenario, target, closes_connections(plan));
    let login = FirstLogin { sample: first.login, token: first.token };
    let shared = Shared::new(plan, prepared, first.endpoint, login);
    let started_unix_ms = clock::unix_ms() + millis(plan.opens());
    let (messages, said) = mpsc::channel();
    let mut series = Series::new(plan.workers);
    let mut outlook = Outlook::new(plan);
    let mut broken = false;
    let works = std::thread::scope(|scope| {
        let start = |number| {
            let (shared, messages) = (&shared, messages.clone());
            scope.spawn(move || work(shared, number, &messages))
        };
        let workers: Vec<_> = (0..plan.workers).map(start).collect();
        drop(messages);
        let _stop = StopAtTheEnd(&shared.stop);
        loop {
            let observation = match said.recv_timeout(TICK) {
                Ok(Message::Second { second, users, counts }) => {
                    if !series.tell(second, users, &counts) {
                        continue;
                    }
                    let rules = outlook.look(&shared.watch, shared.start.elapsed());
                    Observation::Progress(progress(plan, &series, rules, Vec::new()))
                }
                Ok(Message::Extending(tasks)) => {
                    let rules = outlook.look(&shared.watch, shared.start.elapsed());
                    Observation::Progress(progress(plan, &series, rules, tasks))
                }
                Err(RecvTimeoutError::Timeout) => Observation::Idle,
                // The workers are done, or gone.
                Err(RecvTimeoutError::Disconnected) => break,
            };
            if !broken && observe(observation).is_break() {
                broken = true;
                shared.stop.store(true, Ordering::Relaxed);
            }
        }
        let joined = workers.into_iter().map(|worker| match worker.join() {
            Ok(Ok(work)) => Ok(work),
            Ok(Err(error)) => Err(format!("the load engine could not go on: {error}")),
            Err(panic) => Err(format!("the load engine panicked: {}", panic_words(&*panic))),
        });
        joined.collect::<Result<Vec<Work>, String>>()
    });
    let ran = shared.start.elapsed();
    let (summary, defect) = match works {
        Ok(works) => {
            let panic = works.iter().find_map(|work| work.panic.clone());
            let panic = panic.map(|panic| format!("a virtual user panicked: {panic}"));
            (summary(&shared, works, series, started_unix_ms, ran), panic)
        }
        Err(defect) => (nothing(plan), Some(defect)),
    };
    let login_failure = lock(&shared.login_failure).take();
    let ended = match (defect, login_failure, broken) {
        (Some(defect), ..) => Ended::Defect(defect),
        (None, Some(failure), _) => Ended::LoginFailed(failure),
        (None, None, true) => Ended::Stopped,
        (None, None, false) => Ended::Complete,
    };
    let tokens = std::mem::take(&mut *lock(&shared.tokens));
    LoadOutcome { summary, ended, tokens }
}

/// Where acknowledgements cannot be asked for, a new connection for each
/// request avoids their delay: the first ones of a connection are at once.
pub(crate) fn closes_connections(plan: &LoadPlan) -> bool {
    plan.acknowledge_at_once && !cfg!(target_os = "linux")
}

fn nothing(plan: &LoadPlan) -> Summary {
    Summary { window: plan.window, users_asked: plan.users, ..Summary::default() }
}

fn summary(
    shared: &Shared<'_>,
    works: Vec<Work>,
    series: Series,
    started_unix_ms: u64,
    ran: Duration,
) -> Summary {
    let plan = shared.plan;
    let mut whole: Option<Recorder> = None;
    let (mut users_ran, mut measured, mut arrivals) = (0, Duration::ZERO, ArrivalCounts::default());
    let (mut cpu, mut run_queue) = (Some(Duration::ZERO), Some(Duration::ZERO));
    let mut rests: Vec<SinceTick> = Vec::new();
    let is_punctual = works.iter().all(|work| work.is_punctual);
    for mut work in works {
        users_ran += work.users_ran;
        measured = measured.max(work.measured.min(plan.window));
        cpu = cpu.zip(work.times).map(|(sum, times)| sum + times.cpu);
        run_queue = run_queue.zip(work.times).map(|(sum, times)| sum + times.run_queue);
        arrivals.scheduled += work.arrivals.scheduled;
        arrivals.queued += work.arrivals.queued;
        arrivals.unstarted += work.arrivals.unstarted;
        rests.push(work.recorder.take_tick());
        match &mut whole {
            None => whole = Some(work.recorder),
            Some(whole) => whole.absorb(work.recorder),
        }
    }
    let Some(recorder) = whole else { return nothing(plan) };
    Summary {
        window: plan.window,
        measured,
        started_unix_ms,
        warm_up: recorder.warm_up(),
        arrivals: plan.is_open().then_some(arrivals),
        connects: connects(plan, &shared.endpoint, &recorder),
        users_asked: plan.users,
        users_ran,
        resent: recorder.resent,
        reopened: recorder.reopened,
        generator: Generator {
            spawn_lag: recorder.spawn_lag.distribution(),
            lag: recorder.lag.distribution(),
            ran,
            is_punctual,
            cpu,
            run_queue,
        },
        limits: plan.limits.clone(),
        changes: plan.changes(),
        tasks: recorder.tasks(plan),
        login: recorder.login(plan),
        ended_early: shared.watch.ended(),
        series: series.finish(&rests, users_ran, measured),
        failures: recorder.failures(),
    }
}

fn connects(plan: &LoadPlan, endpoint: &Endpoint, recorder: &Recorder) -> Connects {
    let (connect, handshake) = recorder.openings();
    Connects {
        address: endpoint.address.to_string(),
        acknowledgement: match (plan.acknowledge_at_once, closes_connections(plan)) {
            (_, true) => Acknowledgement::ConnectionClose,
            (true, false) => Acknowledgement::AtOnce,
            (false, false) => Acknowledgement::System,
        },
        tls: match &plan.tls {
            None => Tls::Off,
            Some(tls) if tls.insecure => Tls::Insecure,
            Some(_) => Tls::Verified,
        },
        connect,
        handshake,
    }
}

fn progress(
    plan: &LoadPlan,
    series: &Series,
    rules: Vec<Present>,
    extending_for: Vec<String>,
) -> Progress {
    let last = series.last();
    let p95 = SHOWN.iter().position(|percentile| *percentile == Percentile::P95);
    let p95_ms = last.zip(p95).and_then(|(second, p95)| second.percentiles_ms.get(p95).copied());
    Progress {
        elapsed: Duration::from_secs(last.map_or(0, |second| second.second + 1)),
        window: plan.window,
        users: (last.map_or(0, |second| second.users), plan.users),
        requests: series.totals(),
        last_second: last.map_or(0, |second| second.requests),
        p95_ms,
        failures: series.kinds(),
        late: series.late(),
        rules,
        extending_for,
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
