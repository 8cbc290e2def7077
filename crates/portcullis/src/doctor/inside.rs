//! What the project's own code says about databases, migrations and throttles.

use std::collections::BTreeMap;
use std::path::Path;

use portcullis_core::scenario::{Part, Task, Values};
use serde::Deserialize;
use serde_json::{Value, json};

const FACTS: &str = include_str!("facts.py");

/// The facts.
#[derive(Clone, Debug, Deserialize)]
pub struct Facts {
    /// The last part of each database's engine, by alias.
    pub engines: BTreeMap<String, String>,
    /// `DEBUG`
    pub debug: bool,
    /// The middleware.
    pub middleware: Vec<String>,
    /// Apps whose models differ from their migrations.
    pub pending: Vec<String>,
    /// Why the models and the migrations could not be compared.
    pub unknown: Option<String>,
    /// Scopes and rates by task.
    pub throttles: BTreeMap<String, Vec<(String, String)>>,
}

/// The script, which writes its answer to `out`.
pub fn script(out: &Path, tasks: &[Task]) -> String {
    let paths: Vec<(&str, String)> =
        tasks.iter().filter_map(|task| Some((task.name.as_str(), path(task)?))).collect();
    let plan = json!({ "out": out.to_string_lossy(), "paths": paths });
    let plan = Value::from(plan.to_string());
    format!("{FACTS}\n\n_facts(json.loads({plan}))\n")
}

/// The path of a task's first request, with the first of all values; `None` if one of them
/// is in a file.
fn path(task: &Task) -> Option<String> {
    let parts = &task.steps.first()?.request.path.0;
    let value = |name: &str| {
        let (_, values) = task.values.iter().find(|(known, _)| known == name)?;
        match values {
            Values::List(items) => items.first().cloned(),
            Values::Range(from, _) => Some(from.to_string()),
            Values::Timestamp | Values::Counter | Values::UserNumber => Some("1".to_owned()),
            Values::Uuid => Some("00000000-0000-4000-8000-000000000000".to_owned()),
            Values::RandomText(length) => Some("a".repeat(*length as usize)),
            Values::Column { .. } => None,
        }
    };
    parts
        .iter()
        .map(|part| match part {
            Part::Text(text) => Some(text.clone()),
            Part::Value(name) => value(name),
        })
        .collect()
}

/// Reads the answer; `None` if it is not what the script writes.
pub fn read(text: &str) -> Option<Facts> {
    serde_json::from_str(text).ok()
}
