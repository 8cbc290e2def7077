//! Requests as bytes. All fixed parts are written once, when the scenario is prepared. For
//! each request only the random values and the token are added.

use std::io::Write;

use portcullis_core::plan::LoadPlan;
use portcullis_core::rng::Rng;
use portcullis_core::scenario::{
    MAX_VALUES, Part, RequestTemplate, Scenario, Step, Template, Values,
};
use portcullis_core::target::Target;

/// A request with its fixed parts as bytes.
#[derive(Debug)]
pub struct PreparedRequest {
    head: Vec<Segment>,
    body: Option<Vec<Segment>>,
    /// Whether it may be sent again if the server closed the connection.
    pub idempotent: bool,
    /// Whether its answer has no body.
    pub is_head: bool,
}

/// The requests of a task or a login, in order.
#[derive(Debug)]
pub struct PreparedFlow {
    /// One for each step.
    pub requests: Vec<PreparedRequest>,
    values: Vec<PreparedValues>,
}

/// The random values of one call, the same in all its requests.
pub struct Drawn<'a> {
    values: &'a [PreparedValues],
    picks: [u64; MAX_VALUES],
}

/// The scenario, ready to be sent.
#[derive(Debug)]
pub struct Prepared {
    /// The login.
    pub login: Option<PreparedFlow>,
    /// One for each task.
    pub tasks: Vec<PreparedFlow>,
    /// The `Authorization` field, around the token.
    pub authorization: Option<Template>,
}

/// Whether each request closes its connection. Where the system cannot be asked to
/// acknowledge at once, a new connection for each request avoids delayed acknowledgements,
/// because the first ones of a connection are immediate.
pub fn closes_connections(plan: &LoadPlan) -> bool {
    plan.acknowledge_at_once && !cfg!(target_os = "linux")
}

#[derive(Debug)]
enum Segment {
    Bytes(Vec<u8>),
    Value(usize, Context),
    /// The user's line `Authorization: …\r\n`, or nothing.
    Authorization,
}

/// The place of a value, which decides how it is written.
#[derive(Clone, Copy, Debug)]
enum Context {
    Url,
    Header,
    Json,
}

#[derive(Debug)]
enum PreparedValues {
    Range(i64, i64),
    /// Each value in three forms: for a URL, a header, and a JSON text.
    List(Vec<[Vec<u8>; 3]>),
}

impl Prepared {
    /// Prepares every request of a scenario for one target. `close` asks for a new connection
    /// for each request.
    pub fn new(scenario: &Scenario, target: &Target, close: bool) -> Self {
        let login = scenario.login.as_ref();
        let fixed = Fixed { target, close, authorized: login.is_some() };
        let tasks = scenario.tasks.iter();
        let before = Fixed { authorized: false, ..fixed };
        Self {
            login: login.map(|login| PreparedFlow::new(&login.steps, &[], &before)),
            tasks: tasks.map(|task| PreparedFlow::new(&task.steps, &task.values, &fixed)).collect(),
            authorization: login.map(|login| login.authorization.clone()),
        }
    }

    /// The `Authorization` line for a token; empty without a login.
    pub fn authorization_line(&self, token: &str) -> Vec<u8> {
        let value = self.authorization.as_ref().map(|t| t.fill(|_| token.to_owned()));
        value.map_or_else(Vec::new, |value| format!("Authorization: {value}\r\n").into_bytes())
    }
}

impl PreparedFlow {
    fn new(steps: &[Step], values: &[(String, Values)], fixed: &Fixed<'_>) -> Self {
        Self {
            requests: steps.iter().map(|step| request(&step.request, values, fixed)).collect(),
            values: values.iter().map(|(_, values)| PreparedValues::new(values)).collect(),
        }
    }

    /// Draws the values of one call, in the order in which the task names them. They are drawn
    /// before anything is written, because the order of the placeholders must not change the
    /// meaning of a seed.
    pub fn draw(&self, rng: &mut Rng) -> Drawn<'_> {
        let mut picks = [0u64; MAX_VALUES];
        for (slot, values) in picks.iter_mut().zip(&self.values) {
            *slot = rng.below(values.size());
        }
        Drawn { values: &self.values, picks }
    }
}

impl PreparedRequest {
    /// Writes the request into `out`, which is cleared first. The body is written into
    /// `scratch`, because its length must be known first.
    pub fn write(
        &self,
        out: &mut Vec<u8>,
        scratch: &mut Vec<u8>,
        drawn: &Drawn<'_>,
        authorization: &[u8],
    ) {
        out.clear();
        drawn.render(&self.head, out, authorization);
        match &self.body {
            None => out.extend_from_slice(b"\r\n"),
            Some(body) => {
                scratch.clear();
                drawn.render(body, scratch, authorization);
                // Writing to memory cannot fail.
                let _ = write!(out, "Content-Length: {}\r\n\r\n", scratch.len());
                out.extend_from_slice(scratch);
            }
        }
    }
}

