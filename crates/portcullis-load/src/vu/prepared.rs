//! Requests as bytes. All fixed parts are written once, when the scenario is prepared. For
//! each request only what changes is added: drawn values, values of earlier answers, what
//! the login gave, cookies.

use std::io::Write;

use portcullis_core::plan::LoadPlan;
use portcullis_core::scenario::{Login, LoginHeader, NamedValues, Scenario, Step, Task, UserKind};
use portcullis_core::target::Target;

use super::cookies::Jar;
use super::encoding::{Context, write_in};
use super::generated::{Drawn, PreparedFile, PreparedValues};
use super::writer::{Fixed, Names, request};

/// The value of a placeholder that is taken from an answer; `None` if it was not there.
pub type Slot = Option<Box<str>>;

/// A request with its fixed parts as bytes.
#[derive(Debug)]
pub struct PreparedRequest {
    /// Method, path and query.
    pub(super) line: Vec<Segment>,
    /// The version and the header fields, except those of the body.
    pub(super) fields: Vec<Segment>,
    /// The header fields of the body.
    pub(super) body_fields: Vec<u8>,
    /// Its body, if it has one.
    pub(super) body: Option<Vec<Segment>>,
    /// The slots that it needs.
    pub(super) needs: Vec<usize>,
    /// The slots for the values that are taken from its answer, in their order.
    pub takes: Vec<usize>,
    /// Whether it may be sent again if the server closed the connection.
    pub idempotent: bool,
    /// Whether its checks, or a later request of its kind, need the fields of the answer.
    pub(super) needs_fields: bool,
    /// Whether it asks only for what has changed.
    pub(super) conditional: bool,
    /// Whether its answer has no body.
    pub is_head: bool,
}

/// The requests of a task or a login, in order.
#[derive(Debug)]
pub struct PreparedFlow {
    /// One for each step.
    pub requests: Vec<PreparedRequest>,
    /// The drawn values of one call.
    pub values: Vec<PreparedValues>,
    /// The names of its values from answers: those of the set-up and the login, then its own.
    pub slots: Vec<String>,
    /// How many of them are those of the set-up and the login, which are known as secrets.
    pub known_slots: usize,
    /// How many of them are kept from call to call: those, and the ones of the user's start.
    pub kept_slots: usize,
    /// Whether a user makes some of its steps once only.
    pub has_once: bool,
}

/// The login of a kind of users, ready to be sent.
#[derive(Debug, Default)]
pub struct PreparedLogin {
    /// Its requests, also if there are none; `None` without a login.
    pub flow: Option<PreparedFlow>,
    /// The header of later requests.
    pub header: Option<LoginHeader>,
    /// The request that refreshes its token, if it is refreshed.
    pub refresh: Option<PreparedFlow>,
}

/// The scenario, ready to be sent.
#[derive(Debug)]
pub struct Prepared {
    /// One for each kind of users.
    pub logins: Vec<PreparedLogin>,
    /// One for each task.
    pub tasks: Vec<PreparedFlow>,
    /// The files whose rows are values.
    pub files: Vec<PreparedFile>,
    /// Whether users keep cookies.
    pub cookies: bool,
    /// The server.
    pub target: Target,
}

/// Whether each request closes its connection. Where the system cannot be asked to
/// acknowledge at once, a new connection for each request avoids delayed acknowledgements,
/// because the first ones of a connection are immediate.
pub fn closes_connections(plan: &LoadPlan) -> bool {
    plan.acknowledge_at_once && !cfg!(target_os = "linux")
}

/// A piece of a request.
#[derive(Debug)]
pub enum Segment {
    /// The same in every request.
    Bytes(Vec<u8>),
    /// A drawn value.
    Value(usize, Context),
    /// A value of an earlier answer.
    Slot(usize, Context),
    /// The line that the login gives, or nothing.
    Login,
    /// The line of the cookies, or nothing.
    Cookies,
    /// The lines that ask only for what has changed, or nothing.
    Validators,
    /// The header against forged requests, with the token of this cookie, or nothing.
    Csrf(String, String),
}

/// What changes from request to request.
#[derive(Clone, Copy)]
pub struct Filling<'a> {
    /// The drawn values of this call.
    pub drawn: &'a Drawn<'a>,
    /// The values of earlier answers.
    pub slots: &'a [Slot],
    /// The line that the login gives, with its line end.
    pub login: &'a [u8],
    /// The cookies of the user.
    pub jar: &'a Jar,
    /// The lines that ask only for what has changed since the last answer.
    pub validators: &'a [u8],
    /// Whether the connection is encrypted.
    pub tls: bool,
}

