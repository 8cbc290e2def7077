//! The session of a virtual user: its own connection, a token, one request at a time.

use std::rc::Rc;
use std::time::{Duration, Instant};

use portcullis_core::engine::LoginFailure;
use portcullis_core::measure::{Body, FailureKind};
use portcullis_core::plan::LoadPlan;
use portcullis_core::rng::{Domain, Rng};
use portcullis_core::scenario::{Step, TOKEN};

use super::answer::{extract, failure_of, misframed, misframed_later, unpacked, weigh};
use super::prepared::{Prepared, PreparedFlow, PreparedRequest};
use super::shape::{self, Shapes, StepShapes};
use super::{body, page};
use crate::http::{Connection, Endpoint, ExchangeError, Exchanged, Idle, Opening, Response};
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
    /// The number of bytes found behind the last answer of the call before, beyond its length.
    late_bytes: Option<usize>,
}

/// What all users need to send requests.
pub struct Sending<'a> {
    /// The plan.
    pub plan: &'a LoadPlan,
    /// The requests of the scenario as bytes.
    pub prepared: &'a Prepared,
    /// The server.
    pub endpoint: &'a Endpoint,
    /// The shapes that answers must have; none in the first round.
    pub shapes: &'a Shapes,
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
            late_bytes: None,
        }
    }

    /// The failure of the call before the last one, if bytes were found behind its answer.
    pub fn late_failure(&mut self) -> Option<Failure> {
        self.late_bytes.take().map(misframed_later)
    }

    /// The same for the last call, when no other follows for now.
    pub fn late_failure_at_end(&mut self) -> Option<Failure> {
        match self.connection.as_mut()?.look(&self.handle) {
            Idle::LateBytes(bytes) => {
                self.connection = None;
                Some(misframed_later(bytes))
            }
            Idle::Usable | Idle::Closed => None,
        }
    }

    /// Remembers the shape of the last answer as that of a step.
    pub fn remember_shape(&self, shapes: &mut StepShapes) {
        let Ok(body) = unpacked(&self.response) else { return };
        let start = shape::start(&self.response, &body);
        shapes.remember(self.response.head().status, self.response.media_type(), start);
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
        let flow = (login.steps.as_slice(), flow, [].as_slice());
        let sent = self.walk(sending, flow, &mut rng, None, &mut extracted).await;
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
        let shapes = sending.shapes.0.get(task).map(Vec::as_slice).unwrap_or_default();
        let flow = (steps.as_slice(), flow, shapes);
        self.walk(sending, flow, rng, intended, &mut Vec::new()).await
    }

    /// Runs the steps of a task or a login until one fails, and adds their extracted values to
    /// `extracted`. `None` without steps.
    async fn walk<'s>(
        &mut self,
        sending: &Sending<'_>,
        (steps, flow, shapes): (&'s [Step], &PreparedFlow, &[StepShapes]),
        rng: &mut Rng,
        intended: Option<Instant>,
        extracted: &mut Vec<(&'s str, String)>,
    ) -> Option<Sample> {
        let drawn = flow.draw(rng);
        let mut walked: Option<Sample> = None;
        let mut first_check = 0;
        for (index, (step, request)) in steps.iter().zip(&flow.requests).enumerate() {
            request.write(&mut self.out, &mut self.scratch, &drawn, &self.authorization);
            let intended = intended.filter(|_| walked.is_none());
            let shapes = shapes.get(index);
            let mut sample = self.send(sending, (step, shapes), request, intended).await;
            let shift = u32::try_from(first_check).unwrap_or(u32::MAX);
            sample.checked = sample.checked.checked_shl(shift).unwrap_or(0);
            sample.unmet.iter_mut().for_each(|(check, _)| *check += first_check);
            first_check += step.checks.len();
            // Bytes behind the answer of an earlier step belong to this call.
            if walked.is_some() && sample.failure.is_none() {
                sample.failure = self.late_failure();
            }
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
        (step, shapes): (&Step, Option<&StepShapes>),
        request: &PreparedRequest,
        intended: Option<Instant>,
    ) -> Sample {
        let keep_body = !step.checks.is_empty() || !step.extract.is_empty();
        let start = Instant::now();
        let timeout = sending.plan.request_timeout;
        self.handle.set_deadline(start + timeout);
        let exchanged = self.exchange(sending.endpoint, request, keep_body, start).await;
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
                let weighed = weigh(&self.response, step, shapes);
                // A shift by all bits is a mask of all checks.
                let all = u64::MAX.checked_shl(checks(step)).map_or(u64::MAX, |rest| !rest);
                sample.checked = if weighed.is_checked { all } else { 0 };
                sample.unmet = weighed.unmet;
                (weighed.size, weighed.failure.or_else(|| misframed(exchanged.surplus)))
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

    /// One exchange, begun at `start`. If the request crossed the server's close of a kept
    /// connection, the connection is opened again and the request sent once more. A server that
    /// closes later has dropped the request itself.
    async fn exchange(
        &mut self,
        endpoint: &Endpoint,
        request: &PreparedRequest,
        keep_body: bool,
        start: Instant,
    ) -> Result<Exchanged, ExchangeError> {
        // A connection that was closed while idle, or has unexpected bytes, is not used.
        let idle = self.connection.as_mut().map(|connection| connection.idle(&self.handle));
        if let Some(Idle::Closed | Idle::LateBytes(_)) = idle {
            self.connection = None;
            self.reopened += 1;
        }
        if let Some(Idle::LateBytes(bytes)) = idle {
            self.late_bytes = Some(bytes);
        }
        let may_resend = request.idempotent && self.may_resend;
        match self.attempt(endpoint, request, keep_body).await {
            Err((ExchangeError::Closed { silent: true, .. }, Some(crossing)))
                if may_resend
                    && self.handle.pending_since().saturating_duration_since(start) <= crossing =>
            {
                self.resent += 1;
                self.attempt(endpoint, request, keep_body).await.map_err(|(error, _)| error)
            }
            other => other.map_err(|(error, _)| error),
        }
    }

    /// One attempt. An error on a kept connection comes with the time within which a close of
    /// it crosses the request.
    async fn attempt(
        &mut self,
        endpoint: &Endpoint,
        request: &PreparedRequest,
        keep_body: bool,
    ) -> Result<Exchanged, (ExchangeError, Option<Duration>)> {
        self.response.begin(request.is_head, keep_body);
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => {
                let opened = Connection::open(&self.handle, endpoint).await;
                let (connection, opening) = opened.map_err(|error| (error, None))?;
                self.opened.push(opening);
                connection
            }
        };
        let crossing = connection.is_reused().then(|| connection.crossing());
        match connection.exchange(&self.handle, &self.out, &mut self.response).await {
            Ok(exchanged) => {
                self.connection = exchanged.keep_alive.then_some(connection);
                Ok(exchanged)
            }
            Err(error) => Err((error, crossing)),
        }
    }
}

fn checks(step: &Step) -> u32 {
    u32::try_from(step.checks.len()).unwrap_or(u32::MAX)
}
