//! Writes the requests of a scenario as bytes once, with segments for what changes.

use portcullis_core::scenario::{
    BodyTemplate, Condition, NamedValues, Part, PartContent, RequestTemplate, SessionLogin, Step,
    Template,
};
use portcullis_core::target::Target;

use super::encoding::{Context, percent_encode};
use super::prepared::{PreparedRequest, Segment};

/// Settings of all requests.
#[derive(Clone)]
pub struct Fixed<'a> {
    /// The server.
    pub target: &'a Target,
    /// Whether each request has its own connection.
    pub close: bool,
    /// Whether users keep cookies.
    pub cookies: bool,
    /// The name of the header that the login gives.
    pub login: Option<String>,
    /// How a session is protected.
    pub session: Option<SessionLogin>,
}

/// The names of what changes.
#[derive(Clone, Copy)]
pub struct Names<'a> {
    /// The drawn values.
    pub values: &'a NamedValues,
    /// The values of earlier answers.
    pub slots: &'a [String],
}

/// The request of a step.
pub fn request(step: &Step, names: Names<'_>, fixed: &Fixed<'_>) -> PreparedRequest {
    let template = &step.request;
    let mut line = Writer::new(names);
    line.text(&format!("{} ", template.method));
    line.template(&template.path, Context::Url, |text| text.to_owned());
    for (index, (name, value)) in template.query.iter().enumerate() {
        line.text(if index == 0 { "?" } else { "&" });
        line.text(&format!("{}=", percent_encode(name)));
        line.template(value, Context::Url, percent_encode);
    }
    let mut fields = fields(template, names, fixed);
    if step.conditional {
        fields.parts.push(Segment::Validators);
    }
    let has_type = has_header(template, "content-type");
    let mut body_fields = String::new();
    let media_type = template.body.as_ref().and_then(media_type).filter(|_| !has_type);
    if let Some(media_type) = media_type {
        body_fields.push_str(&format!("Content-Type: {media_type}\r\n"));
    }
    if template.body.is_none() && matches!(template.method.as_str(), "POST" | "PUT" | "PATCH") {
        body_fields.push_str("Content-Length: 0\r\n");
    }
    let body = template.body.as_ref().map(|body| self::body(body, names));
    let used = template.templates().flat_map(Template::names);
    let mut needs: Vec<usize> = used.filter_map(|name| names.slot(name)).collect();
    needs.sort_unstable();
    needs.dedup();
    PreparedRequest {
        line: line.parts,
        fields: fields.parts,
        body_fields: body_fields.into_bytes(),
        body: body.map(|body| body.parts),
        needs,
        takes: step.extract.iter().filter_map(|extract| names.slot(&extract.name)).collect(),
        idempotent: template.is_idempotent(),
        needs_fields: step.conditional
            || step.checks.iter().any(|one| matches!(one.condition, Condition::Header { .. })),
        conditional: step.conditional,
        is_head: template.method == "HEAD",
    }
}

fn has_header(template: &RequestTemplate, name: &str) -> bool {
    template.headers.iter().any(|(known, _)| known.eq_ignore_ascii_case(name))
}

/// The version and the header fields, except those of the body.
fn fields<'a>(template: &RequestTemplate, names: Names<'a>, fixed: &Fixed<'_>) -> Writer<'a> {
    let mut head = Writer::new(names);
    head.text(&format!(" HTTP/1.1\r\nHost: {}\r\n", fixed.target.authority()));
    for (name, value) in &template.headers {
        head.text(&format!("{name}: "));
        head.template(value, Context::Header, |text| text.to_owned());
        head.text("\r\n");
    }
    if !has_header(template, "user-agent") {
        head.text(concat!("User-Agent: portcullis/", env!("CARGO_PKG_VERSION"), "\r\n"));
    }
    if fixed.close {
        head.text("Connection: close\r\n");
    }
    if fixed.login.as_ref().is_some_and(|name| !has_header(template, name)) {
        head.parts.push(Segment::Login);
    }
    if fixed.cookies && !has_header(template, "cookie") {
        head.parts.push(Segment::Cookies);
    }
    if let Some(session) = fixed.session.as_ref().filter(|_| !template.is_safe()) {
        if !has_header(template, "referer") {
            head.text(&format!("Referer: {}/\r\n", fixed.target.url()));
        }
        if !has_header(template, &session.csrf_header) {
            let (cookie, header) = (session.csrf_cookie.clone(), session.csrf_header.clone());
            head.parts.push(Segment::Csrf(cookie, header));
        }
    }
    head
}

