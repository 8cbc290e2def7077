//! Keys that were renamed. The old name is still read, with a warning.

use super::reader::Reader;
use super::tree::{self, Node, Value};

/// The present name of a key, and its old name.
pub type Renamed = (&'static str, &'static str);

/// How often the service allows a task.
pub const MAX_CALLS: Renamed = ("max_calls", "budget");

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
    let tasks: &[Node] = match tasks.map(|tasks| &tasks.value) {
        Some(Value::List(tasks)) => tasks,
        _ => &[],
    };
    let (name, old) = MAX_CALLS;
    let is_written = tasks.iter().any(|task| tree::get(task, old).is_some());
    is_written
        .then(|| format!("scenario.task: \"{old}\" is now called \"{name}\""))
        .into_iter()
        .collect()
}
