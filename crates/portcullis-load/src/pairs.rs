//! Sends the same request to two servers, one after the other: base and candidate in random
//! order, one pair at a time, each for the task that needs it most.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use portcullis_core::compare::{GAP, Judge, KEPT, Pair, Side, Sides};
use portcullis_core::engine::LoginFailure;
use portcullis_core::plan::LoadPlan;
use portcullis_core::rng::{Domain, Rng};
use portcullis_core::scenario::When;
use portcullis_core::target::Target;

use crate::http::{self, Endpoint, ResolveError, TlsError, Trust};
use crate::metrics::Sample;
use crate::reactor::{self, Handle, ReactorError, Turn};
use crate::vu::{
    LoadError, LoggedIn, Prepared, Sending, Session, Shapes, closes_connections, login_failure,
    secrets_of, set_up,
};

/// The plan of the pairs.
#[derive(Clone, Copy, Debug)]
pub struct PairPlan<'a> {
    /// The scenario, its timeouts and the seed.
    pub load: &'a LoadPlan,
    /// The maximum time for pairs, without the warm-up.
    pub limit: Duration,
    /// How long both servers are warmed up with pairs that do not count; at least one for each
    /// task.
    pub warm_up: Duration,
    /// The index of this comparison among several in a row. Each has its own random numbers,
    /// and only the first one warms up for longer than a round.
    pub repetition: u32,
}

/// Callbacks while pairs are made; all on one thread.
pub trait Hooks {
    /// Places both servers on a random CPU. Called between pairs.
    fn place(&mut self);
    /// The CPU time of a server so far, if the system provides it.
    fn cpu(&mut self, side: Side) -> Option<Duration>;
    /// A login returned a token, which is a secret.
    fn secret(&mut self, token: &str);
    /// Whether to continue; called several times a second.
    fn goes_on(&mut self, pairs: usize, elapsed: Duration) -> bool;
}

/// The result of the pairs.
#[derive(Debug)]
pub struct PairsOutcome {
    /// The decisions.
    pub judge: Judge,
    /// All pairs in order.
    pub pairs: Vec<Pair>,
    /// How long they took, without the warm-up.
    pub took: Duration,
    /// For each task: the status of the base if it never answered anything else than 404, 405
    /// or 410 to it.
    pub base_lacks: Vec<Option<u16>>,
}

/// Why no pairs could be made.
#[derive(Debug, thiserror::Error)]
pub enum PairsError {
    /// The server accepts no connection.
    #[error(transparent)]
    Connect(#[from] ResolveError),
    /// TLS cannot be set up.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The login at one of the servers failed.
    #[error("the login at the {} failed: {}", .0.name(), .1.message)]
    Login(Side, LoginFailure),
    /// The set-up at one of the servers failed.
    #[error("at the {}: {}", .0.name(), .1)]
    SetUp(Side, String),
    /// The caller stopped it.
    #[error("stopped")]
    Aborted,
    /// The system has no poll or timer left, or a panic occurred, which is a bug.
    #[error("the engine failed: {0}")]
    Engine(ReactorError),
}

/// A task is given up after this many pairs in a row without a ratio: it does not exist, or
/// the service refuses it for now.
const GIVE_UP_AFTER: usize = 10;
/// How often the caller can stop.
const LOOK: Duration = Duration::from_millis(50);
/// Slots in the reactor: one for the director, and one for each server.
const SLOTS: usize = 3;

/// Makes pairs until every task is decided, the limit is reached, or the caller stops.
///
/// # Errors
/// No connection, no login, or stopped before the first pair that counts.
pub fn pairs(
    plan: PairPlan<'_>,
    targets: &Sides<Target>,
    trust: &Trust,
    judge: Judge,
    hooks: &mut dyn Hooks,
) -> Result<PairsOutcome, PairsError> {
    let resolve = |target: &Target| -> Result<Endpoint, PairsError> {
        let tls = if target.tls { Some(http::client_config(trust)?) } else { None };
        // Delayed acknowledgements would stall exactly one request of each pair, so they are
        // always avoided here.
        Ok(http::resolve(target, tls, true)?)
    };
    let endpoints =
        Sides { base: resolve(&targets.base)?, candidate: resolve(&targets.candidate)? };
    let prepare =
        |target| Prepared::new(&plan.load.scenario, target, closes_connections(plan.load));
    let prepared = Sides { base: prepare(&targets.base), candidate: prepare(&targets.candidate) };
    let nothing = Shapes::default();
    let state = State {
        hooks: RefCell::new(hooks),
        progress: RefCell::new((0, None)),
        result: RefCell::new(None),
    };
    let panic = reactor::run(
        SLOTS,
        |reactor| {
            let sending = |side| Sending {
                plan: plan.load,
                prepared: prepared.of(side),
                endpoint: endpoints.of(side),
                shapes: &nothing,
            };
            let directed = direct(
                Director::new(plan, [0, 1, 2].map(|slot| reactor.handle(slot)), judge),
                Sides { base: sending(Side::Base), candidate: sending(Side::Candidate) },
                &state,
            );
            // An event of a server's socket wakes the director.
            let forward = |slot: usize| {
                let (handle, reactor) = (reactor.handle(slot), reactor);
                let reactor = std::rc::Rc::clone(reactor);
                async move {
                    handle
                        .woken_for(|| {
                            reactor.wake(0);
                            None::<()>
                        })
                        .await;
                }
            };
            vec![Box::pin(directed), Box::pin(forward(1)), Box::pin(forward(2))]
        },
        |reactor| state.turn(reactor),
    );
    let panic = panic.map_err(|error| PairsError::Engine(error.into()))?;
    let result = state.result.into_inner();
    result.unwrap_or_else(|| Err(PairsError::Engine(ReactorError::without_result(panic))))
}

/// The data that the director and the hook of the turn share.
struct State<'h> {
    hooks: RefCell<&'h mut dyn Hooks>,
    /// The number of pairs so far, and the start of the first that counts.
    progress: RefCell<(usize, Option<Instant>)>,
    result: RefCell<Option<Result<PairsOutcome, PairsError>>>,
}