impl Prepared {
    /// Prepares every request of a scenario for one target. `close` asks for a new connection
    /// for each request.
    pub fn new(scenario: &Scenario, target: &Target, close: bool) -> Self {
        let fixed = |login: Option<&'_ Login>| Fixed {
            target,
            close,
            cookies: scenario.cookies,
            login: login.and_then(|login| Some(login.header.as_ref()?.name.clone())),
            session: login.and_then(|login| login.session.clone()),
        };
        let given = scenario.given();
        let login = |users: &UserKind| {
            let Some(login) = &users.login else { return PreparedLogin::default() };
            let before = Fixed { login: None, ..fixed(Some(login)) };
            let flow = PreparedFlow::new(&login.steps, &login.values, &given, scenario, &before);
            let refresh = login.refresh.as_ref().map(|refresh| {
                let steps = std::slice::from_ref(&refresh.step);
                PreparedFlow::new(steps, &login.values, &flow.slots, scenario, &before)
            });
            PreparedLogin { flow: Some(flow), header: login.header.clone(), refresh }
        };
        let logins: Vec<PreparedLogin> = scenario.users.iter().map(login).collect();
        let started: Vec<Vec<String>> =
            (0..scenario.users.len()).map(|kind| scenario.started(kind)).collect();
        let task = |task: &Task| {
            let names = logins.get(task.kind).and_then(|login| login.flow.as_ref());
            let names = names.map_or(given.as_slice(), |flow| flow.slots.as_slice());
            let fixed = fixed(scenario.login_of(task.kind));
            if task.when.is_per_run() {
                return PreparedFlow::new(&task.steps, &task.values, &given, scenario, &fixed);
            }
            let (known, mut names) = (names.len(), names.to_vec());
            names.extend(started.get(task.kind).into_iter().flatten().cloned());
            let flow = PreparedFlow::new(&task.steps, &task.values, &names, scenario, &fixed);
            PreparedFlow { known_slots: known, ..flow }
        };
        Self {
            tasks: scenario.tasks.iter().map(task).collect(),
            logins,
            files: scenario.files.iter().map(PreparedFile::new).collect(),
            cookies: scenario.cookies,
            target: target.clone(),
        }
    }

    /// The login of a kind of users, if it has one.
    pub fn login(&self, kind: usize) -> Option<&PreparedFlow> {
        self.logins.get(kind)?.flow.as_ref()
    }

    /// The names of the values that the login of a kind of users takes from its answers.
    pub fn login_names(&self, kind: usize) -> &[String] {
        self.login(kind).map_or(&[], |flow| &flow.slots)
    }
}

impl PreparedLogin {
    /// The line of the login for later requests; empty without one.
    pub fn line(&self, drawn: &Drawn<'_>, slots: &[Slot]) -> Vec<u8> {
        let (Some(header), Some(flow)) = (&self.header, &self.flow) else { return Vec::new() };
        let value = |name: &str| {
            let slot = flow.slots.iter().position(|known| known == name);
            let slot = slot.and_then(|index| slots.get(index)?.as_deref().map(str::to_owned));
            slot.or_else(|| drawn.text(name)).unwrap_or_default()
        };
        header.line(value).into_bytes()
    }
}

impl PreparedFlow {
    fn new(
        steps: &[Step],
        values: &NamedValues,
        login: &[String],
        scenario: &Scenario,
        fixed: &Fixed<'_>,
    ) -> Self {
        let login_slots = login.len();
        let mut slots: Vec<String> = login.to_vec();
        for extract in steps.iter().flat_map(|step| &step.extract) {
            // A name that is extracted again keeps its slot.
            if !slots.contains(&extract.name) {
                slots.push(extract.name.clone());
            }
        }
        let names = Names { values, slots: &slots };
        Self {
            requests: steps.iter().map(|step| request(step, names, fixed)).collect(),
            values: values
                .iter()
                .map(|(name, values)| PreparedValues::new(name, values, &scenario.files))
                .collect(),
            slots,
            known_slots: login_slots,
            kept_slots: login_slots,
            has_once: steps.iter().any(|step| step.once),
        }
    }

    /// Whether its requests need nothing that was taken from an answer, and nothing is taken
    /// from theirs.
    pub fn is_plain(&self) -> bool {
        self.slots.is_empty()
    }
}

impl PreparedRequest {
    /// Whether everything it needs is there.
    pub fn may_be_sent(&self, slots: &[Slot]) -> bool {
        self.needs.iter().all(|need| slots.get(*need).is_some_and(Option::is_some))
    }

