//! One virtual user: a connection of its own, a token, one request at a time.

use std::net::SocketAddr;
use std::time::Duration;

use portcullis_core::plan::LoadPlan;
use portcullis_core::rng::Rng;
use portcullis_core::scenario::MinItems;
use portcullis_core::summary::FailureKind;
use tokio::time::Instant;

use crate::body;
use crate::deadline::{Deadline, Elapsed};
use crate::http::{Connection, ExchangeError, Response};
use crate::prepared::{Prepared, PreparedRequest};
use crate::recorder::{Failure, Sample};
use crate::scan;

/// A login that brought no token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginFailure {
    /// The user's number, from 1.
    pub user: u32,
    /// Whether the service refused for now (429).
    pub throttled: bool,
    /// What happened, with status and the service's own words.
    pub message: String,
}

/// What one user keeps between its requests.
#[derive(Debug)]
pub struct User {
    address: SocketAddr,
    connection: Option<Connection>,
    response: Response,
    out: Vec<u8>,
    authorization: Vec<u8>,
    deadline: Deadline,
    /// Requests that were sent again since this was last set to 0.
    pub resent: u64,
    /// Connections that had been closed while idle, since this was last set to 0.
    pub reopened: u64,
    /// Whether the next request may be sent again if it is dropped.
    pub may_resend: bool,
}

/// When an answer is good.
struct Expectation<'a> {
    accept: &'a [u16],
    check: Option<&'a MinItems>,
}

impl User {
    /// A user that has no connection and no token yet.
    pub fn new(address: SocketAddr) -> Self {
        Self {
            address,
            connection: None,
            response: Response::default(),
            out: Vec::new(),
            authorization: Vec::new(),
            deadline: Deadline::default(),
            resent: 0,
            reopened: 0,
            may_resend: true,
        }
    }

    /// Uses a token from now on.
    pub fn authorize(&mut self, prepared: &Prepared, token: &str) {
        self.authorization = prepared.authorization_line(token);
    }

    /// The unpacked body of the last answer, for messages.
    pub fn last_answer(&self) -> (u16, String) {
        let body = unpacked(&self.response).unwrap_or_default();
        (self.response.head().status, body::excerpt(&body, 300))
    }

    /// Logs in; the sample is to be recorded either way.
    pub async fn login(
        &mut self,
        plan: &LoadPlan,
        prepared: &Prepared,
    ) -> (Sample, Option<String>) {
        let (Some(login), Some(request)) = (&plan.scenario.login, &prepared.login) else {
            let sample =
                Sample { latency: Duration::ZERO, body_bytes: 0, failure: None, has_data: false };
            return (sample, Some(String::new()));
        };
        let mut rng = Rng::stream(plan.seed, portcullis_core::rng::Domain::Values, 0);
        let expectation = Expectation { accept: &login.accept, check: None };
        // Its body is needed whatever the status is.
        let mut sample = self.send(plan, request, &expectation, true, &mut rng).await;
        if sample.failure.is_some() {
            if let Some(failure) = &mut sample.failure
                && failure.kind == FailureKind::Status
            {
                failure.kind = FailureKind::Login;
            }
            return (sample, None);
        }
        let token = unpacked(&self.response).and_then(|body| body::text_at(&body, &login.token));
        // A token goes into a header: a line break in it would forge another.
        match token {
            Ok(token) if token.bytes().all(|b| b.is_ascii_graphic()) => (sample, Some(token)),
            Ok(_) => (login_failed(sample, "the token has impossible characters".to_owned()), None),
            Err(why) => (login_failed(sample, why), None),
        }
    }

    /// Calls a task.
    pub async fn call(
        &mut self,
        plan: &LoadPlan,
        prepared: &Prepared,
        task: usize,
        rng: &mut Rng,
    ) -> Option<Sample> {
        let (described, request) = (plan.scenario.tasks.get(task)?, prepared.tasks.get(task)?);
        let expectation =
            Expectation { accept: &described.accept, check: described.check.as_ref() };
        let keep = described.check.is_some();
        Some(self.send(plan, request, &expectation, keep, rng).await)
    }

    async fn send(
        &mut self,
        plan: &LoadPlan,
        request: &PreparedRequest,
        expectation: &Expectation<'_>,
        keep_body: bool,
        rng: &mut Rng,
    ) -> Sample {
        let authorization = std::mem::take(&mut self.authorization);
        request.write(&mut self.out, rng, &authorization);
        self.authorization = authorization;
        let start = Instant::now();
        let mut deadline = std::mem::take(&mut self.deadline);
        let end = start + plan.request_timeout;
        let exchanged = deadline.within(end, self.exchange(request, keep_body)).await;
        self.deadline = deadline;
        let latency = start.elapsed();
        let (body_bytes, failure) = match exchanged {
            Ok(Ok(())) => weigh(&self.response, expectation),
            Ok(Err(error)) => {
                self.connection = None;
                (self.response.body_bytes(), Some(failure_of(&error)))
            }
            Err(Elapsed) => {
                self.connection = None;
                let message =
                    format!("no complete answer within {} s", plan.request_timeout.as_secs_f64());
                let failure = Failure { kind: FailureKind::Timeout, status: 0, message };
                (self.response.body_bytes(), Some(failure))
            }
        };
        let has_data = failure.is_none() && (200..300).contains(&self.response.head().status);
        Sample { latency, body_bytes, failure, has_data }
    }

