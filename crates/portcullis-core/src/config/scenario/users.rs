//! `[[scenario.user]]`: several kinds of users, each with its login, its tasks and its waits.

use std::collections::HashSet;

use super::super::reader::{Problems, Reader, integer, list, note, text};
use super::super::tree::{Node, Value};
use super::login::login;
use super::steps::Around;
use super::{is_per_run, may_name, wait_of};
use crate::scenario::{DataFile, UserKind};
use crate::text::nearest;

/// The largest weight of a kind.
const LARGEST_WEIGHT: i64 = 1_000;

/// A kind of users, and the tasks and groups that it names; `None` for all of them.
pub struct Written {
    /// The kind.
    pub kind: UserKind,
    /// The names.
    pub tasks: Option<Vec<String>>,
}

/// The kinds of users. What a kind does not say is as in `usual`.
pub fn users(
    node: &Node,
    usual: &UserKind,
    (around, files): (&Around<'_>, &[DataFile]),
    problems: &mut Problems,
) -> Vec<Written> {
    let mut kinds = Vec::new();
    let mut names = HashSet::new();
    for item in list(node, "scenario.user", problems) {
        let mut section = Reader::new(item, "scenario.user", problems);
        let name = section.text("name", problems);
        if !name.is_empty() && (!may_name(&name) || name.contains('.')) {
            let message =
                format!("\"{name}\" is not a valid name of users: use letters, digits, _ -");
            note(problems, item.at, message);
        }
        if !names.insert(name.clone()) {
            note(problems, item.at, format!("two kinds of users are named \"{name}\""));
        }
        let weight = section.optional("weight").map_or(Some(1), |node| {
            integer(node, "scenario.user.weight", 1..=LARGEST_WEIGHT, problems)
        });
        let wait = match section.table("wait", problems) {
            Some(wait) => wait_of(wait, problems),
            None => usual.wait,
        };
        let login = match section.optional("login") {
            Some(node) => login(node, "scenario.user.login", around, files, problems),
            None => usual.login.clone(),
        };
        let tasks = section.optional("tasks").map(|node| names_of(node, problems));
        section.finish(problems);
        let weight = weight.and_then(|weight| u32::try_from(weight).ok()).unwrap_or(1);
        kinds.push(Written { kind: UserKind { name: Some(name), weight, login, wait }, tasks });
    }
    if kinds.is_empty() {
        note(problems, node.at, "scenario.user is empty: leave it out for one kind of users");
    }
    kinds
}

fn names_of(node: &Node, problems: &mut Problems) -> Vec<String> {
    let names = list(node, "scenario.user.tasks", problems);
    names.iter().filter_map(|item| text(item, "scenario.user.tasks", problems)).collect()
}

/// The text of a key of a task, before the task is read.
pub fn word<'n>(task: &'n Node, key: &str) -> Option<&'n str> {
    let Value::Table(entries) = &task.value else { return None };
    match &entries.iter().find(|entry| entry.key == key)?.node.value {
        Value::Text(text) => Some(text),
        _ => None,
    }
}

/// The kinds that call a task, by its name and group.
pub fn callers(task: &Node, kinds: &[Written]) -> Vec<usize> {
    let known = [word(task, "name"), word(task, "group")];
    let calls = |kind: &Written| match &kind.tasks {
        None => true,
        Some(names) => names.iter().any(|name| known.contains(&Some(name))),
    };
    let kinds = kinds.iter().enumerate().filter(|(_, kind)| calls(kind));
    kinds.map(|(index, _)| index).collect()
}

/// Names that are no task and no group, and tasks that no kind calls.
pub fn check_tasks(at: &Node, tasks: &[Node], kinds: &[Written], problems: &mut Problems) {
    let known: Vec<&str> =
        tasks.iter().flat_map(|task| [word(task, "name"), word(task, "group")]).flatten().collect();
    for name in kinds.iter().flat_map(|kind| kind.tasks.iter().flatten()) {
        if !known.contains(&name.as_str()) {
            let near = nearest(name, known.iter().copied());
            note(
                problems,
                at.at,
                format!("scenario.user.tasks: unknown task or group \"{name}\"{near}"),
            );
        }
    }
    for task in tasks.iter().filter(|task| !is_per_run(task)) {
        if callers(task, kinds).is_empty() {
            let name = word(task, "name").unwrap_or_default();
            let message = format!(
                "no [[scenario.user]] calls the task \"{name}\": name it in the tasks of one"
            );
            note(problems, task.at, message);
        }
    }
}
