//! `{ env = "NAME" }` in headers, parameters, bodies and values: a text from the environment,
//! so that no password has to be in the file.

use super::reader::{Problems, note};
use super::tree::{self, Node, Value};

/// The value of an environment variable, if it is set.
pub type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// An environment for reading a configuration whose load is not run.
pub fn any_variable(_name: &str) -> Option<String> {
    Some("unknown".to_owned())
}

/// The keys of `[scenario]`, its login, its tasks and their steps that may contain them.
const KEYS: [&str; 12] = [
    "headers",
    "query",
    "json",
    "form",
    "body",
    "graphql",
    "multipart",
    "values",
    "username",
    "password",
    "api_key",
    "authorization",
];

/// Replaces every reference in a tree, and returns the values that were read. A variable that
/// is not set is a problem.
pub fn resolve(tree: &mut Node, lookup: Lookup<'_>, problems: &mut Problems) -> Vec<String> {
    let mut found = Vec::new();
    let Some(scenario) = tree::find(tree, "scenario") else { return found };
    let mut replace = |section: &mut Node, path: &str| {
        for name in KEYS {
            if let Some(table) = tree::find(section, name) {
                replace(table, &format!("{path}.{name}"), lookup, &mut found, problems);
            }
        }
    };
    replace(scenario, "scenario");
    if let Some(login) = tree::find(scenario, "login") {
        replace(login, "scenario.login");
        if let Some(refresh) = tree::find(login, "refresh") {
            replace(refresh, "scenario.login.refresh");
        }
    }
    if let Some(Node { value: Value::List(users), .. }) = tree::find(scenario, "user") {
        for login in users.iter_mut().filter_map(|users| tree::find(users, "login")) {
            replace(login, "scenario.user.login");
        }
    }
    if let Some(Node { value: Value::List(tasks), .. }) = tree::find(scenario, "task") {
        for task in tasks {
            replace(task, "scenario.task");
            if let Some(Node { value: Value::List(steps), .. }) = tree::find(task, "step") {
                steps.iter_mut().for_each(|step| replace(step, "scenario.task.step"));
            }
        }
    }
    found
}

fn replace(
    node: &mut Node,
    path: &str,
    lookup: Lookup<'_>,
    found: &mut Vec<String>,
    problems: &mut Problems,
) {
    if let Some(name) = name_of(node) {
        match lookup(name).filter(|value| !value.is_empty()) {
            Some(value) => {
                found.push(value.clone());
                node.value = Value::FromEnvironment(value);
            }
            None => {
                let message = format!(
                    "{path}: the environment variable {name} is not set: set it before the run, \
                     in CI as a secret of the project"
                );
                note(problems, node.at, message);
                // One problem is enough.
                node.value = Value::FromEnvironment(String::new());
            }
        }
        return;
    }
    match &mut node.value {
        Value::Table(entries) => entries.iter_mut().for_each(|entry| {
            replace(&mut entry.node, &format!("{path}.{}", entry.key), lookup, found, problems);
        }),
        Value::List(items) => {
            items.iter_mut().for_each(|item| replace(item, path, lookup, found, problems));
        }
        _ => {}
    }
}

/// The name of the variable, if the node is a reference: a table with this key only, and a
/// name in capitals.
pub fn name_of(node: &Node) -> Option<&str> {
    let Value::Table(entries) = &node.value else { return None };
    let [entry] = entries.as_slice() else { return None };
    let Value::Text(name) = &entry.node.value else { return None };
    let is_of_name = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    let is_name = name.chars().all(is_of_name) && name.starts_with(|c: char| !c.is_ascii_digit());
    // Other texts are ordinary JSON.
    (entry.key == "env" && is_name).then_some(name)
}

/// The values that were read for a node and everything in it.
pub fn read(node: &Node) -> Vec<&str> {
    match &node.value {
        Value::FromEnvironment(value) => vec![value],
        Value::Table(entries) => entries.iter().flat_map(|entry| read(&entry.node)).collect(),
        Value::List(items) => items.iter().flat_map(read).collect(),
        _ => Vec::new(),
    }
}
