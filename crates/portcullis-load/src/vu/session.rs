//! The session of a virtual user: its own connection, a token, one request at a time.

use std::rc::Rc;
use std::time::Instant;

use portcullis_core::engine::LoginFailure;
use portcullis_core::measure::{Body, FailureKind};
use portcullis_core::plan::LoadPlan;
use portcullis_core::rng::{Domain, Rng};
use portcullis_core::scenario::{Step, TOKEN};

use super::answer::{extract, failure_of, misframed, unpacked, weigh};
use super::prepared::{Prepared, PreparedFlow, PreparedRequest};
use super::{body, page};
use crate::http::{Connection, Endpoint, ExchangeError, Exchanged, Opening, Response};
use crate::metrics::{Failure, Sample};
use crate::reactor::Handle;

/// A failed login for messages; users count from 1.
pub fn login_failure(user: u32, sample: &Sample) -> LoginFailure {
    let failure = sample.failure.as_ref();
    LoginFailure {
        user,
        status: sample.status,
        throttled: failure.is_some_and(|f| f.kind == FailureKind::Throttled),
        message: failure.map(|f| f.message.clone()).unwrap_or_default(),
    }
}

/// The state of a user between its requests.
pub struct Session {
    handle: Handle,
    connection: Option<Connection>,
    response: Response,
    out: Vec<u8>,
    scratch: Vec<u8>,
    authorization: Rc<[u8]>,
    /// Connections opened since this list was last emptied.
    opened: Vec<Opening>,
    /// Requests sent again since this was last set to 0.
    pub resent: u64,
    /// Connections that the server had closed while idle, since this was last set to 0.
    pub reopened: u64,
    /// Whether the next request may be sent again if the connection is dropped.
    pub may_resend: bool,
}

/// What all users need to send requests.
pub struct Sending<'a> {
    /// The plan.
    pub plan: &'a LoadPlan,
    /// The requests of the scenario as bytes.
    pub prepared: &'a Prepared,
    /// The server.
    pub endpoint: &'a Endpoint,
}

/// The result of a login.
pub enum LoggedIn {
    /// The token; empty without a login.
    Token(String),
    /// It failed; the sample has the reason.
    Refused,
    /// The load ended before the answer arrived.
    Cut,
}

impl Session {
    /// A user without connection and token.
    pub fn new(handle: Handle) -> Self {
        Self {
            handle,
            connection: None,
            response: Response::default(),
            out: Vec::new(),
            scratch: Vec::new(),
            authorization: Rc::from([]),
            opened: Vec::new(),
            resent: 0,
            reopened: 0,
            may_resend: true,
        }
    }

    /// Sets the `Authorization` line for all further requests.
    pub fn authorize(&mut self, line: Rc<[u8]>) {
        self.authorization = line;
    }