/// Separates the parts of a `multipart/form-data` body. Long and odd, so that no content has
/// it by chance.
const BOUNDARY: &str = "portcullis-boundary-5f1c0d9ab2e84763";

/// The media type of a body that has one of its own.
fn media_type(body: &BodyTemplate) -> Option<String> {
    match body {
        BodyTemplate::Json(_) => Some("application/json".to_owned()),
        BodyTemplate::Form(_) => Some("application/x-www-form-urlencoded".to_owned()),
        BodyTemplate::Raw(_) => None,
        BodyTemplate::Multipart(_) => Some(format!("multipart/form-data; boundary={BOUNDARY}")),
    }
}

fn body<'a>(template: &BodyTemplate, names: Names<'a>) -> Writer<'a> {
    let mut body = Writer::new(names);
    match template {
        BodyTemplate::Json(json) => body.template(json, Context::Json, |text| text.to_owned()),
        BodyTemplate::Raw(text) => body.template(text, Context::Header, |text| text.to_owned()),
        BodyTemplate::Form(fields) => {
            for (index, (name, value)) in fields.iter().enumerate() {
                body.text(if index == 0 { "" } else { "&" });
                body.text(&format!("{}=", percent_encode(name)));
                body.template(value, Context::Url, percent_encode);
            }
        }
        BodyTemplate::Multipart(parts) => {
            for part in parts {
                body.text(&format!("--{BOUNDARY}\r\n"));
                let name = &part.name;
                match &part.content {
                    PartContent::Text(text) => {
                        body.text(&format!(
                            "Content-Disposition: form-data; name=\"{name}\"\r\n\r\n"
                        ));
                        body.template(text, Context::Header, |text| text.to_owned());
                    }
                    PartContent::File { file_name, media_type, source } => {
                        body.text(&format!(
                            "Content-Disposition: form-data; name=\"{name}\"; \
                             filename=\"{file_name}\"\r\nContent-Type: {media_type}\r\n\r\n"
                        ));
                        body.bytes(&source.bytes());
                    }
                }
                body.text("\r\n");
            }
            body.text(&format!("--{BOUNDARY}--\r\n"));
        }
    }
    body
}

impl Names<'_> {
    fn slot(&self, name: &str) -> Option<usize> {
        self.slots.iter().position(|known| known == name)
    }
}

struct Writer<'a> {
    parts: Vec<Segment>,
    names: Names<'a>,
}

impl<'a> Writer<'a> {
    fn new(names: Names<'a>) -> Self {
        Self { parts: Vec::new(), names }
    }

    fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    fn bytes(&mut self, more: &[u8]) {
        match self.parts.last_mut() {
            Some(Segment::Bytes(bytes)) => bytes.extend_from_slice(more),
            _ => self.parts.push(Segment::Bytes(more.to_vec())),
        }
    }

    fn template(&mut self, template: &Template, context: Context, fixed: impl Fn(&str) -> String) {
        for part in &template.0 {
            match part {
                Part::Text(text) => self.text(&fixed(text)),
                Part::Value(name) => {
                    let value = self.names.values.iter().position(|(known, _)| known == name);
                    if let Some(index) = self.names.slot(name) {
                        self.parts.push(Segment::Slot(index, context));
                    } else if let Some(index) = value {
                        self.parts.push(Segment::Value(index, context));
                    }
                }
            }
        }
    }
}
