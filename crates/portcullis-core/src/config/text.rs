//! Writes a configuration tree: as JSON values, and as the effective TOML with secrets
//! replaced.

use std::collections::BTreeSet;

use super::tree::{self, Entry, Node, Value};
use super::variables;
use crate::scenario::Template;
use crate::text::is_secret_name;

/// The replacement of a secret.
const HIDDEN: &str = "***";

/// Variables that a run sets itself.
pub fn is_reserved_env(name: &str) -> bool {
    ["DJANGO_SETTINGS_MODULE", "PYTHONPATH", "PYTHONPYCACHEPREFIX", "VIRTUAL_ENV"].contains(&name)
        || name.starts_with("PORTCULLIS_")
}

/// The node as JSON; `None` if it contains a date, or a number that JSON does not have.
pub fn to_json(node: &Node) -> Option<serde_json::Value> {
    Some(match &node.value {
        Value::Text(text) | Value::FromEnvironment(text) => text.as_str().into(),
        Value::Integer(number) => (*number).into(),
        Value::Float(number) => serde_json::Number::from_f64(*number)?.into(),
        Value::Bool(flag) => (*flag).into(),
        Value::List(items) => items.iter().map(to_json).collect::<Option<Vec<_>>>()?.into(),
        Value::Table(entries) => {
            let pairs = entries.iter().map(|e| Some((e.key.clone(), to_json(&e.node)?)));
            serde_json::Value::Object(pairs.collect::<Option<_>>()?)
        }
        Value::Date => return None,
    })
}

/// The tree as TOML. Values with a secret name are replaced in the tables with names of the
/// user (environment, headers, bodies, parameters), and the values that are drawn for them.
pub fn to_redacted_toml(tree: &Node) -> String {
    to_toml(tree, Comments::None)
}

/// The comments behind the values of a written tree.
#[derive(Clone, Copy)]
pub enum Comments<'a> {
    /// There are none.
    None,
    /// The text for each value.
    Of(&'a dyn Fn(&Node) -> String),
}

/// The same as [`to_redacted_toml`], with comments.
pub fn to_toml(tree: &Node, comments: Comments<'_>) -> String {
    let mut out = String::from("# The effective configuration: defaults, file, profile, flags.\n");
    table(tree, "", Style { comments, drawn: &drawn_secrets(tree) }, &mut out);
    out
}

/// How a tree is written.
#[derive(Clone, Copy)]
struct Style<'a> {
    comments: Comments<'a>,
    /// Names of drawn values that are secrets.
    drawn: &'a BTreeSet<String>,
}

/// The widest value that the comments of its neighbours are aligned with.
const ALIGNED: usize = 48;

/// Writes values with their keys, and comments in a column behind them.
fn lines<'a>(entries: impl Iterator<Item = &'a Entry>, style: Style<'_>, out: &mut String) {
    let written = |entry: &'a Entry| {
        (
            format!("{} = {}", key(&entry.key), inline(&entry.node, &entry.key, style.drawn)),
            &entry.node,
        )
    };
    let lines: Vec<(String, &Node)> = entries.map(written).collect();
    let widths = lines.iter().map(|(line, _)| line.chars().count());
    let width = widths.filter(|width| *width <= ALIGNED).max().unwrap_or(0);
    for (line, node) in &lines {
        match style.comments {
            Comments::None => out.push_str(&format!("{line}\n")),
            Comments::Of(comment) => {
                out.push_str(&format!("{line:<width$}  # {}\n", comment(node)));
            }
        }
    }
}

/// The names of the values that fields with a secret name use.
fn drawn_secrets(tree: &Node) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    if let Some(scenario) = tree::get(tree, "scenario") {
        collect_drawn(scenario, "", &mut names);
    }
    names
}

