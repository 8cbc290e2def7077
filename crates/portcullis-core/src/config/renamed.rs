//! Keys that were renamed. The old name is still read, with a warning.

use super::reader::Reader;
use super::tree::{self, Node, Value};

/// The present name of a key, and its old name.
pub type Renamed = (&'static str, &'static str);

/// How often the service allows a task.
pub const MAX_CALLS: Renamed = ("max_calls", "budget");

/// The path of a check.
pub const JSON: Renamed = ("json", "array");

/// The value of a renamed key, with the name in the file. If both names are used, the old
/// one is reported as unknown.
pub fn either<'a>(section: &mut Reader<'a>, key: Renamed) -> Option<(&'static str, &'a Node)> {
    let (name, old) = key;
    match section.optional(name) {
        Some(node) => Some((name, node)),
        None => section.optional(old).map(|node| (old, node)),
    }
}

/// The warnings about old names in a configuration, each once.
pub fn warnings(tree: &Node) -> Vec<String> {
    let tasks = tree::get(tree, "scenario").and_then(|scenario| tree::get(scenario, "task"));
    let tasks = tasks.map(items).unwrap_or_default();
    let checks = tasks.iter().filter_map(|task| tree::get(task, "check")).flat_map(items);
    let checks: Vec<&Node> = checks.collect();
    let tasks: Vec<&Node> = tasks.iter().collect();
    let all = [("scenario.task", &tasks, MAX_CALLS), ("scenario.task.check", &checks, JSON)];
    let is_written = |nodes: &[&Node], old| nodes.iter().any(|node| tree::get(node, old).is_some());
    let written = all.into_iter().filter(|(_, nodes, (_, old))| is_written(nodes, old));
    written
        .map(|(path, _, (name, old))| format!("{path}: \"{old}\" is now called \"{name}\""))
        .collect()
}

/// The items of a list; a table is a list of one.
fn items(node: &Node) -> &[Node] {
    match &node.value {
        Value::List(items) => items,
        _ => std::slice::from_ref(node),
    }
}
