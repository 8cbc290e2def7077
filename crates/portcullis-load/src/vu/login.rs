//! Logs a user in: a token, a session with its cookies, or a header that never changes.

use std::sync::Arc;
use std::time::Instant;

use portcullis_core::measure::FailureKind;
use portcullis_core::rng::{Domain, Rng};
use portcullis_core::scenario::{CSRF, EXPIRES_IN, Login, SessionLogin};

use super::answer::unpacked;
use super::body;
use super::cookies::{Jar, path_in};
use super::forms;
use super::generated::{Drawn, draw};
use super::prepared::{PreparedFlow, Slot};
use super::redirects::{self, is_redirect};
use super::session::{Sending, Session, Wants, looks_secret};
use crate::metrics::{Failure, Sample};

/// What a login gave to a user.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The header line of later requests.
    pub line: Arc<[u8]>,
    /// The values that it took from its answers.
    pub slots: Vec<Slot>,
    /// The cookies of the session.
    pub jar: Jar,
    /// When its token is to be refreshed, if it is.
    pub refresh_at: Option<Instant>,
}

impl Credentials {
    /// No login.
    pub fn none() -> Self {
        Self { line: Arc::from([]), slots: Vec::new(), jar: Jar::default(), refresh_at: None }
    }

    /// All its secrets. `names` are those of its values.
    pub fn secrets<'a>(&'a self, names: &'a [String]) -> impl Iterator<Item = &'a str> {
        let slots = names.iter().zip(&self.slots);
        let slots = slots.filter_map(|(name, slot)| Some((name.as_str(), slot.as_deref()?)));
        let secret = slots.chain(self.jar.each()).filter(|(name, value)| looks_secret(name, value));
        secret.map(|(_, value)| value).chain(self.value())
    }

    /// The credentials in the header line.
    fn value(&self) -> Option<&str> {
        let line = std::str::from_utf8(&self.line).ok()?;
        let value = line.split_once(": ")?.1.trim_end();
        Some(value.split_once(' ').map_or(value, |(_, rest)| rest))
    }
}

/// The result of a login.
pub enum LoggedIn {
    /// What later requests carry.
    In(Credentials),
    /// It failed; the sample has the reason.
    Refused,
    /// The load ended before the answer arrived.
    Cut,
}

/// A login is no task.
const NO_TASK: usize = usize::MAX;

/// Separate random streams for logins, so that requests do not change.
const LOGIN_NUMBERS: u64 = 1 << 61;

impl Session {
    /// Logs in, with new cookies. The sample, `None` for a login without a request, must be
    /// recorded unless it was cut.
    pub async fn login(&mut self, sending: &Sending<'_>) -> (Option<Sample>, LoggedIn) {
        let (plan, prepared) = (sending.plan, sending.prepared);
        let ready = prepared.logins.get(self.kind).filter(|login| login.flow.is_some());
        let (Some(login), Some(ready), Some(flow)) =
            (plan.scenario.login_of(self.kind), ready, prepared.login(self.kind))
        else {
            return (None, LoggedIn::In(Credentials::none()));
        };
        let number = LOGIN_NUMBERS + u64::from(self.number);
        let mut rng = Rng::stream(plan.seed, Domain::Values, number);
        let drawn = match draw(&flow.values, &prepared.files, self.number, &mut rng) {
            Ok(drawn) => drawn,
            Err(exhausted) => {
                let failure = Some(Failure::new(FailureKind::Login, exhausted.message));
                return (Some(Sample { failure, ..Sample::default() }), LoggedIn::Refused);
            }
        };
        self.jar = Jar::default();
        let rest = self.slots_from(flow.slots.len());
        self.slots.clone_from(&self.given);
        self.slots.resize(flow.slots.len(), None);
        self.wants = Wants { body: true, ..Wants::default() };
        let mut sample = match &login.session {
            Some(session) => {
                self.log_in_as_a_browser(sending, login, session, &drawn, &mut rng).await
            }
            None => {
                self.walk(sending, (&login.steps, flow, &[], NO_TASK), &drawn, &mut rng, None).await
            }
        };
        self.wants = Wants::default();
        if let Some(sample) = &mut sample {
            if sample.is_cut {
                return (None, LoggedIn::Cut);
            }
            if let Some(failure) = &mut sample.failure {
                self.explain(failure);
                failure.message = self.hide(flow, &failure.message);
                return (Some(std::mem::take(sample)), LoggedIn::Refused);
            }
        }
        let line = ready.line(&drawn, &self.slots).into();
        let credentials = self.credentials(login, flow, line);
        self.slots.extend(rest);
        (sample, LoggedIn::In(credentials))
    }

