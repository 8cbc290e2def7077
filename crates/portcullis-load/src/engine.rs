//! The run itself: users start at their times on one worker thread, draw tasks
//! from one deck, record locally; this side listens once a second and can stop
//! everything at any moment.

use std::cell::{Cell, RefCell};
use std::ops::ControlFlow;
use std::rc::Rc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use portcullis_core::deck::Deck;
use portcullis_core::event::Progress;
use portcullis_core::plan::LoadPlan;
use portcullis_core::rng::{Domain, Rng};
use portcullis_core::summary::{Generator, SHOWN, Summary};
use portcullis_core::target::Target;
use portcullis_core::threshold::Percentile;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::clock;
use crate::first_round::{FirstRound, login_failure};
use crate::generator::{PULSE, ThreadTimes};
use crate::prepared::Prepared;
use crate::recorder::{Recorder, Sample, SinceTick, Whose};
use crate::series::{Series, Tick};
use crate::user::{LoginFailure, User};

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

/// Runs the load to its end; `observe` is called on this thread.
pub fn run(
    plan: &LoadPlan,
    target: &Target,
    first: FirstRound,
    mut observe: impl FnMut(Observation) -> ControlFlow<()>,
) -> LoadOutcome {
    let (stop, stopped) = watch::channel(false);
    let (ticks, seconds) = mpsc::channel();
    let started_unix_ms = clock::unix_ms();
    let mut series = Series::default();
    let mut broken = false;
    let worker = std::thread::scope(|scope| {
        let worker = scope.spawn(move || work(plan, target, first, stopped, &ticks));
        loop {
            let observation = match seconds.recv_timeout(TICK) {
                Ok(Message::Second(tick)) => {
                    series.add(tick);
                    Observation::Progress(progress(plan, &series, Vec::new()))
                }
                Ok(Message::Extending(tasks)) => {
                    Observation::Progress(progress(plan, &series, tasks))
                }
                Err(RecvTimeoutError::Timeout) => Observation::Idle,
                // The worker is done, or gone.
                Err(RecvTimeoutError::Disconnected) => break,
            };
            if !broken && observe(observation).is_break() {
                broken = true;
                let _ = stop.send(true);
            }
        }
        worker.join()
    });
    let defect = |what: String| LoadOutcome {
        summary: Summary { window: plan.window, users_asked: plan.users, ..Summary::default() },
        ended: Ended::Defect(what),
        tokens: Vec::new(),
    };
    match worker {
        Ok(Ok(work)) => outcome(plan, work, series, started_unix_ms, broken),
        Ok(Err(error)) => defect(format!("the load engine could not start: {error}")),
        Err(panic) => defect(format!("the load engine panicked: {}", panic_words(&*panic))),
    }
}

fn outcome(
    plan: &LoadPlan,
    work: Work,
    series: Series,
    started_unix_ms: u64,
    broken: bool,
) -> LoadOutcome {
    let mut recorder = work.recorder;
    let rest = recorder.take_tick();
    let summary = Summary {
        window: plan.window,
        measured: work.measured.min(plan.window),
        started_unix_ms,
        users_asked: plan.users,
        users_ran: work.users_ran,
        resent: recorder.resent,
        reopened: recorder.reopened,
        generator: Generator {
            lag: recorder.lag(),
            ran: work.measured,
            cpu: work.times.map(|times| times.cpu),
            run_queue: work.times.map(|times| times.run_queue),
        },
        limits: plan.limits.clone(),
        tasks: recorder.tasks(plan),
        login: recorder.login(plan),
        series: series.finish(rest, work.users_ran),
        failures: recorder.failures(),
    };
    let ended = match (work.panic, work.login_failure, broken) {
        (Some(panic), ..) => Ended::Defect(format!("a virtual user panicked: {panic}")),
        (None, Some(failure), _) => Ended::LoginFailed(failure),
        (None, None, true) => Ended::Stopped,
        (None, None, false) => Ended::Complete,
    };
    LoadOutcome { summary, ended, tokens: work.tokens }
}

fn progress(plan: &LoadPlan, series: &Series, extending_for: Vec<String>) -> Progress {
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
        extending_for,
    }
}

fn panic_words(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default()
}

/// What the worker sends while it works: at most a few a second.
enum Message {
    Second(Tick),
    Extending(Vec<String>),
}

/// What a worker brings back.
struct Work {
    recorder: Recorder,
    users_ran: u32,
    measured: Duration,
    times: Option<ThreadTimes>,
    tokens: Vec<String>,
    login_failure: Option<LoginFailure>,
    panic: Option<String>,
}

