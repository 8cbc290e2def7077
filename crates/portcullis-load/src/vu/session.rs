//! The session of a virtual user: its own connection, a token, one request at a time.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use portcullis_core::engine::LoginFailure;
use portcullis_core::measure::{Body, FailureKind, LONGEST_BODY_BYTES};
use portcullis_core::plan::LoadPlan;
use portcullis_core::scenario::Step;
use portcullis_core::secrets::Secrets;
use portcullis_core::text::is_secret_name;

use super::answer::{failure_of, misframed, misframed_later, unpacked, weigh};
use super::cookies::{Jar, path_in};
use super::flow::StepEnd;
use super::generated::Drawn;
use super::login::Credentials;
use super::prepared::{Filling, Prepared, PreparedFlow, PreparedRequest, Slot};
use super::redirects::{self, is_redirect};
use super::shape::{self, Shapes, StepShapes};
use super::validators::Validators;
use super::{body, items, page};
use crate::http::{Connection, Endpoint, ExchangeError, Exchanged, Idle, Opening, Response};
use crate::metrics::{Failure, Sample};
use crate::reactor::Handle;

/// What is searched for secrets at the beginning of a body: what is shown of it, and the
/// longest value that may begin there. All of a large body would keep the generator busy.
const SEARCHED_BYTES: usize = 64 * 1024;

/// A failed login for messages; users count from 1.
pub fn login_failure(user: u32, sample: Option<&Sample>) -> LoginFailure {
    let failure = sample.and_then(|sample| sample.failure.as_ref());
    LoginFailure {
        user,
        status: sample.map_or(0, |sample| sample.status),
        throttled: failure.is_some_and(|f| f.kind == FailureKind::Throttled),
        message: failure.map(|f| f.message.clone()).unwrap_or_default(),
    }
}

/// The state of a user between its requests.
pub struct Session {
    pub(super) handle: Handle,
    /// The number of the user, from 0.
    pub(super) number: u32,
    /// Its kind.
    pub(super) kind: usize,
    connection: Option<Connection>,
    pub(super) response: Response,
    pub(super) out: Vec<u8>,
    scratch: Vec<u8>,
    /// The line that the login gave.
    line: Arc<[u8]>,
    /// The values of earlier answers: of the login, then of the present call.
    pub(super) slots: Vec<Slot>,
    pub(super) jar: Jar,
    /// For each task the values of its steps that are made once, by their slots.
    pub(super) kept: Vec<(usize, Vec<(usize, Slot)>)>,
    /// The values of the set-up.
    pub(super) given: Vec<Slot>,
    /// When its token is to be refreshed.
    pub(super) refresh_at: Option<Instant>,
    /// What it knows of earlier answers.
    validators: Validators,
    /// The validators that the request under way carries, and its line.
    sent: (Vec<u8>, Vec<u8>),
    /// How the named steps of the last call ended.
    pub(super) ends: Vec<StepEnd>,
    /// The shapes of the next call's answers, for each step; empty if they are not noted.
    pub(super) noted: Vec<StepShapes>,
    /// Whether the next answer's fields, and its body, are needed besides its checks.
    pub(super) wants: Wants,
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

/// What is needed of an answer besides its checks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wants {
    /// The fields of its head.
    pub fields: bool,
    /// Its body.
    pub body: bool,
    /// Its body, if it is short.
    pub short_body: bool,
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

impl Session {
    /// The user with this number, from 0, of this kind, without connection and login.
    pub fn new(handle: Handle, number: u32, kind: usize) -> Self {
        Self {
            handle,
            number,
            kind,
            connection: None,
            response: Response::default(),
            out: Vec::new(),
            scratch: Vec::new(),
            line: Arc::from([]),
            slots: Vec::new(),
            jar: Jar::default(),
            kept: Vec::new(),
            given: Vec::new(),
            refresh_at: None,
            validators: Validators::default(),
            sent: Default::default(),
            ends: Vec::new(),
            noted: Vec::new(),
            wants: Wants::default(),
            opened: Vec::new(),
            resent: 0,
            reopened: 0,
            may_resend: true,
            late_bytes: None,
        }
    }

    /// The handle with which it waits.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Uses the values of the set-up for all requests.
    pub fn give(&mut self, given: &[Slot]) {
        self.given = given.to_vec();
        self.slots = given.to_vec();
    }