impl State<'_> {
    fn turn(&self, reactor: &std::rc::Rc<reactor::Reactor>) -> Turn {
        let (pairs, begun) = *self.progress.borrow();
        let elapsed = begun.map_or(Duration::ZERO, |begun| begun.elapsed());
        if self.result.borrow().is_some() {
            return Turn::Stop;
        }
        // When the caller stops, the request under way is cut, and the pairs so far are the
        // result.
        if !self.hooks.borrow_mut().goes_on(pairs, elapsed) {
            reactor.cut();
        }
        Turn::Next(Instant::now() + LOOK)
    }
}

/// The future that makes the pairs.
struct Director<'a> {
    plan: PairPlan<'a>,
    own: Handle,
    /// One for each kind of users; one request at a time uses the handle of its server.
    sessions: Vec<Sides<Session>>,
    judge: Judge,
    random: Rng,
    /// The number of requests so far; each pair draws its values from its own random stream.
    number: u64,
    /// The last answers of the base to each task.
    base: Vec<BaseAnswers>,
}

/// The answers of the base to a task.
#[derive(Clone, Copy, Debug, Default)]
struct BaseAnswers {
    /// The last status that says that it does not exist.
    missing: Option<u16>,
    /// Whether there was any other answer.
    has_other: bool,
}

async fn direct(mut director: Director<'_>, sending: Sides<Sending<'_>>, state: &State<'_>) {
    let result = director.run(&sending, state).await;
    *state.result.borrow_mut() = Some(result);
}

impl<'a> Director<'a> {
    fn new(plan: PairPlan<'a>, [own, base, candidate]: [Handle; SLOTS], judge: Judge) -> Self {
        Self {
            plan,
            own,
            sessions: (0..plan.load.scenario.users.len())
                .map(|kind| {
                    let user = plan.load.scenario.first_user(kind, plan.load.users).unwrap_or(0);
                    let session = |handle: &Handle| Session::new(handle.clone(), user, kind);
                    Sides { base: session(&base), candidate: session(&candidate) }
                })
                .collect(),
            judge,
            random: Rng::stream(plan.load.seed, Domain::Pairs, u64::from(plan.repetition)),
            number: 0,
            base: vec![BaseAnswers::default(); plan.load.scenario.tasks.len()],
        }
    }

    async fn run(
        &mut self,
        sending: &Sides<Sending<'_>>,
        state: &State<'_>,
    ) -> Result<PairsOutcome, PairsError> {
        for side in [Side::Base, Side::Candidate] {
            self.set_up(side, sending, state).await?;
            for kind in 0..self.sessions.len() {
                self.log_in(side, kind, sending, state).await?;
            }
            self.start(side, sending).await?;
        }
        state.hooks.borrow_mut().place();
        self.warm_up(sending, state).await?;
        let begun = Instant::now();
        *state.progress.borrow_mut() = (0, Some(begun));
        let mut pairs: Vec<Pair> = Vec::new();
        while begun.elapsed() < self.plan.limit
            && let Some(task) = self.judge.next(&mut self.random)
        {
            let Some(pair) = self.pair(task, begun, sending, state).await else { break };
            if let Some(x) = pair.latency.ln_ratio() {
                self.judge.add(task, x);
            }
            pairs.push(pair);
            if has_no_ratios(&pairs, task) {
                self.judge.give_up(task);
            }
            state.progress.borrow_mut().0 = pairs.len();
            if pairs.len().is_multiple_of(KEPT) {
                state.hooks.borrow_mut().place();
            }
        }
        let lacks = |answers: &BaseAnswers| answers.missing.filter(|_| !answers.has_other);
        Ok(PairsOutcome {
            judge: self.judge.clone(),
            pairs,
            took: begun.elapsed(),
            base_lacks: self.base.iter().map(lacks).collect(),
        })
    }