impl Drawn<'_> {
    fn render(&self, parts: &[Segment], out: &mut Vec<u8>, authorization: &[u8]) {
        for part in parts {
            match part {
                Segment::Bytes(bytes) => out.extend_from_slice(bytes),
                Segment::Authorization => out.extend_from_slice(authorization),
                Segment::Value(index, context) => {
                    if let (Some(values), Some(pick)) =
                        (self.values.get(*index), self.picks.get(*index))
                    {
                        values.write(*pick, *context, out);
                    }
                }
            }
        }
    }
}

impl PreparedValues {
    fn new(values: &Values) -> Self {
        match values {
            Values::Range(from, to) => Self::Range(*from, *to),
            Values::List(items) => Self::List(items.iter().map(|i| in_contexts(i)).collect()),
        }
    }

    fn size(&self) -> u64 {
        match self {
            Self::Range(from, to) => to.abs_diff(*from).saturating_add(1),
            Self::List(items) => items.len() as u64,
        }
    }

    fn write(&self, pick: u64, context: Context, out: &mut Vec<u8>) {
        match self {
            Self::Range(from, _) => {
                let value = i128::from(*from) + i128::from(pick);
                let _ = write!(out, "{value}");
            }
            Self::List(items) => {
                if let Some(item) = usize::try_from(pick).ok().and_then(|pick| items.get(pick)) {
                    out.extend_from_slice(&item[context as usize]);
                }
            }
        }
    }
}

fn in_contexts(value: &str) -> [Vec<u8>; 3] {
    let json = serde_json::Value::from(value).to_string();
    let inner = json.get(1..json.len() - 1).unwrap_or_default();
    [percent_encode(value).into_bytes(), value.as_bytes().to_vec(), inner.as_bytes().to_vec()]
}

/// Encodes everything except the unreserved characters of RFC 3986, section 2.3.
fn percent_encode(text: &str) -> String {
    let encode = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(encode).collect()
}

/// Settings of all requests.
#[derive(Clone, Copy)]
struct Fixed<'a> {
    target: &'a Target,
    /// Whether each request has its own connection.
    close: bool,
    /// Whether users have a token.
    authorized: bool,
}

fn request(
    template: &RequestTemplate,
    values: &[(String, Values)],
    fixed: &Fixed<'_>,
) -> PreparedRequest {
    let mut head = Writer { parts: Vec::new(), values };
    head.text(&format!("{} ", template.method));
    head.template(&template.path, Context::Url, |text| text.to_owned());
    for (index, (name, value)) in template.query.iter().enumerate() {
        head.text(if index == 0 { "?" } else { "&" });
        head.text(&format!("{}=", percent_encode(name)));
        head.template(value, Context::Url, percent_encode);
    }
    head.text(&format!(" HTTP/1.1\r\nHost: {}\r\n", fixed.target.authority()));
    for (name, value) in &template.headers {
        head.text(&format!("{name}: "));
        head.template(value, Context::Header, |text| text.to_owned());
        head.text("\r\n");
    }
    let names = |name: &str| template.headers.iter().any(|(n, _)| n.eq_ignore_ascii_case(name));
    if !names("user-agent") {
        head.text(concat!("User-Agent: portcullis/", env!("CARGO_PKG_VERSION"), "\r\n"));
    }
    if template.json.is_some() && !names("content-type") {
        head.text("Content-Type: application/json\r\n");
    }
    if fixed.close {
        head.text("Connection: close\r\n");
    }
    if fixed.authorized && !names("authorization") {
        head.parts.push(Segment::Authorization);
    }
    if template.json.is_none() && matches!(template.method.as_str(), "POST" | "PUT" | "PATCH") {
        head.text("Content-Length: 0\r\n");
    }
    let body = template.json.as_ref().map(|json| {
        let mut body = Writer { parts: Vec::new(), values };
        body.template(json, Context::Json, |text| text.to_owned());
        body.parts
    });
    PreparedRequest {
        head: head.parts,
        body,
        idempotent: template.is_idempotent(),
        is_head: template.method == "HEAD",
    }
}

struct Writer<'a> {
    parts: Vec<Segment>,
    values: &'a [(String, Values)],
}

impl Writer<'_> {
    fn text(&mut self, text: &str) {
        match self.parts.last_mut() {
            Some(Segment::Bytes(bytes)) => bytes.extend_from_slice(text.as_bytes()),
            _ => self.parts.push(Segment::Bytes(text.as_bytes().to_vec())),
        }
    }

    fn template(&mut self, template: &Template, context: Context, fixed: impl Fn(&str) -> String) {
        for part in &template.0 {
            match part {
                Part::Text(text) => self.text(&fixed(text)),
                Part::Value(name) => {
                    if let Some(index) = self.values.iter().position(|(known, _)| known == name) {
                        self.parts.push(Segment::Value(index, context));
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use portcullis_core::config;
    use portcullis_core::rng::Domain;

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
        let authorization = prepared.authorization_line("tok");
        let task = &prepared.tasks[task];
        task.requests[0].write(&mut out, &mut scratch, &task.draw(&mut rng), &authorization);
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
