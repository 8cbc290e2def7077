//! The script that looks at a project from inside, and its answer. It runs in the project's
//! own shell, isolated like a run: it fills the temporary database, resolves the routes and
//! asks each of them once, without a server.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde_json::{Value, json};

/// Functions that make rows; also part of the seed that is written.
pub const ROWS: &str = include_str!("rows.py");
const LOOK: &str = include_str!("look.py");

/// The name of the user that logs in.
pub const USER: &str = "portcullis";
/// Its password, which only a throwaway database ever has.
pub const PASSWORD: &str = "perf-only-password";
/// How many rows of each model are made.
pub const NUMBER: u32 = 25;

/// What the project's own code says.
#[derive(Clone, Debug, Deserialize)]
pub struct Seen {
    /// What its settings say.
    pub facts: Facts,
    /// What was done to fill the database, in order.
    pub seed: Vec<SeedPart>,
    /// A login that opened a route.
    pub login: Option<Login>,
    /// A login with a session, which needs a form.
    pub session: Option<SessionLogin>,
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
pub struct Login {
    /// `token` or `basic`.
    pub kind: String,
    /// The path that gives the token.
    #[serde(default)]
    pub path: String,
    /// The body.
    #[serde(default)]
    pub json: BTreeMap<String, String>,
    /// The status of a good answer.
    #[serde(default)]
    pub status: u16,
    /// Where the token is in the answer.
    #[serde(default)]
    pub token: String,
    /// The word before the token.
    #[serde(default)]
    pub prefix: String,
    /// The whole header, for `basic`.
    #[serde(default)]
    pub authorization: String,
}

/// A login with a form and a session.
#[derive(Clone, Debug, Deserialize)]
pub struct SessionLogin {
    /// Its path.
    pub path: String,
    /// Its view.
    pub view: String,
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

/// The script, which writes its answer to `out`.
pub fn script(out: &Path, commands: &[String], fixtures: &[String]) -> String {
    let plan = json!({
        "out": out.to_string_lossy(), "user": USER, "password": PASSWORD, "rows": NUMBER,
        "commands": commands, "fixtures": fixtures,
    });
    // A JSON text within a JSON text is also a text of Python.
    let plan = Value::from(plan.to_string());
    format!("{ROWS}\n\n{LOOK}\n\nmain(json.loads({plan}))\n")
}

/// Reads the answer.
///
/// # Errors
/// It is not what the script writes.
pub fn read(text: &str) -> serde_json::Result<Seen> {
    serde_json::from_str(text)
}