    /// Runs the set-up of the run at one of the servers.
    async fn set_up(
        &mut self,
        side: Side,
        sending: &Sides<Sending<'_>>,
        state: &State<'_>,
    ) -> Result<(), PairsError> {
        let Some(handle) = self.sessions.first().map(|one| one.of(side).handle()) else {
            return Ok(());
        };
        let (given, _) = set_up(sending.of(side), handle).await.map_err(|error| match error {
            LoadError::Aborted => PairsError::Aborted,
            error => PairsError::SetUp(side, error.to_string()),
        })?;
        let names = self.plan.load.scenario.given();
        secrets_of(&names, &given).for_each(|value| state.hooks.borrow_mut().secret(value));
        self.sessions.iter_mut().for_each(|one| one.of_mut(side).give(&given));
        Ok(())
    }

    /// Calls the tasks that a user calls at its start.
    async fn start(&mut self, side: Side, sending: &Sides<Sending<'_>>) -> Result<(), PairsError> {
        for (index, task) in self.plan.load.scenario.tasks.iter().enumerate() {
            if task.when != When::OnStart {
                continue;
            }
            let Some(sessions) = self.sessions.get_mut(task.kind) else { continue };
            let mut rng = Rng::stream(self.plan.load.seed, Domain::Values, u64::MAX - index as u64);
            let session = sessions.of_mut(side);
            let called = session.call(sending.of(side), index, &mut rng, None).await;
            if called.is_none_or(|called| called.into_sample().is_cut) {
                return Err(PairsError::Aborted);
            }
        }
        Ok(())
    }

    async fn log_in(
        &mut self,
        side: Side,
        kind: usize,
        sending: &Sides<Sending<'_>>,
        state: &State<'_>,
    ) -> Result<(), PairsError> {
        let sending = sending.of(side);
        let Some(sessions) = self.sessions.get_mut(kind) else { return Ok(()) };
        let session = sessions.of_mut(side);
        match session.login(sending).await {
            (_, LoggedIn::In(credentials)) => {
                let mut hooks = state.hooks.borrow_mut();
                credentials
                    .secrets(sending.prepared.login_names(kind))
                    .for_each(|one| hooks.secret(one));
                Ok(())
            }
            (sample, LoggedIn::Refused) => {
                Err(PairsError::Login(side, login_failure(1, sample.as_ref())))
            }
            (_, LoggedIn::Cut) => Err(PairsError::Aborted),
        }
    }

    /// Makes whole rounds of pairs until the time is over, so that both servers import, compile
    /// and cache what they need.
    async fn warm_up(
        &mut self,
        sending: &Sides<Sending<'_>>,
        state: &State<'_>,
    ) -> Result<(), PairsError> {
        let begun = Instant::now();
        loop {
            for task in 0..self.plan.load.scenario.tasks.len() {
                if self.plan.load.scenario.tasks.get(task).is_none_or(|task| task.weight == 0) {
                    continue;
                }
                self.pair(task, begun, sending, state).await.ok_or(PairsError::Aborted)?;
            }
            if begun.elapsed() >= self.plan.warm_up || self.plan.repetition > 0 {
                return Ok(());
            }
        }
    }

    /// Makes one pair; `None` if it was cut.
    async fn pair(
        &mut self,
        task: usize,
        begun: Instant,
        sending: &Sides<Sending<'_>>,
        state: &State<'_>,
    ) -> Option<Pair> {
        let kind = self.plan.load.scenario.tasks.get(task)?.kind;
        let candidate_first = self.random.below(2) == 1;
        let order = match candidate_first {
            true => [Side::Candidate, Side::Base],
            false => [Side::Base, Side::Candidate],
        };
        let values = Rng::stream(self.plan.load.seed, Domain::Values, self.number);
        self.number += 1;
        let mut pair = Pair {
            task,
            at: begun.elapsed(),
            first: order[0],
            latency: Sides::default(),
            cpu: Sides::default(),
        };
        for side in order {
            self.own.until(Instant::now() + GAP).await;
            let before = state.hooks.borrow_mut().cpu(side);
            let session = self.sessions.get_mut(kind)?.of_mut(side);
            let called = session.call(sending.of(side), task, &mut values.clone(), None).await?;
            let sample = called.into_sample();
            let after = state.hooks.borrow_mut().cpu(side);
            if sample.is_cut {
                return None;
            }
            if let Some(answers) = self.base.get_mut(task).filter(|_| side == Side::Base) {
                match sample.is_missing() {
                    true => answers.missing = Some(sample.status),
                    false => answers.has_other = true,
                }
            }
            *pair.latency.of_mut(side) = good(&sample);
            *pair.cpu.of_mut(side) =
                before.zip(after).map(|(before, after)| after.saturating_sub(before));
        }
        Some(pair)
    }
}

fn has_no_ratios(pairs: &[Pair], task: usize) -> bool {
    let mut last = pairs.iter().rev().filter(|pair| pair.task == task).take(GIVE_UP_AFTER);
    last.clone().count() == GIVE_UP_AFTER && last.all(|pair| pair.latency.ln_ratio().is_none())
}

fn good(sample: &Sample) -> Option<Duration> {
    sample.failure.is_none().then_some(sample.latency)
}