fn collect_drawn(node: &Node, name: &str, names: &mut BTreeSet<String>) {
    match &node.value {
        Value::Table(entries) => {
            entries.iter().for_each(|entry| collect_drawn(&entry.node, &entry.key, names));
        }
        Value::List(items) => items.iter().for_each(|item| collect_drawn(item, name, names)),
        Value::Text(text) if is_secret_name(name) => {
            let template = Template::parse(text).unwrap_or_default();
            names.extend(template.names().map(str::to_owned));
        }
        _ => {}
    }
}

fn table(node: &Node, path: &str, style: Style<'_>, out: &mut String) {
    let Value::Table(entries) = &node.value else { return };
    let nested = |node: &Node| match &node.value {
        Value::Table(_) => path.is_empty(),
        Value::List(items) => is_tables(items),
        _ => false,
    };
    if !path.is_empty() {
        out.push_str(&format!("\n[{path}]\n"));
    }
    lines(entries.iter().filter(|e| !nested(&e.node)), style, out);
    for entry in entries.iter().filter(|e| nested(&e.node)) {
        let path = join(path, &entry.key);
        match &entry.node.value {
            Value::List(items) => items.iter().for_each(|item| {
                out.push_str(&format!("\n[[{path}]]\n"));
                let Value::Table(entries) = &item.value else { return };
                lines(entries.iter(), style, out);
            }),
            _ => table(&entry.node, &path, style, out),
        }
    }
}

fn is_tables(items: &[Node]) -> bool {
    !items.is_empty() && items.iter().all(|item| matches!(item.value, Value::Table(_)))
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { key(name) } else { format!("{path}.{}", key(name)) }
}

fn key(name: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
    if !name.is_empty() && name.chars().all(bare) { name.to_owned() } else { quoted(name) }
}

/// Whether an entry is a fixed secret of a login: a password, a key, or a header without a
/// placeholder. `token` says where the token is.
fn is_fixed_login(entry: &tree::Entry) -> bool {
    let Value::Text(text) = &entry.node.value else { return false };
    match entry.key.as_str() {
        "password" | "api_key" | "authorization" => !text.contains("{{"),
        _ => false,
    }
}

/// A JSON string is also a TOML basic string, except the escaped slash (which is not
/// written) and DEL (which must be escaped).
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string().replace('\u{7f}', "\\u007F")
}

/// `name` is the key of the node; tables with free keys pass on their own keys.
fn inline(node: &Node, name: &str, drawn: &BTreeSet<String>) -> String {
    const FREE: [&str; 8] =
        ["set", "headers", "json", "query", "overrides", "form", "multipart", "variables"];
    match &node.value {
        Value::Text(text) => quoted(text),
        Value::Integer(number) => number.to_string(),
        // TOML writes these values in lower case.
        Value::Float(number) => format!("{number:?}").to_lowercase(),
        Value::Bool(flag) => flag.to_string(),
        Value::Date => quoted("date"),
        Value::FromEnvironment(_) => quoted(HIDDEN),
        Value::List(items) => {
            let items: Vec<String> = items.iter().map(|item| inline(item, name, drawn)).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Table(entries) => {
            let free = FREE.contains(&name) || name == "*";
            let pair = |entry: &Entry| {
                let is_secret_name = is_secret_name(&entry.key);
                let value = match name == "values" {
                    // Still a list, so that the text can be read again.
                    true if is_secret_name || drawn.contains(&entry.key) => {
                        format!("[{}]", quoted(HIDDEN))
                    }
                    // The name of a variable is no secret.
                    false
                        if free && is_secret_name && variables::name_of(&entry.node).is_none() =>
                    {
                        quoted(HIDDEN)
                    }
                    _ if is_fixed_login(entry) => quoted(HIDDEN),
                    _ => inline(&entry.node, if free { "*" } else { &entry.key }, drawn),
                };
                format!("{} = {value}", key(&entry.key))
            };
            let pairs: Vec<String> = entries.iter().map(pair).collect();
            format!("{{ {} }}", pairs.join(", "))
        }
    }
}