    /// Takes the values from this slot on away.
    pub(super) fn slots_from(&mut self, slot: usize) -> Vec<Slot> {
        if self.slots.len() > slot { self.slots.split_off(slot) } else { Vec::new() }
    }

    /// Uses what a login gave for all further requests.
    pub fn authorize(&mut self, credentials: &Credentials) {
        self.line = Arc::clone(&credentials.line);
        // What it extracted at its start stays.
        let rest = self.slots_from(credentials.slots.len());
        self.slots.clone_from(&credentials.slots);
        self.slots.extend(rest);
        self.jar.clone_from(&credentials.jar);
        self.refresh_at = credentials.refresh_at;
    }

    /// The named steps of the last call, and how they ended.
    pub fn ends(&mut self) -> std::vec::Drain<'_, StepEnd> {
        self.ends.drain(..)
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
    pub(super) fn remember_shape(&self, shapes: &mut StepShapes) {
        let Ok(body) = unpacked(&self.response) else { return };
        let start = shape::start(&self.response, &body);
        shapes.remember(self.response.head().status, self.response.media_type(), start);
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

    /// The items of the first list in the last answer, if it is JSON and was kept.
    pub fn last_items(&self) -> Option<u64> {
        items::of(&unpacked(&self.response).ok()?)
    }

    /// The body of the last answer for the report, without what the user received in this `flow`,
    /// and with its unpacked length; `None` if it was not kept.
    pub fn error_body(&self, bytes: u64, flow: Option<&PreparedFlow>) -> Option<Body> {
        let response = &self.response;
        if response.body().is_empty() && bytes > 0 {
            return None;
        }
        // A body that cannot be unpacked is shown as "no text".
        let body = unpacked(response).unwrap_or_else(|_| response.body().into());
        let start = body.get(..SEARCHED_BYTES).unwrap_or(&body);
        let text = start.utf8_chunks().next().map_or("", |chunk| chunk.valid());
        let is_shown = text.len() >= body.len().min(LONGEST_BODY_BYTES);
        match flow.filter(|_| is_shown) {
            Some(flow) => Some(Body::of(self.hide(flow, text).as_bytes(), bytes)),
            None => Some(Body::of(&body, bytes)),
        }
    }

    /// A text without what this user received: values that steps took from answers, and
    /// cookies. Only those that look like a secret, because a number is in many texts.
    pub fn hide(&self, flow: &PreparedFlow, text: &str) -> String {
        let mut secrets = Secrets::default();
        for (name, slot) in flow.slots.iter().zip(&self.slots) {
            let value = slot.as_deref().unwrap_or_default();
            if looks_secret(name, value) {
                secrets.add(value);
            }
        }
        for (name, value) in self.jar.each() {
            if looks_secret(name, value) {
                secrets.add(value);
            }
        }
        secrets.redact(text)
    }

    /// Writes a request, sends it, and receives its answer, after as many redirects as the step
    /// follows.
    pub(super) async fn send(
        &mut self,
        sending: &Sending<'_>,
        (step, shapes): (&Step, Option<&StepShapes>),
        request: &PreparedRequest,
        drawn: &Drawn<'_>,
        intended: Option<Instant>,
    ) -> Sample {
        if request.conditional {
            self.know(sending, request, drawn);
        }
        let Self { out, scratch, .. } = self;
        let (slots, login, jar) = (&self.slots, &self.line, &self.jar);
        let validators = if request.conditional { self.sent.0.as_slice() } else { &[] };
        let tls = sending.endpoint.tls.is_some();
        request.write(out, scratch, Filling { drawn, slots, login, jar, validators, tls });
        let keep_body = !step.checks.is_empty() || self.wants.body;
        let start = Instant::now();
        let timeout = sending.plan.request_timeout;
        self.handle.set_deadline(start + timeout);
        let mut exchanged = self.exchange(sending.endpoint, request, keep_body, start).await;
        self.keep_cookies(sending);
        let mut astray = None;
        if step.redirects > 0 && exchanged.is_ok() && is_redirect(self.response.head().status) {
            (exchanged, astray) =
                self.follow(sending, step, request, drawn, exchanged, start).await;
        }
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
                let may_be_unchanged = request.conditional && !self.sent.0.is_empty();
                let weighed = weigh(&self.response, step, shapes, may_be_unchanged);
                sample.checked = weighed.checked;
                sample.unmet = weighed.unmet;
                (weighed.size, astray.or(weighed.failure).or_else(|| misframed(exchanged.surplus)))
            }
            Err(error) => {
                self.connection = None;
                sample.is_cut = matches!(error, ExchangeError::Cut);
                (self.response.body_bytes(), Some(failure_of(error, timeout)))
            }
        };
        let status = self.response.head().status;
        let is_success = (200..300).contains(&status) || request.conditional && status == 304;
        sample.has_data = sample.failure.is_none() && is_success;
        if request.conditional && sample.failure.is_none() {
            self.validators.keep(&self.sent.1, &self.response);
        }
        sample
    }

