//! The first round, before the load starts: one user logs in and calls each task once. It
//! is shown, not judged, because first requests include imports and filling caches. It also
//! finds early what would make the whole run meaningless.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use portcullis_core::engine::{Content, FirstAnswer, FirstFailure, LoginFailure, Observer};
use portcullis_core::plan::LoadPlan;
use portcullis_core::rng::{Domain, Rng};
use portcullis_core::scenario::{Task, When, titles};
use portcullis_core::target::Target;

use super::flow::Called;
use super::login::LoggedIn;
use super::once::{OnceCalled, secrets_of, set_up};
use super::prepared::{Prepared, Slot, closes_connections};
use super::session::{Sending, Session, login_failure};
use super::shape::{Shape, Shapes, StepShapes};
use super::shared::FirstLogin;
use crate::http::{self, Endpoint, ResolveError, TlsError, Trust};
use crate::metrics::Failure;
use crate::reactor::{self, Handle, ReactorError, Turn};

/// The result of the first round.
#[derive(Debug)]
pub struct FirstRound {
    /// The requests as bytes; their counters go on where the round left them.
    pub prepared: Prepared,
    /// The server, with its name resolved.
    pub endpoint: Endpoint,
    /// The answers in the order of the scenario, without tasks of weight 0.
    pub answers: Vec<FirstAnswer>,
    /// The shapes of the answers.
    pub shapes: Shapes,
    /// The values of the set-up.
    pub given: Vec<Slot>,
    /// The calls of the set-up.
    pub set_up: Vec<OnceCalled>,
    /// The logins, by the number of their user; recorded when the load begins.
    pub logins: Vec<(u32, FirstLogin)>,
}

/// Why a load did not begin.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The server accepts no connection.
    #[error(transparent)]
    Connect(#[from] ResolveError),
    /// TLS cannot be set up.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The first user could not log in.
    #[error("the login failed: {}", .0.message)]
    Login(LoginFailure),
    /// A task of the set-up failed.
    #[error("the set-up failed: {0}")]
    SetUp(String),
    /// The observer stopped it.
    #[error("stopped")]
    Aborted,
    /// The system has no poll or timer left, or a user panicked.
    #[error("the engine could not start: {0}")]
    Engine(ReactorError),
}

/// Between the random streams of a task's first request and of its repetition.
const ONCE_MORE: u64 = 500_000;

/// How often the observer is asked whether to continue.
const LOOK: Duration = Duration::from_millis(50);

/// Runs the first round, and gives the token to the observer. `trust` is required for a
/// target with TLS.
///
/// # Errors
/// No connection, no login, or stopped by the observer.
pub fn first_round(
    plan: &LoadPlan,
    target: &Target,
    trust: &Trust,
    observer: &mut dyn Observer,
) -> Result<FirstRound, LoadError> {
    let tls = if target.tls { Some(http::client_config(trust)?) } else { None };
    let at_once = plan.acknowledge_at_once;
    let endpoint = http::resolve(target, tls, at_once)?;
    let prepared = Prepared::new(&plan.scenario, target, closes_connections(plan));
    let nothing = Shapes::default();
    let sending = Sending { plan, prepared: &prepared, endpoint: &endpoint, shapes: &nothing };
    let result = RefCell::new(None);
    // What the login gave is secret even if the round fails later, so it is kept outside.
    let logins = RefCell::new(Vec::new());
    let one = |handle: Handle| async {
        let round = round(&sending, handle, &logins).await;
        *result.borrow_mut() = Some(round);
    };
    let panicked = reactor::run(
        1,
        |reactor| vec![Box::pin(one(reactor.handle(0)))],
        |reactor| {
            if !observer.goes_on() {
                reactor.cut();
                return Turn::Stop;
            }
            Turn::Next(Instant::now() + LOOK)
        },
    );
    let logins: Vec<(u32, FirstLogin)> = logins.into_inner();
    for (user, login) in &logins {
        let names = prepared.login_names(plan.scenario.kind_of(*user));
        let secrets = login.credentials.iter().flat_map(|given| given.secrets(names));
        secrets.for_each(|secret| observer.secret(secret));
    }
    let panicked = panicked.map_err(|error| LoadError::Engine(error.into()))?;
    if !observer.goes_on() {
        return Err(LoadError::Aborted);
    }
    let Round { answers, shapes, set_up: (given, set_up) } = result
        .into_inner()
        .unwrap_or_else(|| Err(LoadError::Engine(ReactorError::without_result(panicked))))?;
    secrets_of(&plan.scenario.given(), &given).for_each(|value| observer.secret(value));
    Ok(FirstRound { prepared, endpoint, answers, shapes, given, set_up, logins })
}

/// What was answered.
struct Round {
    answers: Vec<FirstAnswer>,
    shapes: Shapes,
    /// The values and the calls of the set-up.
    set_up: (Vec<Slot>, Vec<OnceCalled>),
}