/// The login of the first round.
struct FirstLogin {
    sample: Option<Sample>,
    token: Option<String>,
}

/// What the users of one worker share. One thread: no locks.
struct Shared {
    plan: LoadPlan,
    prepared: Prepared,
    /// The first round's login, until the first user takes it over.
    first: RefCell<Option<FirstLogin>>,
    shared_token: Option<String>,
    address: std::net::SocketAddr,
    start: Instant,
    deck: RefCell<Deck>,
    /// The number of the run's next request.
    next: Cell<u64>,
    called: RefCell<Vec<bool>>,
    recorder: RefCell<Recorder>,
    alive: Cell<u32>,
    ran: Cell<u32>,
    tokens: RefCell<Vec<String>>,
    login_failure: RefCell<Option<LoginFailure>>,
}

fn work(
    plan: &LoadPlan,
    target: &Target,
    first: FirstRound,
    mut stopped: watch::Receiver<bool>,
    ticks: &mpsc::Sender<Message>,
) -> std::io::Result<Work> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let weights: Vec<u32> = plan.scenario.tasks.iter().map(|task| task.weight).collect();
    let deck = Deck::new(plan.seed, plan.scenario.order, &weights)
        .ok_or_else(|| std::io::Error::other("no weights"))?;
    let recorder = Recorder::new(plan).map_err(std::io::Error::other)?;
    let is_shared = plan.scenario.login.as_ref().is_some_and(|login| login.shared);
    let local = tokio::task::LocalSet::new();
    let shared = Rc::new(Shared {
        prepared: Prepared::new(&plan.scenario, target),
        shared_token: first.token.clone().filter(|_| is_shared),
        address: first.address,
        first: RefCell::new(Some(FirstLogin { sample: first.login, token: first.token })),
        start: Instant::now(),
        deck: RefCell::new(deck),
        next: Cell::new(0),
        called: RefCell::new(weights.iter().map(|weight| *weight == 0).collect()),
        recorder: RefCell::new(recorder),
        alive: Cell::new(0),
        ran: Cell::new(0),
        tokens: RefCell::new(Vec::new()),
        login_failure: RefCell::new(None),
        plan: plan.clone(),
    });
    let before = ThreadTimes::now();
    let panic = local.block_on(&runtime, async {
        tokio::select! {
            panic = all_users(&shared, ticks) => panic,
            never = shared.pulse() => never,
            _ = stopped.wait_for(|stop| *stop) => None,
        }
    });
    let measured = shared.start.elapsed();
    let times = before.zip(ThreadTimes::now()).map(|(before, now)| now.since(before));
    drop(local);
    let shared = Rc::try_unwrap(shared)
        .map_err(|_| std::io::Error::other("a virtual user outlived its worker"))?;
    Ok(Work {
        recorder: shared.recorder.into_inner(),
        users_ran: shared.ran.get(),
        measured,
        times,
        tokens: shared.tokens.into_inner(),
        login_failure: shared.login_failure.into_inner(),
        panic,
    })
}

/// All users from their starts to their ends; the words of a panic, if one did.
async fn all_users(shared: &Rc<Shared>, ticks: &mpsc::Sender<Message>) -> Option<String> {
    let mut users = JoinSet::new();
    for number in 0..shared.plan.users {
        users.spawn_local(live(Rc::clone(shared), number));
    }
    let second = Duration::from_secs(1);
    let mut clock = tokio::time::interval_at(shared.start + second, second);
    let mut elapsed = 0;
    let whole = shared.plan.window.as_secs();
    loop {
        tokio::select! {
            // Ends first: a login that failed must not wait for the clock.
            biased;
            ended = users.join_next() => match ended {
                None => return None,
                Some(Err(error)) if error.is_panic() => {
                    return Some(panic_words(&*error.into_panic()));
                }
                Some(_) if shared.login_failure.borrow().is_some() => return None,
                Some(_) => {}
            },
            _ = clock.tick() => {
                let message = if elapsed < whole {
                    let counts: SinceTick = shared.recorder.borrow_mut().take_tick();
                    Message::Second(Tick { second: elapsed, users: shared.alive.get(), counts })
                } else {
                    Message::Extending(shared.uncalled())
                };
                elapsed += 1;
                // Nobody listens: the run is over for them, and soon for us.
                let _ = ticks.send(message);
            }
        }
    }
}

impl Shared {
    fn uncalled(&self) -> Vec<String> {
        let called = self.called.borrow();
        let tasks = self.plan.scenario.tasks.iter().zip(called.iter());
        tasks.filter(|(_, called)| !**called).map(|(task, _)| task.name.clone()).collect()
    }