    /// Connections opened since the last call.
    pub fn opened(&mut self) -> std::vec::Drain<'_, Opening> {
        self.opened.drain(..)
    }

    /// The status and the unpacked body of the last answer, for messages.
    pub fn last_answer(&self) -> (u16, String) {
        let body = unpacked(&self.response).unwrap_or_default();
        (
            self.response.head().status,
            page::described(&body).unwrap_or_else(|| body::excerpt(&body, 300)),
        )
    }

    /// The body of the last answer for the report, with its unpacked length; `None` if it was
    /// not kept.
    pub fn error_body(&self, bytes: u64) -> Option<Body> {
        let response = &self.response;
        if response.body().is_empty() && bytes > 0 {
            return None;
        }
        // A body that cannot be unpacked is shown as "no text".
        let body = unpacked(response).unwrap_or_else(|_| response.body().into());
        Some(Body::of(&body, bytes))
    }

    /// Logs in. The sample must be recorded unless it was cut.
    pub async fn login(&mut self, sending: &Sending<'_>) -> (Sample, LoggedIn) {
        let (plan, prepared) = (sending.plan, sending.prepared);
        let (Some(login), Some(flow)) = (&plan.scenario.login, &prepared.login) else {
            return (Sample::default(), LoggedIn::Token(String::new()));
        };
        let mut rng = Rng::stream(plan.seed, Domain::Values, 0);
        let mut extracted = Vec::new();
        let sent = self.walk(sending, &login.steps, flow, &mut rng, None, &mut extracted).await;
        let mut sample = sent.unwrap_or_default();
        if sample.is_cut {
            return (sample, LoggedIn::Cut);
        }
        if let Some(failure) = &mut sample.failure {
            if matches!(failure.kind, FailureKind::Status | FailureKind::Validation) {
                failure.kind = FailureKind::Login;
            }
            return (sample, LoggedIn::Refused);
        }
        let token = extracted.into_iter().rev().find(|(name, _)| *name == TOKEN);
        (sample, LoggedIn::Token(token.map(|(_, token)| token).unwrap_or_default()))
    }

    /// Calls a task; `None` if the plan does not have it. In the open model latency counts from
    /// the `intended` start.
    pub async fn call(
        &mut self,
        sending: &Sending<'_>,
        task: usize,
        rng: &mut Rng,
        intended: Option<Instant>,
    ) -> Option<Sample> {
        let steps = &sending.plan.scenario.tasks.get(task)?.steps;
        let flow = sending.prepared.tasks.get(task)?;
        self.walk(sending, steps, flow, rng, intended, &mut Vec::new()).await
    }

    /// Runs the steps of a task or a login until one fails, and adds their extracted values to
    /// `extracted`. `None` without steps.
    async fn walk<'s>(
        &mut self,
        sending: &Sending<'_>,
        steps: &'s [Step],
        flow: &PreparedFlow,
        rng: &mut Rng,
        intended: Option<Instant>,
        extracted: &mut Vec<(&'s str, String)>,
    ) -> Option<Sample> {
        let drawn = flow.draw(rng);
        let mut walked: Option<Sample> = None;
        for (step, request) in steps.iter().zip(&flow.requests) {
            request.write(&mut self.out, &mut self.scratch, &drawn, &self.authorization);
            let intended = intended.filter(|_| walked.is_none());
            let mut sample = self.send(sending, step, request, intended).await;
            if sample.failure.is_none() && !step.extract.is_empty() {
                match extract(&self.response, &step.extract) {
                    Ok(found) => extracted.extend(found),
                    Err(error) => {
                        let failure = Failure::new(FailureKind::Validation, error.to_string());
                        sample.failure = Some(failure);
                        sample.has_data = false;
                    }
                }
            }
            let is_over = sample.failure.is_some();
            walked = Some(match walked {
                None => sample,
                Some(before) => before.then(sample),
            });
            if is_over {
                break;
            }
        }
        walked
    }

    /// Sends the written request, and receives its answer.
    async fn send(
        &mut self,
        sending: &Sending<'_>,
        step: &Step,
        request: &PreparedRequest,
        intended: Option<Instant>,
    ) -> Sample {
        let keep_body = !step.checks.is_empty() || !step.extract.is_empty();
        let start = Instant::now();
        let timeout = sending.plan.request_timeout;
        self.handle.set_deadline(start + timeout);
        let exchanged = self.exchange(sending.endpoint, request, keep_body).await;
        self.handle.clear_deadline();
        let end = Instant::now();
        let mut sample = Sample {
            latency: end - intended.unwrap_or(start),
            service: intended.map(|_| end - start),
            ..Sample::default()
        };
        (sample.body_bytes, sample.failure) = match &exchanged {
            Ok(exchanged) => {
                sample.first_byte = Some(exchanged.first_byte - start);
                sample.tail = end - exchanged.first_byte;
                sample.status = self.response.head().status;
                let (size, failure) = weigh(&self.response, step);
                (size, failure.or_else(|| misframed(exchanged.surplus)))
            }
            Err(error) => {
                self.connection = None;
                sample.is_cut = matches!(error, ExchangeError::Cut);
                (self.response.body_bytes(), Some(failure_of(error, timeout)))
            }
        };
        let is_success = (200..300).contains(&self.response.head().status);
        sample.has_data = sample.failure.is_none() && is_success;
        sample
    }

    /// One exchange. If the server closed a kept connection before the first byte of the
    /// answer, the connection is opened again and the request sent once more.
    async fn exchange(
        &mut self,
        endpoint: &Endpoint,
        request: &PreparedRequest,
        keep_body: bool,
    ) -> Result<Exchanged, ExchangeError> {
        // The connection was closed while idle, or has unexpected bytes, so it is not used.
        let handle = &self.handle;
        if self.connection.as_mut().is_some_and(|connection| connection.is_stale(handle)) {
            self.connection = None;
            self.reopened += 1;
        }
        let may_resend = request.idempotent && self.may_resend;
        match self.attempt(endpoint, request, keep_body).await {
            Err((ExchangeError::Closed { silent: true, .. }, true)) if may_resend => {
                self.resent += 1;
                self.attempt(endpoint, request, keep_body).await.map_err(|(error, _)| error)
            }
            other => other.map_err(|(error, _)| error),
        }
    }

    /// One attempt. An error also says whether the connection was a kept one.
    async fn attempt(
        &mut self,
        endpoint: &Endpoint,
        request: &PreparedRequest,
        keep_body: bool,
    ) -> Result<Exchanged, (ExchangeError, bool)> {
        self.response.begin(request.is_head, keep_body);
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => {
                let opened = Connection::open(&self.handle, endpoint).await;
                let (connection, opening) = opened.map_err(|error| (error, false))?;
                self.opened.push(opening);
                connection
            }
        };
        let reused = connection.is_reused();
        match connection.exchange(&self.handle, &self.out, &mut self.response).await {
            Ok(exchanged) => {
                self.connection = exchanged.keep_alive.then_some(connection);
                Ok(exchanged)
            }
            Err(error) => Err((error, reused)),
        }
    }
}
