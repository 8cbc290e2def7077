//! Before the clock starts: one user logs in and calls each task once. It is
//! shown, not judged: first requests pay for imports and caches. And it finds
//! out early what would make a whole run meaningless.

use std::net::SocketAddr;
use std::time::Duration;

use portcullis_core::plan::LoadPlan;
use portcullis_core::rng::{Domain, Rng};
use portcullis_core::summary::FailureKind;
use portcullis_core::target::Target;

use crate::http;
use crate::prepared::Prepared;
use crate::recorder::Sample;
use crate::user::{LoginFailure, User};

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
    /// The address that answered.
    pub address: SocketAddr,
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
    #[error("no connection to {0}: {1}")]
    Connect(String, std::io::Error),
    /// The first user could not log in.
    #[error("the login failed: {}", .0.message)]
    Login(LoginFailure),
    /// We were told to stop.
    #[error("stopped")]
    Stopped,
    /// The async runtime could not be made.
    #[error("the engine could not start: {0}")]
    Engine(std::io::Error),
}

/// Runs the first round; `stop` is asked every now and then.
///
/// # Errors
/// No connection, no login, or told to stop.
pub fn first_round(
    plan: &LoadPlan,
    target: &Target,
    stop: impl Fn() -> bool,
) -> Result<FirstRound, FirstRoundError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(FirstRoundError::Engine)?;
    runtime.block_on(async {
        let told = async {
            while !stop() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::select! {
            done = round(plan, target) => done,
            () = told => Err(FirstRoundError::Stopped),
        }
    })
}

async fn round(plan: &LoadPlan, target: &Target) -> Result<FirstRound, FirstRoundError> {
    let connect = |error| FirstRoundError::Connect(target.url(), error);
    let address = http::resolve(target).await.map_err(connect)?;
    let prepared = Prepared::new(&plan.scenario, target);
    let mut user = User::new(address);
    let mut round = FirstRound { address, answers: Vec::new(), login: None, token: None };
    if plan.scenario.login.is_some() {
        let (sample, token) = user.login(plan, &prepared).await;
        let Some(token) = token else {
            return Err(FirstRoundError::Login(login_failure(1, &sample)));
        };
        user.authorize(&prepared, &token);
        round.token = Some(token);
        round.login = Some(sample);
    }
    for (index, task) in plan.scenario.tasks.iter().enumerate() {
        if task.weight == 0 {
            continue;
        }
        // Streams of their own: the run's first requests stay its own.
        let mut rng = Rng::stream(plan.seed, Domain::Values, u64::MAX - index as u64);
        let Some(sample) = user.call(plan, &prepared, index, &mut rng).await else { continue };
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