    /// Looks up what is known of an earlier answer to a request.
    fn know(&mut self, sending: &Sending<'_>, request: &PreparedRequest, drawn: &Drawn<'_>) {
        let Self { slots, line, jar, sent: (validators, written), .. } = self;
        let (login, tls) = (line, sending.endpoint.tls.is_some());
        let filling = Filling { drawn, slots, login, jar, validators: &[], tls };
        request.write_line(written, filling);
        validators.clear();
        validators.extend_from_slice(self.validators.of(written));
    }

    /// Follows redirects from the answer that has arrived. The failure says why it went astray,
    /// with the chain.
    async fn follow(
        &mut self,
        sending: &Sending<'_>,
        step: &Step,
        request: &PreparedRequest,
        drawn: &Drawn<'_>,
        first: Result<Exchanged, ExchangeError>,
        start: Instant,
    ) -> (Result<Exchanged, ExchangeError>, Option<Failure>) {
        let keep_body = !step.checks.is_empty() || self.wants.body;
        let mut exchanged = first;
        let mut chain = vec![path_in(&self.out)];
        let mut method = step.request.method.clone();
        let mut keeps_body = true;
        while exchanged.is_ok() && is_redirect(self.response.head().status) {
            let status = self.response.head().status;
            let astray = |why: String, chain: &[String]| {
                let message = format!("{why} (after {status}: {})", chain.join(" → "));
                Some(Failure { kind: FailureKind::Status, status, message })
            };
            if chain.len() > usize::from(step.redirects) {
                let why = format!("more than {} redirects", step.redirects);
                return (exchanged, astray(why, &chain));
            }
            let location = self.response.field("location").unwrap_or_default();
            let here = chain.last().map_or("/", String::as_str);
            let place = match redirects::place(status, &location, here, &sending.prepared.target) {
                Ok(place) => place,
                Err(why) => return (exchanged, astray(why, &chain)),
            };
            if !place.keeps_method {
                keeps_body = false;
                if method != "HEAD" {
                    method = "GET".to_owned();
                }
            }
            let line = format!("{method} {}", place.target);
            let Self { out, scratch, .. } = self;
            let (slots, login, jar) = (&self.slots, &self.line, &self.jar);
            let (validators, tls) = (&[][..], sending.endpoint.tls.is_some());
            let filling = Filling { drawn, slots, login, jar, validators, tls };
            request.write_redirected(&line, keeps_body, out, scratch, filling);
            chain.push(path_in(&self.out));
            exchanged = self.exchange(sending.endpoint, request, keep_body, start).await;
            self.keep_cookies(sending);
        }
        (exchanged, None)
    }

    /// Keeps the cookies of the last answer.
    fn keep_cookies(&mut self, sending: &Sending<'_>) {
        if !self.response.head().sets_cookies || !sending.prepared.cookies {
            return;
        }
        let (path, now) = (path_in(&self.out), SystemTime::now());
        let Self { jar, response, .. } = self;
        let host = &sending.prepared.target.host;
        response.each_field("set-cookie", |field| jar.receive(field, host, &path, now));
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
        if self.wants.fields || request.needs_fields {
            self.response.keep_fields();
        }
        if self.wants.short_body {
            self.response.keep_short();
        }
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

/// Whether a received value may be a secret: by its name, or because it is long.
pub fn looks_secret(name: &str, value: &str) -> bool {
    const LONG: usize = 12;
    is_secret_name(name) || value.len() >= LONG
}
