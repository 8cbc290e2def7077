//! How a user logs in, and how later requests show who it is.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::step::Step;
use super::template::{Part, Template};
use super::values::NamedValues;

/// The name under which a login extracts the token of later requests.
pub const TOKEN: &str = "token";
/// The name under which a session login keeps the token of the form.
pub const CSRF: &str = "csrf";

/// How a user logs in, and what later requests carry.
#[derive(Clone, Debug)]
pub struct Login {
    /// Its requests in order; none for a fixed header.
    pub steps: Vec<Step>,
    /// Values by name, drawn for each login.
    pub values: NamedValues,
    /// The header field of later requests, if there is one.
    pub header: Option<LoginHeader>,
    /// How forms of the session are protected; only of a session login.
    pub session: Option<SessionLogin>,
    /// One login for all users instead of one for each.
    pub shared: bool,
    /// Whether a user logs in once more when its token has expired (401).
    pub renew: bool,
    /// How a token is refreshed before it ends, if it is.
    pub refresh: Option<Refresh>,
}

/// How a token is refreshed before it ends.
#[derive(Clone, Debug)]
pub struct Refresh {
    /// The request; it extracts the new token.
    pub step: Step,
    /// How long a token is good.
    pub lifetime: Lifetime,
}

/// How long a token is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lifetime {
    /// Always this long.
    Fixed(Duration),
    /// As many seconds as the answer says; the value is extracted as [`EXPIRES_IN`].
    Said,
}

/// The name under which a login extracts how long its token is good.
pub const EXPIRES_IN: &str = "expires_in";

/// The name of the row of refreshed tokens.
pub const REFRESH_ROW: &str = "login / refresh";

impl Lifetime {
    /// The share of the lifetime after which a token is refreshed.
    const SHARE: f64 = 0.8;

    /// How long after it was given a token is refreshed; `said` is what the answer says.
    pub fn refresh_after(self, said: Option<&str>) -> Option<Duration> {
        let lifetime = match self {
            Self::Fixed(lifetime) => lifetime.as_secs_f64(),
            Self::Said => said?.trim().parse().ok()?,
        };
        Duration::try_from_secs_f64(lifetime * Self::SHARE).ok()
    }
}

/// A header field that proves who the user is.
#[derive(Clone, Debug)]
pub struct LoginHeader {
    /// Its name.
    pub name: String,
    /// Its value; it may use what the login extracts.
    pub value: Template,
    /// Whether the value is encoded as the credentials of `Basic` (RFC 7617).
    pub is_basic: bool,
}

/// The protection of forms, as Django does it, and the cookie that proves a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionLogin {
    /// The cookie that the login must set; `None` for any except that of the token.
    pub cookie: Option<String>,
    /// The cookie of the form's token.
    pub csrf_cookie: String,
    /// The header of unsafe requests that carries it.
    pub csrf_header: String,
    /// The field of the form that carries it.
    pub csrf_field: String,
}

impl Login {
    /// A login without a request: a header that is always the same, or none.
    pub fn without_request(header: Option<LoginHeader>) -> Self {
        Self {
            steps: Vec::new(),
            values: Vec::new(),
            header,
            session: None,
            shared: false,
            renew: false,
            refresh: None,
        }
    }

    /// The names that its steps extract, in order: the values that tasks may use.
    pub fn extracts(&self) -> impl Iterator<Item = &str> {
        self.steps.iter().flat_map(|step| &step.extract).map(|extract| extract.name.as_str())
    }
}

impl LoginHeader {
    /// The line of the header, with its line end. `value` gives each placeholder.
    pub fn line(&self, value: impl FnMut(&str) -> String) -> String {
        let filled = self.value.fill(value);
        match self.is_basic {
            true => format!("{}: Basic {}\r\n", self.name, STANDARD.encode(filled)),
            false => format!("{}: {filled}\r\n", self.name),
        }
    }

    /// The value that never changes, if it has no placeholder: a secret of the configuration.
    pub fn fixed(&self) -> Option<String> {
        let is_fixed = self.value.0.iter().all(|part| matches!(part, Part::Text(_)));
        is_fixed.then(|| self.line(|_| String::new()))
    }
}
