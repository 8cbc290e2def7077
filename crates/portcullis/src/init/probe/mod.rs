//! The script that looks at a project from inside, and its answer. It runs in the project's
//! own shell, isolated like a run: it fills the temporary database, resolves the routes and
//! asks each of them once, without a server.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde_json::{Value, json};

use super::look::{Application, Request};

/// Functions that make rows; also part of the seed that is written.
pub const ROWS: &str = include_str!("rows.py");
/// The parts of the script that looks, in their order.
const LOOK: [&str; 5] = [
    include_str!("look.py"),
    include_str!("logins.py"),
    include_str!("graphql.py"),
    LISTS,
    OPENAPI,
];
const LISTS: &str = include_str!("lists.py");
const OPENAPI: &str = include_str!("openapi.py");
const APPLICATION: &str = include_str!("application.py");

/// The name of the user that logs in.
pub const USER: &str = "portcullis";
/// Its password, which only a throwaway database ever has.
pub const PASSWORD: &str = "perf-only-password";
/// A key that a model of the project stores, for a login without a password.
pub const KEY: &str = "perf-only-key-of-a-throwaway-database";
/// The client of OAuth2 that the user logs in with.
pub const CLIENT: &str = "portcullis";
/// How many rows of each model are made.
pub const NUMBER: u32 = 25;

/// What the project's own code says.
#[derive(Clone, Debug, Deserialize)]
pub struct Seen {
    /// What its settings say.
    pub facts: Facts,
    /// What was done to fill the database, in order.
    pub seed: Vec<SeedPart>,
    /// The login that opened most routes.
    pub login: Option<Login>,
    /// Logins that opened none, if no other did.
    pub failed_logins: Vec<Skipped>,
    /// Queries of GraphQL that answered without errors.
    pub graphql: Vec<Query>,
    /// The name that the user logs in with, if it could be made.
    pub user: Option<String>,
    /// A path that answers without a login.
    pub health: Option<String>,
    /// The routes with their answers.
    pub routes: Vec<Route>,
    /// Routes that were not asked.
    pub skipped: Vec<Skipped>,
}

/// What the settings say.
#[derive(Clone, Debug, Deserialize)]
pub struct Facts {
    /// `DEBUG`
    pub debug: bool,
    /// Settings that would keep a client on this machine out, with other values.
    pub overrides: BTreeMap<String, Value>,
    /// Rates by scope.
    pub throttles: BTreeMap<String, String>,
    /// Frameworks beside Django.
    pub frameworks: Vec<String>,
}

/// A part of the seed.
#[derive(Clone, Debug, Deserialize)]
pub struct SeedPart {
    /// `user`, `command`, `fixture` or `rows`.
    pub kind: String,
    /// The name of the command, the fixture or the model.
    pub name: String,
    /// Why it failed.
    pub error: Option<String>,
}

/// A login that gave access.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Login {
    /// A request whose answer has a token.
    Token(TokenLogin),
    /// The form of a page, and the cookie of a session.
    Session(SessionLogin),
    /// A header that the seed has made valid.
    Static {
        /// The whole header.
        authorization: String,
    },
    /// HTTP basic authentication.
    Basic {
        /// `username` and `password`.
        fields: BTreeMap<String, String>,
    },
}

/// A request whose answer has a token.
#[derive(Clone, Debug, Deserialize)]
pub struct TokenLogin {
    /// Its path.
    pub path: String,
    /// `json`, `form`, or `nested` for a JSON object in a JSON object.
    pub body: String,
    /// The fields of the body.
    pub fields: BTreeMap<String, Value>,
    /// The status of a good answer.
    pub status: u16,
    /// Where the token is in the answer.
    pub token: String,
    /// The word before the token.
    pub prefix: String,
}

/// A login with a form and a session.
#[derive(Clone, Debug, Deserialize)]
pub struct SessionLogin {
    /// Where the form is sent.
    pub path: String,
    /// The page with the form.
    pub page: String,
    /// The fields of the form, without the one against forgery.
    pub fields: BTreeMap<String, String>,
    /// The cookie against forgery.
    pub csrf_cookie: String,
    /// The cookie of the session.
    pub cookie: String,
}

/// A query of GraphQL.
#[derive(Clone, Debug, Deserialize)]
pub struct Query {
    /// The path of the endpoint.
    pub path: String,
    /// The field that is asked for.
    pub name: String,
    /// Its text.
    pub query: String,
    /// The dotted path of a list in the answer.
    pub array: Option<String>,
    /// The items of that list.
    pub items: Option<u64>,
}

/// A route and its answer.
#[derive(Clone, Debug, Deserialize)]
pub struct Route {
    /// Its path, with `<name>` for a parameter.
    pub path: String,
    /// Its name in the project.
    pub name: Option<String>,
    /// Values of its parameter.
    pub values: Option<BTreeMap<String, Vec<Value>>>,
    /// The query that it needs.
    #[serde(default)]
    pub query: BTreeMap<String, String>,
    /// Its view.
    pub view: String,
    /// The answer, with the login if it needs one.
    pub answer: Answer,
}

/// An answer, as far as it matters.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Answer {
    /// The status; 0 if the view raised.
    pub status: u16,
    /// What was raised.
    pub error: Option<String>,
    /// The dotted path of a list in the body.
    pub array: Option<String>,
    /// The items of that list.
    pub items: Option<u64>,
}

/// A route that was not asked.
#[derive(Clone, Debug, Deserialize)]
pub struct Skipped {
    /// Its path.
    pub path: String,
    /// Why.
    pub why: String,
}

/// What the files of the project name, to be tried.
#[derive(Clone, Copy, Debug)]
pub struct Tries<'a> {
    /// Commands that may fill a database.
    pub commands: &'a [String],
    /// Fixtures.
    pub fixtures: &'a [String],
    /// Modules with factories.
    pub factories: &'a [String],
    /// Requests of earlier load tests.
    pub requests: &'a [Request],
}

/// The script, which writes its answer to `out`.
pub fn script(out: &Path, tries: Tries<'_>) -> String {
    let request = |one: &Request| json!({ "path": one.path, "query": one.query });
    let plan = json!({
        "out": out.to_string_lossy(), "user": USER, "password": PASSWORD, "rows": NUMBER,
        "key": KEY, "client": CLIENT, "commands": tries.commands, "fixtures": tries.fixtures,
        "factories": tries.factories,
        "requests": tries.requests.iter().map(request).collect::<Vec<_>>(),
    });
    // A JSON text within a JSON text is also a text of Python.
    let plan = Value::from(plan.to_string());
    format!("{ROWS}\n\n{}\n\nmain(json.loads({plan}))\n", LOOK.join("\n\n"))
}

/// The script that looks at an application without Django, which writes its answer to `out`.
pub fn of_application(out: &Path, application: &Application) -> String {
    let plan = json!({
        "out": out.to_string_lossy(), "module": application.module, "name": application.name,
        "factory": application.is_factory, "framework": application.framework.name(),
    });
    let plan = Value::from(plan.to_string());
    format!("{APPLICATION}\n\n{LISTS}\n\n{OPENAPI}\n\nmain(json.loads({plan}))\n")
}

/// Reads the answer.
///
/// # Errors
/// It is not what the script writes.
pub fn read(text: &str) -> serde_json::Result<Seen> {
    serde_json::from_str(text)
}
