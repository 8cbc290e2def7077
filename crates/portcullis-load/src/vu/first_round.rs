//! The first round, before the load starts: one user logs in and calls each task once. It
//! is shown, not judged, because first requests include imports and filling caches. It also
//! finds early what would make the whole run meaningless.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use portcullis_core::engine::{Content, FirstAnswer, FirstFailure, LoginFailure, Observer};
use portcullis_core::plan::LoadPlan;
use portcullis_core::rng::{Domain, Rng};
use portcullis_core::scenario::{Task, titles};
use portcullis_core::target::Target;

use super::flow::Called;
use super::login::{Credentials, LoggedIn};
use super::prepared::{Prepared, closes_connections};
use super::session::{Sending, Session, login_failure};
use super::shape::{Shape, Shapes, StepShapes};
use crate::http::{self, Endpoint, ResolveError, TlsError, Trust};
use crate::metrics::{Failure, Sample};
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
    /// What the login gave to the first user: secrets.
    pub credentials: Option<Credentials>,
    /// The sample of its login, recorded when the load begins.
    pub login: Option<Sample>,
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
    let credentials = RefCell::new(None);
    let one = |handle: Handle| async {
        let round = round(&sending, handle, &credentials).await;
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
    let credentials: Option<Credentials> = credentials.into_inner();
    let secrets = credentials.iter().flat_map(|given| given.secrets(prepared.login_names()));
    secrets.for_each(|secret| observer.secret(secret));
    let panicked = panicked.map_err(|error| LoadError::Engine(error.into()))?;
    if !observer.goes_on() {
        return Err(LoadError::Aborted);
    }
    let Round { login, answers, shapes } = result
        .into_inner()
        .unwrap_or_else(|| Err(LoadError::Engine(ReactorError::without_result(panicked))))?;
    Ok(FirstRound { prepared, endpoint, answers, shapes, credentials, login })
}

/// What was answered.
struct Round {
    /// The sample of the login, if there is one.
    login: Option<Sample>,
    answers: Vec<FirstAnswer>,
    shapes: Shapes,
}

async fn round(
    sending: &Sending<'_>,
    handle: Handle,
    given: &RefCell<Option<Credentials>>,
) -> Result<Round, LoadError> {
    let plan = sending.plan;
    let mut session = Session::new(handle, 0);
    let (mut login, mut answers) = (None, Vec::<FirstAnswer>::new());
    let tasks = &plan.scenario.tasks;
    let none = |task: &Task| vec![StepShapes::default(); task.steps.len()];
    let mut shapes = Shapes(tasks.iter().map(none).collect());
    if plan.scenario.login.is_some() {
        let (sample, logged_in) = session.login(sending).await;
        match logged_in {
            LoggedIn::In(credentials) => {
                *given.borrow_mut() = Some(credentials);
                login = sample;
            }
            LoggedIn::Refused => {
                return Err(LoadError::Login(login_failure(1, sample.as_ref())));
            }
            LoggedIn::Cut => return Err(LoadError::Aborted),
        }
    }
    for time in 0..plan.warm_up_rounds {
        for (index, task) in plan.scenario.tasks.iter().enumerate() {
            if task.weight == 0 {
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
                fail_late(&mut answers, late);
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
        fail_late(&mut answers, late);
    }
    Ok(Round { login, answers, shapes })
}

/// Bytes came behind the last answer so far.
fn fail_late(answers: &mut [FirstAnswer], Failure { kind, status, message }: Failure) {
    if let Some(last) = answers.last_mut().filter(|last| last.failure.is_none()) {
        last.failure = Some(FirstFailure { kind, status, message, answer: String::new() });
    }
}