    /// Refreshes the token, before it ends. `None` instead of a sample if nothing was sent.
    pub async fn refresh(&mut self, sending: &Sending<'_>) -> (Option<Sample>, LoggedIn) {
        let ready = sending.prepared.logins.get(self.kind);
        let login = sending.plan.scenario.login_of(self.kind);
        let flows =
            ready.and_then(|ready| Some((ready, ready.flow.as_ref()?, ready.refresh.as_ref()?)));
        let refresh = login.and_then(|login| Some((login, login.refresh.as_ref()?)));
        let (Some((ready, whole, flow)), Some((login, refresh))) = (flows, refresh) else {
            return (None, LoggedIn::Refused);
        };
        let number = LOGIN_NUMBERS + u64::from(self.number);
        let mut rng = Rng::stream(sending.plan.seed, Domain::Values, number);
        let Ok(drawn) = draw(&flow.values, &sending.prepared.files, self.number, &mut rng) else {
            return (None, LoggedIn::Refused);
        };
        self.wants = Wants { body: true, ..Wants::default() };
        let steps = std::slice::from_ref(&refresh.step);
        let rest = self.slots_from(whole.slots.len());
        let sample = self.walk(sending, (steps, flow, &[], NO_TASK), &drawn, &mut rng, None).await;
        self.slots.truncate(whole.slots.len());
        self.slots.extend(rest);
        self.wants = Wants::default();
        let Some(mut sample) = sample else { return (None, LoggedIn::Refused) };
        if sample.is_cut {
            return (None, LoggedIn::Cut);
        }
        if let Some(failure) = &mut sample.failure {
            failure.message = self.hide(flow, &failure.message);
            return (Some(sample), LoggedIn::Refused);
        }
        let line = ready.line(&drawn, &self.slots).into();
        (Some(sample), LoggedIn::In(self.credentials(login, whole, line)))
    }

    /// What the session has now, and uses from now on.
    fn credentials(&mut self, login: &Login, flow: &PreparedFlow, line: Arc<[u8]>) -> Credentials {
        let said = flow.slots.iter().position(|name| name == EXPIRES_IN);
        let said = said.and_then(|index| self.slots.get(index)?.as_deref());
        let refresh = login.refresh.as_ref();
        let after = refresh.and_then(|refresh| refresh.lifetime.refresh_after(said));
        let slots = self.slots.iter().take(flow.slots.len()).cloned().collect();
        let refresh_at = after.map(|after| Instant::now() + after);
        let credentials = Credentials { line, slots, jar: self.jar.clone(), refresh_at };
        self.authorize(&credentials);
        credentials
    }

    /// Opens the page with the form, and sends the form with the token against forged requests.
    async fn log_in_as_a_browser(
        &mut self,
        sending: &Sending<'_>,
        login: &Login,
        session: &SessionLogin,
        drawn: &Drawn<'_>,
        rng: &mut Rng,
    ) -> Option<Sample> {
        let flow = sending.prepared.login(self.kind)?;
        let ([open, submit], [page, form]) = (login.steps.as_slice(), flow.requests.as_slice())
        else {
            return self.walk(sending, (&login.steps, flow, &[], NO_TASK), drawn, rng, None).await;
        };
        let opened = self.step(sending, (open, None), page, drawn, None).await;
        if opened.failure.is_some() {
            return Some(opened);
        }
        // A page without the field may have set the cookie; Django accepts its value, too.
        if let Some(index) = flow.slots.iter().position(|name| name == CSRF)
            && self.slots.get(index).is_some_and(Option::is_none)
        {
            let cookie = self.jar.get(&session.csrf_cookie).unwrap_or_default().into();
            self.slots[index] = Some(cookie);
        }
        let before = self.jar.clone();
        let mut sample = opened.then(self.step(sending, (submit, None), form, drawn, None).await);
        if sample.failure.is_none()
            && let Some(message) = self.not_in(sending, session, &before)
        {
            sample.failure = Some(Failure::new(FailureKind::Login, message));
        }
        Some(sample)
    }

    /// Why the answer to the form is no session: the form came again, or no cookie did.
    fn not_in(
        &self,
        sending: &Sending<'_>,
        session: &SessionLogin,
        before: &Jar,
    ) -> Option<String> {
        let status = self.response.head().status;
        let body = unpacked(&self.response).unwrap_or_default();
        if (200..300).contains(&status) && forms::asks_for_password(&body) {
            return Some(format!("status {status}, and the form again"));
        }
        let path = path_in(&self.out);
        let location = self.response.field("location").unwrap_or_default();
        let place = redirects::place(status, &location, &path, &sending.prepared.target);
        let leads_to = place.map(|place| place.target).unwrap_or_default();
        if is_redirect(status) && leads_to.split('?').next() == Some(path.as_str()) {
            return Some(format!("status {status}, back to the form, Location: {leads_to}"));
        }
        let message = match &session.cookie {
            Some(name) if self.jar.get(name).is_some() => return None,
            Some(name) => format!("status {status}, but no cookie {name}"),
            None => {
                let is_new = |(name, value): (&str, &str)| {
                    name != session.csrf_cookie && before.get(name) != Some(value)
                };
                if self.jar.each().any(is_new) {
                    return None;
                }
                format!("status {status}, but no new cookie for a session (name it with `cookie`)")
            }
        };
        Some(message)
    }

    /// Makes the reason of a failed login complete: the place, and the page's own error.
    fn explain(&self, failure: &mut Failure) {
        let is_answer = matches!(
            failure.kind,
            FailureKind::Status | FailureKind::Validation | FailureKind::Login
        );
        if !is_answer {
            return;
        }
        failure.kind = FailureKind::Login;
        let page = unpacked(&self.response).unwrap_or_default();
        let is_page = page.trim_ascii_start().starts_with(b"<");
        let said =
            if is_page { forms::error(&page).or_else(|| forms::headline(&page)) } else { None };
        let at = path_in(&self.out);
        failure.message.push_str(&format!(" at {at}"));
        if let Some(said) = said {
            let said = body::excerpt(said.as_bytes(), 160);
            failure.message.push_str(&format!("; the page says \"{said}\""));
        }
    }
}
