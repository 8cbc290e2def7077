//! One step of a task: a request, the conditions for a good answer, and the values to
//! extract.

use super::Wait;
use super::body::BodyTemplate;
use super::check::Check;
use super::extract::Extract;
use super::template::Template;
use crate::text::is_secret_name;

/// A request and its expected answer.
#[derive(Clone, Debug)]
pub struct Step {
    /// Its name, if it has a row of results of its own.
    pub name: Option<String>,
    /// The pause before it.
    pub wait: Option<Wait>,
    /// The request.
    pub request: RequestTemplate,
    /// Statuses that mean success.
    pub accept: Vec<u16>,
    /// The conditions on the body of a success.
    pub checks: Vec<Check>,
    /// Whether an answer must have the shape of the one in the first round; only if no hard
    /// check says what it must be.
    pub compares_shape: bool,
    /// The values to take from the answer.
    pub extract: Vec<Extract>,
    /// How many redirects are followed; they are part of the step.
    pub redirects: u8,
    /// Whether a user asks only for what has changed since the last answer (RFC 9110, section
    /// 13.1): an unchanged one (304) is good, and has no body to check.
    pub conditional: bool,
    /// How often it is made in one call.
    pub repeat: u32,
    /// Whether a user makes it in its first call only; what it extracts is kept.
    pub once: bool,
}

/// A request with placeholders for values.
#[derive(Clone, Debug)]
pub struct RequestTemplate {
    /// `GET`, `POST`, …
    pub method: String,
    /// Begins with `/`.
    pub path: Template,
    /// Parameters, percent-encoded when they are sent.
    pub query: Vec<(String, Template)>,
    /// Header fields.
    pub headers: Vec<(String, Template)>,
    /// The body.
    pub body: Option<BodyTemplate>,
}

impl RequestTemplate {
    /// Whether a lost request may be sent again: RFC 9110, section 9.2.2.
    pub fn is_idempotent(&self) -> bool {
        matches!(self.method.as_str(), "GET" | "HEAD" | "OPTIONS" | "PUT" | "DELETE" | "TRACE")
    }

    /// Whether the method changes nothing on the server (RFC 9110, section 9.2.1), so that no
    /// token against forged requests is needed.
    pub fn is_safe(&self) -> bool {
        matches!(self.method.as_str(), "GET" | "HEAD" | "OPTIONS" | "TRACE")
    }

    /// Method and path for tables: `/claims/{id}/`.
    pub fn label(&self) -> String {
        let mut label = self.path.fill(|name| format!("{{{name}}}"));
        for (index, (name, value)) in self.query.iter().enumerate() {
            label.push(if index == 0 { '?' } else { '&' });
            let value = match is_secret_name(name) {
                true => "***".to_owned(),
                false => value.fill(|name| format!("{{{name}}}")),
            };
            label.push_str(&format!("{name}={value}"));
        }
        label
    }

    /// Method and label: `GET /claims/{id}/`.
    pub fn title(&self) -> String {
        format!("{} {}", self.method, self.label())
    }

    /// Every template of the request.
    pub fn templates(&self) -> impl Iterator<Item = &Template> {
        let pairs = self.query.iter().chain(&self.headers).map(|(_, template)| template);
        let body = self.body.iter().flat_map(BodyTemplate::templates);
        std::iter::once(&self.path).chain(pairs).chain(body)
    }
}

/// The methods of steps, for one row of results.
pub fn methods(steps: &[Step]) -> String {
    joined(steps, |request| request.method.clone())
}

/// The paths of steps, for one row of results: `/claims/{id}/`.
pub fn labels(steps: &[Step]) -> String {
    joined(steps, RequestTemplate::label)
}

/// Methods and paths of steps: `GET /claims/{id}/`.
pub fn titles(steps: &[Step]) -> String {
    joined(steps, RequestTemplate::title)
}

fn joined(steps: &[Step], part: impl Fn(&RequestTemplate) -> String) -> String {
    let parts: Vec<String> = steps.iter().map(|step| part(&step.request)).collect();
    parts.join(" → ")
}
