//! One virtual user: a connection of its own, a token, one request at a time.

use std::rc::Rc;
use std::time::{Duration, Instant};

use portcullis_core::measure::{Body, FailureKind};
use portcullis_core::plan::LoadPlan;
use portcullis_core::rng::Rng;
use portcullis_core::scenario::MinItems;

use crate::body;
use crate::http::{Connection, Endpoint, ExchangeError, Exchanged, Opening, Response};
use crate::prepared::{Prepared, PreparedRequest};
use crate::reactor::Handle;
use crate::sample::{Failure, Sample};
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
pub struct User {
    handle: Handle,
    connection: Option<Connection>,
    response: Response,
    out: Vec<u8>,
    scratch: Vec<u8>,
    authorization: Rc<[u8]>,
    /// Connections that were opened since this was last emptied.
    opened: Vec<Opening>,
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
    /// Whether a body with a status below 400 may hold a token, so that no message
    /// may quote it.
    brings_token: bool,
}

/// Where and how requests are sent: what all users have in common.
pub struct Sending<'a> {
    /// The plan.
    pub plan: &'a LoadPlan,
    /// Its requests as bytes.
    pub prepared: &'a Prepared,
    /// The server.
    pub endpoint: &'a Endpoint,
}

/// What became of a login.
pub enum LoggedIn {
    /// A token; empty without a login.
    Token(String),
    /// None: the sample says why.
    Refused,
    /// The load was over before the answer came.
    Cut,
}

impl User {
    /// A user that has no connection and no token yet.
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

    /// Sends this line with every request from now on.
    pub fn authorize(&mut self, line: Rc<[u8]>) {
        self.authorization = line;
    }

    /// Connections that were opened since this was last called.
    pub fn opened(&mut self) -> std::vec::Drain<'_, Opening> {
        self.opened.drain(..)
    }

    /// The unpacked body of the last answer, for messages.
    pub fn last_answer(&self) -> (u16, String) {
        let body = unpacked(&self.response).unwrap_or_default();
        (self.response.head().status, body::excerpt(&body, 300))
    }

    /// The body of the last answer, to be shown, of this length when unpacked; `None` if
    /// nobody thought that it would be needed.
    pub fn error_body(&self, bytes: u64) -> Option<Body> {
        let response = &self.response;
        if response.body().is_empty() && bytes > 0 {
            return None;
        }
        // What cannot be unpacked is shown as what it is: no text.
        let body = unpacked(response).unwrap_or_else(|_| response.body().into());
        Some(Body::of(&body, bytes))
    }

    /// Logs in; the sample is to be recorded unless it was cut.
    pub async fn login(&mut self, sending: &Sending<'_>) -> (Sample, LoggedIn) {
        let (plan, prepared) = (sending.plan, sending.prepared);
        let (Some(login), Some(request)) = (&plan.scenario.login, &prepared.login) else {
            return (Sample::default(), LoggedIn::Token(String::new()));
        };
        let mut rng = Rng::stream(plan.seed, portcullis_core::rng::Domain::Values, 0);
        let expectation = Expectation { accept: &login.accept, check: None, brings_token: true };
        // Its body is needed whatever the status is.
        let mut sample = self.send(sending, request, &expectation, true, &mut rng, None).await;
        if sample.is_cut {
            return (sample, LoggedIn::Cut);
        }
        if let Some(failure) = &mut sample.failure {
            if failure.kind == FailureKind::Status {
                failure.kind = FailureKind::Login;
            }
            return (sample, LoggedIn::Refused);
        }
        let token = unpacked(&self.response).and_then(|body| body::text_at(&body, &login.token));
        let why = match token {
            // A token goes into a header: a line break in it would forge another.
            Ok(token) if token.bytes().all(|b| b.is_ascii_graphic()) => {
                return (sample, LoggedIn::Token(token));
            }
            Ok(_) => "the token has impossible characters".to_owned(),
            Err(why) => why,
        };
        sample.failure = Some(Failure { kind: FailureKind::Login, status: 0, message: why });
        (sample, LoggedIn::Refused)
    }

    /// Calls a task. In the open model latency counts from the `intended` start.
    pub async fn call(
        &mut self,
        sending: &Sending<'_>,
        task: usize,
        rng: &mut Rng,
        intended: Option<Instant>,
    ) -> Option<Sample> {
        let described = sending.plan.scenario.tasks.get(task)?;
        let request = sending.prepared.tasks.get(task)?;
        let check = described.check.as_ref();
        let expectation = Expectation { accept: &described.accept, check, brings_token: false };
        let keep = described.check.is_some();
        Some(self.send(sending, request, &expectation, keep, rng, intended).await)
    }

    async fn send(
        &mut self,
        sending: &Sending<'_>,
        request: &PreparedRequest,
        expectation: &Expectation<'_>,
        keep_body: bool,
        rng: &mut Rng,
        intended: Option<Instant>,
    ) -> Sample {
        request.write(&mut self.out, &mut self.scratch, rng, &self.authorization);
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
                let (size, failure) = weigh(&self.response, expectation);
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

    /// One exchange. A kept connection that the server closed before the first
    /// byte of the answer is opened again, and the request sent once more.
    async fn exchange(
        &mut self,
        endpoint: &Endpoint,
        request: &PreparedRequest,
        keep_body: bool,
    ) -> Result<Exchanged, ExchangeError> {
        // Closed while it was idle, or bytes that nobody asked for: not for us.
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

    /// One attempt; an error comes with whether the connection was a kept one.
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

/// What a caller took for the answer is not what the service sent.
fn misframed(surplus: usize) -> Option<Failure> {
    (surplus > 0).then(|| Failure {
        kind: FailureKind::Body,
        status: 0,
        message: format!("{surplus} bytes follow the answer that its length does not count"),
    })
}

fn judge(response: &Response, body: &[u8], expectation: &Expectation<'_>) -> Option<Failure> {
    let head = response.head();
    let failure = |kind, status, message| Some(Failure { kind, status, message });
    if !expectation.accept.contains(&head.status) {
        let is_secret = expectation.brings_token && head.status < 400;
        let words = if is_secret { "(not shown)".to_owned() } else { body::words(body) };
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

fn failure_of(error: &ExchangeError, timeout: Duration) -> Failure {
    let kind = match error {
        ExchangeError::Connect(..) => FailureKind::Connect,
        ExchangeError::Closed { .. } | ExchangeError::Cut => FailureKind::Reset,
        ExchangeError::Invalid(_) => FailureKind::Body,
        ExchangeError::Late => {
            let message = format!("no complete answer within {} s", timeout.as_secs_f64());
            return Failure { kind: FailureKind::Timeout, status: 0, message };
        }
    };
    Failure { kind, status: 0, message: error.to_string() }
}