/// One user of each kind logs in and calls the tasks of its kind.
async fn round(
    sending: &Sending<'_>,
    handle: Handle,
    logins: &RefCell<Vec<(u32, FirstLogin)>>,
) -> Result<Round, LoadError> {
    let plan = sending.plan;
    let tasks = &plan.scenario.tasks;
    let none = |task: &Task| vec![StepShapes::default(); task.steps.len()];
    let shapes = Shapes(tasks.iter().map(none).collect());
    let set_up = set_up(sending, handle.clone()).await?;
    let given = set_up.0.clone();
    let mut round = Round { answers: Vec::new(), shapes, set_up };
    for kind in 0..plan.scenario.users.len() {
        let number = plan.scenario.first_user(kind, plan.users).unwrap_or(0);
        let mut session = Session::new(handle.clone(), number, kind);
        session.give(&given);
        if plan.scenario.login_of(kind).is_some() {
            let (sample, logged_in) = session.login(sending).await;
            match logged_in {
                LoggedIn::In(credentials) => {
                    let login = FirstLogin { sample, credentials: Some(credentials) };
                    logins.borrow_mut().push((number, login));
                }
                LoggedIn::Refused => {
                    return Err(LoadError::Login(login_failure(number + 1, sample.as_ref())));
                }
                LoggedIn::Cut => return Err(LoadError::Aborted),
            }
        }
        of_kind(sending, &mut session, &mut round).await?;
    }
    // In the order of the scenario, whoever called them.
    let place = |answer: &FirstAnswer| tasks.iter().position(|task| task.name == answer.task);
    round.answers.sort_by_key(place);
    Ok(round)
}

/// The part of the round of one kind of users.
async fn of_kind(
    sending: &Sending<'_>,
    session: &mut Session,
    Round { answers, shapes, .. }: &mut Round,
) -> Result<(), LoadError> {
    let (plan, before) = (sending.plan, answers.len());
    for time in 0..plan.warm_up_rounds {
        // What a user calls at its start is called before other tasks.
        let mut tasks: Vec<(usize, &Task)> = plan.scenario.tasks.iter().enumerate().collect();
        tasks.sort_by_key(|(_, task)| task.when != When::OnStart);
        for (index, task) in tasks {
            let is_first = task.when == When::OnStart && time == 0;
            if task.weight == 0 && !is_first || task.kind != session.kind {
                continue;
            }
            // Separate random streams, so that the run's first requests do not change.
            let stream = u64::MAX - index as u64 - u64::from(time) * 1_000_000;
            session.wants.short_body = time == 0;
            let random = |stream| Rng::stream(plan.seed, Domain::Values, stream);
            session.noted = shapes.0.get_mut(index).map(std::mem::take).unwrap_or_default();
            let mut called = session.call(sending, index, &mut random(stream), None).await;
            // Asked once more, with other values: a drawn id may not exist, or not yet.
            if time == 0 && called.as_ref().is_some_and(Called::is_missing) {
                let rng = &mut random(stream - ONCE_MORE);
                called = session.call(sending, index, rng, None).await.or(called);
            }
            let noted = std::mem::take(&mut session.noted);
            shapes.0.get_mut(index).into_iter().for_each(|shapes| shapes.clone_from(&noted));
            session.wants.short_body = false;
            let Some(called) = called else { continue };
            let sample = called.into_sample();
            if sample.is_cut {
                return Err(LoadError::Aborted);
            }
            if let Some(late) = session.late_failure().filter(|_| time == 0) {
                fail_late(&mut answers[before..], late);
            }
            // Rounds after the first warm up only, and are not reported.
            if time > 0 {
                continue;
            }
            let failure = sample.failure.map(|failure| {
                let (_, answer) = session.last_answer();
                let flow = sending.prepared.tasks.get(index);
                let answer = flow.map_or(String::new(), |flow| session.hide(flow, &answer));
                let (kind, message) = (failure.kind, failure.message);
                FirstFailure { kind, status: sample.status, message, answer }
            });
            let first = shapes.0.get(index).and_then(|shapes| shapes.first()?.first());
            answers.push(FirstAnswer {
                task: task.name.clone(),
                request: titles(&task.steps),
                latency: sample.latency,
                status: sample.status,
                bytes: sample.body_bytes,
                content: first.map_or(Content::None, Shape::content),
                items: session.last_items(),
                failure,
            });
        }
    }
    if let Some(late) = session.late_failure_at_end().filter(|_| plan.warm_up_rounds == 1) {
        fail_late(&mut answers[before..], late);
    }
    Ok(())
}

/// Bytes came behind the last answer so far.
fn fail_late(answers: &mut [FirstAnswer], Failure { kind, status, message }: Failure) {
    if let Some(last) = answers.last_mut().filter(|last| last.failure.is_none()) {
        last.failure = Some(FirstFailure { kind, status, message, answer: String::new() });
    }
}
