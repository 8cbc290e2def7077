//! Before the clock starts: one user logs in and calls each task once. It is
//! shown, not judged: first requests pay for imports and caches. And it finds
//! out early what would make a whole run meaningless.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use portcullis_core::measure::FailureKind;
use portcullis_core::plan::LoadPlan;
use portcullis_core::rng::{Domain, Rng};
use portcullis_core::target::Target;

use crate::engine::closes_connections;
use crate::http::{self, Endpoint, ResolveError, TlsError, Trust};
use crate::prepared::Prepared;
use crate::reactor::{self, Handle, Turn};
use crate::sample::Sample;
use crate::user::{LoggedIn, LoginFailure, Sending, User};

/// One task's first answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FirstAnswer {
    /// The task.
    pub task: String,
    /// Method and path.
    pub request: String,
    /// How long it took.
    pub latency: Duration,
    /// What failed: kind, what happened, and the answer's beginning.
    pub failure: Option<(FailureKind, String, String)>,
}

/// What the first round found.
#[derive(Debug)]
pub struct FirstRound {
    /// The server, its name resolved.
    pub endpoint: Endpoint,
    /// In the order of the scenario, without tasks of weight 0.
    pub answers: Vec<FirstAnswer>,
    /// The first user's token: a secret.
    pub token: Option<String>,
    pub(crate) login: Option<Sample>,
}

/// Why there is no use in going on.
#[derive(Debug, thiserror::Error)]
pub enum FirstRoundError {
    /// Nobody accepts a connection.
    #[error(transparent)]
    Connect(#[from] ResolveError),
    /// TLS cannot be spoken.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The first user could not log in.
    #[error("the login failed: {}", .0.message)]
    Login(LoginFailure),
    /// We were told to stop; with the token that was had by then, a secret.
    #[error("stopped")]
    Stopped(Option<String>),
    /// The system has no poll or timer left.
    #[error("the engine could not start: {0}")]
    Engine(std::io::Error),
}

/// How often `stop` is asked.
const LOOK: Duration = Duration::from_millis(50);

/// Runs the first round; `stop` is asked every now and then. `trust` is needed
/// for a target that speaks TLS.
///
/// # Errors
/// No connection, no login, or told to stop.
pub fn first_round(
    plan: &LoadPlan,
    target: &Target,
    trust: &Trust,
    mut stop: impl FnMut() -> bool,
) -> Result<FirstRound, FirstRoundError> {
    let tls = if target.tls { Some(http::client_config(trust)?) } else { None };
    let at_once = plan.acknowledge_at_once;
    let endpoint = http::resolve(target, tls, at_once)?;
    let prepared = Prepared::new(&plan.scenario, target, closes_connections(plan));
    let sending = Sending { plan, prepared: &prepared, endpoint: &endpoint };
    let result = RefCell::new(None);
    let one = |handle: Handle| async {
        let round = round(&sending, handle).await;
        *result.borrow_mut() = Some(round);
    };
    let panicked = reactor::run(
        1,
        |reactor| vec![Box::pin(one(reactor.handle(0)))],
        |reactor| {
            if stop() {
                reactor.cut();
                return Turn::Stop;
            }
            Turn::Next(Instant::now() + LOOK)
        },
    );
    let words = |panic: Option<Box<dyn std::any::Any + Send>>| {
        panic.map_or("no result".to_owned(), |panic| crate::worker::panic_words(&*panic))
    };
    let panicked = panicked.map_err(FirstRoundError::Engine)?;
    if stop() {
        let token = match result.into_inner() {
            Some(Ok(round)) => round.token,
            Some(Err(FirstRoundError::Stopped(token))) => token,
            _ => None,
        };
        return Err(FirstRoundError::Stopped(token));
    }
    result
        .into_inner()
        .unwrap_or_else(|| Err(FirstRoundError::Engine(std::io::Error::other(words(panicked)))))
}

async fn round(sending: &Sending<'_>, handle: Handle) -> Result<FirstRound, FirstRoundError> {
    let (plan, prepared) = (sending.plan, sending.prepared);
    let mut user = User::new(handle);
    let endpoint = sending.endpoint.clone();
    let mut round = FirstRound { endpoint, answers: Vec::new(), login: None, token: None };
    if plan.scenario.login.is_some() {
        let (sample, logged_in) = user.login(sending).await;
        match logged_in {
            LoggedIn::Token(token) => {
                user.authorize(prepared.authorization_line(&token).into());
                round.token = Some(token);
                round.login = Some(sample);
            }
            LoggedIn::Refused => {
                return Err(FirstRoundError::Login(login_failure(1, &sample)));
            }
            LoggedIn::Cut => return Err(FirstRoundError::Stopped(None)),
        }
    }
    for time in 0..plan.warm_up_rounds {
        for (index, task) in plan.scenario.tasks.iter().enumerate() {
            if task.weight == 0 {
                continue;
            }
            // Streams of their own: the run's first requests stay its own.
            let stream = u64::MAX - index as u64 - u64::from(time) * 1_000_000;
            let mut rng = Rng::stream(plan.seed, Domain::Values, stream);
            let Some(sample) = user.call(sending, index, &mut rng, None).await else { continue };
            if sample.is_cut {
                return Err(FirstRoundError::Stopped(round.token));
            }
            // Later ones warm up, and are not told of.
            if time > 0 {
                continue;
            }
            let failure = sample.failure.map(|failure| {
                let (_, answer) = user.last_answer();
                (failure.kind, failure.message, answer)
            });
            round.answers.push(FirstAnswer {
                task: task.name.clone(),
                request: format!("{} {}", task.request.method, task.request.label()),
                latency: sample.latency,
                failure,
            });
        }
    }
    Ok(round)
}

/// A failed login in words.
pub(crate) fn login_failure(user: u32, sample: &Sample) -> LoginFailure {
    let failure = sample.failure.as_ref();
    LoginFailure {
        user,
        throttled: failure.is_some_and(|f| f.kind == FailureKind::Throttled),
        message: failure.map(|f| f.message.clone()).unwrap_or_default(),
    }
}