    /// The name of the first value that it needs and that is missing.
    pub fn missing<'f>(&self, flow: &'f PreparedFlow, slots: &[Slot]) -> Option<&'f str> {
        let is_missing = |need: &&usize| slots.get(**need).is_none_or(Option::is_none);
        let need = self.needs.iter().find(is_missing)?;
        flow.slots.get(*need).map(String::as_str)
    }

    /// Writes method, path and query into `out`, which is cleared first.
    pub fn write_line(&self, out: &mut Vec<u8>, filling: Filling<'_>) {
        out.clear();
        filling.render(&self.line, out);
    }

    /// Writes the request into `out`, which is cleared first. The body is written into
    /// `scratch`, because its length must be known first.
    pub fn write(&self, out: &mut Vec<u8>, scratch: &mut Vec<u8>, filling: Filling<'_>) {
        out.clear();
        filling.render(&self.line, out);
        self.write_rest(out, scratch, filling);
    }

    /// Writes the request again for the place to which it was redirected.
    pub fn write_redirected(
        &self,
        line: &str,
        keeps_body: bool,
        out: &mut Vec<u8>,
        scratch: &mut Vec<u8>,
        filling: Filling<'_>,
    ) {
        out.clear();
        out.extend_from_slice(line.as_bytes());
        match keeps_body {
            true => self.write_rest(out, scratch, filling),
            false => {
                filling.render(&self.fields, out);
                out.extend_from_slice(b"\r\n");
            }
        }
    }

    fn write_rest(&self, out: &mut Vec<u8>, scratch: &mut Vec<u8>, filling: Filling<'_>) {
        filling.render(&self.fields, out);
        out.extend_from_slice(&self.body_fields);
        match &self.body {
            None => out.extend_from_slice(b"\r\n"),
            Some(body) => {
                scratch.clear();
                filling.render(body, scratch);
                // Writing to memory cannot fail.
                let _ = write!(out, "Content-Length: {}\r\n\r\n", scratch.len());
                out.extend_from_slice(scratch);
            }
        }
    }
}

impl Filling<'_> {
    fn render(&self, parts: &[Segment], out: &mut Vec<u8>) {
        for part in parts {
            match part {
                Segment::Bytes(bytes) => out.extend_from_slice(bytes),
                Segment::Validators => out.extend_from_slice(self.validators),
                Segment::Login => out.extend_from_slice(self.login),
                Segment::Value(index, context) => self.drawn.write(*index, *context, out),
                Segment::Slot(index, context) => {
                    let slot = self.slots.get(*index).and_then(Option::as_deref);
                    slot.into_iter().for_each(|text| write_in(*context, text, out));
                }
                Segment::Cookies => self.jar.write_line(self.tls, out),
                Segment::Csrf(cookie, header) => {
                    if let Some(token) = self.jar.get(cookie) {
                        // Writing to memory cannot fail.
                        let _ = write!(out, "{header}: {token}\r\n");
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use portcullis_core::config;
    use portcullis_core::rng::{Domain, Rng};

    use super::super::generated::draw;
    use super::*;

    const SCENARIO: &str = r#"
        [project]
        root = "."
        [django]
        settings = "s"
        [scenario.login]
        path = "/login/"
        json = { username = "u", password = "p" }
        token = "access"
        authorization = "Bearer {{ token }}"
        [[scenario.task]]
        name = "a"
        path = "/a/{{ id }}/"
        query = { q = "{{ word }}", fixed = "a b&c" }
        headers = { X-Word = "<{{ word }}>" }
        values = { id = { from = 7, to = 7 }, word = ["é \"&"] }
        [[scenario.task]]
        name = "b"
        method = "POST"
        path = "/b/"
        json = { n = "{{ id }}", s = "id {{ id }}", w = "{{ word }}", deep = { x = { y = 1 } } }
        values = { id = { from = 7, to = 7 }, word = ["a\"b"] }
    "#;

    fn written(task: usize) -> String {
        let scenario = config::load(SCENARIO, None, &[]).unwrap().config.scenario;
        let prepared = Prepared::new(&scenario, &Target::local(8000), task == 1);
        let (mut out, mut scratch) = (Vec::new(), Vec::new());
        let mut rng = Rng::stream(1, Domain::Values, 0);
        let slots = [Some("tok".into())];
        let none = draw(&[], &[], 0, &mut rng).unwrap();
        let login = prepared.logins[0].line(&none, &slots);
        let task = &prepared.tasks[task];
        let mut rng = Rng::stream(1, Domain::Values, 0);
        let drawn = draw(&task.values, &[], 0, &mut rng).unwrap();
        let (slots, jar) = (slots.as_slice(), &Jar::default());
        let filling =
            Filling { drawn: &drawn, slots, login: &login, jar, validators: &[], tls: false };
        task.requests[0].write(&mut out, &mut scratch, filling);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn values_are_written_as_their_place_demands() {
        let text = written(0);
        let line =
            "GET /a/7/?q=%C3%A9%20%22%26&fixed=a%20b%26c HTTP/1.1\r\nHost: 127.0.0.1:8000\r\n";
        assert!(text.starts_with(line), "{text}");
        assert!(text.contains("X-Word: <é \"&>\r\n"), "{text}");
        assert!(text.contains("Authorization: Bearer tok\r\n") && text.ends_with("\r\n\r\n"));
    }

    #[test]
    fn json_bodies_are_valid_and_measured() {
        let text = written(1);
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let json: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!(json["n"], 7);
        assert_eq!(json["s"], "id 7");
        assert_eq!(json["w"], "a\"b");
        assert!(head.contains(&format!("Content-Length: {}", body.len())), "{head}");
        assert!(head.contains("Content-Type: application/json"), "{head}");
        assert!(head.contains("Connection: close") && !written(0).contains("Connection"), "{head}");
    }
}