    /// The next request of the run: its number and its task. In the planned
    /// window it comes from the deck; after it, it is a task without samples.
    fn next_request(&self) -> Option<(u64, Whose, usize)> {
        let elapsed = self.start.elapsed();
        let number = self.next.get();
        let (whose, task) = if elapsed < self.plan.window {
            let task = self.deck.borrow_mut().task(number);
            (Whose::Window(task), task)
        } else if elapsed < self.plan.longest {
            let task = self.called.borrow().iter().position(|called| !called)?;
            (Whose::Extension(task), task)
        } else {
            return None;
        };
        self.next.set(number + 1);
        if let Some(called) = self.called.borrow_mut().get_mut(task) {
            *called = true;
        }
        Some((number, whose, task))
    }

    /// Waits before the next request; false when there will be none. At the
    /// window's end every user looks whether anything is left to do.
    async fn wait(&self, wait: Duration) -> bool {
        if wait.is_zero() {
            // The timer counts in milliseconds: a wait of nothing must not cost one.
            // Connections that fail at once must not starve clock and stop signal.
            tokio::task::consume_budget().await;
            return true;
        }
        let until = Instant::now() + wait;
        let end = self.start + self.plan.window;
        if until >= end {
            tokio::time::sleep_until(end).await;
            if self.called.borrow().iter().all(|called| *called) {
                return false;
            }
        }
        self.sleep_until(until).await;
        true
    }

    /// Sleeps, and notes how late it woke.
    async fn sleep_until(&self, until: Instant) {
        tokio::time::sleep_until(until).await;
        self.recorder.borrow_mut().record_lag(until.elapsed());
    }

    /// Never ends: looks how late the worker wakes while its users are busy.
    async fn pulse(&self) -> Option<String> {
        loop {
            self.sleep_until(Instant::now() + PULSE).await;
        }
    }
}

/// One user's life.
async fn live(shared: Rc<Shared>, number: u32) {
    let plan = &shared.plan;
    shared.sleep_until(shared.start + plan.spawn_at(number)).await;
    let mut user = User::new(shared.address);
    if !log_in(&shared, &mut user, number).await {
        return;
    }
    shared.alive.set(shared.alive.get() + 1);
    let mut has_run = false;
    let mut waits = Rng::stream(plan.seed, Domain::Wait, u64::from(number));
    while let Some((request, whose, task)) = shared.next_request() {
        // Logged in is not enough: a user ran if it made a request in the window.
        if !std::mem::replace(&mut has_run, true) && matches!(whose, Whose::Window(_)) {
            shared.ran.set(shared.ran.get() + 1);
        }
        let mut rng = Rng::stream(plan.seed, Domain::Values, request);
        let start = Instant::now();
        user.may_resend = shared.recorder.borrow().may_resend();
        if let Some(sample) = user.call(plan, &shared.prepared, task, &mut rng).await {
            let mut recorder = shared.recorder.borrow_mut();
            recorder.record(whose, &sample, plan);
            recorder.resent += std::mem::take(&mut user.resent);
            recorder.reopened += std::mem::take(&mut user.reopened);
        }
        let wait = plan.scenario.wait.next(start.elapsed(), &mut waits);
        if !shared.wait(wait).await {
            break;
        }
    }
    shared.alive.set(shared.alive.get() - 1);
}

/// Gives the user its token. The first user takes over the first round's; with
/// a shared login everybody does. False: the login failed, and the run is over.
async fn log_in(shared: &Shared, user: &mut User, number: u32) -> bool {
    if shared.plan.scenario.login.is_none() {
        return true;
    }
    let inherited = shared.first.borrow_mut().take();
    if let Some(sample) = inherited.as_ref().and_then(|login| login.sample.as_ref()) {
        shared.recorder.borrow_mut().record(Whose::Login, sample, &shared.plan);
    }
    let token = inherited.and_then(|login| login.token).or_else(|| shared.shared_token.clone());
    if let Some(token) = token {
        user.authorize(&shared.prepared, &token);
        return true;
    }
    let (sample, token) = user.login(&shared.plan, &shared.prepared).await;
    shared.recorder.borrow_mut().record(Whose::Login, &sample, &shared.plan);
    match token {
        Some(token) => {
            user.authorize(&shared.prepared, &token);
            shared.tokens.borrow_mut().push(token);
            true
        }
        None => {
            *shared.login_failure.borrow_mut() = Some(login_failure(number + 1, &sample));
            false
        }
    }
}