    /// One exchange. A kept connection that the server closed before the first
    /// byte of the answer is opened again, and the request sent once more.
    async fn exchange(
        &mut self,
        request: &PreparedRequest,
        keep_body: bool,
    ) -> Result<(), ExchangeError> {
        // Closed while it was idle, or bytes that nobody asked for: not for us.
        if self.connection.as_ref().is_some_and(Connection::is_stale) {
            self.connection = None;
            self.reopened += 1;
        }
        let may_resend = request.idempotent && self.may_resend;
        match self.attempt(request, keep_body).await {
            Err((ExchangeError::Closed { silent: true, .. }, true)) if may_resend => {
                self.resent += 1;
                self.attempt(request, keep_body).await.map_err(|(error, _)| error)
            }
            other => other.map_err(|(error, _)| error),
        }
    }

    /// One attempt; an error comes with whether the connection was a kept one.
    async fn attempt(
        &mut self,
        request: &PreparedRequest,
        keep_body: bool,
    ) -> Result<(), (ExchangeError, bool)> {
        self.response.begin(request.is_head, keep_body);
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => Connection::open(self.address)
                .await
                .map_err(|error| (ExchangeError::Connect(self.address, error), false))?,
        };
        let reused = connection.is_reused();
        match connection.exchange(&self.out, &mut self.response).await {
            Ok(keep_alive) => {
                self.connection = keep_alive.then_some(connection);
                Ok(())
            }
            Err(error) => Err((error, reused)),
        }
    }
}

fn login_failed(mut sample: Sample, message: String) -> Sample {
    sample.failure = Some(Failure { kind: FailureKind::Login, status: 0, message });
    sample
}

fn unpacked(response: &Response) -> Result<std::borrow::Cow<'_, [u8]>, String> {
    if response.head().gzip && !response.body().is_empty() {
        body::unpack(response.body()).map(Into::into)
    } else {
        Ok(response.body().into())
    }
}

/// The size of a whole answer's body, unpacked (what a user of the service would
/// count), and what is wrong with the answer.
fn weigh(response: &Response, expectation: &Expectation<'_>) -> (u64, Option<Failure>) {
    match unpacked(response) {
        Ok(body) => {
            // A body that nobody needed was counted, not kept.
            let size = if response.head().gzip { body.len() as u64 } else { response.body_bytes() };
            (size, judge(response, &body, expectation))
        }
        Err(message) => {
            let failure = Failure { kind: FailureKind::Body, status: 0, message };
            (response.body_bytes(), Some(failure))
        }
    }
}

fn judge(response: &Response, body: &[u8], expectation: &Expectation<'_>) -> Option<Failure> {
    let head = response.head();
    let failure = |kind, status, message| Some(Failure { kind, status, message });
    if !expectation.accept.contains(&head.status) {
        let words = body::words(body);
        if head.status == 429 {
            let retry = head.retry_after_s.map(|s| format!(", retry after {s} s"));
            let message = format!("429 throttled: \"{words}\"{}", retry.unwrap_or_default());
            return failure(FailureKind::Throttled, 429, message);
        }
        let accepted: Vec<String> = expectation.accept.iter().map(u16::to_string).collect();
        let expected = accepted.join(" or ");
        let message = format!("status {} instead of {expected}: \"{words}\"", head.status);
        return failure(FailureKind::Status, head.status, message);
    }
    let check = expectation.check?;
    // An accepted answer that is not a success (a 404, say) holds no list.
    if !(200..300).contains(&head.status) {
        return None;
    }
    if scan::has_items(body, &check.array, check.min_items) {
        return None;
    }
    match body::array_length(body, &check.array) {
        Ok(items) if items >= check.min_items => None,
        Ok(items) => {
            let message = format!("{items} items where at least {} belong", check.min_items);
            failure(FailureKind::Validation, 0, message)
        }
        Err(why) => failure(FailureKind::Validation, 0, why),
    }
}

fn failure_of(error: &ExchangeError) -> Failure {
    let kind = match error {
        ExchangeError::Connect(..) => FailureKind::Connect,
        ExchangeError::Closed { .. } => FailureKind::Reset,
        ExchangeError::Invalid(_) => FailureKind::Body,
    };
    Failure { kind, status: 0, message: error.to_string() }
}
